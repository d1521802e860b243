//! A file that appears as a whole: an edge that watches the directory never reads half of it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file under a name that nothing reads, and gives it its own name once it is complete. What has that name already
/// is overwritten only with `force`.
pub(crate) fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = File::create_new(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let named = written.and_then(|()| {
        if force {
            fs::rename(&draft, path)
        } else {
            fs::hard_link(&draft, path)
        }
    });
    // After a rename it is gone, which is as good.
    let _ = fs::remove_file(&draft);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_overwritten_only_by_force_and_nothing_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("museum.toml");
        write(&path, "one", false).unwrap();
        assert_eq!(
            write(&path, "two", false).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        write(&path, "three", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }
}
