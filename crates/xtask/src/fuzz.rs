//! `cargo xtask fuzz`: libFuzzer on code that is built with counters at every branch. It needs stable Rust and a C++ compiler.
//!
//! What was tried is kept in `target/fuzz`, so that the next run goes on where this one ends; a text that made something
//! panic is kept in `target/fuzz/found`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

use clap::{Args, ValueEnum};

use crate::debian::{self, Program};
use crate::workspace::{self, root};

/// Looks for texts that make the loader of the configuration, the cookies' guard or the reader of ClientHellos do what it must
/// not, guided by which code they reach.
#[derive(Args)]
pub(crate) struct Options {
    /// What is fuzzed.
    #[arg(value_enum, default_value_t = Target::Config)]
    target: Target,
    /// For how long.
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u32,
    /// Processes at once, each with its own random numbers.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    jobs: u32,
    /// Only try this text again, which was found before.
    #[arg(long, value_name = "FILE")]
    again: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// The files of a configuration: what they come to, who is served, what is said.
    Config,
    /// Lines of `Cookie` and `Set-Cookie`: what leaves, what comes back, what the application sees.
    Cookies,
    /// What a client sends first: what rustls reads in it, and what we do.
    #[value(name = "client_hello")]
    ClientHello,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Cookies => "cookies",
            Self::ClientHello => "client_hello",
        }
    }
}

/// Builds the target and runs it; the status is libFuzzer's.
pub(crate) fn run(options: &Options) -> ExitCode {
    match debian::ensure(&[COMPILER]).and_then(|()| fuzz(options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What libFuzzer itself is built with.
const COMPILER: Program = Program::new("g++", "g++");

fn fuzz(options: &Options) -> io::Result<bool> {
    let directory = workspace::target_directory()?.join("fuzz");
    let name = options.target.name();
    let program = build(&directory, name)?;
    if let Some(text) = &options.again {
        return Ok(Command::new(program).arg(text).status()?.success());
    }
    let (corpus, found) = (directory.join(name), directory.join("found"));
    fs::create_dir_all(&found)?;
    match options.target {
        Target::Config => sow(&corpus)?,
        Target::Cookies => sow_cookies(&corpus)?,
        Target::ClientHello => sow_hellos(&corpus)?,
    }
    let mut command = Command::new(program);
    command
        .arg(&corpus)
        .arg(format!("-artifact_prefix={}/", found.display()));
    command.arg(format!("-max_total_time={}", options.seconds));
    // A text that takes longer than this keeps a reload from its end: that is found as well.
    command.args([
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-max_len=16384",
        "-print_final_stats=1",
    ]);
    if options.jobs > 1 {
        command.arg(format!("-fork={}", options.jobs));
    }
    let passed = command.status()?.success();
    if !passed {
        eprintln!(
            "\n✗ found in {}. To repeat it:\n    cargo xtask fuzz {name} --again FILE",
            found.display()
        );
    }
    Ok(passed)
}

/// Builds a target, and gives the program. All versions are those of the workspace.
fn build(directory: &Path, name: &str) -> io::Result<PathBuf> {
    let fuzz = root().join("fuzz");
    fs::copy(root().join("Cargo.lock"), fuzz.join("Cargo.lock"))?;
    let host = host()?;
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&fuzz)
        .env("CARGO_TARGET_DIR", directory)
        .env("RUSTFLAGS", COVERAGE.join(" "));
    // With a target named, build scripts are not built with the flags.
    cargo.args(["build", "--release", "--bin", name, "--target", &host]);
    if !cargo.status()?.success() {
        return Err(io::Error::other("the target cannot be built"));
    }
    Ok(directory.join(host).join("release").join(name))
}

/// What `cargo fuzz` asks nightly Rust for, as stable Rust takes it: LLVM's own pass, with counters that libFuzzer reads. No
/// sanitizer: there is no `unsafe` that it would watch.
const COVERAGE: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

fn host() -> io::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| io::Error::other("rustc names no host"))
}

/// Lays out what the fuzzer begins with: the examples' files, and every preset as a tenant's file.
fn sow(corpus: &Path) -> io::Result<()> {
    fs::create_dir_all(corpus)?;
    let vendor = fs::read(root().join("examples/vendor/rempart.toml"))?;
    let examples = texts(&root().join("examples/vendor/tenants.d"))?;
    let presets = texts(&root().join("crates/config/src/presets"))?;
    for (name, text) in examples.iter().chain(&presets) {
        let between = &b"#----\n"[..];
        let (_, other) = &examples[0];
        let variables = &b"TENANTS__CITY__UPSTREAM__URL=http://127.0.0.1:9102\n"[..];
        let input = [&vendor, text, other, text].map(Vec::as_slice).join(between);
        fs::write(
            corpus.join(format!("seed-{name}")),
            [&input, between, variables].concat(),
        )?;
    }
    Ok(())
}

/// Cookies as applications and browsers write them, and as those who mean harm do.
fn sow_cookies(corpus: &Path) -> io::Result<()> {
    fs::create_dir_all(corpus)?;
    for (number, lines) in COOKIES.iter().enumerate() {
        for prefix in 0..3_u8 {
            let seed = [&[prefix], lines.as_bytes()].concat();
            fs::write(corpus.join(format!("seed-{number}-{prefix}")), seed)?;
        }
    }
    Ok(())
}

