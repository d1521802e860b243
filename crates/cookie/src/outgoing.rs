//! `Set-Cookie`: how every cookie leaves.

use std::time::SystemTime;

use cookie::SameSite;
use http::header::{Entry, SET_COOKIE};
use http::{HeaderMap, HeaderValue, response};
use rempart_guard::{EdgeSession, Findings, SessionId, SessionOrder, SessionOrders};

use crate::CookiePolicy;
use crate::attributes::{Asked, attribute_name, is_carried, split_pair, stricter};
use crate::host::HostName;
use crate::label::{Label, seconds};
use crate::prefix::{Prefix, is_host_only, is_http_only};
use crate::seal::sealed_len;
use crate::shown::ShownCookies;

impl CookiePolicy {
    /// Hardens every `Set-Cookie` in its place, so that their order stays; drops what cannot be hardened; and puts behind
    /// them what the request's cookies, or whoever watches over sessions, want of this answer.
    pub(crate) fn amend(
        &self,
        shown: &ShownCookies,
        head: &mut response::Parts,
        clock: impl Fn() -> SystemTime,
        findings: &mut Findings,
    ) {
        let orders = head.extensions.remove::<SessionOrders>();
        let own = shown.jar.as_ref().is_some_and(|jar| jar.has_changed());
        if orders.is_none() && !own && shown.is_settled() && !head.headers.contains_key(SET_COOKIE) {
            return;
        }
        let mut answer = Answer {
            policy: self,
            shown,
            orders: &orders.unwrap_or_default().0,
            host: shown.host.name(),
            now: clock(),
            set: Vec::new(),
            findings,
        };
        answer.harden_all(&mut head.headers);
        answer.obey(head);
        answer.put_right(head);
        if own {
            answer.add_own(&mut head.headers);
        }
    }

    /// Deletes a cookie by its name outside; `None` for a name that cannot be written.
    pub(crate) fn deletion(&self, outside: &[u8], path: Option<&[u8]>, domain: Option<&str>) -> Option<HeaderValue> {
        let mut line = outside.to_vec();
        line.extend_from_slice(b"=; Path=");
        line.extend_from_slice(path.unwrap_or(b"/"));
        line.extend_from_slice(b"; Max-Age=0");
        if let Some(domain) = domain {
            line.extend_from_slice(b"; Domain=");
            line.extend_from_slice(domain.as_bytes());
        }
        line.extend_from_slice(self.tails.of(true, self.same_site).as_bytes());
        HeaderValue::try_from(line).ok()
    }

    fn same_site(&self, name: &[u8]) -> SameSite {
        let ruled = self.names.rules.first(name, |says| says.same_site);
        ruled.unwrap_or(self.same_site)
    }

    fn is_readable(&self, name: &[u8]) -> bool {
        let ruled = self.names.rules.first(name, |says| says.script_readable);
        let named = || self.script_readable.iter().any(|readable| readable.takes(name));
        ruled.unwrap_or_else(named) && !is_http_only(name)
    }

    /// Seconds that browsers keep the cookie at most.
    fn longest(&self, name: &[u8]) -> u64 {
        let ruled = self.names.rules.first(name, |says| says.max_age);
        ruled.unwrap_or(self.max_age)
    }

    /// The path that the cookie has whatever the application says.
    pub(crate) fn path(&self, name: &[u8], prefix: Prefix) -> Option<&str> {
        match prefix {
            Prefix::Host => Some("/"),
            _ => self.names.rules.first(name, |says| says.path.as_deref()),
        }
    }
}

/// An answer on its way out.
pub(crate) struct Answer<'a> {
    pub(crate) policy: &'a CookiePolicy,
    pub(crate) shown: &'a ShownCookies,
    pub(crate) orders: &'a [SessionOrder],
    pub(crate) host: HostName,
    pub(crate) now: SystemTime,
    /// The sessions that the application sets, by name.
    pub(crate) set: Vec<(Vec<u8>, SessionId, u64)>,
    pub(crate) findings: &'a mut Findings,
}

