//! `Set-Cookie`: how every cookie leaves.

use cookie::{Cookie, ParseError, SameSite};
use http::header::{Entry, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use rempart_guard::Findings;

use crate::CookiePolicy;
use crate::names::SessionName;
use crate::seal::sealed_len;

impl CookiePolicy {
    /// Hardens every `Set-Cookie` in its place, so that their order stays; drops what cannot be hardened.
    pub(crate) fn amend(&self, headers: &mut HeaderMap, findings: &mut Findings) {
        let Entry::Occupied(mut lines) = headers.entry(SET_COOKIE) else {
            return;
        };
        let mut has_dropped = false;
        for line in lines.iter_mut() {
            *line = self.harden(line.as_bytes(), findings).unwrap_or_else(|| {
                has_dropped = true;
                HeaderValue::from_static("")
            });
        }
        if has_dropped {
            let kept: Vec<_> = lines.remove_entry_mult().1.filter(|line| !line.is_empty()).collect();
            for line in kept {
                headers.append(SET_COOKIE, line);
            }
        }
    }

    /// One line. The `cookie` crate says what it asks for; name, value and every attribute that is not ours to decide
    /// (`Path`, `Expires`, `Max-Age`, `Partitioned`, `Priority`, …) leave as the bytes they came as, in their order.
    fn harden(&self, line: &[u8], findings: &mut Findings) -> Option<HeaderValue> {
        let asked = Asked::of(line)
            .map_err(|error| findings.note("cookie_dropped", error.as_str()))
            .ok()?;
        let mut parts = line.split(|byte| *byte == b';');
        let (name, value) = split_pair(parts.next()?)?;
        let session = self.sessions.exactly(name).filter(|_| !value.is_empty());
        let mut hardened =
            Vec::with_capacity(line.len() + LONGEST_TAIL + session.map_or(0, |_| sealed_len(value.len())));
        hardened.extend_from_slice(name);
        hardened.push(b'=');
        match session {
            Some(session) => self.seal(session, value, &mut hardened, findings)?,
            None => hardened.extend_from_slice(value),
        }
        for attribute in parts.map(<[u8]>::trim_ascii).filter(|attribute| is_carried(attribute)) {
            hardened.extend_from_slice(b"; ");
            hardened.extend_from_slice(attribute);
        }
        if let Some(domain) = self.kept_domain(name, &asked, findings) {
            hardened.extend_from_slice(b"; Domain=");
            hardened.extend_from_slice(domain.as_bytes());
        }
        hardened.extend_from_slice(self.tail(name, &asked).as_bytes());
        let mut hardened = HeaderValue::try_from(hardened).expect("all of it comes from header values");
        // Keeps it out of HPACK's table (RFC 7541 section 7.1.3) and out of anybody's debug output.
        hardened.set_sensitive(true);
        Some(hardened)
    }

    fn seal(&self, session: &SessionName, value: &[u8], line: &mut Vec<u8>, findings: &mut Findings) -> Option<()> {
        if session.name.len() + sealed_len(value.len()) > LONGEST_COOKIE {
            findings.note("cookie_too_large", session.name.as_str());
            return None;
        }
        let sealed = self.sealer.seal(&session.binding, value, line);
        sealed
            .map_err(|_| findings.note("cookie_unsealable", session.name.as_str()))
            .ok()
    }

    /// A `Domain` stays only when it is one of the tenant's own hosts; `__Host-` cookies have none.
    fn kept_domain(&self, name: &[u8], asked: &Asked, findings: &mut Findings) -> Option<&str> {
        let domain = asked.domain.as_deref()?;
        let own = self.hosts.iter().find(|host| host.eq_ignore_ascii_case(domain));
        let kept = own.filter(|_| !is_host_only(name));
        if kept.is_none() {
            findings.note(
                "cookie_domain_removed",
                format!("{}: Domain={domain}", String::from_utf8_lossy(name)),
            );
        }
        kept.map(String::as_str)
    }

    fn tail(&self, name: &[u8], asked: &Asked) -> &str {
        let is_readable = self.script_readable.iter().any(|readable| readable.as_bytes() == name);
        let http_only = !is_readable || asked.http_only || is_http_only(name);
        let same_site = asked
            .same_site
            .map_or(self.same_site, |asked| stricter(asked, self.same_site));
        self.tails.of(http_only, same_site)
    }
}

/// What a line says about the attributes that this control decides.
#[derive(Default)]
struct Asked {
    domain: Option<String>,
    http_only: bool,
    same_site: Option<SameSite>,
}

impl Asked {
    /// As the `cookie` crate reads it. It is not asked about a line without any of these attributes, which is how old
    /// software writes nearly all of its lines.
    fn of(line: &[u8]) -> Result<Self, ParseError> {
        let mut parts = line.split(|byte| *byte == b';');
        let is_named = parts
            .next()
            .and_then(split_pair)
            .is_some_and(|(name, _)| !name.is_empty());
        if is_named && parts.all(|attribute| is_carried(attribute.trim_ascii()) || attribute.trim_ascii().is_empty()) {
            return Ok(Self::default());
        }
        // Latin-1 values are legal. What they decode to does not matter: only attributes are read from here.
        let cookie = Cookie::parse(String::from_utf8_lossy(line))?;
        Ok(Self {
            domain: cookie.domain().map(ToOwned::to_owned),
            http_only: cookie.http_only() == Some(true),
            same_site: cookie.same_site(),
        })
    }
}

/// The attributes that this control decides, ready to be appended: written once, by the `cookie` crate.
#[derive(Debug)]
pub(crate) struct Tails([[String; 3]; 2]);

impl Tails {
    pub(crate) fn new() -> Self {
        Self([false, true].map(|http_only| SAME_SITES.map(|same_site| write_tail(http_only, same_site))))
    }

    fn of(&self, http_only: bool, same_site: SameSite) -> &str {
        &self.0[usize::from(http_only)][strictness(same_site)]
    }
}

/// `__Host-`: the cookie has no `Domain` (draft-ietf-httpbis-rfc6265bis-22 section 4.1.3). Browsers compare prefixes without
/// regard to case, and refuse a cookie that does not keep its promise.
fn is_host_only(name: &[u8]) -> bool {
    has_prefix(name, b"__Host-")
}

/// `__Http-` and `__Host-Http-`: scripts can neither read nor write the cookie.
pub(crate) fn is_http_only(name: &[u8]) -> bool {
    has_prefix(name, b"__Http-") || has_prefix(name, b"__Host-Http-")
}

fn has_prefix(name: &[u8], prefix: &[u8]) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Name and value together: a browser throws a longer cookie away (draft-ietf-httpbis-rfc6265bis-22 section 5.6).
const LONGEST_COOKIE: usize = 4096;
/// `; HttpOnly; SameSite=Strict; Secure` and what little there may be besides.
const LONGEST_TAIL: usize = 40;

const SAME_SITES: [SameSite; 3] = [SameSite::None, SameSite::Lax, SameSite::Strict];

const fn strictness(same_site: SameSite) -> usize {
    match same_site {
        SameSite::None => 0,
        SameSite::Lax => 1,
        SameSite::Strict => 2,
    }
}

const fn stricter(one: SameSite, other: SameSite) -> SameSite {
    if strictness(one) > strictness(other) {
        one
    } else {
        other
    }
}

fn write_tail(http_only: bool, same_site: SameSite) -> String {
    let bare = Cookie::new("name", "").to_string();
    let full = Cookie::build(("name", ""))
        .secure(true)
        .http_only(http_only)
        .same_site(same_site)
        .build()
        .to_string();
    full[bare.len()..].to_owned()
}

fn split_pair(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    Some((pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii()))
}

/// Whether an attribute is not decided here. Every copy of one that is goes, whichever of them a browser would believe.
fn is_carried(attribute: &[u8]) -> bool {
    let name = attribute
        .split(|byte| *byte == b'=')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let ours: &[u8] = match name.len() {
        0 => return false,
        6 if name[0].eq_ignore_ascii_case(&b'd') => b"domain",
        6 => b"secure",
        8 if name[0].eq_ignore_ascii_case(&b'h') => b"httponly",
        8 => b"samesite",
        _ => return true,
    };
    !name.eq_ignore_ascii_case(ours)
}
