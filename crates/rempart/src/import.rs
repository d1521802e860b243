//! `rempart import`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rempart_import::{TenantDraft, caddy, nginx, traefik};

use crate::cli::{Import, Origin};
use crate::new_file;

/// Drafts tenants' files; status 0 when everything was carried over, 1 when something was not, 2 when nothing was written.
pub(crate) fn import(arguments: &Import) -> ExitCode {
    let imported = match read(arguments) {
        Ok(imported) => imported,
        Err(error) => return refuse(&error),
    };
    let given = match &arguments.out {
        Some(directory) => write(&imported.drafts, directory, arguments.force),
        None => {
            print(&imported.drafts);
            Ok(())
        }
    };
    match given {
        Ok(()) => tell(&imported),
        Err(error) => refuse(&error),
    }
}

/// Why nothing was drafted.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("error: {}: {error}", .path.display())]
    System { path: PathBuf, error: io::Error },
    #[error("{0}")]
    NotOne(rempart_import::ImportError),
    #[error("error: {} {} there already, and nothing was written\n  = help: --force overwrites", listed(.0), if .0.len() == 1 { "is" } else { "are" })]
    Exists(Vec<PathBuf>),
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

fn read(arguments: &Import) -> Result<rempart_import::Import, Refused> {
    let unreadable = |error| Refused::System {
        path: arguments.file.clone(),
        error,
    };
    let (text, name) = if arguments.file.as_os_str() == "-" {
        (
            bounded(io::stdin().lock()).map_err(unreadable)?,
            "standard input".to_owned(),
        )
    } else {
        let file = File::open(&arguments.file).map_err(unreadable)?;
        (bounded(file).map_err(unreadable)?, arguments.file.display().to_string())
    };
    let imported = match arguments.from {
        Origin::Nginx => nginx::import(&text, &name),
        Origin::Traefik => traefik::import(&text, &name),
        Origin::Caddy => caddy::import(&text, &name),
    };
    imported.map_err(Refused::NotOne)
}

/// A little more than an import takes, so that it says itself what is too much. Old files are not always UTF-8, most of all
/// in their comments.
fn bounded(source: impl Read) -> io::Result<String> {
    const MOST: u64 = 17 * 1024 * 1024;
    let mut bytes = Vec::new();
    source.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(drafts: &[TenantDraft], directory: &Path, force: bool) -> Result<(), Refused> {
    let path = |draft: &TenantDraft| directory.join(format!("{}.toml", draft.id));
    let there: Vec<PathBuf> = drafts
        .iter()
        .map(path)
        .filter(|path| path.symlink_metadata().is_ok())
        .collect();
    if !force && !there.is_empty() {
        return Err(Refused::Exists(there));
    }
    for draft in drafts {
        let path = path(draft);
        new_file::write(&path, &draft.to_toml(), force).map_err(|error| Refused::System { path, error })?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn print(drafts: &[TenantDraft]) {
    for (index, draft) in drafts.iter().enumerate() {
        let blank = if index == 0 { "" } else { "\n" };
        print!("{blank}# tenants.d/{}.toml\n{}", draft.id, draft.to_toml());
    }
}

/// Says on standard error what was left, after the drafts so that it is what a person sees last.
#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn tell(imported: &rempart_import::Import) -> ExitCode {
    for entry in imported.left() {
        eprintln!("{entry}");
    }
    let (drafts, left) = (imported.drafts.len(), imported.left().count());
    let tenants = if drafts == 1 { "tenant" } else { "tenants" };
    match left {
        0 => eprintln!("{drafts} {tenants} drafted, and nothing was left"),
        left => eprintln!("{drafts} {tenants} drafted; {left} not carried over"),
    }
    if left == 0 && drafts > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::print_stderr, reason = "a person is waiting")]
fn refuse(error: &Refused) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(2)
}
