//! What outlives the program: which sessions were ended before their time, in one small file a tenant.
//!
//! A file that is there and cannot be read ends everybody's session: it may have named the one that somebody was locked out of.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rempart_guard::SessionId;
use serde::{Deserialize, Serialize};

use crate::ended::Why;
use crate::moment::Moment;
use crate::table::{Dead, Limits, Table};

/// The file's content. Times are milliseconds since 1970.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    version: u32,
    /// Whether limits were enforced, and so seals renewed.
    enforced: bool,
    watched: Moment,
    all: Moment,
    floor: Moment,
    accounts: BTreeMap<String, Moment>,
    /// Number, when, why.
    ended: Vec<(String, Moment, String)>,
}

/// Why what was ended cannot be kept, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct KeptError {
    /// The file.
    pub path: PathBuf,
    /// What the system said, or what is wrong with the file.
    pub error: io::Error,
}

impl Kept {
    /// `None` when there is no file.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text)?;
        let kept: Self = serde_json::from_str(&text)?;
        let sound = kept.version == VERSION && kept.dead().all(|dead| dead.is_some());
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "not what this version writes");
        sound.then_some(Some(kept)).ok_or_else(wrong)
    }

    /// Replaces the file as a whole; its directory is made when it is missing.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let beside = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        fs::rename(&beside, path)?;
        // The name lasts only when its directory was written too.
        path.parent()
            .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }

    pub(crate) fn of(table: &Table, limits: Limits, now: Moment) -> Self {
        let mut ended = Vec::new();
        table.each_dead(|id, Dead { at, why }| {
            if now.saturating_sub(at) <= limits.absolute {
                ended.push((id.to_string(), at, why.as_str().to_owned()));
            }
        });
        let accounts = &table.marks().accounts;
        Self {
            version: VERSION,
            enforced: limits.is_enforced,
            watched: table.watched.load(Ordering::Acquire),
            all: table.all.load(Ordering::Acquire),
            floor: table.floor.load(Ordering::Acquire),
            accounts: accounts
                .iter()
                .map(|(account, mark)| (account.to_string(), *mark))
                .collect(),
            ended,
        }
    }

    /// Puts it into a table that is new.
    pub(crate) fn restore(&self, table: &Table, limits: Limits, now: Moment) {
        let is_new = limits.is_enforced && !self.enforced;
        table
            .watched
            .store(if is_new { now } else { self.watched }, Ordering::Release);
        table.all.store(self.all, Ordering::Release);
        table.floor.store(self.floor, Ordering::Release);
        let accounts = self
            .accounts
            .iter()
            .map(|(account, mark)| (account.as_str().into(), *mark));
        table.marks().accounts = accounts.collect();
        for (id, dead) in self.dead().flatten() {
            let floor = table.shard(id).bury(id, dead, limits, now);
            table.raise(floor);
        }
        table
            .changed
            .store(limits.is_enforced != self.enforced, Ordering::Release);
    }

    fn dead(&self) -> impl Iterator<Item = Option<(SessionId, Dead)>> {
        self.ended.iter().map(|(id, at, why)| {
            let why = Why::read(why)?;
            Some((read_id(id)?, Dead { at: *at, why }))
        })
    }
}

/// All 32 hexadecimal digits of a number.
pub(crate) fn read_id(text: &str) -> Option<SessionId> {
    let mut id = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in id.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(SessionId(id))
}

const VERSION: u32 = 1;
/// All that there is room for is about a megabyte.
const LARGEST: u64 = 8 << 20;
