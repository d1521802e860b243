//! `rempart keys new`.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use rempart_config::{KeyFiles, VENDOR_FILE, state_directory};
use rempart_guard::Day;
use rempart_tenant::{KeyRing, KeyRingError};

use crate::cli::KeysNew;

/// Makes a key, and says what to write so that it is used; status 2 when nothing was made.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the answer to a question on the command line"
)]
pub(crate) fn new(arguments: &KeysNew) -> ExitCode {
    match make(arguments) {
        Ok(path) => {
            println!("made {}\n\n{}", path.display(), to_write(arguments));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0} is there already: a key is never overwritten; choose another name")]
    Exists(PathBuf),
    #[error("`root` is the key that an edge makes by itself; choose another name, such as a month")]
    Root,
    #[error("{0}: {1}")]
    System(PathBuf, io::Error),
    #[error(transparent)]
    Key(#[from] KeyRingError),
}

fn make(arguments: &KeysNew) -> Result<PathBuf, Failure> {
    if arguments.name.is_root() {
        return Err(Failure::Root);
    }
    let state = state_directory(&arguments.config, std::env::vars());
    let path = KeyFiles::path(&state, &arguments.name);
    if path.exists() {
        return Err(Failure::Exists(path));
    }
    let directory = path.parent().unwrap_or(&state);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| Failure::System(path, error)
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed(directory))?;
    KeyRing::create(&path)?;
    give(&state, &[directory, &path]).map_err(failed(&path))?;
    Ok(path)
}

/// Whoever owns the state directory is whom the edge runs as: made by root, the key would be of no use to it.
fn give(state: &Path, made: &[&Path]) -> io::Result<()> {
    let owner = fs::metadata(state)?;
    for path in made {
        let of = fs::metadata(path)?;
        if (of.uid(), of.gid()) != (owner.uid(), owner.gid()) {
            chown(path, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}

fn to_write(arguments: &KeysNew) -> String {
    let file = arguments.config.join(VENDOR_FILE);
    let known = rempart_config::read(&arguments.config, std::env::vars()).ok();
    let known = known.map(|config| config.vendor.keys.clone()).unwrap_or_default();
    let until = Day::of(SystemTime::now() + NOTICE);
    let mut text = format!(
        "Write this into {} in place of what it says of keys, and run `rempart reload`. Until their last day the previous\n\
         keys still open what they have sealed: choose one on which nobody comes back with an older cookie.\n\n\
         [keys]\ncurrent = \"{}\"\n\n[keys.previous]\n\"{}\" = \"{until}\"\n",
        file.display(),
        arguments.name,
        known.current,
    );
    for previous in known.previous.iter().filter(|previous| previous.id != arguments.name) {
        text += &format!("\"{}\" = \"{}\"\n", previous.id, previous.until);
    }
    text
}

/// A proposal: sessions that end with the browser are long gone by then.
const NOTICE: Duration = Duration::from_secs(90 * 24 * 3_600);
