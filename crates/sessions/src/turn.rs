//! What an answer does to its sessions, once it is known what it means.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, EXPIRES, HeaderName};
use http::{StatusCode, response};
use rempart_guard::{EdgeSession, Findings, SessionId, SessionOrder, SessionOrders};

use crate::Sessions;
use crate::answer::{Event, Subject};
use crate::cookies::drop_set;
use crate::ended::{Ended, Why};
use crate::guard::named;
use crate::moment::{Moment, moment, time};
use crate::place::Place;
use crate::policy::{Beyond, Role};
use crate::table::Limits;
use crate::writer::{Renewal, Writer};

/// One answer's turn.
pub(crate) struct Turn<'a> {
    pub(crate) sessions: &'a Sessions,
    pub(crate) limits: Limits,
    pub(crate) now: Moment,
    pub(crate) place: Place,
    pub(crate) account: Option<Arc<str>>,
    pub(crate) head: &'a mut response::Parts,
    pub(crate) findings: &'a mut Findings,
    pub(crate) orders: Vec<SessionOrder>,
}

impl Turn<'_> {
    pub(crate) fn take(&mut self, event: Event, subjects: &[Subject]) {
        match event {
            Event::Logout => self.log_out(subjects),
            Event::Login { proven } => self.log_in(subjects, proven),
            Event::Raise => self.renew_all(subjects, false),
            Event::Plain => subjects.iter().for_each(|subject| self.go_on(subject)),
        }
    }

    /// What would have been done, under `report`.
    pub(crate) fn tell(&mut self, event: Event, subjects: &[Subject]) {
        for session in subjects.iter().filter_map(Subject::live) {
            match event {
                Event::Logout => self.findings.note("session_logged_out", named(session)),
                Event::Login { .. } | Event::Raise => self.findings.note("session_renewed", named(session)),
                Event::Plain => {}
            }
        }
        let first = subjects.first().and_then(Subject::live);
        if let Some((session, account)) = first.zip(self.account.clone()) {
            if matches!(event, Event::Login { .. }) {
                let _ = self.crowd(&self.sessions.table.writer(), &account, subjects);
            }
            self.sessions.table.own(session.id, &account);
        }
    }

    /// Hands the orders to whoever seals.
    pub(crate) fn finish(self) {
        if !self.orders.is_empty() {
            self.head.extensions.insert(SessionOrders(self.orders));
        }
    }

    /// Neither a login nor a logout.
    fn go_on(&mut self, subject: &Subject) {
        match (subject.live(), subject.ended()) {
            (None, Some(ended)) => self.without(subject, ended),
            (Some(session), _) if subject.is_deleted() => {
                self.findings.note("session_logged_out", named(session));
                let (id, limits, now) = (session.id, self.limits, self.now);
                self.sessions.table.writer().end_with(id, Why::LoggedOut, limits, now);
            }
            (Some(session), _) if subject.sets_value() || self.is_due(session) => {
                if self.sessions.table.was_ended(session.id, moment(session.began)) {
                    // Whoever asks next is told why.
                    drop_set(&mut self.head.headers, &subject.name);
                    return;
                }
                let (id, began) = (session.id, moment(session.began));
                self.seal(subject, id, began);
            }
            _ => {}
        }
    }

    /// The request came without its session, which had ended.
    fn without(&mut self, subject: &Subject, ended: Ended) {
        if ended.is_just_renewed() {
            // The browser has the new cookie by now, or will have it; what the application thinks of a stranger is not for it.
            drop_set(&mut self.head.headers, &subject.name);
            self.orders.push(SessionOrder::Leave(Arc::clone(&subject.name)));
        } else if subject.sets_value() {
            self.begin_unknown(subject);
        } else {
            self.end_cookie(subject);
        }
    }

    /// The application gives a stranger a session: under a number of its own.
    fn begin_unknown(&mut self, subject: &Subject) {
        match fresh() {
            Some(id) => {
                let began = self.sessions.table.writer().beginning(None, self.now);
                self.seal(subject, id, began);
            }
            None => self.unnumbered(subject),
        }
    }

    fn log_in(&mut self, subjects: &[Subject], proven: bool) {
        if let Some(account) = self.account.clone() {
            let sessions = self.sessions;
            let mut writer = sessions.table.writer();
            let crowd = self.crowd(&writer, &account, subjects);
            match sessions.policy.beyond {
                Beyond::EndOldest => {
                    let (limits, now) = (self.limits, self.now);
                    crowd
                        .iter()
                        .for_each(|id| writer.end_with(*id, Why::Crowded, limits, now));
                    return self.renew(&mut writer, subjects, proven);
                }
                Beyond::Refuse if !crowd.is_empty() => return self.refuse(&mut writer, subjects),
                Beyond::Refuse => return self.renew(&mut writer, subjects, proven),
            }
        }
        self.renew_all(subjects, proven);
    }

    fn renew_all(&mut self, subjects: &[Subject], proven: bool) {
        let sessions = self.sessions;
        self.renew(&mut sessions.table.writer(), subjects, proven);
    }

    /// The sessions of the account that are too many when another begins.
    fn crowd(&mut self, writer: &Writer<'_>, account: &Arc<str>, subjects: &[Subject]) -> Vec<SessionId> {
        let Some(most) = self.sessions.policy.per_account else {
            return Vec::new();
        };
        let mut sessions = writer.of_account(account, self.limits, self.now);
        sessions.retain(|id| !subjects.iter().filter_map(Subject::live).any(|shown| shown.id == *id));
        sessions.truncate((sessions.len() + 1).saturating_sub(most));
        if !sessions.is_empty() {
            let evidence = format!("{account:?} has {most} sessions and begins another");
            self.findings.note("session_too_many", evidence);
        }
        sessions
    }

    /// The new login comes to nothing: the browser is left without a session.
    fn refuse(&mut self, writer: &mut Writer<'_>, subjects: &[Subject]) {
        for subject in subjects {
            if let Some(session) = subject.live() {
                writer.end_with(session.id, Why::Crowded, self.limits, self.now);
            }
            self.end_cookie(subject);
        }
    }

    fn renew(&mut self, writer: &mut Writer<'_>, subjects: &[Subject], proven: bool) {
        let mut with = None;
        for subject in subjects {
            let Some(id) = fresh() else {
                self.unnumbered(subject);
                continue;
            };
            let new = Renewal {
                id,
                began: writer.beginning(self.account.as_ref(), self.now),
                role: subject.role,
                with: with.unwrap_or(id),
                account: self.account.clone(),
                place: self.place,
            };
            let renewed = match (subject.live(), subject.ended()) {
                (Some(session), _) if subject.is_deleted() => {
                    writer.end_with(session.id, Why::LoggedOut, self.limits, self.now);
                    continue;
                }
                (Some(session), _) => self.renew_shown(writer, session, new, proven),
                // Also when the request came with a number that was just replaced: a login is no answer to a stranger.
                (None, _) if subject.sets_value() => {
                    let (id, began) = (new.id, new.began);
                    writer.enter(new, self.limits, self.now);
                    Some((id, began))
                }
                (None, Some(ended)) if !ended.is_just_renewed() => None,
                (None, _) => {
                    drop_set(&mut self.head.headers, &subject.name);
                    continue;
                }
            };
            match renewed {
                Some((id, began)) => {
                    if subject.role == Role::Session {
                        with = with.or(Some(id));
                    }
                    self.seal(subject, id, began);
                }
                None => self.end_cookie(subject),
            }
        }
    }

    fn renew_shown(
        &mut self,
        writer: &mut Writer<'_>,
        session: &EdgeSession,
        new: Renewal,
        proven: bool,
    ) -> Option<(SessionId, Moment)> {
        let old = (session.id, moment(session.began));
        let began = if proven { new.began } else { old.1 };
        let renewed = writer.renew(old, Renewal { began, ..new }, self.limits, self.now);
        if renewed.is_some() {
            self.findings.note("session_renewed", named(session));
        }
        renewed
    }

    fn log_out(&mut self, subjects: &[Subject]) {
        let sessions = self.sessions;
        let mut is_shown = false;
        for subject in subjects {
            let Some(shown) = &subject.shown else { continue };
            is_shown = true;
            sessions
                .table
                .writer()
                .end_with(shown.session.id, Why::LoggedOut, self.limits, self.now);
            self.findings.note("session_logged_out", named(&shown.session));
            match subject.sets_another_value() {
                true => self.begin_unknown(subject),
                false => self.end_cookie(subject),
            }
        }
        if let Some(cleared) = sessions.policy.clear_site_data.as_ref().filter(|_| is_shown) {
            // A list (RFC 9110 section 5.3): what the application clears itself stays.
            self.head.headers.append(CLEAR_SITE_DATA, cleared.clone());
        }
    }

    /// The cookie leaves with this number.
    fn seal(&mut self, subject: &Subject, id: SessionId, began: Moment) {
        self.orders.push(SessionOrder::Renew(EdgeSession {
            cookie: Arc::clone(&subject.name),
            id,
            sealed: time(self.now),
            began: time(began),
        }));
    }

    /// The browser forgets the cookie, whatever the application sets.
    fn end_cookie(&mut self, subject: &Subject) {
        drop_set(&mut self.head.headers, &subject.name);
        self.orders.push(SessionOrder::End(Arc::clone(&subject.name)));
    }

    /// The system has no random bytes to give: no session without a number of its own.
    fn unnumbered(&mut self, subject: &Subject) {
        self.findings.note("session_unnumbered", subject.name.to_string());
        self.end_cookie(subject);
    }

    /// Whether the seal is old enough to be renewed: then it says when the session was last used even to somebody who has
    /// never seen it, within a quarter of the limit. A picture that is to be kept waits for a page until half of it has passed;
    /// then whoever seals takes care that no cache hands the answer to others.
    fn is_due(&self, session: &EdgeSession) -> bool {
        let age = self.now.saturating_sub(moment(session.sealed));
        let waits = if is_kept(self.head) { 2 } else { 4 };
        age > self.limits.idle / waits
    }
}

/// Whether a cache is told to keep the answer (RFC 9111 section 5.2.2).
fn is_kept(head: &response::Parts) -> bool {
    let lines = head
        .headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let directives = lines.flat_map(|line| line.split(','));
    let names = directives.map(|directive| {
        directive
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    let mut kept = head.status == StatusCode::NOT_MODIFIED || head.headers.contains_key(EXPIRES);
    for name in names {
        match name.as_str() {
            "private" | "no-store" | "no-cache" | "must-revalidate" => return false,
            "public" | "max-age" | "s-maxage" | "immutable" => kept = true,
            _ => {}
        }
    }
    kept
}

/// A number that nobody has.
fn fresh() -> Option<SessionId> {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).ok()?;
    Some(SessionId(id))
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
