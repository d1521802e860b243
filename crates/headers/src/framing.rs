//! Who may put the site into a frame: `frame-ancestors` (CSP Level 3 section 6.4.2) and, for old browsers,
//! `X-Frame-Options` (the HTML standard, earlier RFC 7034).

use http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue};
use rempart_guard::Change;

use crate::changes::hand_over;
use crate::guard::{Notes, Repair};

/// The policy's list, ready to be sent in both forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    sources: Vec<String>,
    directive: HeaderValue,
    legacy: Legacy,
    pub(crate) sends_csp: bool,
    pub(crate) sends_legacy: bool,
}

/// What `X-Frame-Options` can say, the stricter the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Legacy {
    SameOrigin,
    Deny,
}

impl Framing {
    /// The sources come checked, in lower case, without `'none'`: no source at all is what `'none'` says.
    ///
    /// `X-Frame-Options` cannot name another site, so to old browsers a list with one says no more than `SAMEORIGIN`, or
    /// `DENY` when the site itself is not in the list.
    pub(crate) fn new(sources: Vec<String>) -> Self {
        // The two usual lists are constants: a constant is cloned without touching a counter that other cores touch too.
        let directive = match sources.as_slice() {
            [] => Legacy::Deny.to_directive(),
            [only] if only == SELF => Legacy::SameOrigin.to_directive(),
            list => {
                HeaderValue::try_from(format!("{DIRECTIVE} {}", list.join(" "))).expect("checked sources are ASCII")
            }
        };
        let legacy = if sources.iter().any(|source| source == SELF) {
            Legacy::SameOrigin
        } else {
            Legacy::Deny
        };
        Self {
            sources,
            directive,
            legacy,
            sends_csp: true,
            sends_legacy: true,
        }
    }

    pub(crate) fn amend(&self, headers: &mut HeaderMap, notes: &mut Notes<'_>) {
        let sent = if self.sends_legacy { Legacy::sent(headers) } else { None };
        if self.sends_csp {
            self.amend_csp(sent, headers, notes);
        }
        if self.sends_legacy {
            let stricter = sent.map_or(self.legacy, |sent| sent.max(self.legacy));
            headers.insert(X_FRAME_OPTIONS, stricter.to_value());
        }
    }

    fn amend_csp(&self, legacy: Option<Legacy>, headers: &mut HeaderMap, notes: &mut Notes<'_>) {
        let own = headers
            .get_all(CONTENT_SECURITY_POLICY)
            .iter()
            .fold(Own::Nothing, |own, line| {
                own.max(self.compare(&String::from_utf8_lossy(line.as_bytes())))
            });
        let translated = legacy.filter(|_| own == Own::Nothing);
        match (own, translated) {
            (Own::AsStrict, _) => {}
            (Own::Other, _) => {
                notes.once(Repair::FramingNarrowed, || {
                    Notes::shown(headers.get(CONTENT_SECURITY_POLICY))
                });
                headers.append(CONTENT_SECURITY_POLICY, self.directive.clone());
            }
            (Own::Nothing, None) => {
                headers.append(CONTENT_SECURITY_POLICY, self.directive.clone());
            }
            (Own::Nothing, Some(legacy)) => self.say_both(legacy, headers, notes),
        }
    }

    /// The application has said whom it lets in, but only in the header that browsers ignore from now on.
    fn say_both(&self, legacy: Legacy, headers: &mut HeaderMap, notes: &mut Notes<'_>) {
        let within_ours = legacy == Legacy::Deny || self.contains(SELF);
        if !within_ours || self.is_what(legacy) {
            headers.append(CONTENT_SECURITY_POLICY, self.directive.clone());
        }
        if self.is_what(legacy) || self.sources.is_empty() {
            return;
        }
        if self.sources.iter().any(|source| source != SELF) {
            notes.once(Repair::FramingNarrowed, || Notes::shown(headers.get(X_FRAME_OPTIONS)));
        }
        headers.append(CONTENT_SECURITY_POLICY, legacy.to_directive());
    }

