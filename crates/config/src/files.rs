//! Reads the files of a configuration's directory, whatever they turn out to be.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::Arc;

use rempart_tenant::TenantId;

use crate::diagnostic::{Diagnostic, printable};
use crate::document::Document;
use crate::excerpt::Position;

/// The vendor's file, in the configuration's directory.
pub const VENDOR_FILE: &str = "rempart.toml";
/// The directory of the tenants' files, in the configuration's directory.
pub const TENANTS_DIRECTORY: &str = "tenants.d";
/// No file of a configuration is larger: 1 MiB.
pub const LARGEST_FILE: u64 = 1 << 20;

/// The files that could be read.
pub(crate) struct Files {
    /// `None` when it could not be read or has errors.
    pub(crate) vendor: Option<Arc<Document>>,
    pub(crate) tenants: Vec<TenantFile>,
}

/// A tenant's file.
pub(crate) struct TenantFile {
    pub(crate) id: TenantId,
    /// `None` when it could not be read or has errors.
    pub(crate) document: Option<Arc<Document>>,
}

impl Files {
    /// Reads all files, and notes what is wrong with each.
    pub(crate) fn read(directory: &Path, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let vendor = document(directory, VENDOR_FILE.into(), None, diagnostics);
        let names = names(directory, diagnostics);
        let tenants = names.into_iter().filter_map(|(name, stem)| {
            let file = format!("{TENANTS_DIRECTORY}/{name}");
            let Ok(id) = stem.parse::<TenantId>() else {
                diagnostics.push(unfit_name(file, &stem));
                return None;
            };
            let document = document(directory, file, Some(&id), diagnostics);
            Some(TenantFile { id, document })
        });
        Self {
            vendor,
            tenants: tenants.collect(),
        }
    }
}

/// The names and stems of the tenants' files, sorted. Names that begin with a dot are an editor's.
fn names(directory: &Path, diagnostics: &mut Vec<Diagnostic>) -> Vec<(String, String)> {
    let entries = match fs::read_dir(directory.join(TENANTS_DIRECTORY)) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("the directory of the tenants' files cannot be read: {error}");
            let help = "each tenant is a file in it, such as tenants.d/library.toml";
            diagnostics.push(Diagnostic::of_file(TENANTS_DIRECTORY, "directory_unreadable", message).help(help));
            return Vec::new();
        }
    };
    let mut names: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let path = Path::new(&name);
            let stem = path.file_stem()?.to_string_lossy().into_owned();
            let name = name.to_string_lossy().into_owned();
            (path.extension() == Some(OsStr::new("toml")) && !name.starts_with('.')).then_some((name, stem))
        })
        .collect();
    names.sort();
    if names.is_empty() {
        let help = "each tenant is a file in it, such as tenants.d/library.toml";
        let message = "no file here ends in .toml, so there is no tenant";
        diagnostics.push(Diagnostic::of_file(TENANTS_DIRECTORY, "tenants_none", message).help(help));
    }
    names
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

/// Reads and parses one file; `None` when something is wrong with it.
fn document(
    directory: &Path,
    name: String,
    tenant: Option<&TenantId>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<Document>> {
    let (document, mut wrong) = match text(&directory.join(&name), &name) {
        Ok(text) => {
            let (document, wrong) = Document::parse(name, text);
            (Some(document), wrong)
        }
        Err(diagnostic) => (None, vec![*diagnostic]),
    };
    for diagnostic in &mut wrong {
        diagnostic.tenant = tenant.map(ToString::to_string);
    }
    let sound = wrong.is_empty();
    diagnostics.append(&mut wrong);
    document.filter(|_| sound).map(Arc::new)
}

/// A whole file as text. Opens only what is a file: a pipe would never end, and a device perhaps not either.
fn text(path: &Path, name: &str) -> Result<String, Box<Diagnostic>> {
    let wrong = |code, message: String, help| Box::new(Diagnostic::of_file(name, code, message).help(help));
    let unreadable = |error: std::io::Error| {
        let help = match error.kind() {
            ErrorKind::NotFound if name == VENDOR_FILE => "it is needed in the directory that --config names",
            ErrorKind::PermissionDenied => "the user that runs rempart must be allowed to read it",
            _ => "it must be a file that can be read",
        };
        wrong("file_unreadable", format!("this file cannot be read: {error}"), help)
    };
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        let help = "a name in tenants.d that ends in .toml is a tenant's file; rename what is not";
        return Err(wrong("not_a_file", "this is not a file".into(), help));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        let help = "no configuration is that long: is this the right file?";
        return Err(wrong("file_too_large", "this file is larger than 1 MiB".into(), help));
    }
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
