//! Passwords that have become known: looked up in files of this machine, and sent nowhere.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// How often the password has been seen, rounded down to a power of ten; `None` when it is not in the files.
///
/// The files are those of the range interface of Have I Been Pwned: one for each five hexadecimal digits of a SHA-1, with
/// the other 35 and a count in each line. A range that has no file has nothing to say.
///
/// # Errors
///
/// A file that is there and cannot be read.
pub(crate) fn seen(directory: &Path, password: &[u8]) -> io::Result<Option<u64>> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password);
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let (range, rest) = hash.split_at(5);
    let Some(file) = open(directory, range)? else {
        return Ok(None);
    };
    for line in BufReader::new(file.take(LONGEST)).split(b'\n') {
        if let Some(count) = count(&line?, rest) {
            return Ok((count > 0).then(|| 10u64.saturating_pow(count.max(1).ilog10())));
        }
    }
    Ok(None)
}

/// The largest range of all passwords known today has less than 100 KiB.
const LONGEST: u64 = 8 << 20;

fn open(directory: &Path, range: &str) -> io::Result<Option<File>> {
    for name in [range.to_owned(), format!("{range}.txt")] {
        match File::open(directory.join(name)) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The count in a line, when it is this password's. Those of 0 are there to fill the range up.
fn count(line: &[u8], rest: &str) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?.trim();
    let (hash, count) = line.split_once(':')?;
    if !hash.eq_ignore_ascii_case(rest) {
        return None;
    }
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// SHA-1 of `password` is 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
    #[test]
    fn a_password_is_found_in_its_range_and_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        let seen = |password: &str| seen(directory.path(), password.as_bytes()).unwrap();
        assert_eq!(seen("password"), None, "no file");
        let lines = "0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493\r\nodd\r\n";
        fs::write(directory.path().join("5BAA6.txt"), lines).unwrap();
        assert_eq!(seen("password"), Some(1_000_000));
        assert_eq!(seen("Password"), None);
        fs::write(directory.path().join("5BAA6"), "1e4c9b93f3f0682250b6cf8331b7ee68fd8:7").unwrap();
        assert_eq!(seen("password"), Some(1), "without an ending, in lower case");
        fs::write(directory.path().join("5BAA6"), "1E4C9B93F3F0682250B6CF8331B7EE68FD8:0").unwrap();
        assert_eq!(seen("password"), None, "padding");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_and_not_a_good_password() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("5BAA6")).unwrap();
        assert!(seen(directory.path(), b"password").is_err());
    }
}
