//! What all servers share: three tenants, their applications, a certificate, a folder, and who runs where.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::super::certificate::Certificate;
use super::super::cores::Cores;
use super::super::free_port;
use super::super::process::{Running, pinned};

/// Three clients of one vendor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tenant {
    /// The flooded one.
    Library,
    /// Its neighbours.
    City,
    Daycare,
}

impl Tenant {
    pub(crate) const ALL: [Self; 3] = [Self::Library, Self::City, Self::Daycare];
    pub(crate) const NEIGHBOURS: [Self; 2] = [Self::City, Self::Daycare];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::City => "city",
            Self::Daycare => "daycare",
        }
    }

    pub(crate) const fn host(self) -> &'static str {
        match self {
            Self::Library => "library.localhost",
            Self::City => "city.localhost",
            Self::Daycare => "daycare.localhost",
        }
    }
}

/// What is there before any server is.
pub(crate) struct Scene {
    pub(crate) certificate: Certificate,
    /// The edge's binary.
    pub(crate) edge: PathBuf,
    pub(crate) cores: Cores,
    pub(crate) precedence: Precedence,
    programs: PathBuf,
    slow: Application,
    quick: Application,
    // Last, so that whoever works in it has ended.
    folder: TempDir,
}

struct Application {
    port: u16,
    _running: Running,
}

impl Scene {
    /// Starts the applications.
    ///
    /// # Errors
    ///
    /// When they do not start.
    pub(crate) fn prepare(edge: PathBuf, programs: PathBuf) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("rempart-bench-").tempdir()?;
        let (cores, precedence) = (Cores::choose()?, Precedence::find_out());
        let start = |name: &str, delay: u32, turn: Turn| {
            let port = free_port()?;
            let mut command = Command::new(programs.join(RUSH));
            command.args(["application", &format!("127.0.0.1:{port}"), &format!("--delay={delay}")]);
            let command = precedence.give(turn, &command);
            let running = Running::start(name, cores.upstream, folder.path(), &command)?.listens_on(port)?;
            Ok::<_, io::Error>(Application {
                port,
                _running: running,
            })
        };
        Ok(Self {
            certificate: Certificate::make(folder.path(), Tenant::ALL.map(Tenant::host))?,
            slow: start("slow-application", SLOW, Turn::Later)?,
            quick: start("quick-application", 0, Turn::First)?,
            edge,
            cores,
            precedence,
            programs,
            folder,
        })
    }

    /// The port of a tenant's application. The flooded one's has a process of its own, which takes its time.
    pub(crate) const fn application(&self, tenant: Tenant) -> u16 {
        match tenant {
            Tenant::Library => self.slow.port,
            Tenant::City | Tenant::Daycare => self.quick.port,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The command of a client of the server at this port, on the core of all clients.
    pub(crate) fn client(&self, turn: Turn, port: u16, command: &mut Command) -> Command {
        command
            .arg(format!("--connect=127.0.0.1:{port}"))
            .arg("--issuer")
            .arg(&self.certificate.certificate);
        let command = self.precedence.give(turn, command);
        let mut whole = pinned(self.cores.load);
        whole
            .args(["setpriv", "--pdeathsig", "TERM", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        whole
    }
}

/// Who goes first where two want the same core.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The neighbours and their application: whatever the flood's own programs do, they are not kept waiting by them.
    First,
    /// The server under test, which has a core to itself but for what else the machine does.
    Second,
    /// The flood, and the flooded application. Before what else the machine does, but not before the kernel's own threads
    /// that carry packets, which all wait for.
    Later,
}

impl Turn {
    /// What a program is started with: a priority of the real-time scheduler `SCHED_RR` (sched(7)), or a better one of the
    /// usual.
    const fn before(self) -> [&'static str; 3] {
        match self {
            Self::First => ["chrt", "--rr", "2"],
            Self::Second => ["chrt", "--rr", "1"],
            Self::Later => ["nice", "-n", "-10"],
        }
    }
}

/// Whether we may say who goes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    Given,
    NotAllowed,
}

impl Precedence {
    fn find_out() -> Self {
        let mut real_time = Command::new("chrt");
        real_time.args(["--rr", "1", "true"]).stderr(Stdio::null());
        match real_time.status() {
            Ok(status) if status.success() => Self::Given,
            _ => Self::NotAllowed,
        }
    }

    /// The command that starts a program so.
    pub(crate) fn give(self, turn: Turn, program: &Command) -> Command {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={FILES}:{FILES}"));
        if self == Self::Given {
            command.args(turn.before());
        }
        command.arg(program.get_program()).args(program.get_args());
        command
    }
}

/// The program with the clients and the applications.
pub(crate) const RUSH: &str = "rempart-bench-rush";

/// How long the flooded application takes for an answer, in milliseconds: what is admitted stays for a while.
pub(crate) const SLOW: u32 = 200;

/// Open files, for whoever holds the flood's connections.
const FILES: u32 = 16_384;
