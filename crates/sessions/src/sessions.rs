use std::cmp::Reverse;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rempart_guard::SessionId;
use serde::Serialize;

use crate::SessionsPolicy;
use crate::ended::Why;
use crate::kept::{Kept, KeptError, read_id};
use crate::moment::{Moment, millis, moment};
use crate::policy::Role;
use crate::table::{Limits, Table};

/// The control, with what it knows of the sessions of one tenant. Shared by the tenant's workers.
pub struct Sessions {
    pub(crate) policy: SessionsPolicy,
    pub(crate) table: Arc<Table>,
    home: Option<Arc<Home>>,
    clock: Clock,
}

/// Which sessions somebody wants to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every session of the tenant that has begun.
    All,
    /// Every session of an account, by the name in which the application says whose they are.
    Account(String),
    /// One, by the first digits of its number, at least six, as [`Sessions::list`] shows them.
    Number(String),
}

/// A session that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionInfo {
    /// The first twelve digits of its number.
    pub id: String,
    /// Whose it is, when the application has said so.
    pub account: Option<String>,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// When it was last used, in seconds since 1970.
    pub seen: u64,
}

/// Why nothing was ended, or why that may not last.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// No session has this number.
    #[error("no session has a number that begins with {0:?}; `rempart session list` shows those that are known")]
    Unknown(String),
    /// Several begin so.
    #[error("{1} sessions have a number that begins with {0:?}; write more of it")]
    Ambiguous(String, usize),
    /// This cannot begin a number.
    #[error("{0:?} is not the beginning of a number: 6 to 32 of 0-9 and a-f")]
    NoNumber(String),
    /// It has taken effect, and would not outlive the program.
    #[error("done, but a restart would undo it: {0}")]
    NotKept(#[from] KeptError),
}

impl Sessions {
    /// Begins to watch, without a memory that outlives the program.
    #[must_use]
    pub fn new(policy: SessionsPolicy) -> Self {
        Self::with_clock(policy, SystemTime::now)
    }

    /// The same by a clock of your own, for tests.
    #[must_use]
    pub fn with_clock(policy: SessionsPolicy, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let now = moment(clock());
        Self {
            policy,
            table: Arc::new(Table::new(now)),
            home: None,
            clock: Arc::new(clock),
        }
    }

    /// Keeps what is ended in this file, and goes on from what was kept there.
    ///
    /// # Errors
    ///
    /// A file that cannot be read. Then everything that has begun so far has ended, because the file may have said so of some,
    /// and the file is written anew.
    pub fn kept_in(mut self, path: PathBuf) -> (Self, Result<(), KeptError>) {
        let (limits, now) = (self.limits(), self.now());
        let read = match Kept::read(&path) {
            Ok(kept) => {
                kept.iter().for_each(|kept| kept.restore(&self.table, limits, now));
                Ok(())
            }
            Err(error) => {
                self.table.all.store(now, Ordering::Release);
                let path = path.clone();
                Err(KeptError { path, error })
            }
        };
        self.home = Some(Arc::new(Home {
            path,
            writing: Mutex::new(()),
        }));
        (self, read)
    }

    /// The same sessions under a new policy. Who is logged in stays so, and what was ended stays ended, whatever the policy.
    #[must_use]
    pub fn with_policy(&self, policy: SessionsPolicy) -> Self {
        if policy.is_enforced() != self.policy.is_enforced() {
            // Seals were not renewed so far, or will not be: whoever is there when they are has the whole limit before them.
            self.table.watched.store(self.now(), Ordering::Release);
            self.table.note_change();
        }
        Self {
            policy,
            table: Arc::clone(&self.table),
            home: self.home.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &SessionsPolicy {
        &self.policy
    }

    /// Ends sessions, from the next request of each on, and keeps that before it returns how many of them were known. A
    /// session that is not known, because it was not used since the program started, is ended with [`Which::All`], by its whole
    /// number, and by its account as soon as the application says whose it is.
    ///
    /// Under `report` their next requests are told and pass.
    ///
    /// # Errors
    ///
    /// A number that nobody has, and a file that cannot be written.
    pub fn kill(&self, which: &Which) -> Result<usize, KillError> {
        let (limits, now) = (self.limits(), self.now());
        let ended = match which {
            Which::All => self.table.writer().kill_all(limits, now),
            Which::Account(account) => self.table.writer().kill_account(account, limits, now),
            Which::Number(digits) => {
                let id = self.find(digits)?;
                self.table.writer().end_with(id, Why::Killed, limits, now);
                1
            }
        };
        self.save()?;
        Ok(ended)
    }

    /// The sessions that live, the last used first.
    #[must_use]
    pub fn list(&self) -> Vec<SessionInfo> {
        let mut all = Vec::new();
        self.table.each_live(self.limits(), self.now(), |id, entry| {
            if entry.role == Role::Session {
                let info = SessionInfo {
                    id: short(id),
                    account: entry.account.as_deref().map(str::to_owned),
                    began: entry.began / 1_000,
                    seen: entry.seen / 1_000,
                };
                all.push((Reverse(entry.seen), info));
            }
        });
        all.sort_by(|(seen, one), (other_seen, other)| seen.cmp(other_seen).then_with(|| one.id.cmp(&other.id)));
        all.into_iter().map(|(_, info)| info).collect()
    }

    /// Writes what was ended, when something was since the last time. Whoever serves calls this once a second: a guard does no
    /// I/O itself.
    ///
    /// # Errors
    ///
    /// A file that cannot be written. It is tried again the next time.
    pub fn save(&self) -> Result<(), KeptError> {
        let Some(home) = &self.home else { return Ok(()) };
        let _writing = home.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.table.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let kept = Kept::of(&self.table, self.limits(), self.now());
        kept.write(&home.path).map_err(|error| {
            self.table.note_change();
            let path = home.path.clone();
            KeptError { path, error }
        })
    }

    /// Whether [`save`](Self::save) would write.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.home.is_some() && self.table.changed.load(Ordering::Acquire)
    }

    /// The file in which what was ended is kept.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.home.as_ref().map(|home| home.path.as_path())
    }

    pub(crate) fn now(&self) -> Moment {
        moment((self.clock)())
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            idle: millis(self.policy.idle),
            absolute: millis(self.policy.absolute),
            is_enforced: self.policy.is_enforced(),
        }
    }

    fn find(&self, digits: &str) -> Result<SessionId, KillError> {
        let digits = digits.to_ascii_lowercase();
        let is_number = (6..=32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_number {
            return Err(KillError::NoNumber(digits));
        }
        if let Some(id) = read_id(&digits) {
            return Ok(id);
        }
        let mut found = Vec::new();
        self.table.each_live(self.limits(), self.now(), |id, _| {
            if id.to_string().starts_with(&digits) {
                found.push(id);
            }
        });
        match *found.as_slice() {
            [] => Err(KillError::Unknown(digits)),
            [id] => Ok(id),
            _ => Err(KillError::Ambiguous(digits, found.len())),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// As much of a number as tells it from others, for people.
pub(crate) fn short(id: SessionId) -> String {
    let mut digits = id.to_string();
    digits.truncate(12);
    digits
}

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Where it is kept, and that one at a time writes there.
struct Home {
    path: PathBuf,
    writing: Mutex<()>,
}
