//! Reloads when a file of the configuration changes: `[reload] watch` of the vendor's file.
//!
//! Directories are watched and not files, because editors and renewals put a new file in an old one's place. What counts is
//! decided by name, so that nothing which the edge itself writes can make it reload: it would never end.
//!
//! What is not seen: a change behind a symbolic link in `tenants.d` that leads elsewhere, and a directory above these that is
//! exchanged. `rempart reload` always looks.

mod burst;
mod places;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use rempart_config::Scope;
use rempart_proxy::Control;

use self::burst::Burst;
use self::places::{Places, join};
use crate::reload;

/// Begins to watch, on a thread of its own. That the system does not let it is an error in the log and no more: whoever is
/// served is served.
///
/// # Errors
///
/// A thread that the system does not give.
pub(crate) fn watch(control: &Control) -> io::Result<()> {
    let (sender, events) = sync_channel(MOST_EVENTS);
    let missed = Arc::new(AtomicBool::new(false));
    let watcher = match notify::recommended_watcher(hear(sender, Arc::clone(&missed))) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::error!("files are not watched: {}", reason(&error));
            return Ok(());
        }
    };
    let watch = Watch {
        places: Places::of(control),
        control: control.clone(),
        watcher,
        watched: BTreeSet::new(),
        unwatched: BTreeSet::new(),
        events,
        missed,
    };
    thread::Builder::new()
        .name("watch".into())
        .spawn(move || watch.run())
        .map(drop)
}

/// What is watched, and what has happened to it.
struct Watch {
    control: Control,
    watcher: RecommendedWatcher,
    places: Places,
    watched: BTreeSet<PathBuf>,
    /// Directories that should be watched and cannot be.
    unwatched: BTreeSet<PathBuf>,
    events: Receiver<Heard>,
    missed: Arc<AtomicBool>,
}

/// The paths of one event; `None` when the system lost count.
type Heard = Option<Vec<PathBuf>>;

impl Watch {
    /// Never ends.
    fn run(mut self) {
        self.look();
        tracing::info!(directories = self.watched.len(), "watching files");
        let mut burst: Option<Burst> = None;
        loop {
            let now = Instant::now();
            if let Some(due) = burst.take_if(|burst| burst.due() <= now) {
                self.reload(&due.scope);
            }
            let wait = burst
                .as_ref()
                .map_or(LOOK_AGAIN, |burst| burst.due().saturating_duration_since(now));
            let scope = match self.events.recv_timeout(wait) {
                Ok(heard) => self.scope(heard),
                Err(RecvTimeoutError::Timeout) if burst.is_none() => self.look(),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if let Some(scope) = scope {
                burst = Some(Burst::with(burst.take(), scope, Instant::now()));
            }
        }
    }

    /// What has to be read again after an event.
    fn scope(&mut self, heard: Heard) -> Option<Scope> {
        if self.missed.swap(false, Ordering::AcqRel) {
            return Some(Scope::All);
        }
        let Some(paths) = heard else { return Some(Scope::All) };
        for path in &paths {
            // The directory itself went away, or another came into its place.
            if self.watched.remove(path) {
                let _ = self.watcher.unwatch(path);
            }
        }
        paths.iter().filter_map(|path| self.places.scope_of(path)).reduce(join)
    }

    fn reload(&mut self, scope: &Scope) {
        // What comes into its place from now on is not missed.
        self.look();
        // The log has said what came of it.
        let _ = reload::reload(&self.control, scope, "a file changed");
        self.look();
    }

    /// Watches what is in use now. Gives what has to be read when a directory is there again.
    fn look(&mut self) -> Option<Scope> {
        self.places = Places::of(&self.control);
        let wanted = self.places.directories();
        for gone in self.watched.difference(&wanted) {
            let _ = self.watcher.unwatch(gone);
        }
        self.watched.retain(|directory| wanted.contains(directory));
        let mut failed = BTreeSet::new();
        let mut reasons = BTreeSet::new();
        let mut again = None;
        for directory in wanted {
            if self.watched.contains(&directory) {
                continue;
            }
            match self.watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    if self.unwatched.contains(&directory) {
                        again = self.places.scope_of(&directory).into_iter().chain(again).reduce(join);
                    }
                    self.watched.insert(directory);
                }
                Err(error) => {
                    reasons.insert(reason(&error));
                    failed.insert(directory);
                }
            }
        }
        if failed != self.unwatched {
            say(&failed, &reasons);
            self.unwatched = failed;
        }
        again
    }
}

