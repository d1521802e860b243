use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime};

use rempart_config::{Diagnostics, Kept, LastGood, Scope, TenantConfig, VendorConfig};
use rempart_sessions::Sessions;
use rempart_tenant::{TenantId, TenantKeys};

use crate::outcome::{Load, Reloaded, TenantStatus};
use crate::roster::Roster;

/// What changes the edge while it runs, and says how its tenants stand. Cheap to clone; every clone is the same.
///
/// A reload reads the files that have changed and rebuilds the tenants that they change. Each is replaced whole: a request
/// is answered by the stack that stood when its head was read. No connection is closed but those of a tenant that is gone,
/// and no count, session or connection to an application is lost but where its own definition changed.
///
/// A file that is wrong is quarantined: its tenant is served as the last good file said, and the others move on. So it is
/// when the edge starts: the last good files are kept in the state directory. With nothing kept, the tenant is absent.
#[derive(Clone)]
pub struct Control {
    roster: Arc<Mutex<Roster>>,
    history: Arc<Mutex<History>>,
    kept: Arc<Keeping>,
}

/// Who writes last good files: a reload, or what keeps them all after the start.
#[derive(Default)]
struct Keeping {
    writing: Mutex<()>,
    /// How many reloads have something to write that is newer than what anybody else has.
    reloads: AtomicU64,
}

/// What became of the reloads so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// How many reloads found nothing wrong.
    pub clean: u64,
    /// How many found something wrong with single tenants, and served all the others.
    pub partial: u64,
    /// How many found the vendor's part wrong, and changed nothing.
    pub refused: u64,
    /// When the last one ended that found nothing wrong; the start counts.
    pub last_clean: Option<SystemTime>,
}

/// Both sides of a reload that is only looked at.
#[derive(Debug)]
pub struct Plan {
    /// The vendor's part and the tenants as they are served.
    pub running: (Arc<VendorConfig>, Vec<Arc<TenantConfig>>),
    /// As they would be.
    pub planned: (Arc<VendorConfig>, Vec<Arc<TenantConfig>>),
    /// What is wrong with any file, and would keep its tenant as it is.
    pub wrong: Diagnostics,
}

impl Control {
    pub(crate) fn new(roster: Arc<Mutex<Roster>>) -> Self {
        let clean = lock(&roster).wrong().is_empty();
        let history = History {
            last_clean: clean.then(SystemTime::now),
            ..History::default()
        };
        Self {
            roster,
            history: Arc::new(Mutex::new(history)),
            kept: Arc::default(),
        }
    }

    /// Reads what has changed within `scope`, and serves it. Waits for a reload that is under way, and returns when every
    /// worker has the new tables and the last good files are written.
    ///
    /// # Errors
    ///
    /// What is wrong with the vendor's part. Nothing has changed then.
    pub fn reload(&self, scope: &Scope) -> Result<Reloaded, Diagnostics> {
        let begun = Instant::now();
        let mut roster = lock(&self.roster);
        let prepared = roster.read(scope).inspect_err(|_| lock(&self.history).refused += 1)?;
        self.kept.reloads.fetch_add(1, Ordering::SeqCst);
        let _writing = lock(&self.kept.writing);
        // Since when a file is wrong is kept too, and when it is not any more.
        let mut noted: BTreeSet<TenantId> = roster.quarantined().cloned().collect();
        let mut reloaded = roster.apply(prepared);
        reloaded.took = begun.elapsed();
        self.note(&reloaded);
        noted.extend(roster.quarantined().cloned());
        noted.extend(reloaded.added.iter().chain(&reloaded.changed).cloned());
        let (kept, store) = (roster.to_keep(Some(&noted)), roster.store().clone());
        write(&store, &kept);
        Ok(reloaded)
    }

    fn note(&self, reloaded: &Reloaded) {
        let mut history = lock(&self.history);
        if reloaded.wrong.is_empty() {
            history.clean += 1;
            history.last_clean = Some(SystemTime::now());
        } else {
            history.partial += 1;
        }
    }

    /// What a reload would change, without doing it.
    ///
    /// # Errors
    ///
    /// What is wrong with the vendor's part.
    pub fn plan(&self, scope: &Scope) -> Result<Plan, Diagnostics> {
        let roster = lock(&self.roster);
        let prepared = roster.look(scope)?;
        Ok(Plan {
            running: (Arc::clone(roster.vendor()), roster.configs()),
            planned: (Arc::clone(prepared.vendor()), prepared.configs()),
            wrong: prepared.wrong(),
        })
    }

    /// Keeps every tenant's last good file, for the next start, and nothing of tenants that have no file any more. Call it
    /// once after the start; a reload does it by itself. With many tenants it takes a while, and no request waits for it.
    pub fn remember(&self) {
        while !self.remember_unless_reloaded() {}
    }

