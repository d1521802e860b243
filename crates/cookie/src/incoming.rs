//! `Cookie`: what the application gets to see.

use std::time::SystemTime;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, request};
use rempart_guard::{EdgeSession, Findings};

use crate::attributes::split_pair;
use crate::host::{AskedHost, is_below};
use crate::label::{moment, seconds};
use crate::names::{Kind, name_of};
use crate::outgoing::LONGEST_COOKIE;
use crate::seal::{Found, Opened};
use crate::shown::{ShownCookies, ShownSession, Stale};
use crate::{CookiePolicy, CookieRefusal};

impl CookiePolicy {
    /// Opens the sessions in a request's cookies, and leaves the header as it is when there is nothing to do.
    pub(crate) fn check(
        &self,
        head: &mut request::Parts,
        clock: impl Fn() -> SystemTime,
        findings: &mut Findings,
    ) -> Result<ShownCookies, CookieRefusal> {
        let host = AskedHost::of(head);
        let mut lines = head.headers.get_all(COOKIE).iter();
        let Some(first) = lines.next() else {
            return Ok(ShownCookies::at(host));
        };
        if lines.next().is_none() && !self.concerns(first) {
            return Ok(ShownCookies::at(host));
        }
        let (line, shown) = Reading::new(self, clock(), findings).read(&head.headers, host)?;
        if line.is_empty() {
            head.headers.remove(COOKIE);
        } else {
            let mut value = HeaderValue::try_from(line).expect("pairs and values come from header lines");
            value.set_sensitive(true);
            head.headers.insert(COOKIE, value);
        }
        if let Some(sessions) = shown.edge_sessions() {
            head.extensions.insert(sessions);
        }
        Ok(shown)
    }

    fn concerns(&self, line: &HeaderValue) -> bool {
        let odd = |pair: &[u8]| pair.len() > LONGEST_PAIR || self.names.kind_of_pair(pair) != Kind::Other;
        let mut count = 0;
        pairs(line).any(|pair| {
            count += 1;
            count > self.max_cookies || odd(pair)
        })
    }
}

/// What becomes of one pair.
enum Plan {
    /// It goes on as it is.
    Keep,
    /// It goes on without so many bytes at its beginning.
    Without(usize),
    /// It goes on unless the same comes under the name that it has outside.
    Bare,
    /// The open session of this index stands in its place.
    Session(usize),
    Drop,
}

/// A request's cookies as they are read.
struct Reading<'a> {
    policy: &'a CookiePolicy,
    now: SystemTime,
    findings: &'a mut Findings,
    shown: ShownCookies,
    /// The first session that is a neighbour's: the index and the name, outside and inside.
    foreign: Option<(Vec<u8>, Vec<u8>)>,
    /// Names outside under which something opened.
    opened: Vec<Vec<u8>>,
    /// Cookies that are no sessions.
    others: usize,
}

impl<'a> Reading<'a> {
    fn new(policy: &'a CookiePolicy, now: SystemTime, findings: &'a mut Findings) -> Self {
        Self {
            policy,
            now,
            findings,
            shown: ShownCookies::default(),
            foreign: None,
            opened: Vec::new(),
            others: 0,
        }
    }

    /// All lines as one (RFC 9113 section 8.2.3), every session in it open, and nothing that could be taken for one.
    fn read(mut self, headers: &HeaderMap, host: AskedHost) -> Result<(Vec<u8>, ShownCookies), CookieRefusal> {
        let name = host.name();
        let domains = self.policy.hosts.iter().map(String::as_str);
        let domains = domains.filter(|domain| is_below(name.as_str(), domain));
        let hosts: Vec<&str> = [name.as_str()].into_iter().chain(domains).collect();
        let lines = headers.get_all(COOKIE);
        let mut plans: Vec<(&[u8], Plan)> = Vec::with_capacity(8);
        for pair in lines.iter().flat_map(pairs) {
            plans.push((pair, self.plan(pair, &hosts)?));
        }
        if let Some((outside, inside)) = self.foreign.take() {
            return Err(self.refuse(&outside, &inside));
        }
        let line = self.write(&plans, lines.iter().map(|line| line.len() + 2).sum());
        self.shown.host = host;
        Ok((line, self.shown))
    }

