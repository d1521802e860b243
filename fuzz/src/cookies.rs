//! Lines of `Cookie` and `Set-Cookie` of any bytes, through a policy that has patterns, rules, prefixes and sessions.
//!
//! The first byte of an input chooses one of three prefixes. Each of its lines is what its first byte says: `<` a `Set-Cookie`,
//! `/` the path of the request, `~` what is done to a sealed value on its way (place and byte, in turn), all others a `Cookie`.
#![no_main]

use std::sync::LazyLock;

use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderValue, Request, Response, Uri, request};
use rempart_cookie::{CookiePolicy, CookieRuleSettings, CookieSettings, Cookies};
use rempart_guard::{Findings, Guard as _};
use rempart_tenant::KeyRing;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    let cookies = &SITES[usize::from(*first) % SITES.len()];
    let lines: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    let of = |mark: u8| lines.iter().filter_map(move |line| line.strip_prefix(&[mark]));
    of(b'<').for_each(|line| there_and_back(cookies, line));
    let marks = |line: &&&[u8]| !line.first().is_some_and(|byte| b"</~".contains(byte));
    let asked: Vec<&[u8]> = lines.iter().filter(marks).copied().collect();
    let path = of(b'/').next().unwrap_or_default();
    let harm: Vec<u8> = of(b'~').flatten().copied().collect();
    request(cookies, &asked, path, &harm);
});

const HOME: &str = "library.vendor.example";

static SITES: LazyLock<Vec<Cookies>> = LazyLock::new(|| ["host", "secure", "none"].map(|prefix| site(prefix)).into());

fn site(prefix: &str) -> Cookies {
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let rule = CookieRuleSettings::default;
    let rules = [
        (
            "basket",
            CookieRuleSettings {
                prefix: Some("host".into()),
                max_age: Some("7d".into()),
                ..rule()
            },
        ),
        (
            "wp-settings-*",
            CookieRuleSettings {
                script_readable: Some(true),
                ..rule()
            },
        ),
        (
            "frame*",
            CookieRuleSettings {
                same_site: Some("none".into()),
                partitioned: Some(true),
                ..rule()
            },
        ),
        (
            "apps*",
            CookieRuleSettings {
                prefix: Some("secure".into()),
                path: Some("/app".into()),
                ..rule()
            },
        ),
        (
            "track*",
            CookieRuleSettings {
                drop: Some(true),
                ..rule()
            },
        ),
    ];
    let settings = CookieSettings {
        session: of(&SESSIONS),
        session_in_url: of(&["jsessionid", "(S)"]),
        script_readable: of(&["XSRF-TOKEN"]),
        prefix: prefix.to_owned(),
        rename_grace_until: Some("2099-12-31".to_owned()),
        rules: rules.map(|(name, rule)| (name.to_owned(), rule)).into(),
        ..CookieSettings::default()
    };
    let ring = KeyRing::ephemeral().expect("the system has random bytes");
    let keys = ring.tenant(&"library".parse().expect("a name")).derive_all("cookies");
    Cookies::new(CookiePolicy::new(settings, vec![HOME.to_owned()], &keys).expect("nothing is wrong with it"))
}

const SESSIONS: [&str; 3] = ["PHPSESSID", "ASP.NET_SessionId", "wordpress_logged_in_*"];

/// What an application sets leaves as browsers demand, and comes back as it was.
fn there_and_back(cookies: &Cookies, line: &[u8]) {
    let Ok(line) = HeaderValue::from_bytes(line) else {
        return;
    };
    let Some(set) = set(cookies, &line) else { return };
    let pair = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let (name, value) = split(pair).expect("what has no name does not leave");
    is_hardened(&set, name);
    let sent = set.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let was = [name, value].join(&b'=');
    let (seen, findings) = seen(cookies, &[sent]).expect("what we have set ourselves is not refused");
    if !value.is_empty() && is_session(name) {
        let sealed = split(sent).map_or(&b""[..], |(_, sealed)| sealed);
        // Not its value, but a text that holds it.
        let is_sealed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        assert!(
            sealed.len() > value.len() && sealed.iter().all(is_sealed),
            "{}",
            show(sent)
        );
        if !findings.contains(&"cookie_expired") {
            assert_eq!(seen, was, "it opens as what was sealed: {findings:?}");
        }
    } else {
        assert!(seen == was || seen.is_empty(), "{} became {}", show(&was), show(&seen));
    }
}

