use proptest::prelude::*;
use proptest::sample::{Index, select};
use rempart_import::{Import, ImportError, caddy, nginx, traefik};

use crate::{CADDY, DYNAMIC_TOML, DYNAMIC_YAML, SITES};

type Importer = fn(&str, &str) -> Result<Import, ImportError>;

/// What each sample is imported with.
fn samples() -> Vec<(&'static str, &'static str, Importer)> {
    vec![
        (SITES, "sites.conf", nginx::import),
        (DYNAMIC_TOML, "dynamic.toml", traefik::import),
        (DYNAMIC_YAML, "dynamic.yml", traefik::import),
        (CADDY, "caddy.json", caddy::import),
    ]
}

/// One way to spoil a text.
#[derive(Clone, Debug)]
enum Spoil {
    Insert(Index, String),
    Remove(Index, usize),
    Repeat(Index, usize),
    Swap(Index, Index),
    Cut(Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let pieces = vec![
        "{",
        "}",
        ";",
        "\"",
        "'",
        "\\",
        "#",
        "\n",
        "\r\n",
        "\0",
        "\u{feff}",
        "$",
        "[",
        "]",
        "(",
        ")",
        "`",
        ":",
        ",",
        "=",
        "é",
        "\u{1b}[2J",
        "include a;",
        "server {",
        "location ~ {",
        "set $a $a;",
        "99999999999999999999",
        "- ",
        "&a ",
        "*a",
        "\t",
        "[[",
        "]]",
        "{}",
        "null",
        "Host(`",
        "||",
        "https://$host$request_uri",
    ];
    prop_oneof![
        4 => (any::<Index>(), select(pieces)).prop_map(|(at, piece)| Spoil::Insert(at, piece.to_owned())),
        2 => (any::<Index>(), 1_usize..80).prop_map(|(at, length)| Spoil::Remove(at, length)),
        2 => (any::<Index>(), 1_usize..200).prop_map(|(at, length)| Spoil::Repeat(at, length)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Spoil::Swap(one, other)),
        1 => any::<Index>().prop_map(Spoil::Cut),
        1 => (any::<Index>(), any::<String>()).prop_map(|(at, piece)| Spoil::Insert(at, piece)),
    ]
}

impl Spoil {
    fn apply(&self, text: &mut Vec<char>) {
        if text.is_empty() {
            return;
        }
        let length = text.len();
        match self {
            Self::Insert(at, piece) => {
                let at = at.index(length);
                text.splice(at..at, piece.chars());
            }
            Self::Remove(at, count) => {
                let at = at.index(length);
                text.drain(at..(at + count).min(length));
            }
            Self::Repeat(at, count) => {
                let at = at.index(length);
                let piece = text[at..(at + count).min(length)].to_vec();
                text.splice(at..at, piece);
            }
            Self::Swap(one, other) => text.swap(one.index(length), other.index(length)),
            Self::Cut(at) => text.truncate(at.index(length)),
        }
    }
}

/// A directive on a line of its own, known or not.
fn directive() -> impl Strategy<Value = String> {
    let known = select(vec![
        "listen 80",
        "listen 8080",
        "server_name a.example *.b.example",
        "server_name _",
        "proxy_pass http://127.0.0.1:81",
        "proxy_pass http://pool",
        "proxy_pass https://x/y",
        "proxy_read_timeout 10s",
        "proxy_read_timeout 20s",
        "limit_req zone=z burst=3",
        "limit_req zone=k",
        "add_header X-Frame-Options DENY",
        "add_header X-Frame-Options SAMEORIGIN",
        "add_header Strict-Transport-Security max-age=300",
        "proxy_hide_header X-Node",
        "return 301 https://$host$request_uri",
        "return 404",
        "ssl_certificate /a.pem",
        "ssl_certificate /b.pem",
        "ssl_certificate_key /a.key",
        "deny all",
        "set $a http://127.0.0.1:82",
        "proxy_pass $a",
        "gzip on",
        "server_tokens off",
        "rewrite ^ https://$host$request_uri? permanent",
        "fastcgi_pass 127.0.0.1:9000",
        "proxy_cookie_flags ~ samesite=strict",
    ])
    .prop_map(str::to_owned);
    prop_oneof![5 => known, 1 => "[a-z_]{1,12}( [a-z$/:0-9]{1,12}){0,3}"].prop_map(|words| format!("{words};"))
}

/// A server with directives and locations, one directive a line.
fn server() -> impl Strategy<Value = String> {
    let paths = select(vec!["/", "= /login", "/api/", "~ \\.php$", "@app"]);
    let location = (paths, proptest::collection::vec(directive(), 0..4))
        .prop_map(|(path, lines)| format!("location {path} {{\n{}\n}}", lines.join("\n")));
    let condition = directive().prop_map(|line| format!("if ($host = a.example) {{\n{line}\n}}"));
    let line = prop_oneof![6 => directive(), 2 => location, 1 => condition];
    proptest::collection::vec(line, 0..8).prop_map(|lines| format!("server {{\n{}\n}}", lines.join("\n")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_spoilt_list_makes_an_import_panic(which in 0_usize..4, spoils in proptest::collection::vec(spoil(), 1..6)) {
        let (text, file, import) = samples()[which];
        let mut text: Vec<char> = text.chars().collect();
        for spoil in &spoils {
            spoil.apply(&mut text);
        }
        let text: String = text.into_iter().collect();
        match import(&text, file) {
            Err(error) => {
                let begins = format!("{file}:");
                prop_assert!(error.to_string().starts_with(&begins), "{}", error);
                prop_assert!(error.place.line >= 1 && error.place.line <= text.split('\n').count() + 1);
            }
            Ok(import) => {
                for draft in &import.drafts {
                    let file = draft.to_toml();
                    prop_assert!(toml::from_str::<toml::Table>(&file).is_ok(), "{}", file);
                }
                let mut hosts: Vec<_> = import.drafts.iter().flat_map(|draft| &draft.hosts).collect();
                let all = hosts.len();
                hosts.sort();
                hosts.dedup();
                prop_assert_eq!(hosts.len(), all, "a host in two drafts, or twice in one");
            }
        }
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in any::<String>(), which in 0_usize..4) {
        let (_, file, import) = samples()[which];
        let _ = import(&text, file);
    }

    /// Nothing is dropped in silence: every line with a directive is within an entry.
    #[test]
    fn every_directive_is_answered_for(servers in proptest::collection::vec(server(), 1..5)) {
        let head = "limit_req_zone $binary_remote_addr zone=z:1m rate=1r/s;\nlimit_req_zone $http_x zone=k:1m rate=1r/s;\nupstream pool {\nserver 10.0.0.1:80;\nserver 10.0.0.2:80;\nkeepalive 3;\n}\nproxy_connect_timeout 3s;\n";
        let text = format!("{head}{}\n", servers.join("\n"));
        let import = nginx::import(&text, "a.conf").unwrap();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let is_answered = import.entries.iter().any(|entry| (entry.place.line..=entry.last_line).contains(&number));
            prop_assert!(is_answered || line == "}" || line.is_empty(), "line {}: {}\n{}", number, line, text);
            // A block that is answered for as a whole is the only one that may speak for its lines.
            let own = import.entries.iter().any(|entry| entry.place.line == number);
            let within_a_whole = import.entries.iter().any(|entry| {
                let starts = ["if ", "upstream "].iter().any(|name| entry.text.starts_with(name));
                starts && entry.place.line < number && number <= entry.last_line
            });
            prop_assert!(own || within_a_whole || line == "}" || line.is_empty(), "line {}: {}", number, line);
        }
    }

    /// What is called carried is in a draft.
    #[test]
    fn what_is_called_carried_is_in_a_draft(servers in proptest::collection::vec(server(), 1..4)) {
        let import = nginx::import(&servers.join("\n"), "a.conf").unwrap();
        let files: String = import.drafts.iter().map(rempart_import::TenantDraft::to_toml).collect();
        for entry in import.entries.iter().filter(|entry| entry.fate == rempart_import::Fate::Carried) {
            let words: Vec<&str> = entry.text.split(' ').collect();
            match words.as_slice() {
                ["proxy_read_timeout", time] => prop_assert!(files.contains(&format!("response_timeout = \"{time}\"")), "{}", files),
                ["ssl_certificate", path] => prop_assert!(files.contains(&format!("certificate = \"{path}\"")), "{}", files),
                ["proxy_pass", url] if url.starts_with("http://127") => prop_assert!(files.contains(&format!("url = \"{url}\"")), "{}", files),
                ["server_name", host, ..] => prop_assert!(files.contains(&format!("\"{host}\"")), "{}", files),
                _ => {}
            }
        }
    }
}

/// The samples are mutated byte by byte too: whatever is cut off, the rest is read or refused.
#[test]
fn every_beginning_of_a_sample_is_read_or_refused() {
    for (text, file, import) in samples() {
        let step = text.len() / 200 + 1;
        for end in (0..text.len()).step_by(step).filter(|end| text.is_char_boundary(*end)) {
            let _ = import(&text[..end], file);
        }
    }
}
