//! Adding a client: `rempart tenant new`, and `rempart import` of what stands on the old machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::{edge, openssl, rempart};

/// Four clients on one nginx, as the import's own tests have them.
const SITES: &str = include_str!("../../crates/import/tests/import/samples/sites.conf");
const HOSTS: &str = "DNS:museum.localhost,DNS:www.museum.localhost,DNS:museum-old.localhost,DNS:archive.localhost,\
                     DNS:school.localhost,DNS:school.test,DNS:*.school.test,DNS:intranet.localhost";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A configuration without tenants, with development certificates.
fn vendor() -> TempDir {
    edge().write()
}

fn run(arguments: &[&str]) -> Output {
    rempart().args(arguments).output().unwrap()
}

fn check(directory: &Path) -> Output {
    rempart().args(["check", "--config"]).arg(directory).output().unwrap()
}

fn new(directory: &Path, name: &str, more: &[&str]) -> Output {
    let mut command = rempart();
    command
        .args(["tenant", "new", name, "--config"])
        .arg(directory)
        .args(more);
    command.output().unwrap()
}

/// Makes a certificate for the sample's hosts where the sample, in a copy, looks for it; gives the copy.
fn sample(directory: &Path) -> String {
    let path = |name: &str| directory.join(name).display().to_string();
    let mut arguments = vec![
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let (key, certificate, hosts) = (
        path("privkey.pem"),
        path("fullchain.pem"),
        format!("subjectAltName={HOSTS}"),
    );
    arguments.extend([
        "-days",
        "90",
        "-subj",
        "/CN=museum.localhost",
        "-addext",
        &hosts,
        "-keyout",
        &key,
        "-out",
        &certificate,
    ]);
    let made = openssl(&arguments, b"");
    assert!(made.status.success(), "{}", said(&made));
    let own = |line: &str| match line.trim_start() {
        words if words.starts_with("ssl_certificate_key ") => format!("        ssl_certificate_key {key};"),
        words if words.starts_with("ssl_certificate ") => format!("        ssl_certificate {certificate};"),
        _ => line.to_owned(),
    };
    SITES.lines().map(own).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_new_tenant_passes_check_as_it_was_written() {
    let directory = vendor();
    let more = [
        "--host",
        "museum.localhost",
        "--host",
        "www.museum.localhost",
        "--upstream",
        "http://127.0.0.1:9104",
    ];
    let output = new(directory.path(), "museum", &more);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = printed(&output);
    assert!(
        text.contains("ok: `museum` passes") && text.contains("rempart reload --config"),
        "{text}"
    );
    let checked = check(directory.path());
    assert_eq!(
        (checked.status.code(), printed(&checked).as_str()),
        (Some(0), "ok: 1 tenant\n"),
        "{}",
        said(&checked)
    );
    let names: Vec<_> = fs::read_dir(directory.path().join("tenants.d"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["museum.toml"]);
}

#[test]
fn a_new_tenant_of_every_family_passes_check() {
    let directory = vendor();
    for (index, family) in ["php", "aspnet", "java-servlet", "wordpress", "django", "static"]
        .iter()
        .enumerate()
    {
        let (host, upstream) = (
            format!("{family}.localhost"),
            format!("http://127.0.0.1:{}", 9_200 + index),
        );
        let output = new(
            directory.path(),
            family,
            &["--host", &host, "--upstream", &upstream, "--preset", family],
        );
        assert_eq!(output.status.code(), Some(0), "{family}: {}", said(&output));
    }
    assert_eq!(printed(&check(directory.path())), "ok: 6 tenants\n");
}

#[test]
fn a_file_that_is_there_is_not_touched() {
    let directory = vendor();
    let more = ["--host", "museum.localhost", "--upstream", "http://127.0.0.1:9104"];
    let path = directory.path().join("tenants.d/museum.toml");
    fs::write(&path, "# mine\n").unwrap();
    let output = new(directory.path(), "museum", &more);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is there already"), "{}", said(&output));
    assert_eq!(fs::read_to_string(&path).unwrap(), "# mine\n");
}

#[test]
fn a_new_tenant_that_does_not_pass_is_said_to() {
    let directory = vendor();
    // No certificate, and the development CA makes none for a real host.
    let output = new(
        directory.path(),
        "museum",
        &["--host", "museum.example.com", "--upstream", "http://127.0.0.1:9104"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("museum.toml") && said(&output).contains("`museum` does not pass yet"),
        "{}",
        said(&output)
    );
    let output = new(
        directory.path(),
        "city",
        &["--host", "city.localhost", "--upstream", "https://127.0.0.1:9104/app"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("error[upstream_"), "{}", said(&output));
    // A neighbour's mistake is not this one's.
    let output = new(
        directory.path(),
        "library",
        &["--host", "library.localhost", "--upstream", "http://127.0.0.1:9105"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("2 problems of other files"), "{}", said(&output));
}

#[test]
fn a_command_line_that_is_no_tenant_writes_nothing() {
    let directory = vendor();
    let upstream = ["--upstream", "http://127.0.0.1:9104"];
    for (name, more) in [
        ("Museum", vec!["--host", "museum.localhost"]),
        ("museum", vec![]),
        ("museum", vec!["--host", "*.localhost"]),
        ("museum", vec!["--host", "museum.localhost", "--preset", "cobol"]),
        ("museum", vec!["--host", "museum.localhost", "--certificate", "a.pem"]),
        ("../museum", vec!["--host", "museum.localhost"]),
    ] {
        let more: Vec<_> = more.into_iter().chain(upstream).collect();
        let output = new(directory.path(), name, &more);
        assert_eq!(output.status.code(), Some(2), "{name} {more:?}: {}", said(&output));
    }
    let nowhere = new(
        &directory.path().join("nowhere"),
        "museum",
        &["--host", "museum.localhost", upstream[0], upstream[1]],
    );
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(
        said(&nowhere).contains("--config names the directory"),
        "{}",
        said(&nowhere)
    );
    assert_eq!(fs::read_dir(directory.path().join("tenants.d")).unwrap().count(), 0);
}

#[test]
fn an_imported_list_passes_check_once_what_is_to_be_filled_in_is() {
    let directory = vendor();
    let list = directory.path().join("sites.conf");
    fs::write(&list, sample(directory.path())).unwrap();
    let out = directory.path().join("tenants.d");
    let output = rempart()
        .args(["import", "nginx"])
        .arg(&list)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "something was left: {}", said(&output));
    let said_lines = said(&output);
    for words in [
        "client_max_body_size",
        "gzip on;",
        "deny all",
        "fastcgi_pass",
        "rewrite ^/old",
    ] {
        let line = SITES.lines().position(|line| line.contains(words)).unwrap() + 1;
        let begin = format!("{}:{line}: not carried over: ", list.display());
        assert!(said_lines.contains(&begin), "{words}: {begin}\n{said_lines}");
    }
    // The archive's application speaks FastCGI: its file waits for an address, and says so.
    let archive = fs::read_to_string(out.join("archive.toml")).unwrap();
    assert!(archive.contains("# FILL IN: url = "), "{archive}");
    assert_eq!(check(directory.path()).status.code(), Some(1));
    fs::write(out.join("archive.toml"), archive.replace("# FILL IN: url", "url")).unwrap();
    let checked = check(directory.path());
    assert_eq!(
        (checked.status.code(), printed(&checked).as_str()),
        (Some(0), "ok: 4 tenants\n"),
        "{}",
        said(&checked)
    );
}

#[test]
fn nginx_itself_takes_the_list_that_is_imported() {
    let installed = Path::new("/etc/nginx/snippets/fastcgi-php.conf").exists();
    let Some(nginx) = ["/usr/sbin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|path| installed && Path::new(path).exists())
    else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    for name in ["mime.types", "snippets", "fastcgi.conf", "fastcgi_params"] {
        std::os::unix::fs::symlink(Path::new("/etc/nginx").join(name), directory.path().join(name)).unwrap();
    }
    let list = directory.path().join("nginx.conf");
    let quiet = format!("pid {0}/pid; error_log {0}/log;\n", directory.path().display());
    let text = sample(directory.path()).replace("/var/log/nginx/access.log", "off; #");
    fs::write(&list, quiet + &text).unwrap();
    let output = Command::new(nginx)
        .arg("-T")
        .arg("-c")
        .arg(&list)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let problems = said(&output);
    // What only root may do is not the list's fault.
    assert!(
        output.status.success() || problems.contains("Permission denied"),
        "{problems}"
    );
    if output.status.success() {
        let dump = directory.path().join("all.conf");
        fs::write(&dump, &output.stdout).unwrap();
        let imported = rempart().args(["import", "nginx"]).arg(&dump).output().unwrap();
        let text = said(&imported);
        assert!(text.contains("4 tenants drafted"), "{text}");
        assert!(!text.contains("included files are not opened"), "{text}");
    }
}

#[test]
fn drafts_are_printed_with_the_name_of_each_file() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("dynamic.yml");
    let text = include_str!("../../crates/import/tests/import/samples/dynamic.yml");
    fs::write(&list, text).unwrap();
    let output = rempart().args(["import", "traefik"]).arg(&list).output().unwrap();
    assert!(
        printed(&output).starts_with("# tenants.d/museum.toml\n# museum.localhost."),
        "{}",
        printed(&output)
    );
    assert!(
        said(&output).contains("dynamic.yml:16: not carried over: http.middlewares.guests"),
        "{}",
        said(&output)
    );
    assert!(
        said(&output).ends_with("1 tenant drafted; 1 not carried over\n"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_list_of_which_all_was_carried_is_a_success() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("a.conf");
    fs::write(
        &list,
        "server { listen 443 ssl; server_name a.localhost; location / { proxy_pass http://127.0.0.1:81; } }",
    )
    .unwrap();
    let output = rempart().args(["import", "nginx"]).arg(&list).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("nothing was left"), "{}", said(&output));
}

#[test]
fn nothing_is_overwritten_without_force() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("a.conf");
    let site = |name: &str, port: u16| {
        format!("server {{ server_name {name}.localhost; location / {{ proxy_pass http://127.0.0.1:{port}; }} }}\n")
    };
    fs::write(&list, site("a", 81) + &site("b", 82)).unwrap();
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("b.toml"), "# mine\n").unwrap();
    let import = |more: &[&str]| {
        rempart()
            .args(["import", "nginx"])
            .arg(&list)
            .arg("--out")
            .arg(&out)
            .args(more)
            .output()
            .unwrap()
    };
    let output = import(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("b.toml is there already") && said(&output).contains("--force"),
        "{}",
        said(&output)
    );
    assert!(!out.join("a.toml").exists(), "all or nothing");
    assert_eq!(import(&["--force"]).status.code(), Some(0));
    assert!(fs::read_to_string(out.join("b.toml")).unwrap().contains("127.0.0.1:82"));
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let refused = |program: &str, name: &str, text: &str| {
        fs::write(path(name), text).unwrap();
        let output = run(&["import", program, &path(name)]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert_eq!(printed(&output), "");
        said(&output)
    };
    let text = refused("nginx", "a.conf", "server {\n  listen 80\n}\n");
    assert!(text.contains("a.conf:3:1: error: "), "{text}");
    let text = refused(
        "caddy",
        "Caddyfile",
        "museum.localhost {\n\treverse_proxy 127.0.0.1:81\n}\n",
    );
    assert!(text.contains("caddy adapt --config Caddyfile"), "{text}");
    let text = refused("traefik", "a.yml", "http: [\n");
    assert!(text.contains("a.yml:"), "{text}");
    assert_eq!(run(&["import", "nginx", &path("nowhere")]).status.code(), Some(2));
    assert_eq!(
        run(&["import", "nginx", &path("")]).status.code(),
        Some(2),
        "a directory"
    );
    assert_eq!(run(&["import", "apache", &path("a.conf")]).status.code(), Some(2));
    assert_eq!(
        run(&["import", "nginx", &path("a.conf"), "--force"]).status.code(),
        Some(2),
        "--force without --out"
    );
}