/// Passes on what may be a change. Somebody who reads is none, the edge itself above all.
fn hear(sender: SyncSender<Heard>, missed: Arc<AtomicBool>) -> impl FnMut(notify::Result<Event>) {
    move |event| {
        let heard = match event {
            Ok(event) if event.need_rescan() => None,
            Ok(event) if event.kind.is_access() => return,
            Ok(event) => Some(event.paths),
            Err(error) => {
                tracing::error!("a change of a file may have been missed: {}", reason(&error));
                None
            }
        };
        if sender.try_send(heard).is_err() {
            missed.store(true, Ordering::Release);
        }
    }
}

fn say(failed: &BTreeSet<PathBuf>, reasons: &BTreeSet<String>) {
    let Some(first) = failed.first() else {
        tracing::info!("all directories are watched again");
        return;
    };
    let others = match failed.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} other directories"),
    };
    let reasons = reasons.iter().cloned().collect::<Vec<_>>().join("; ");
    tracing::error!("{}{others} cannot be watched: {reasons}", shown(first));
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

/// What the system refused, and which of its limits that is.
fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "this user watches as many directories as it may: raise fs.inotify.max_user_watches (sysctl)".to_owned()
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(EMFILE) => {
            "this user has as many watchers, or this process as many files, as it may: raise fs.inotify.max_user_instances \
             (sysctl) or the limit of open files"
                .to_owned()
        }
        ErrorKind::PathNotFound => "it is not there".to_owned(),
        ErrorKind::Io(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

/// Too many open files, errno(3), on Linux.
const EMFILE: i32 = 24;

/// Events that wait. Whoever changes more at once has changed everything.
const MOST_EVENTS: usize = 1_024;

/// How often directories that cannot be watched are tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, EventKind, Flag, ModifyKind};

    use super::*;

    fn heard(event: notify::Result<Event>) -> Option<Heard> {
        let (sender, events) = sync_channel(1);
        hear(sender, Arc::default())(event);
        events.try_recv().ok()
    }

    #[test]
    fn somebody_who_reads_changes_nothing() {
        let event = |kind| Ok(Event::new(kind).add_path("/x".into()));
        assert_eq!(heard(event(EventKind::Access(AccessKind::Any))), None);
        assert_eq!(
            heard(event(EventKind::Modify(ModifyKind::Any))),
            Some(Some(vec!["/x".into()]))
        );
        assert_eq!(
            heard(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))),
            Some(None)
        );
        assert_eq!(heard(Err(notify::Error::generic("lost"))), Some(None));
    }

    #[test]
    fn more_than_can_wait_is_not_forgotten() {
        let (sender, _events) = sync_channel(1);
        let missed = Arc::new(AtomicBool::new(false));
        let mut hear = hear(sender, Arc::clone(&missed));
        hear(Ok(Event::new(EventKind::Any)));
        assert!(!missed.load(Ordering::Acquire));
        hear(Ok(Event::new(EventKind::Any)));
        assert!(missed.load(Ordering::Acquire));
    }

    #[test]
    fn a_limit_of_the_system_is_named() {
        let too_many = notify::Error::io(io::Error::from_raw_os_error(EMFILE));
        assert!(reason(&too_many).contains("fs.inotify.max_user_instances"));
        let watches = notify::Error::new(ErrorKind::MaxFilesWatch);
        assert!(reason(&watches).contains("fs.inotify.max_user_watches"));
    }
}
