//! Reads the files of a configuration's directory, whatever they turn out to be.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use rempart_tenant::TenantId;

use crate::diagnostic::{Diagnostic, printable};
use crate::excerpt::Position;
use crate::stamp::Stamp;

/// The vendor's file, in the configuration's directory.
pub const VENDOR_FILE: &str = "rempart.toml";
/// The directory of the tenants' files, in the configuration's directory.
pub const TENANTS_DIRECTORY: &str = "tenants.d";
/// No file of a configuration is larger: 1 MiB.
pub const LARGEST_FILE: u64 = 1 << 20;

/// The tenants' files that are there, before any of them is read.
#[derive(Default)]
pub(crate) struct Listing {
    /// By name, each with the file's own name: `library.toml`.
    pub(crate) tenants: Vec<(TenantId, String)>,
    /// Files that cannot be a tenant's because of what they are called.
    pub(crate) strays: Vec<Diagnostic>,
}

/// Lists the tenants' files. Names that begin with a dot are an editor's.
///
/// # Errors
///
/// A directory that cannot be read, or that has no file of any tenant: whoever wants no tenant at all does not mean it.
pub(crate) fn list(directory: &Path) -> Listed<Listing> {
    let names = names(directory)?.collect::<Result<Vec<_>, _>>()?;
    if names.is_empty() {
        return Err(no_tenant());
    }
    let mut listing = Listing::default();
    for (stem, name) in names {
        match stem.parse() {
            Ok(id) => listing.tenants.push((id, name)),
            Err(_) => listing.strays.push(unfit_name(shown(&name), &stem)),
        }
    }
    listing.tenants.sort();
    Ok(listing)
}

/// Of these tenants' files, those that are there. Ten thousand names are not listed for the sake of one.
///
/// # Errors
///
/// As [`list`].
pub(crate) fn list_only(directory: &Path, tenants: &BTreeSet<TenantId>) -> Listed<Vec<(TenantId, String)>> {
    names(directory)?.next().ok_or_else(no_tenant)??;
    let is_there = |name: &str| match fs::symlink_metadata(directory.join(TENANTS_DIRECTORY).join(name)) {
        Err(error) => error.kind() != ErrorKind::NotFound,
        Ok(_) => true,
    };
    let named = tenants.iter().map(|id| (id.clone(), format!("{id}.toml")));
    Ok(named.filter(|(_, name)| is_there(name)).collect())
}

/// What is listed, or why it cannot be.
type Listed<T> = Result<T, Box<Diagnostic>>;

/// What may be a tenant's file: its name without `.toml`, and its name.
fn names(directory: &Path) -> Listed<impl Iterator<Item = Listed<(String, String)>>> {
    let entries = fs::read_dir(directory.join(TENANTS_DIRECTORY)).map_err(unlistable)?;
    Ok(entries.filter_map(|entry| match entry {
        Ok(entry) => {
            let name = entry.file_name();
            let (path, shown) = (Path::new(&name), name.to_string_lossy().into_owned());
            let is_one = path.extension() == Some(OsStr::new("toml")) && !shown.starts_with('.');
            let stem = path.file_stem().filter(|_| is_one)?;
            Some(Ok((stem.to_string_lossy().into_owned(), shown)))
        }
        Err(error) => Some(Err(unlistable(error))),
    }))
}

fn unlistable(error: std::io::Error) -> Box<Diagnostic> {
    let message = format!("the directory of the tenants' files cannot be read: {error}");
    Box::new(Diagnostic::of_file(TENANTS_DIRECTORY, "directory_unreadable", message).help(ONE_FILE_EACH))
}

fn no_tenant() -> Box<Diagnostic> {
    let message = "no file here ends in .toml, so there is no tenant";
    Box::new(Diagnostic::of_file(TENANTS_DIRECTORY, "tenants_none", message).help(ONE_FILE_EACH))
}

const ONE_FILE_EACH: &str = "each tenant is a file in it, such as tenants.d/library.toml";

/// The name under which a tenant's file is shown: `tenants.d/library.toml`.
pub(crate) fn shown(name: &str) -> String {
    format!("{TENANTS_DIRECTORY}/{name}")
}

fn unfit_name(file: String, stem: &str) -> Diagnostic {
    let error = rempart_tenant::TenantIdError;
    let diagnostic = Diagnostic::of_file(file, "tenant_name", format!("{:?}: {error}", printable(stem)));
    let better = stem.to_ascii_lowercase().replace(['_', ' ', '.'], "-");
    match better.parse::<TenantId>() {
        Ok(better) => diagnostic.help(format!("rename the file to {better}.toml")),
        Err(_) => diagnostic.help("the file's name without .toml is the tenant's name"),
    }
}

