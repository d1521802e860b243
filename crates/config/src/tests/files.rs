//! Files that are not what they should be, and keys that are not there.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::site::{LIBRARY, Site, VENDOR, expect};

const FILE: &str = "tenants.d/library.toml";

#[test]
fn a_sound_configuration_has_nothing_to_say() {
    expect(&Site::new(), "");
}

#[test]
fn several_mistakes_of_syntax_are_named_at_once() {
    let site = Site::new().file(FILE, "a = 1\na = 2\nt = 2s\nu = \"x\ny = 3\n");
    expect(
        &site,
        r#"tenants.d/library.toml:2:1: error[syntax]: duplicate key
  |
2 | a = 2
  | ^
  = help: a key and a [section] stand once in a file; keep one of them

tenants.d/library.toml:3:5: error[syntax]: string values must be quoted, expected literal string
  |
3 | t = 2s
  |     ^^
  = help: text is written in quotes: "30s", "10/s", "library.example"

tenants.d/library.toml:4:7: error[syntax]: invalid basic string, expected `"`
  |
4 | u = "x
  |       ^

3 problems in 1 file"#,
    );
}

#[test]
fn one_bracket_forgotten_is_one_problem() {
    let site = Site::new().file(FILE, LIBRARY.replace(']', ""));
    expect(
        &site,
        r#"tenants.d/library.toml:2:1: error[syntax]: missing comma between array elements, expected `,`
  |
2 | [upstream
  | ^
  = help: the list that begins on line 1 lacks a comma or its closing `]`

1 problem in 1 file"#,
    );
}

#[test]
fn a_mistake_in_one_file_does_not_hide_those_of_another() {
    let site = Site::new()
        .file("rempart.toml", "[listen\n")
        .file(FILE, "host = 1\n[tls]\nkey = \"\"\n");
    expect(
        &site,
        r#"rempart.toml:1:8: error[syntax]: unclosed table, expected `]`
  |
1 | [listen
  |        ^

tenants.d/library.toml:1:1: error[unknown_key]: host: there is no such key
  |
1 | host = 1
  | ^^^^
  = help: did you mean `hosts`? It stands at the top of the file, before the first [section]

tenants.d/library.toml:3:1: error[unknown_key]: tls.key: there is no such key
  |
3 | key = ""
  | ^^^
  = help: did you mean `key_file`? A key is never written into a configuration

3 problems in 2 files"#,
    );
}

#[test]
fn a_number_that_does_not_fit_is_refused() {
    let site = Site::new().file(FILE, format!("{LIBRARY}max_connections = 99999999999999999999\n"));
    expect(
        &site,
        r#"tenants.d/library.toml:4:19: error[number_too_large]: 99999999999999999999 is too large a number
  |
4 | max_connections = 99999999999999999999
  |                   ^^^^^^^^^^^^^^^^^^^^

1 problem in 1 file"#,
    );
}

#[test]
fn a_nul_byte_is_named_where_it_is() {
    expect(
        &Site::new().file(FILE, format!("{LIBRARY}x = \"a\0b\"\n")),
        "tenants.d/library.toml:4:7: error[syntax]: a NUL byte: this is not a text file
  |
4 | x = \"a\u{fffd}b\"
  |       ^
  = help: save the file as UTF-8 text; a file in UTF-16 is full of NUL bytes

1 problem in 1 file",
    );
}

#[test]
fn what_is_not_utf_8_is_named_where_it_is() {
    expect(
        &Site::new().file(FILE, b"# caf\xc3\xa9\nx = \"caf\xe9\"\n"),
        r#"tenants.d/library.toml:2:9: error[not_utf8]: a byte that is not UTF-8 text
  = help: save the file as UTF-8; an accented letter in Latin-1 is the usual reason

1 problem in 1 file"#,
    );
    expect(
        &Site::new().file(FILE, b"\xff\xfeh\0o\0"),
        r#"tenants.d/library.toml: error[not_utf8]: this file is in UTF-16
  = help: save it as UTF-8

1 problem in 1 file"#,
    );
}

#[test]
fn a_byte_order_mark_and_windows_lines_are_no_problem_and_move_no_column() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    expect(&Site::new().file(FILE, windows(LIBRARY)), "");
    expect(
        &Site::new().file(FILE, windows(&format!("ü = 1\n{LIBRARY}")).replace('ü', "\"ü\"")),
        r#"tenants.d/library.toml:1:1: error[unknown_key]: "ü": there is no such key
  |
1 | "ü" = 1
  | ^^^
  = help: known here: `hosts`, `level`, `preset`, `personal_data`, `upstream`, `tls`, `rate_limit`, `shares`, `waiting_room`, `routes`, `cookies`, `sessions`, `login`, `headers`

1 problem in 1 file"#,
    );
}

#[test]
fn what_is_not_a_file_is_not_opened() {
    let site = Site::new();
    std::fs::create_dir(site.path().join("tenants.d/city.toml")).unwrap();
    let _socket = UnixListener::bind(site.path().join("tenants.d/daycare.toml")).unwrap();
    expect(
        &site,
        r#"tenants.d/city.toml: error[not_a_file]: this is not a file
  = help: a name in tenants.d that ends in .toml is a tenant's file; rename what is not

tenants.d/daycare.toml: error[not_a_file]: this is not a file
  = help: a name in tenants.d that ends in .toml is a tenant's file; rename what is not

2 problems in 2 files"#,
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let site = Site::new();
    symlink("city.toml", site.path().join("tenants.d/city.toml")).unwrap();
    symlink("nowhere", site.path().join("tenants.d/daycare.toml")).unwrap();
    std::fs::remove_file(site.path().join("rempart.toml")).unwrap();
    expect(
        &site,
        r#"rempart.toml: error[file_unreadable]: this file cannot be read: No such file or directory (os error 2)
  = help: it is needed in the directory that --config names

tenants.d/city.toml: error[file_unreadable]: this file cannot be read: Too many levels of symbolic links (os error 40)
  = help: it must be a file that can be read

tenants.d/daycare.toml: error[file_unreadable]: this file cannot be read: No such file or directory (os error 2)
  = help: it must be a file that can be read

3 problems in 3 files"#,
    );
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_refused() {
    expect(
        &Site::new().file(FILE, "#".repeat(1_048_577)),
        r#"tenants.d/library.toml: error[file_too_large]: this file is larger than 1 MiB
  = help: no configuration is that long: is this the right file?

1 problem in 1 file"#,
    );
    expect(
        &Site::new().file(FILE, format!("{LIBRARY}#{}", "#".repeat(1_000_000))),
        "",
    );
}

#[test]
fn nesting_without_end_is_refused() {
    let site = Site::new().file(FILE, format!("x = {}", "[".repeat(500_000)));
    let said = site.says();
    assert!(
        said.contains("library.toml:1:85: error[syntax]: cannot recurse further"),
        "{said}"
    );
    assert!(said.len() < 1_000, "a long line is cut: {}", said.len());
    let dotted = Site::new().file(FILE, format!("{}a = 1", "a.".repeat(400_000)));
    assert!(
        dotted
            .says()
            .contains("library.toml:1:1: error[syntax]: recursion limit"),
        "{}",
        dotted.says()
    );
}

#[test]
fn a_directory_without_tenants_is_refused() {
    let empty = Site::new();
    std::fs::remove_file(empty.path().join(FILE)).unwrap();
    let empty = empty.file("tenants.d/README", "").file("tenants.d/.#city.toml", "x");
    expect(
        &empty,
        r#"tenants.d: error[tenants_none]: no file here ends in .toml, so there is no tenant
  = help: each tenant is a file in it, such as tenants.d/library.toml

1 problem in 1 file"#,
    );
    let absent = Site::new();
    std::fs::remove_dir_all(absent.path().join("tenants.d")).unwrap();
    expect(
        &absent,
        r#"tenants.d: error[directory_unreadable]: the directory of the tenants' files cannot be read: No such file or directory (os error 2)
  = help: each tenant is a file in it, such as tenants.d/library.toml

1 problem in 1 file"#,
    );
}

#[test]
fn a_file_that_cannot_name_a_tenant_is_refused() {
    expect(
        &Site::new()
            .file("tenants.d/City_Hall.toml", "")
            .file("tenants.d/3.toml", ""),
        r#"tenants.d/3.toml: error[tenant_name]: "3": a tenant's name is 1 to 32 of a-z, 0-9 and `-`, and begins with a letter
  = help: the file's name without .toml is the tenant's name

tenants.d/City_Hall.toml: error[tenant_name]: "City_Hall": a tenant's name is 1 to 32 of a-z, 0-9 and `-`, and begins with a letter
  = help: rename the file to city-hall.toml

2 problems in 2 files"#,
    );
}

#[test]
fn programs_read_the_same_as_json() {
    let site = Site::new().file(FILE, format!("{LIBRARY}conect_timeout = \"2s\"\n"));
    let json = serde_json::to_value(site.load().unwrap_err()).unwrap();
    let expected = serde_json::json!([{
        "file": "tenants.d/library.toml", "line": 4, "column": 1, "tenant": "library",
        "key": "upstream.conect_timeout", "severity": "error", "code": "unknown_key", "message": "there is no such key",
        "help": "did you mean `connect_timeout`?", "related": [],
    }]);
    assert_eq!(json, expected);
}

#[test]
fn a_terminal_sees_no_control_characters_of_a_file() {
    let site = Site::new().file("rempart.toml", format!("{VENDOR}\"\\u001b[2J\" = 1 # \u{1b}[31m\n"));
    let said = site.says();
    assert!(!said.contains('\u{1b}') && said.contains("rempart.toml:5"), "{said}");
}
