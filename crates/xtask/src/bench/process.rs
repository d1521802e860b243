//! Programs that run beside the benchmark and end with it.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use super::cpu;

/// A running program; dropping it ends it and its children, by their ids.
pub(crate) struct Running {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Running {
    /// Starts a program on one core, with what it says in `FOLDER/NAME.log`. It also ends when we
    /// are killed.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start(name: &str, core: u32, folder: &Path, command: &Command) -> io::Result<Self> {
        let mut pinned = pinned(core);
        pinned.arg("setpriv");
        Self::spawn(name, pinned, folder, command)
    }

    /// Starts a program on whatever core is free, like [`start`](Self::start) in all else.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start_anywhere(name: &str, folder: &Path, command: &Command) -> io::Result<Self> {
        Self::spawn(name, Command::new("setpriv"), folder, command)
    }

    fn spawn(name: &str, mut setpriv: Command, folder: &Path, command: &Command) -> io::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = fs::File::create(&log)?;
        let child = setpriv
            .args(["--pdeathsig", "TERM", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let name = name.to_owned();
        Ok(Self { child, name, log })
    }

    /// Waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// When it ends, or does not accept any for ten seconds: with the end of its log.
    pub(crate) fn listens_on(mut self, port: u16) -> io::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(io::Error::other(format!(
                    "{} did not start:\n{}",
                    self.name,
                    self.said()
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(self)
    }

    /// The processor time that it and its children have used so far.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        cpu::used_by_tree(self.child.id()).map_err(|error| io::Error::other(format!("{} is gone: {error}", self.name)))
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines of its log.
    pub(crate) fn said(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn has_ended_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Running {
    /// Asks first: nginx's master killed outright leaves its workers behind.
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let family = cpu::tree(self.child.id()).unwrap_or_default();
        signal("TERM", self.child.id());
        if self.has_ended_within(Duration::from_secs(5)) {
            return;
        }
        for process in family {
            signal("KILL", process);
        }
        self.child.wait().ok();
    }
}

/// A command that runs what is appended to it on one core.
pub(crate) fn pinned(core: u32) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]);
    command
}

/// Sends a signal with the shell's own `kill`: the standard library has none, and a separate one is
/// a package of its own.
pub(crate) fn signal(name: &str, process: u32) {
    let script = format!("kill -{name} {process}");
    Command::new("sh")
        .args(["-c", &script])
        .stderr(Stdio::null())
        .status()
        .ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", "echo started; sleep 60 & wait"]);
        let core = super::super::cores::Cores::choose().map_or(0, |cores| cores.proxy);
        Running::start("sleeper", core, folder, &command).unwrap()
    }

    #[test]
    fn a_dropped_program_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let running = sleeper(folder.path());
        let process = running.child.id();
        drop(running);
        assert!(!Path::new(&format!("/proc/{process}")).exists());
    }

    #[test]
    fn a_program_that_ends_at_once_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start("broken", 0, folder.path(), &Command::new("false")).unwrap();
        let port = super::super::free_port().unwrap();
        assert!(running.listens_on(port).is_err());
    }
}