/// The stamp of a file as it is now; `None` when it cannot be looked at.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    Some(Stamp::of(&fs::metadata(path).ok()?))
}

/// A whole file as text, and its stamp while it was read. Opens only what is a file: a pipe would never end, and a device
/// perhaps not either. A file that changes while it is read, or has just changed, is read again: whoever writes it may be
/// in the middle of it.
pub(crate) fn text(path: &Path, name: &str) -> Result<(String, Stamp), Box<Diagnostic>> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let copy = Copy::of(path, name)?;
        if copy.is_whole() && (copy.at_rest || last.as_ref().is_some_and(|last| copy.is(last))) {
            return Ok((decoded(copy.bytes, name)?, copy.after));
        }
        last = Some(copy);
        thread::sleep(TICK);
    }
    let help = "wait until whatever writes it is done; write to another name and rename it over this one";
    Err(Box::new(
        Diagnostic::of_file(name, "file_changing", "this file changes while it is read").help(help),
    ))
}

/// How often a file that changes is read again.
const ATTEMPTS: usize = 5;

/// A little longer than Linux takes at most between two steps of the clock that files' times are from. Within one step, a
/// write in the middle of a reading would leave no trace.
const TICK: Duration = Duration::from_millis(12);

/// What was read of a file.
struct Copy {
    bytes: Vec<u8>,
    before: Stamp,
    after: Stamp,
    /// Whether a change while it was read would have been noticed.
    at_rest: bool,
}

impl Copy {
    fn of(path: &Path, name: &str) -> Result<Self, Box<Diagnostic>> {
        let wrong = |code, message: &str, help| Box::new(Diagnostic::of_file(name, code, message).help(help));
        let not_a_file = || {
            let help = "a name in tenants.d that ends in .toml is a tenant's file; rename what is not";
            wrong("not_a_file", "this is not a file", help)
        };
        let unreadable = |error: std::io::Error| unreadable(&error, name);
        if !fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(not_a_file());
        }
        // What has become a pipe since then is opened without waiting for its other end.
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err(not_a_file());
        }
        let before = Stamp::of(&about);
        let at_rest = before.is_older_than(TICK, SystemTime::now());
        let mut bytes = Vec::new();
        (&file)
            .take(LARGEST_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST_FILE {
            let help = "no configuration is that long: is this the right file?";
            return Err(wrong("file_too_large", "this file is larger than 1 MiB", help));
        }
        Ok(Self {
            bytes,
            before,
            after: Stamp::of(&file.metadata().map_err(unreadable)?),
            at_rest,
        })
    }

    /// Whether nothing changed while it was read.
    fn is_whole(&self) -> bool {
        self.before == self.after && self.before.length() == self.bytes.len() as u64
    }

    /// Whether another reading gave the same.
    fn is(&self, other: &Self) -> bool {
        self.after == other.after && self.bytes == other.bytes
    }
}

fn unreadable(error: &std::io::Error, name: &str) -> Box<Diagnostic> {
    let help = match error.kind() {
        ErrorKind::NotFound if name == VENDOR_FILE => "it is needed in the directory that --config names",
        ErrorKind::PermissionDenied => "the user that runs rempart must be allowed to read it",
        _ => "it must be a file that can be read",
    };
    let message = format!("this file cannot be read: {error}");
    Box::new(Diagnostic::of_file(name, "file_unreadable", message).help(help))
}

/// What the bytes of a file say.
pub(crate) fn decoded(bytes: Vec<u8>, name: &str) -> Result<String, Box<Diagnostic>> {
    String::from_utf8(bytes).map_err(|error| not_text(error.as_bytes(), error.utf8_error().valid_up_to(), name))
}

fn not_text(bytes: &[u8], valid: usize, name: &str) -> Box<Diagnostic> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let diagnostic = Diagnostic::of_file(name, "not_utf8", "this file is in UTF-16");
        return Box::new(diagnostic.help("save it as UTF-8"));
    }
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let position = Position::of(&before, before.len());
    let mut diagnostic = Diagnostic::of_file(name, "not_utf8", "a byte that is not UTF-8 text");
    (diagnostic.place.line, diagnostic.place.column) = (Some(position.line), Some(position.column));
    Box::new(diagnostic.help("save the file as UTF-8; an accented letter in Latin-1 is the usual reason"))
}
