//! `rempart demo`: three clients of one vendor, the edge before them, and what to try.

mod files;
mod sites;
mod words;

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rempart_example_sites::Site;

use crate::cli::{Demo, DemoSite};
use crate::decisions::DecisionLog;
use crate::run::{Failure, administer, fail, init_log, start};
use crate::signals;

/// Runs until a signal, and takes the sites with it when it ends.
pub(crate) fn demo(arguments: &Demo, log: &str) -> ExitCode {
    // The demo tells decisions in its own way; of the log only what is wrong is of interest, unless asked for.
    let log = if log == "info" { "warn" } else { log };
    match init_log(log).and_then(|()| play(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// One site, as a process of its own.
pub(crate) fn site(arguments: &DemoSite) -> ExitCode {
    let served = Site::from_name(&arguments.name)
        .ok_or_else(|| io::Error::other("no such site"))
        .and_then(|site| sites::serve(site, arguments.listen, &arguments.data));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.into()),
    }
}

fn play(arguments: &Demo) -> Result<(), Failure> {
    let directory = std::path::absolute(&arguments.directory)?;
    let vendor = directory.join("vendor");
    vacant(arguments.https, "--https")?;
    vacant(arguments.http, "--http")?;
    files::write(&vendor)?;
    let drain = signals::drain()?;
    let sites = sites::start(&arguments.site_ports, &directory.join("sites"), &drain)?;
    let environment = files::environment(arguments, &sites).chain(std::env::vars());
    let decisions = DecisionLog::start(
        |decision| say(&format!("  {decision}\n")),
        |missed| {
            say(&format!("  … and {missed} more decisions, too many to print\n"));
        },
    )?;
    let edge = start(&vendor, environment, Arc::new(decisions))?;
    signals::reload_at_hang_up(edge.control())?;
    let _asked = administer(&edge, &drain)?;
    say(&words::welcome(&edge, &sites, &vendor));
    edge.run(&drain)?;
    say("\nThe demo has ended.\n");
    Ok(())
}

/// Finds out before anything is started whether an address can be had, and says which option chooses another.
fn vacant(address: SocketAddr, option: &str) -> io::Result<()> {
    TcpListener::bind(address).map(drop).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => "it is in use".to_owned(),
            _ => error.to_string(),
        };
        let message = format!("cannot listen on {address}: {reason}; choose another with {option}");
        io::Error::new(error.kind(), message)
    })
}

/// Prints at once. A reader that went away (`rempart demo | head`) ends nothing.
fn say(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Where one site of the demo is.
#[derive(Debug)]
struct Running {
    site: Site,
    address: SocketAddr,
    _process: sites::Process,
}

/// The path as it can be pasted into a shell.
fn shown(path: &Path) -> String {
    let path = std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path);
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
