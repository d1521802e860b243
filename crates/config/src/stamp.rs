use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What tells one version of a file from another without reading it: which file it is, how long, and when it was changed.
///
/// A file that is replaced with its old times kept still has another inode or another change time, which nobody can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file that was looked at.
    #[must_use]
    pub fn of(about: &Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            length: about.len(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }

    /// How long the file is.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Whether the file was changed so long before `now` that a later change would give another stamp. File systems write
    /// times in steps: two changes within one step look the same.
    #[must_use]
    pub fn is_settled(&self, now: SystemTime) -> bool {
        self.is_older_than(STEP, now)
    }

    /// Whether the file was last changed longer ago than this. One from the future is not.
    pub(crate) fn is_older_than(&self, least: Duration, now: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.changed.max(self.modified);
        let parts = (u64::try_from(seconds), u32::try_from(nanoseconds));
        let (Ok(seconds), Ok(nanoseconds)) = parts else {
            return false;
        };
        let at = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        now.duration_since(at).is_ok_and(|age| age > least)
    }
}

/// Longer than the steps of any file system in use; FAT's two seconds are the longest.
const STEP: Duration = Duration::from_secs(2);
