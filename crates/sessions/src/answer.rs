//! What becomes of sessions when the application answers: who has logged in, who is out, and which number each cookie leaves
//! with.

use std::sync::Arc;

use http::response;
use rempart_guard::{EdgeSession, Findings};

use crate::cookies::{Set, sets_of};
use crate::ended::Ended;
use crate::guard::{OneShown, Route, Seen, is_done};
use crate::moment::moment;
use crate::policy::Role;
use crate::table::Learned;
use crate::turn::Turn;
use crate::{Sessions, account};

impl Sessions {
    pub(crate) fn answer(&self, seen: Seen, head: &mut response::Parts, findings: &mut Findings) {
        let account = account::take(&mut head.headers, &self.policy.account_header);
        let now = self.now();
        let sets = sets_of(&head.headers, &self.policy, now);
        if seen.shown.is_empty() && sets.is_empty() {
            return;
        }
        let Seen { route, place, shown } = seen;
        let mut subjects = subjects(shown, sets);
        let event = self.event(route, &mut subjects, account.as_ref(), head);
        let mut turn = Turn {
            sessions: self,
            limits: self.limits(),
            now,
            place,
            account,
            head,
            findings,
            orders: Vec::new(),
        };
        if self.policy.is_enforced() {
            turn.take(event, &subjects);
            turn.finish();
        } else {
            turn.tell(event, &subjects);
        }
    }

    /// What the answer means. A session whose account's sessions were ended ends when it is learned to be one of them.
    fn event(
        &self,
        route: Route,
        subjects: &mut [Subject],
        account: Option<&Arc<str>>,
        head: &response::Parts,
    ) -> Event {
        if route.logout && !head.status.is_client_error() {
            return Event::Logout;
        }
        let is_done = is_done(head.status);
        let Some(first) = subjects.first_mut().filter(|subject| subject.role == Role::Session) else {
            return Event::Plain;
        };
        let learned = match (account, first.live()) {
            (Some(account), Some(session)) => self.table.learn(session.id, moment(session.began), account),
            (Some(_), None) if first.sets_value() => Learned::Login,
            _ => Learned::Nothing,
        };
        if learned == Learned::Killed {
            let shown = subjects.iter_mut().filter_map(|subject| subject.shown.as_mut());
            shown.for_each(|one| one.ended = one.ended.or(Some(Ended::Killed)));
            return Event::Plain;
        }
        if learned == Learned::Login || (route.login && is_done) {
            let proven = learned == Learned::Login || first.sets_another_value();
            return Event::Login { proven };
        }
        match route.privilege && is_done {
            true => Event::Raise,
            false => Event::Plain,
        }
    }
}

/// What an answer means to the sessions of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody may have logged in. When that is `proven`, because the application has begun another session or named another
    /// account, the session's life begins anew; a wrong password lengthens none.
    Login {
        proven: bool,
    },
    /// Somebody has done what creates or raises an account.
    Raise,
    Logout,
    Plain,
}

/// One watched cookie: what the request has shown, and what the answer sets.
pub(crate) struct Subject {
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    pub(crate) shown: Option<OneShown>,
    set: Option<Set>,
}

impl Subject {
    pub(crate) fn live(&self) -> Option<&EdgeSession> {
        let shown = self.shown.as_ref()?;
        shown.ended.is_none().then_some(&shown.session)
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.shown.as_ref()?.ended
    }

    pub(crate) fn sets_value(&self) -> bool {
        self.set.as_ref().is_some_and(|set| set.value.is_some())
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.set.as_ref().is_some_and(|set| set.value.is_none())
    }

    /// Whether the application has begun another session than the one that it was shown.
    pub(crate) fn sets_another_value(&self) -> bool {
        let Some(value) = self.set.as_ref().and_then(|set| set.value.as_deref()) else {
            return false;
        };
        let shown = self.shown.as_ref().and_then(|shown| shown.value.as_deref());
        shown != Some(value)
    }
}

fn subjects(shown: Vec<OneShown>, mut sets: Vec<Set>) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::with_capacity(shown.len() + sets.len());
    for one in shown {
        let at = sets.iter().position(|set| set.name == one.session.cookie);
        subjects.push(Subject {
            name: Arc::clone(&one.session.cookie),
            role: one.role,
            shown: Some(one),
            set: at.map(|at| sets.swap_remove(at)),
        });
    }
    subjects.extend(sets.into_iter().map(|set| Subject {
        name: Arc::clone(&set.name),
        role: set.role,
        shown: None,
        set: Some(set),
    }));
    subjects.sort_by_key(|subject| subject.role != Role::Session);
    subjects
}
