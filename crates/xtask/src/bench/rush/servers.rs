//! The servers that are compared.

use std::process::Command;
use std::{fmt, io};

use clap::ValueEnum;

use super::super::free_port;
use super::super::process::Running;
use super::edge::Limits;
use super::scene::{Scene, Tenant, Turn};
use super::{edge, haproxy, nginx};

/// A server under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The edge, with its limits.
    Rempart,
    /// The edge without any: what the limits are worth.
    Unlimited,
    /// Debian's nginx.
    Nginx,
    /// Debian's HAProxy.
    Haproxy,
    /// A bare proxy that only the neighbours use, while the flood goes to another, on the clients' core: what the flood's
    /// own programs and the machine do to the neighbours' times.
    Apart,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Rempart, Self::Unlimited, Self::Nginx, Self::Haproxy, Self::Apart];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rempart => "rempart",
            Self::Unlimited => "rempart without limits",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Apart => "flood goes elsewhere",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A server that listens; dropping it ends it.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// Where the flood goes: to the same port, but for [`Kind::Apart`].
    pub(crate) flooded: u16,
    pub(crate) running: Running,
    _elsewhere: Option<Running>,
}

impl Server {
    /// Starts it, alone on its core.
    ///
    /// # Errors
    ///
    /// When it cannot be configured or started.
    pub(crate) fn start(kind: Kind, scene: &Scene) -> io::Result<Self> {
        let port = free_port()?;
        let command = match kind {
            Kind::Rempart => edge::configured(scene, port, Limits::On)?,
            Kind::Unlimited => edge::configured(scene, port, Limits::Off)?,
            Kind::Nginx => nginx::configured(scene, port)?,
            Kind::Haproxy => haproxy::configured(scene, port)?,
            Kind::Apart => floor(scene, port, &Tenant::NEIGHBOURS),
        };
        let running = start("server", scene.cores.proxy, scene, Turn::Second, &command, port)?;
        let mut server = Self {
            port,
            flooded: port,
            running,
            _elsewhere: None,
        };
        if kind == Kind::Apart {
            server.flooded = free_port()?;
            let command = floor(scene, server.flooded, &[Tenant::Library]);
            let elsewhere = start(
                "elsewhere",
                scene.cores.load,
                scene,
                Turn::Later,
                &command,
                server.flooded,
            )?;
            server._elsewhere = Some(elsewhere);
        }
        Ok(server)
    }
}

fn start(name: &str, core: u32, scene: &Scene, turn: Turn, command: &Command, port: u16) -> io::Result<Running> {
    let command = scene.precedence.give(turn, command);
    Running::start(name, core, scene.folder(), &command)?.listens_on(port)
}

fn floor(scene: &Scene, port: u16, tenants: &[Tenant]) -> Command {
    let mut command = Command::new(scene.program("rempart-bench-floor"));
    command
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg("--certificate")
        .arg(&scene.certificate.certificate)
        .arg("--key")
        .arg(&scene.certificate.key);
    for tenant in tenants {
        command.arg(format!("{}=127.0.0.1:{}", tenant.host(), scene.application(*tenant)));
    }
    command
}