impl Answer<'_> {
    fn harden_all(&mut self, headers: &mut HeaderMap) {
        let Entry::Occupied(mut lines) = headers.entry(SET_COOKIE) else {
            return;
        };
        let mut has_dropped = false;
        for line in lines.iter_mut() {
            *line = self.harden(line.as_bytes()).unwrap_or_else(|| {
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

    /// One line. Name, value and every attribute that is not decided here (`Expires`, `Priority`, …) leave as the bytes they
    /// came as, in their order.
    fn harden(&mut self, line: &[u8]) -> Option<HeaderValue> {
        let asked = Asked::of(line, seconds(self.now));
        let asked = asked
            .map_err(|error| self.findings.note("cookie_dropped", error.as_str()))
            .ok()?;
        let (name, value) = split_pair(line.split(|byte| *byte == b';').next()?)?;
        let names = &self.policy.names;
        if names.rules.first(name, |says| says.drop) == Some(true) {
            self.findings.note("cookie_unwanted", String::from_utf8_lossy(name));
            return None;
        }
        let is_session = !value.is_empty() && names.of(name).is_some();
        if is_session && self.is_ended(name) {
            return None;
        }
        let prefix = names.prefix(name);
        let path = self.policy.path(name, prefix);
        let longest = self.policy.longest(name);
        let domain = kept_domain(self.policy, (name, prefix), &asked, self.findings);
        let mut hardened = Vec::with_capacity(line.len() * 4 / 3 + LONGEST_EXTRA);
        hardened.extend_from_slice(prefix.as_str().as_bytes());
        hardened.extend_from_slice(name);
        hardened.push(b'=');
        if is_session {
            let label = self.label(name, &asked, domain.is_some(), longest, path);
            self.seal((name, prefix), label?, value, domain, &mut hardened)?;
        } else {
            self.fits(name, prefix.as_str().len() + name.len() + value.len())?;
            hardened.extend_from_slice(value);
        }
        carry(line, &asked, path, longest, &mut hardened);
        if let Some(domain) = domain {
            hardened.extend_from_slice(b"; Domain=");
            hardened.extend_from_slice(domain.as_bytes());
        }
        self.finish(name, &asked, hardened)
    }

    /// The attributes that are always decided here.
    pub(crate) fn finish(&self, name: &[u8], asked: &Asked<'_>, mut line: Vec<u8>) -> Option<HeaderValue> {
        let http_only = !self.policy.is_readable(name) || asked.http_only;
        let least = self.policy.same_site(name);
        let same_site = asked.same_site.map_or(least, |asked| stricter(asked, least));
        line.extend_from_slice(self.policy.tails.of(http_only, same_site).as_bytes());
        let partitioned = self.policy.names.rules.first(name, |says| says.partitioned);
        if partitioned == Some(true) && !asked.partitioned {
            line.extend_from_slice(b"; Partitioned");
        }
        let mut line = HeaderValue::try_from(line).ok()?;
        // Keeps it out of HPACK's table (RFC 7541 section 7.1.3) and out of anybody's debug output.
        line.set_sensitive(true);
        Some(line)
    }

    /// What is sealed with a session: the number that was ordered, or that the request showed, or that this answer has given
    /// already; else a new one.
    fn label(
        &mut self,
        name: &[u8],
        asked: &Asked<'_>,
        has_domain: bool,
        longest: u64,
        path: Option<&str>,
    ) -> Option<Label> {
        let now = seconds(self.now);
        let (id, began) = match self.number(name) {
            Some(known) => known,
            None => (self.new_number(name)?, now),
        };
        self.set.push((name.to_vec(), id, began));
        let path = path
            .map(str::as_bytes)
            .or(asked.path.filter(|path| path.starts_with(b"/")));
        Some(Label {
            sealed: now,
            began,
            id,
            ends: asked.lifetime.map(|seconds| now.saturating_add(seconds.min(longest))),
            has_domain,
            path: path.map(|path| path.to_vec().into()),
        })
    }

    fn number(&self, name: &[u8]) -> Option<(SessionId, u64)> {
        let ordered = self.renewals().find(|edge| edge.cookie.as_bytes() == name);
        let ordered = ordered.map(|edge| (edge.id, seconds(edge.began)));
        let shown = || {
            self.shown
                .session(name)
                .map(|session| (session.edge.id, session.label.began))
        };
        let given = || {
            self.set
                .iter()
                .find(|(given, ..)| given == name)
                .map(|(_, id, began)| (*id, *began))
        };
        ordered.or_else(shown).or_else(given)
    }

    fn new_number(&mut self, name: &[u8]) -> Option<SessionId> {
        let number = self.policy.sealer.number();
        number
            .map_err(|_| self.findings.note("cookie_unsealable", String::from_utf8_lossy(name)))
            .ok()
    }

    pub(crate) fn seal(
        &mut self,
        (name, prefix): (&[u8], Prefix),
        label: Label,
        value: &[u8],
        domain: Option<&str>,
        line: &mut Vec<u8>,
    ) -> Option<()> {
        let sealed = sealed_len(value.len(), label.path.as_deref());
        self.fits(name, prefix.as_str().len() + name.len() + sealed)?;
        let host = domain.unwrap_or(self.host.as_str());
        let sealed = self.policy.sealer.seal((name, host), &label, value, self.now, line);
        sealed
            .map_err(|_| self.findings.note("cookie_unsealable", String::from_utf8_lossy(name)))
            .ok()
    }

    fn fits(&mut self, name: &[u8], length: usize) -> Option<()> {
        let fits = length <= LONGEST_COOKIE;
        if !fits {
            let shown = &name[..name.len().min(64)];
            self.findings.note("cookie_too_large", String::from_utf8_lossy(shown));
        }
        fits.then_some(())
    }

    pub(crate) fn renewals(&self) -> impl Iterator<Item = &EdgeSession> {
        self.orders.iter().filter_map(|order| match order {
            SessionOrder::Renew(edge) => Some(edge),
            SessionOrder::End(_) | SessionOrder::Leave(_) => None,
        })
    }

    pub(crate) fn ends(&self) -> impl Iterator<Item = &[u8]> {
        self.orders.iter().filter_map(|order| match order {
            SessionOrder::End(name) => Some(name.as_bytes()),
            SessionOrder::Renew(_) | SessionOrder::Leave(_) => None,
        })
    }

    pub(crate) fn is_ended(&self, name: &[u8]) -> bool {
        self.ends().any(|ended| ended == name)
    }

    pub(crate) fn is_left(&self, name: &[u8]) -> bool {
        let left = |order: &SessionOrder| matches!(order, SessionOrder::Leave(left) if left.as_bytes() == name);
        self.orders.iter().any(left)
    }

    pub(crate) fn is_set(&self, name: &[u8]) -> bool {
        self.set.iter().any(|(set, ..)| set == name)
    }
}

/// A `Domain` stays only when it is one of the tenant's own hosts; `__Host-` cookies have none.
fn kept_domain<'p>(
    policy: &'p CookiePolicy,
    (name, prefix): (&[u8], Prefix),
    asked: &Asked<'_>,
    findings: &mut Findings,
) -> Option<&'p str> {
    let domain = asked.domain.as_deref()?;
    let own = policy.hosts.iter().find(|host| host.eq_ignore_ascii_case(domain));
    let kept = own.filter(|_| prefix != Prefix::Host && !is_host_only(name));
    if kept.is_none() {
        findings.note(
            "cookie_domain_removed",
            format!("{}: Domain={domain}", String::from_utf8_lossy(name)),
        );
    }
    kept.map(String::as_str)
}

/// Appends the attributes that an application's line has and that are its own to decide.
fn carry(line: &[u8], asked: &Asked<'_>, path: Option<&str>, longest: u64, hardened: &mut Vec<u8>) {
    let keeps_path = path.is_none_or(|path| asked.path == Some(path.as_bytes()));
    let is_long = asked.lifetime.is_some_and(|seconds| seconds > longest);
    let attributes = line.split(|byte| *byte == b';').skip(1).map(<[u8]>::trim_ascii);
    for attribute in attributes.filter(|attribute| is_carried(attribute)) {
        let name = attribute_name(attribute);
        let is_cut = is_long && name.eq_ignore_ascii_case(b"max-age");
        if is_cut || (!keeps_path && name.eq_ignore_ascii_case(b"path")) {
            continue;
        }
        hardened.extend_from_slice(b"; ");
        hardened.extend_from_slice(attribute);
    }
    if let Some(path) = path.filter(|_| !keeps_path) {
        hardened.extend_from_slice(b"; Path=");
        hardened.extend_from_slice(path.as_bytes());
    }
    if is_long {
        // Beside an `Expires` that says more: `Max-Age` is the one that counts (RFC 6265 section 5.3).
        hardened.extend_from_slice(format!("; Max-Age={longest}").as_bytes());
    }
}

/// Name and value together: a browser throws a longer cookie away (draft-ietf-httpbis-rfc6265bis-22 section 5.6).
pub(crate) const LONGEST_COOKIE: usize = 4096;
/// A prefix, what is sealed with a value, and the attributes that are put behind a line.
const LONGEST_EXTRA: usize = 240;
