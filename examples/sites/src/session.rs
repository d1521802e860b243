//! Sessions in memory: who is behind which cookie. Gone at a restart, as in the software these sites imitate.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The logged-in sessions of one site, at most [`MOST`]; the oldest makes room.
///
/// The key is whatever the browser sent: a session that was chosen by somebody else before the login is kept (fixation).
pub(crate) struct Sessions<U> {
    inner: Mutex<Inner<U>>,
}

impl<U: Clone> Sessions<U> {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                users: HashMap::new(),
                order: VecDeque::new(),
            }),
        }
    }

    pub(crate) fn login(&self, session: &str, user: U) {
        let mut inner = self.lock();
        if inner.users.insert(session.to_owned(), user).is_none() {
            inner.order.push_back(session.to_owned());
        }
        while inner.order.len() > MOST {
            if let Some(oldest) = inner.order.pop_front() {
                inner.users.remove(&oldest);
            }
        }
    }

    pub(crate) fn user(&self, session: &str) -> Option<U> {
        self.lock().users.get(session).cloned()
    }

    pub(crate) fn logout(&self, session: &str) {
        let mut inner = self.lock();
        if inner.users.remove(session).is_some() {
            inner.order.retain(|known| known != session);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<U>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 128 bits that another process cannot repeat: the standard library's keyed hash over nothing, twice.
pub(crate) fn fresh() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(0_u8));
    (half() << 64) | half()
}

struct Inner<U> {
    users: HashMap<String, U>,
    order: VecDeque<String>,
}

const MOST: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_logins_does_not_grow_the_table() {
        let sessions = Sessions::new();
        for n in 0..MOST + 500 {
            sessions.login(&n.to_string(), n);
        }
        assert_eq!(sessions.lock().users.len(), MOST);
        assert_eq!(sessions.user("0"), None);
        assert_eq!(sessions.user(&(MOST + 499).to_string()), Some(MOST + 499));
    }

    #[test]
    fn a_logged_out_session_knows_nobody() {
        let sessions = Sessions::new();
        sessions.login("a", 1);
        sessions.logout("a");
        assert_eq!(sessions.user("a"), None);
        assert!(sessions.lock().order.is_empty());
    }

    #[test]
    fn fresh_identifiers_differ() {
        assert_ne!(fresh(), fresh());
    }
}
