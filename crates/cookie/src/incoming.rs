//! `Cookie`: what the application gets to see.

use std::ops::Range;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use rempart_guard::Findings;

use crate::names::Kind;
use crate::seal::Opened;
use crate::settings::MOST_SESSIONS;
use crate::{CookiePolicy, CookieRefusal};

impl CookiePolicy {
    /// Opens the sessions in a request's cookies, and leaves the header as it is when there is none.
    pub(crate) fn check(&self, headers: &mut HeaderMap, findings: &mut Findings) -> Result<(), CookieRefusal> {
        let mut lines = headers.get_all(COOKIE).iter();
        let Some(first) = lines.next() else { return Ok(()) };
        let is_one_line = lines.next().is_none();
        if is_one_line && !self.concerns(first) {
            return Ok(());
        }
        let opened = self.open_all(headers, findings)?;
        if opened.is_empty() {
            headers.remove(COOKIE);
            return Ok(());
        }
        let mut value = HeaderValue::try_from(opened).expect("pairs and values come from header lines");
        value.set_sensitive(true);
        headers.insert(COOKIE, value);
        Ok(())
    }

    fn concerns(&self, line: &HeaderValue) -> bool {
        !self.sessions.is_empty() && pairs(line).any(|pair| self.sessions.kind_of_pair(pair) != Kind::Other)
    }

    /// All lines as one (RFC 9113 section 8.2.3), every session in it open, and nothing that could be taken for one.
    fn open_all(&self, headers: &HeaderMap, findings: &mut Findings) -> Result<Vec<u8>, CookieRefusal> {
        let lines = headers.get_all(COOKIE);
        let mut line = Line::with_capacity(lines.iter().map(|line| line.len() + 2).sum());
        let mut foreign = None;
        for pair in lines.iter().flat_map(pairs) {
            match self.sessions.kind_of_pair(pair) {
                Kind::Other => line.push(pair),
                Kind::LookAlike(index) => findings.note("cookie_shadow", self.sessions.at(index).name.as_str()),
                Kind::Session(index) => match self.open(index, pair, &mut line)? {
                    Opened::Own => {}
                    Opened::Foreign => foreign = Some(index),
                    Opened::Broken => findings.note("cookie_broken", self.sessions.at(index).name.as_str()),
                    Opened::Unsealed => findings.note("cookie_unsealed", self.sessions.at(index).name.as_str()),
                },
            }
        }
        match foreign {
            Some(index) => Err(self.foreign(index, &line)),
            None => Ok(line.bytes),
        }
    }

    /// Opens one session into the line. A second one of the same value changes nothing, one of another value is refused:
    /// whichever the application chose, it could be the wrong one.
    fn open(&self, index: usize, pair: &[u8], line: &mut Line) -> Result<Opened, CookieRefusal> {
        let session = self.sessions.at(index);
        let value = pair
            .iter()
            .position(|byte| *byte == b'=')
            .map_or(&[][..], |equals| pair[equals + 1..].trim_ascii());
        if value.is_empty() {
            // Empty values leave unsealed and so come back; to the application they are as good as none.
            return Ok(Opened::Own);
        }
        let end = line.bytes.len();
        line.begin();
        line.bytes.extend_from_slice(session.name.as_bytes());
        line.bytes.push(b'=');
        let start = line.bytes.len();
        let opened = self.sealer.open(&session.binding, value, &mut line.bytes);
        if opened == Opened::Own && line.values[index].is_empty() {
            line.values[index] = start..line.bytes.len();
            return Ok(opened);
        }
        let is_same = line.bytes[start..] == line.bytes[line.values[index].clone()];
        line.bytes.truncate(end);
        match opened {
            Opened::Own if !is_same => Err(CookieRefusal::Ambiguous {
                name: session.name.clone(),
            }),
            opened => Ok(opened),
        }
    }

    /// The refusal deletes the foreign cookie, so that a browser is not locked out when a tenant's key was lost. Not when
    /// the tenant's own session stands beside it: that one would be deleted, and the foreign one, set by a neighbour with a
    /// `Domain`, would stay.
    fn foreign(&self, index: usize, line: &Line) -> CookieRefusal {
        let session = self.sessions.at(index);
        let deletion = line.values[index].is_empty().then(|| session.deletion.clone());
        CookieRefusal::ForeignTenant {
            name: session.name.clone(),
            deletion,
        }
    }
}

/// The line that is being written.
struct Line {
    bytes: Vec<u8>,
    /// Where the value of each open session stands.
    values: [Range<usize>; MOST_SESSIONS],
}

impl Line {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            values: [const { 0..0 }; MOST_SESSIONS],
        }
    }

    fn begin(&mut self) {
        if !self.bytes.is_empty() {
            self.bytes.extend_from_slice(b"; ");
        }
    }

    fn push(&mut self, pair: &[u8]) {
        self.begin();
        self.bytes.extend_from_slice(pair);
    }
}

/// The pairs of one line, as a server reads them: split at every `;`, quotes or not
/// (draft-ietf-httpbis-rfc6265bis-22 section 4.2.2 gives them no meaning).
fn pairs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes()
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}