/// One line, hardened, as the first answer to a browser without cookies.
fn set(cookies: &Cookies, line: &HeaderValue) -> Option<HeaderValue> {
    let shown = cookies
        .check(&mut head(&[]), &mut Findings::default())
        .expect("there is nothing to refuse");
    let (mut answer, ()) = Response::new(()).into_parts();
    answer.headers.append(SET_COOKIE, line.clone());
    cookies.amend(shown, &mut answer, &mut Findings::default());
    let lines: Vec<_> = answer.headers.get_all(SET_COOKIE).iter().cloned().collect();
    assert!(lines.len() <= 1, "one line became {}", lines.len());
    lines.into_iter().next()
}

/// What browsers demand of a line (draft-ietf-httpbis-rfc6265bis-22 sections 4.1.3 and 5.6), and what the policy promises.
fn is_hardened(line: &HeaderValue, inside: &[u8]) {
    let mut parts = line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let pair = parts.next().unwrap_or_default();
    assert!(pair.len() <= 4097, "{} bytes", pair.len());
    let outside = name(pair);
    assert!(outside.ends_with(inside), "{} became {}", show(inside), show(outside));
    let attributes: Vec<(Vec<u8>, &[u8])> = parts
        .map(|part| {
            (
                name(part).to_ascii_lowercase(),
                split(part).map_or(&b""[..], |(_, value)| value),
            )
        })
        .collect();
    let of = |name: &str| {
        attributes
            .iter()
            .filter(|(of, _)| of == name.as_bytes())
            .map(|(_, value)| *value)
            .collect::<Vec<_>>()
    };
    let said = show(line.as_bytes());
    assert_eq!(of("secure").len(), 1, "{said}");
    let readable = inside == b"XSRF-TOKEN" || inside.starts_with(b"wp-settings-");
    assert!(readable || of("httponly").len() == 1, "{said}");
    assert!(matches!(of("samesite")[..], [b"Lax" | b"Strict" | b"None"]), "{said}");
    assert!(matches!(of("domain")[..], [] | [b"library.vendor.example"]), "{said}");
    if outside.len() > inside.len() && outside.starts_with(b"__Host-") {
        // Of several paths the last one counts.
        assert!(
            of("domain").is_empty() && of("path").last() == Some(&&b"/"[..]),
            "{said}"
        );
    }
}

/// Whatever a request shows beside a session of ours, the application sees that session, ordinary cookies byte for byte, and
/// nothing that it would read as another session.
fn request(cookies: &Cookies, lines: &[&[u8]], path: &[u8], harm: &[u8]) {
    let own = set(cookies, &HeaderValue::from_static("PHPSESSID=0123456789abcdef; Path=/")).expect("it can be sealed");
    let own = own.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let harmed = harmed(own, harm);
    let lines: Vec<&[u8]> = lines
        .iter()
        .copied()
        .filter(|line| HeaderValue::from_bytes(line).is_ok())
        .collect();
    let all: Vec<&[u8]> = lines.iter().copied().chain([&harmed[..]]).collect();
    in_path(cookies, path);
    let Some((seen, findings)) = seen(cookies, &all) else {
        return;
    };
    let pairs: Vec<&[u8]> = pairs(&seen).collect();
    let sessions: Vec<&&[u8]> = pairs.iter().filter(|pair| is_session(name(pair))).collect();
    // A seal that was harmed may be the one that it was: then it opens as that.
    let opened = sessions == [&&b"PHPSESSID=0123456789abcdef"[..]];
    assert!(opened || sessions.is_empty(), "{}", show(&seen));
    assert!(opened || harmed != own, "our own session is gone: {findings:?}");
    for pair in pairs.iter().filter(|pair| !is_session(name(pair))) {
        assert!(!looks_like_session(pair), "{} passes", show(pair));
        assert!(
            !(name(pair).starts_with(b"track") && is_token(name(pair))),
            "{} passes",
            show(pair)
        );
    }
    let shown: Vec<&[u8]> = lines.iter().flat_map(|line| self::pairs(line)).collect();
    if shown.len() < 100 {
        let (was, is) = (
            shown.iter().filter(|pair| is_ordinary(pair)),
            pairs.iter().filter(|pair| is_ordinary(pair)),
        );
        assert!(was.eq(is), "{} became {}", show(&shown.join(&b';')), show(&seen));
    }
}

