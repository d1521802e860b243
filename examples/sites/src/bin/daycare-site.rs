//! Runs the daycare site on its own; `--help` says how.

fn main() -> std::process::ExitCode {
    rempart_example_sites::run(rempart_example_sites::Site::Daycare)
}