    /// `false` when a reload came between: what was to be written is older than what that has written.
    fn remember_unless_reloaded(&self) -> bool {
        let (kept, strangers, store, reloads) = {
            let roster = lock(&self.roster);
            let reloads = self.kept.reloads.load(Ordering::SeqCst);
            (
                roster.to_keep(None),
                roster.strangers(),
                roster.store().clone(),
                reloads,
            )
        };
        let still = || {
            let writing = lock(&self.kept.writing);
            (self.kept.reloads.load(Ordering::SeqCst) == reloads).then_some(writing)
        };
        // Few at a time: a reload waits for those that are being written.
        for some in kept.chunks(2 * WRITERS) {
            let Some(_writing) = still() else { return false };
            write(&store, some);
        }
        for tenant in strangers {
            let Some(_writing) = still() else { return false };
            if let Err(error) = store.forget(&tenant) {
                tracing::error!(%error, %tenant, "the last good file of a tenant that is gone cannot be removed");
            }
        }
        true
    }

    /// Whether there is a tenant of this name, served or not.
    #[must_use]
    pub fn knows(&self, tenant: &TenantId) -> bool {
        lock(&self.roster).knows(tenant)
    }

    /// How each tenant stands, by name.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantStatus> {
        lock(&self.roster).tenants()
    }

    /// What limits have to bear.
    #[must_use]
    pub fn load(&self) -> Load {
        lock(&self.roster).load()
    }

    /// Who is logged in at a tenant; `None` when it is not served.
    #[must_use]
    pub fn sessions(&self, tenant: &TenantId) -> Option<Arc<Sessions>> {
        lock(&self.roster).sessions(tenant).map(Arc::clone)
    }

    /// The same, and what the tenant's keys come from.
    pub(crate) fn sessions_and_keys(&self, tenant: &TenantId) -> Option<(Arc<Sessions>, TenantKeys)> {
        lock(&self.roster).sessions_and_keys(tenant)
    }

    /// Keeps what was ended of sessions since the last time. An edge that runs does so once a second.
    pub(crate) fn keep_sessions(&self) {
        let unsaved = lock(&self.roster).unsaved_sessions();
        for sessions in unsaved {
            if let Err(error) = sessions.save() {
                tracing::error!(%error, "what was ended of a tenant's sessions cannot be kept: a restart would undo it");
            }
        }
    }

    /// Keeps who is in waiting rooms, for a restart. An edge that runs does so now and then, and at its end.
    pub(crate) fn keep_rooms(&self) {
        let rooms = lock(&self.roster).rooms();
        for (path, kept) in rooms {
            if let Err(error) = crate::rooms::keep(&path, kept.as_deref()) {
                tracing::error!(%error, path = %path.display(), "who waits cannot be kept: a restart would send them to the end of the line");
            }
        }
    }

    /// Everything that is wrong with anybody's file.
    #[must_use]
    pub fn wrong(&self) -> Diagnostics {
        lock(&self.roster).wrong()
    }

    /// What became of the reloads so far.
    #[must_use]
    pub fn history(&self) -> History {
        *lock(&self.history)
    }

    /// The configuration's directory.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        lock(&self.roster).directory().to_owned()
    }

    /// The vendor's part as it is served.
    #[must_use]
    pub fn vendor(&self) -> Arc<VendorConfig> {
        Arc::clone(lock(&self.roster).vendor())
    }

    /// The certificates and keys that tenants are served with, or would be if nothing were wrong with them, for those who
    /// watch files. A tenant may be there twice.
    #[must_use]
    pub fn certificates(&self) -> Vec<(TenantId, [PathBuf; 2])> {
        lock(&self.roster).certificates()
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("history", &self.history())
            .finish_non_exhaustive()
    }
}

/// A panic while something was read leaves the roster as it was: nothing is served before all of it is built.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Each file is on the disk before the next one of its writer is begun: a disk that several wait for writes for all of them
/// at once.
fn write(store: &LastGood, kept: &[(TenantId, Kept)]) {
    let share = kept.len().div_ceil(WRITERS).max(1);
    thread::scope(|threads| {
        let mut shares = kept.chunks(share);
        let own = shares.next().unwrap_or_default();
        for share in shares {
            threads.spawn(|| write_one_by_one(store, share));
        }
        write_one_by_one(store, own);
    });
}

fn write_one_by_one(store: &LastGood, kept: &[(TenantId, Kept)]) {
    for (tenant, kept) in kept {
        if let Err(error) = store.keep(tenant, kept) {
            tracing::error!(%error, %tenant, "a tenant's last good file cannot be kept");
        }
    }
}

/// How many files are written at once.
const WRITERS: usize = 8;
