//! The sessions of one configuration, which no other configuration can find.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::server::StoresServerSessions;

/// Sessions by their identifier, at most [`SESSIONS`], each for [`LIFETIME`] at most.
///
/// rustls' own store keeps a session until newer ones push it out, for months at a quiet site, and searches all of them
/// for one that is used up. Here each operation takes one hash: the lock is held for some hundred nanoseconds in a
/// handshake of about a hundred thousand, so the threads of an edge share one store and a session of one resumes at all.
pub(crate) struct Sessions {
    kept: Mutex<Kept>,
    clock: fn() -> Instant,
}

impl Sessions {
    pub(crate) fn new(clock: fn() -> Instant) -> Self {
        Self {
            kept: Mutex::default(),
            clock,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // What is in there is whole at every moment that could panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self, session: &Session) -> bool {
        (self.clock)().saturating_duration_since(session.since) < LIFETIME
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, id: Vec<u8>, secrets: Vec<u8>) -> bool {
        let session = Session {
            since: (self.clock)(),
            secrets,
        };
        self.kept().put(id.into(), session, |session| self.alive(session));
        true
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.kept()
            .by_id
            .get(id)
            .filter(|session| self.alive(session))
            .map(|session| session.secrets.clone())
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.kept()
            .by_id
            .remove(id)
            .filter(|session| self.alive(session))
            .map(|session| session.secrets)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("kept", &self.kept().by_id.len())
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Kept {
    by_id: HashMap<Box<[u8]>, Session>,
    /// In the order they came, those that were taken since among them: the number of both is what is bounded.
    order: VecDeque<Box<[u8]>>,
}

impl Kept {
    fn put(&mut self, id: Box<[u8]>, session: Session, alive: impl Fn(&Session) -> bool) {
        if self.by_id.insert(id.clone(), session).is_none() {
            self.order.push_back(id);
        }
        while let Some(oldest) = self.order.front() {
            if self.order.len() <= SESSIONS && self.by_id.get(oldest).is_some_and(&alive) {
                break;
            }
            self.by_id.remove(oldest);
            self.order.pop_front();
        }
    }
}

struct Session {
    since: Instant,
    secrets: Vec<u8>,
}

/// Sessions per configuration: about 300 KiB when full, nothing before the first one.
pub(crate) const SESSIONS: usize = 1024;

/// RFC 5246 section F.1.4 suggests no more for TLS 1.2; for TLS 1.3 it is what rustls tells the client.
pub(crate) const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