/// A line that begins with `<` is a `Set-Cookie`, with `/` a path, with `~` a change to a seal; others are a `Cookie`.
const COOKIES: [&str; 9] = [
    "<PHPSESSID=ab12; Domain=.vendor.example; Path=/; Max-Age=99999999",
    "<ASP.NET_SessionId=cd34; path=/; HttpOnly; SameSite=None\n<basket=\"a b\"; Expires=Fri, 01-Jan-2055 00:00:00 GMT; Path=/x",
    "<wordpress_logged_in_0a1b=admin%7C1; Domain=library.vendor.example; secure\n<wp-settings-1=a; Priority=High; Partitioned",
    "<gone=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0\n<track1=x\n<frames=y\n<apps=z; Path=/\n<=nameless\n<nothing",
    "a=1; b=\"2; c\"; XSRF-TOKEN=x==\ntheme=dark, mostly",
    "phpsessid=1; PHPSESSID=2; __Host-PHPSESSID=3; __Secure-PHPSESSID=4; ..Host-PHPSESSID=5; %50HPSESSID=6; PHPSESSID[]=7",
    "x=1, PHPSESSID=8; ASP_NET_SessionId=9; wordpress.logged_in_1=a; __Host-basket=1; basket=2; __Secure-apps=3; trackme=4",
    "a=1; a=2;; ;=;x;%00=\n~0A1B",
    "/page;jsessionid=0A1B/(S(abc))/x?a=b;jsessionid=1\na=1",
];

/// ClientHellos as libraries send them: in one record and in several, with little in them and with much, and with GREASE.
fn sow_hellos(corpus: &Path) -> io::Result<()> {
    fs::create_dir_all(corpus)?;
    for (number, extensions) in EXTENSIONS.iter().enumerate() {
        // Version, random, session, suites, compressions.
        let head = [
            &[3, 3],
            &[7; 32][..],
            &[0, 0, 8, 0x1a, 0x1a, 0x13, 1, 0xc0, 0x2b, 0x56, 0, 1, 0],
        ]
        .concat();
        let each = |(kind, body): &(u16, &[u8])| [&kind.to_be_bytes(), &counted(body)[..]].concat();
        let hello = [head, counted(&extensions.iter().flat_map(each).collect::<Vec<_>>())].concat();
        let message = [&[1, 0], &counted(&hello)[..]].concat();
        for size in [message.len(), 40, 3] {
            let record = |fragment: &[u8]| [&[22, 3, 1], &counted(fragment)[..]].concat();
            let seed: Vec<u8> = message.chunks(size).flat_map(record).collect();
            fs::write(corpus.join(format!("seed-{number}-{size}")), seed)?;
        }
    }
    Ok(())
}

fn counted(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes(), body].concat()
}

/// The number of an extension and what is in it (RFC 8446 section 4.2).
type Extension = (u16, &'static [u8]);

const NAME: Extension = (0x0000, b"\0\x09\0\0\x06a.test");
const PROTOCOLS: Extension = (0x0010, b"\0\x0c\x02h2\x08http/1.1");
const SCHEMES: Extension = (0x000d, &[0, 4, 4, 3, 8, 4]);
const VERSIONS: Extension = (0x002b, &[6, 0xca, 0xca, 3, 4, 3, 3]);
const GROUPS: Extension = (0x000a, &[0, 4, 0, 0x1d, 0, 0x17]);
const SHARES: Extension = (0x0033, &[0, 5, 0, 0x1d, 0, 1, 9]);
const GREASE: Extension = (0x0a0a, &[0]);
const TICKET: Extension = (0x0023, &[]);

const EXTENSIONS: [&[Extension]; 4] = [
    &[SCHEMES],
    &[NAME, SCHEMES, GROUPS, TICKET],
    &[GREASE, NAME, PROTOCOLS, SCHEMES, VERSIONS, GROUPS, SHARES],
    &[
        PROTOCOLS,
        (0x000d, &[0, 4, 0x2a, 0x2a, 4, 3]),
        (0x0015, &[0; 64]),
        (0x44cd, b"\0\x03\x02h2"),
    ],
];

fn texts(directory: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        texts.push((name, fs::read(path)?));
    }
    texts.sort();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuzzer_begins_with_every_example_and_every_preset() {
        let corpus = tempfile::tempdir().unwrap();
        sow(corpus.path()).unwrap();
        let seeds = fs::read_dir(corpus.path()).unwrap().count();
        assert!(seeds >= 12, "{seeds}");
    }

    #[test]
    fn the_fuzzer_of_cookies_begins_with_each_prefix() {
        let corpus = tempfile::tempdir().unwrap();
        sow_cookies(corpus.path()).unwrap();
        assert_eq!(fs::read_dir(corpus.path()).unwrap().count(), COOKIES.len() * 3);
    }

    #[test]
    fn the_fuzzer_of_hellos_begins_with_each_in_one_record_and_in_several() {
        let corpus = tempfile::tempdir().unwrap();
        sow_hellos(corpus.path()).unwrap();
        assert_eq!(fs::read_dir(corpus.path()).unwrap().count(), EXTENSIONS.len() * 3);
    }

    #[test]
    fn rustc_names_its_host() {
        assert!(host().unwrap().contains('-'));
    }
}