    fn plan(&mut self, pair: &[u8], hosts: &[&str]) -> Result<Plan, CookieRefusal> {
        let name = name_of(pair);
        Ok(match self.policy.names.kind_of_pair(pair) {
            Kind::Session { index, inner } => self.session((index, inner, false), pair, hosts)?,
            Kind::OldSession { index, inner } => self.session((index, inner, true), pair, hosts)?,
            Kind::LookAlike(index) => self.drop("cookie_shadow", self.policy.names.written(index)),
            Kind::Unwanted => self.drop("cookie_unwanted", &String::from_utf8_lossy(name)),
            Kind::Bare if !self.policy.is_grace(self.now) => self.drop("cookie_shadow", &String::from_utf8_lossy(name)),
            Kind::Bare => self.other(pair, Plan::Bare),
            Kind::Renamed(inner) => self.other(pair, Plan::Without(name.len() - inner)),
            Kind::Other => self.other(pair, Plan::Keep),
        })
    }

    /// A cookie that is no session goes on unless it is too long for any browser, or one too many.
    fn other(&mut self, pair: &[u8], plan: Plan) -> Plan {
        if pair.len() > LONGEST_PAIR {
            return self.drop(
                "cookie_too_large",
                &String::from_utf8_lossy(&name_of(pair)[..name_of(pair).len().min(64)]),
            );
        }
        self.others += 1;
        match self.others.checked_sub(self.policy.max_cookies) {
            None | Some(0) => plan,
            Some(1) => self.drop("cookie_too_many", &format!("more than {}", self.policy.max_cookies)),
            Some(_) => Plan::Drop,
        }
    }

    fn drop(&mut self, code: &'static str, evidence: &str) -> Plan {
        self.findings.note(code, evidence);
        Plan::Drop
    }

    fn session(&mut self, kind: (usize, usize, bool), pair: &[u8], hosts: &[&str]) -> Result<Plan, CookieRefusal> {
        let (index, inner, is_old) = kind;
        let (outside, value) = split_pair(pair).unwrap_or((pair, b""));
        let name = &outside[outside.len() - inner.min(outside.len())..];
        if value.is_empty() {
            // Empty values leave unsealed and so come back; to the application they are as good as none.
            return Ok(Plan::Drop);
        }
        let start = self.shown.values.len();
        let sealer = &self.policy.sealer;
        let opened = sealer.open((name, hosts), value, self.now, &mut self.shown.values);
        let code = match opened {
            Opened::Own(found) => match self.fault(&found, is_old) {
                None => return self.own((index, is_old), (outside, name), found, start, hosts),
                Some(code) => {
                    self.shown.values.truncate(start);
                    code
                }
            },
            Opened::Foreign => {
                self.foreign = Some((outside.to_vec(), name.to_vec()));
                return Ok(Plan::Drop);
            }
            Opened::KeyEnded => "cookie_key_ended",
            Opened::Broken => "cookie_broken",
            Opened::Unsealed => "cookie_unsealed",
        };
        Ok(self.drop(code, self.policy.names.written(index)))
    }

