//! What `deploy/` promises, as far as it can be checked without a daemon and without building an image.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{openssl, rempart};

/// What `systemd-analyze security` may say at most, in tenths: 0.0 is a service that can do nothing, 10.0 one that can do
/// everything. Of the 1.6 of this unit 1.4 are the network and the low ports, which are the edge's work; the rest of the
/// way is for systemds that weigh a little differently.
const EXPOSURE: &str = "19";

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let output = systemd_analyze(&["verify", "--man=no"], &unit());
    assert!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
}

#[test]
fn systemd_finds_a_mistake_in_a_unit() {
    for (right, wrong) in [
        ("Type=exec", "Type=exe"),
        ("ProtectSystem=strict", "ProtectSystm=strict"),
        ("SystemCallFilter=@system-service", "SystemCallFilter=@sytem-service"),
    ] {
        let unit = unit();
        assert!(unit.contains(right));
        let output = systemd_analyze(&["verify", "--man=no"], &unit.replace(right, wrong));
        assert!(
            !output.status.success() || !output.stderr.is_empty(),
            "{wrong} was not found"
        );
    }
}

#[test]
fn the_service_is_exposed_no_more_than_its_work_demands() {
    let output = security(&unit());
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_service_that_is_less_confined_is_refused() {
    for line in [
        "SystemCallFilter=@system-service",
        "User=rempart",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
    ] {
        let unit = unit();
        assert!(unit.contains(line));
        assert!(!security(&unit.replace(line, "")).status.success(), "without {line}");
    }
}

#[test]
fn what_weighs_little_in_the_score_is_there_too() {
    let unit = unit();
    for line in [
        "LimitCORE=0",
        "MemoryDenyWriteExecute=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "StateDirectoryMode=0700",
        "SystemCallFilter=~@privileged @resources",
    ] {
        assert!(unit.lines().any(|given| given == line), "{line} is missing");
    }
}

#[test]
fn the_only_privilege_is_a_low_port() {
    let unit = unit();
    for key in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        assert_eq!(values(&unit, key), ["CAP_NET_BIND_SERVICE"], "{key}");
    }
    assert_eq!(values(&unit, "SocketBindAllow"), ["tcp:443", "tcp:80"]);
}

#[test]
fn systemd_waits_longer_than_the_drain_takes() {
    let stop: u64 = values(&unit(), "TimeoutStopSec")[0].parse().unwrap();
    let directory = files_of_the_page();
    let config = rempart_config::load(directory.path(), Vec::<(String, String)>::new()).unwrap();
    assert!(
        (config.vendor.drain.as_secs() + 1..config.vendor.drain.as_secs() + 30).contains(&stop),
        "{stop} s"
    );
}

#[test]
fn every_choice_in_the_unit_stands_under_its_reason() {
    let text = read("deploy/rempart.service");
    let service = text
        .split_once("[Service]")
        .unwrap()
        .1
        .split_once("[Install]")
        .unwrap()
        .0;
    for block in service.trim().split("\n\n") {
        assert!(block.starts_with('#'), "no reason: {block}");
    }
}

#[test]
fn the_files_of_the_page_are_right() {
    let directory = files_of_the_page();
    let output = rempart()
        .args(["check", "--config"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output), "ok: 1 tenant\n");
}

