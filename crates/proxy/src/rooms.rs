//! Who is in a tenant's waiting room, across a restart: one small file a tenant, without addresses.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rempart_tenant::TenantId;
use rempart_waiting_room::WaitingRoom;

/// The file of a tenant's room.
pub(crate) fn place(state: &Path, tenant: &TenantId) -> PathBuf {
    state.join(ROOMS).join(format!("{tenant}.room"))
}

/// Keeps a room: replaces its file as a whole, or removes it when nobody is there. It is no loss when the machine itself stops in the middle: tickets are the clients', and this
/// only says who has a place.
pub(crate) fn keep(path: &Path, kept: Option<&[u8]>) -> io::Result<()> {
    let Some(kept) = kept else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
    };
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
    file.write_all(kept)?;
    fs::rename(&beside, path)
}

/// Takes over whoever was in a room when the edge ended. Without a file nobody was.
pub(crate) fn restore(room: &WaitingRoom, path: &Path) {
    let restored = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        read => read.and_then(|kept| room.restore(&kept).map_err(io::Error::other)),
    };
    if let Err(error) = restored {
        tracing::error!(%error, path = %path.display(), "who waited cannot be read: tickets still say who came first");
    }
}

/// Where they are, in the state directory.
const ROOMS: &str = "waiting-rooms";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_replaces_what_was_and_nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = place(directory.path(), &"camp".parse().unwrap());
        keep(&path, None).unwrap();
        keep(&path, Some(b"one")).unwrap();
        keep(&path, Some(b"two")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        keep(&path, None).unwrap();
        assert!(!path.exists(), "nobody is there any more");
    }
}