fn harmed(own: &[u8], harm: &[u8]) -> Vec<u8> {
    let (mut harmed, begin) = (own.to_vec(), name(own).len() + 1);
    let length = own.len() - begin;
    for change in harm.chunks_exact(2) {
        harmed[begin + usize::from(change[0]) % length] = change[1];
    }
    match HeaderValue::from_bytes(&harmed) {
        Ok(_) if !harmed.contains(&b';') => harmed,
        _ => own.to_vec(),
    }
}

fn in_path(cookies: &Cookies, path: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/", path].concat()) else {
        return;
    };
    let mut head = head(&[]);
    head.uri = uri.clone();
    let _ = cookies.check(&mut head, &mut Findings::default());
    assert_eq!(head.uri.query(), uri.query(), "the query is never touched");
    assert!(head.uri.path().starts_with('/') && head.uri.path().len() <= uri.path().len());
}

fn head(lines: &[&[u8]]) -> request::Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers.insert(HOST, HeaderValue::from_static(HOME));
    for line in lines {
        head.headers
            .append(COOKIE, HeaderValue::from_bytes(line).expect("it was looked at"));
    }
    head
}

/// What the application sees, and what was told; `None` for a request that is refused.
fn seen(cookies: &Cookies, lines: &[&[u8]]) -> Option<(Vec<u8>, Vec<&'static str>)> {
    let (mut head, mut findings) = (head(lines), Findings::default());
    let shown = cookies.check(&mut head, &mut findings).ok()?;
    let (mut answer, ()) = Response::new(()).into_parts();
    cookies.amend(shown, &mut answer, &mut findings);
    let line: Vec<&[u8]> = head.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    Some((line.join(&b';'), findings.iter().map(|(code, _)| code).collect()))
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

fn split(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    Some((pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()))
}

fn name(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

fn is_session(name: &[u8]) -> bool {
    SESSIONS.iter().any(|session| match session.strip_suffix('*') {
        Some(stem) => name.starts_with(stem.as_bytes()) && is_token(name),
        None => name == session.as_bytes(),
    })
}

/// What can be the name of a cookie (RFC 6265 section 4.1.1): patterns take nothing else.
fn is_token(name: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    name.len() <= 256 && name.iter().all(is_token)
}

/// As the most forgiving application reads it, PHP before 7.4 or ASP.NET: the pair itself, or what stands behind a comma.
fn looks_like_session(pair: &[u8]) -> bool {
    pair.split(|byte| *byte == b',').any(|part| {
        let read = read(name(part));
        let wanted = SESSIONS.map(|session| read_all(session.as_bytes()));
        wanted.iter().any(|wanted| match wanted.strip_suffix(b"*") {
            Some(stem) => read.starts_with(stem),
            None => read == *wanted,
        })
    })
}

/// Percent-encoding undone, cut at NUL and `[`, spaces before it gone, `.`, `+` and spaces in it turned to `_`, small letters.
fn read(name: &[u8]) -> Vec<u8> {
    let (mut read, mut at) = (Vec::new(), 0);
    while at < name.len() {
        let escape = name.get(at + 1..at + 3).filter(|_| name[at] == b'%');
        let byte =
            escape.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?.trim_start_matches('+'), 16).ok());
        let whole = byte.filter(|_| escape.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)));
        read.push(whole.unwrap_or(name[at]));
        at += if whole.is_some() { 3 } else { 1 };
    }
    let begin = read.iter().position(|byte| *byte != b' ').unwrap_or(read.len());
    let end = read
        .iter()
        .position(|byte| matches!(byte, 0 | b'['))
        .unwrap_or(read.len());
    read_all(&read[begin.min(end)..end])
}

fn read_all(name: &[u8]) -> Vec<u8> {
    let one = |byte: &u8| {
        if b". +".contains(byte) {
            b'_'
        } else {
            byte.to_ascii_lowercase()
        }
    };
    name.iter().map(one).collect()
}

/// A cookie that nothing is said of: nobody reads a session in it, and no rule names it.
fn is_ordinary(pair: &[u8]) -> bool {
    let name = name(pair);
    let is_plain = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_ruled = name == b"basket"
        || [&b"frame"[..], b"apps", b"track"]
            .iter()
            .any(|stem| name.starts_with(stem));
    is_plain && !is_ruled && !pair.contains(&b',') && pair.len() <= 4097 && !looks_like_session(pair)
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