#[test]
fn the_files_of_the_readme_are_right() {
    let directory = files_of("README.md");
    certificate(&directory.path().join("tls"), "library", &["library.example.org"]);
    let checked = rempart()
        .args(["check", "--config"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn the_page_begins_with_every_control_in_report() {
    let directory = files_of_the_page();
    let config = rempart_config::load(directory.path(), Vec::<(String, String)>::new()).unwrap();
    let tenant = &config.tenants[0];
    let modes = [
        tenant.rate_limit.enforcement(),
        tenant.cookies.enforcement,
        tenant.headers.enforcement(),
        tenant.login.enforcement(),
        tenant.shares.enforcement(),
    ];
    assert_eq!(modes.map(|mode| mode.as_str()), ["report"; 5]);
}

#[test]
fn everything_that_is_copied_into_the_image_is_there() {
    for (_, arguments) in containerfile().iter().filter(|(word, _)| word == "COPY") {
        let words: Vec<_> = arguments.split_whitespace().collect();
        if words.iter().any(|word| word.starts_with("--from=")) {
            continue;
        }
        for source in &words[..words.len() - 1] {
            assert!(root().join(source).exists(), "COPY {source}");
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_copied_into_the_image() {
    let copied: Vec<_> = containerfile()
        .into_iter()
        .filter(|(word, _)| word == "COPY")
        .map(|(_, rest)| rest)
        .collect();
    let manifest = read("Cargo.toml");
    let members = manifest.lines().find(|line| line.starts_with("members = ")).unwrap();
    for member in members.split('"').skip(1).step_by(2) {
        let folder = member.split('/').next().unwrap();
        assert!(copied.contains(&format!("{folder} {folder}")), "{member} is not copied");
    }
    // The tests' folder belongs to the package of the binary, whose manifest names a file in it.
    assert!(copied.contains(&"tests tests".to_owned()));
}

#[test]
fn the_image_is_built_from_the_lock_and_without_the_demo() {
    let build = containerfile()
        .into_iter()
        .find(|(word, rest)| word == "RUN" && rest.starts_with("cargo build"));
    let flags: Vec<_> = build.unwrap().1.split_whitespace().map(str::to_owned).collect();
    for flag in ["--release", "--locked", "--no-default-features"] {
        assert!(flags.iter().any(|given| given == flag), "{flag} is missing: {flags:?}");
    }
    assert!(
        !flags
            .iter()
            .any(|flag| flag.contains("features=") || flag == "--features" || flag == "--all-features")
    );
}

#[test]
fn without_its_default_features_the_binary_has_no_example_sites() {
    let tree = |flags: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([
                "tree",
                "--package",
                "rempart",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--locked",
            ])
            .args(flags);
        let output = cargo.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let sites = |tree: &str| tree.lines().any(|line| line.starts_with("rempart-example-sites "));
    assert!(sites(&tree(&[])), "the demo is a default feature");
    assert!(!sites(&tree(&["--no-default-features"])));
}

#[test]
fn the_image_runs_nothing_but_the_binary_and_not_as_root() {
    let instructions = containerfile();
    let last = instructions.iter().rposition(|(word, _)| word == "FROM").unwrap();
    let last: BTreeMap<_, _> = instructions[last..].iter().cloned().collect();
    assert_eq!(last["FROM"], "scratch");
    let (user, group) = last["USER"].split_once(':').unwrap();
    assert!(
        [user, group]
            .into_iter()
            .all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)),
        "USER {}",
        last["USER"]
    );
    assert_eq!(last["ENTRYPOINT"], r#"["/usr/bin/rempart"]"#);
    assert_eq!(last["CMD"], r#"["run", "--config", "/etc/rempart"]"#);
    assert!(!last.contains_key("RUN"));
}

#[test]
fn images_are_named_without_a_host_and_with_a_version() {
    for (_, from) in containerfile()
        .iter()
        .filter(|(word, from)| word == "FROM" && from != "scratch")
    {
        let image = from.split_whitespace().next().unwrap();
        let (name, version) = image
            .split_once(':')
            .unwrap_or_else(|| panic!("{image} has no version"));
        assert!(!name.contains(['.', '/']) && version != "latest", "{image}");
        assert!(
            version.starts_with(&rust_version()),
            "{image} is not the workspace's rust-version"
        );
    }
}

#[test]
fn a_containerfile_is_read_with_its_comments_and_continued_lines() {
    let text = "# a comment\nFROM a:1\nRUN one \\\n # within\n && two\nUSER 1:1\n";
    let read = parse(text);
    let expected = [("FROM", "a:1"), ("RUN", "one && two"), ("USER", "1:1")];
    assert_eq!(read, expected.map(|(word, rest)| (word.to_owned(), rest.to_owned())));
}

/// The unit with the built binary in the place of the installed one, which is not there.
fn unit() -> String {
    let text = read("deploy/rempart.service");
    assert!(
        text.contains("\nExecStart=/usr/local/bin/rempart run ")
            && text.contains("\nExecStartPre=-/usr/local/bin/rempart check ")
    );
    text.replace("/usr/local/bin/rempart", env!("CARGO_BIN_EXE_rempart"))
}

/// All values of a key, in order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .collect()
}

fn security(unit: &str) -> Output {
    systemd_analyze(
        &["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE],
        unit,
    )
}

/// A missing `systemd-analyze` is a failure: what was not checked did not pass.
fn systemd_analyze(arguments: &[&str], unit: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rempart.service");
    fs::write(&path, unit).unwrap();
    let mut command = Command::new("systemd-analyze");
    command
        .args(arguments)
        .arg(path)
        .output()
        .expect("systemd-analyze is installed (Debian: systemd)")
}

/// The configuration that `deploy/README.md` shows, written to files: each block names its file in its first line. The
/// certificate is one of the test's own.
fn files_of_the_page() -> tempfile::TempDir {
    let directory = files_of("deploy/README.md");
    certificate(
        &directory.path().join("tls"),
        "library",
        &["www.library.example", "library.example"],
    );
    directory
}

/// The TOML blocks of a page, written to files.
fn files_of(page: &str) -> tempfile::TempDir {
    let (directory, page) = (tempfile::tempdir().unwrap(), read(page));
    for block in page.split("```toml\n").skip(1) {
        let text = block.split_once("\n```").unwrap().0;
        let name = text.lines().next().unwrap().strip_prefix("# /etc/rempart/").unwrap();
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A later block is more of the same file.
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, format!("{before}{text}\n")).unwrap();
    }
    directory
}

fn certificate(directory: &Path, name: &str, hosts: &[&str]) {
    fs::create_dir_all(directory).unwrap();
    let path = |end: &str| directory.join(format!("{name}.{end}")).display().to_string();
    let names = hosts
        .iter()
        .map(|host| format!("DNS:{host}"))
        .collect::<Vec<_>>()
        .join(",");
    let made = openssl(
        &[
            &[
                "req",
                "-x509",
                "-nodes",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-days",
                "2",
            ][..],
            &["-subj", "/CN=test", "-addext", &format!("subjectAltName={names}")],
            &["-keyout", &path("key"), "-out", &path("pem")],
        ]
        .concat(),
        b"",
    );
    assert!(made.status.success(), "{}", said(&made));
}

fn containerfile() -> Vec<(String, String)> {
    parse(&read("deploy/Containerfile"))
}

/// The instructions of a Containerfile: the word, and all that belongs to it on one line.
fn parse(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let instructions = joined.lines().filter_map(|line| line.trim().split_once(' '));
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    instructions
        .map(|(word, rest)| (word.to_owned(), plain(rest)))
        .collect()
}

fn rust_version() -> String {
    let manifest = read("Cargo.toml");
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap();
    line.trim_matches('"').to_owned()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