    /// Why a value that opened is not believed all the same.
    fn fault(&self, found: &Found, is_old: bool) -> Option<&'static str> {
        let (now, label) = (seconds(self.now), &found.label);
        let ends = label.sealed.saturating_add(self.policy.max_age);
        let ends = label.ends.map_or(ends, |own| own.min(ends));
        if ends < now {
            return Some("cookie_expired");
        }
        // What was sealed before names were changed cannot have come under another.
        let is_late = is_old && !found.is_version_1 && !self.policy.is_grace(self.now);
        is_late.then_some("cookie_old_name")
    }

    /// A second session of the same value changes nothing, one of another value is refused: whichever the application
    /// chose, it could be the wrong one. But what came under an old name gives way to what came under the new one.
    fn own(
        &mut self,
        (index, is_old): (usize, bool),
        (outside, name): (&[u8], &[u8]),
        found: Found,
        start: usize,
        hosts: &[&str],
    ) -> Result<Plan, CookieRefusal> {
        let domain = found.label.has_domain.then(|| hosts[found.host].to_owned());
        self.opened.push(outside.to_vec());
        if is_old {
            self.shown.stale.push(Stale {
                outside: outside.to_vec(),
                path: found.label.path.clone(),
                domain: domain.clone(),
            });
        }
        let session = ShownSession {
            edge: EdgeSession {
                cookie: self.policy.names.shared(index, name),
                id: found.label.id,
                sealed: moment(found.label.sealed),
                began: moment(found.label.began),
            },
            label: found.label,
            domain,
            value: start..self.shown.values.len(),
            is_old,
            moves: is_old || !found.is_current,
        };
        let known = self
            .shown
            .sessions
            .iter()
            .position(|known| known.edge.cookie.as_bytes() == name);
        let Some(at) = known else {
            self.shown.sessions.push(session);
            return Ok(Plan::Session(self.shown.sessions.len() - 1));
        };
        let known = &self.shown.sessions[at];
        let is_same = self.shown.values[known.value.clone()] == self.shown.values[session.value.clone()];
        match (known.is_old, is_old) {
            (true, false) => self.shown.sessions[at] = session,
            (false, true) => {}
            _ if is_same => {}
            _ => return Err(CookieRefusal::Ambiguous { name: text(name) }),
        }
        Ok(Plan::Drop)
    }

    fn write(&self, plans: &[(&[u8], Plan)], capacity: usize) -> Vec<u8> {
        let mut line = Vec::with_capacity(capacity);
        for (pair, plan) in plans {
            let kept = match plan {
                Plan::Keep => pair,
                Plan::Without(prefix) => &pair[*prefix..],
                Plan::Bare if !renamed(plans, name_of(pair)) => pair,
                Plan::Bare | Plan::Drop => continue,
                Plan::Session(at) => {
                    let session = &self.shown.sessions[*at];
                    begin(&mut line);
                    line.extend_from_slice(session.edge.cookie.as_bytes());
                    line.push(b'=');
                    line.extend_from_slice(self.shown.value(session));
                    continue;
                }
            };
            begin(&mut line);
            line.extend_from_slice(kept);
        }
        line
    }

    /// The refusal deletes the foreign cookie, so that a browser is not locked out when a tenant's key was lost. Not when
    /// the tenant's own session stands beside it under the same name: that one would be deleted, and the foreign one, set by
    /// a neighbour with a `Domain`, would stay.
    fn refuse(&self, outside: &[u8], inside: &[u8]) -> CookieRefusal {
        let own = self.opened.iter().any(|opened| opened == outside);
        let deletion = (!own).then(|| self.policy.deletion(outside, None, None)).flatten();
        CookieRefusal::ForeignTenant {
            name: text(inside),
            deletion,
        }
    }
}

/// Whether a pair comes under the name that this one has outside.
fn renamed(plans: &[(&[u8], Plan)], name: &[u8]) -> bool {
    plans.iter().any(|(pair, plan)| match plan {
        Plan::Without(prefix) => name_of(&pair[*prefix..]) == name,
        _ => false,
    })
}

fn begin(line: &mut Vec<u8>) {
    if !line.is_empty() {
        line.extend_from_slice(b"; ");
    }
}

/// A name that is a session's is a token, or nearly.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The pairs of one line, as a server reads them: split at every `;`, quotes or not
/// (draft-ietf-httpbis-rfc6265bis-22 section 4.2.2 gives them no meaning).
pub(crate) fn pairs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes()
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

/// Name and value of the longest cookie, and the `=` between them.
const LONGEST_PAIR: usize = LONGEST_COOKIE + 1;