    /// Who may show the site in a frame that could not, and the other way round.
    pub(crate) fn changes_to(&self, new: &Self) -> Vec<Change> {
        // What is sent of the sources follows from them.
        let Self {
            sources,
            directive: _,
            legacy,
            sends_csp,
            sends_legacy,
        } = self;
        let csp = hand_over("Content-Security-Policy", *sends_csp, new.sends_csp);
        let old = hand_over("X-Frame-Options", *sends_legacy, new.sends_legacy);
        let mut changes: Vec<_> = csp.into_iter().chain(old).collect();
        if *sends_csp && new.sends_csp {
            changes.extend(beyond(sources, &new.sources).map(|one| Change::tightens(may_frame(one, "may no longer"))));
            changes.extend(beyond(&new.sources, sources).map(|one| Change::loosens(may_frame(one, "may"))));
        } else if *sends_legacy && new.sends_legacy && *legacy != new.legacy {
            changes.push(match new.legacy {
                Legacy::Deny => Change::tightens(may_frame(SELF, "may no longer")),
                Legacy::SameOrigin => Change::loosens(may_frame(SELF, "may")),
            });
        }
        changes
    }

    fn is_what(&self, legacy: Legacy) -> bool {
        match legacy {
            Legacy::SameOrigin => self.sources == [SELF],
            Legacy::Deny => self.sources.is_empty(),
        }
    }

    /// One line is one policy or several with commas between them. In each, the first directive of a name counts
    /// (CSP Level 3 section 2.2.1).
    fn compare(&self, line: &str) -> Own {
        let policies = line.split(',');
        let own = policies
            .filter_map(|policy| policy.split(';').find_map(sources_of))
            .map(|mut sources| {
                if sources.all(|source| self.contains(source)) {
                    Own::AsStrict
                } else {
                    Own::Other
                }
            });
        own.max().unwrap_or(Own::Nothing)
    }

    fn contains(&self, source: &str) -> bool {
        source.eq_ignore_ascii_case(NONE) || self.sources.iter().any(|ours| ours.eq_ignore_ascii_case(source))
    }
}

impl Legacy {
    /// What a browser makes of the application's header, all lines and words together: mixed words block (the HTML
    /// standard), a single unknown one such as `ALLOW-FROM` counts for nothing.
    fn sent(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(X_FRAME_OPTIONS).iter();
        let words = lines
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii);
        let (mut sent, mut unknown) = (None, false);
        for word in words {
            match () {
                () if word.eq_ignore_ascii_case(b"deny") => sent = sent.max(Some(Self::Deny)),
                () if word.eq_ignore_ascii_case(b"sameorigin") => sent = sent.max(Some(Self::SameOrigin)),
                () => unknown = true,
            }
        }
        sent.map(|sent| if unknown { Self::Deny } else { sent })
    }

    const fn to_value(self) -> HeaderValue {
        match self {
            Self::SameOrigin => HeaderValue::from_static("SAMEORIGIN"),
            Self::Deny => HeaderValue::from_static("DENY"),
        }
    }

    const fn to_directive(self) -> HeaderValue {
        match self {
            Self::SameOrigin => HeaderValue::from_static("frame-ancestors 'self'"),
            Self::Deny => HeaderValue::from_static("frame-ancestors 'none'"),
        }
    }
}

/// What an application's own policies say of frames. With several, one that is as strict as ours is enough.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Own {
    Nothing,
    Other,
    AsStrict,
}

const DIRECTIVE: &str = "frame-ancestors";
pub(crate) const SELF: &str = "'self'";
pub(crate) const NONE: &str = "'none'";

fn may_frame(source: &str, may: &str) -> String {
    match source {
        SELF => format!("the site {may} show its own pages in a frame"),
        other => format!("{other} {may} show the site in a frame"),
    }
}

/// The sources that are not among the others, each once.
fn beyond<'a>(sources: &'a [String], others: &[String]) -> impl Iterator<Item = &'a str> {
    let is_new = |(index, source): &(usize, &String)| !others.contains(source) && !sources[..*index].contains(source);
    let new = sources.iter().enumerate().filter(is_new);
    new.map(|(_, source)| source.as_str())
}

fn sources_of(directive: &str) -> Option<impl Iterator<Item = &str>> {
    let mut words = directive.split_ascii_whitespace();
    words
        .next()
        .filter(|name| name.eq_ignore_ascii_case(DIRECTIVE))
        .map(|_| words)
}
