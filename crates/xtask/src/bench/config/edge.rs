//! The edge with thousands of tenants. The only file of this benchmark that knows how the edge is configured.

use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{fs, io};

use super::fleet::{Fleet, max_age, name};
use super::rounds::{Bench, Server};
use super::sample::Sample;

/// One round.
///
/// # Errors
///
/// When something could not be run or measured.
pub(crate) fn round(bench: &Bench) -> io::Result<Sample> {
    let all = Edge::write(bench, "edge", bench.fleet.tenants)?;
    let few = Edge::write(bench, "edge-few", bench.fleet.few())?;
    bench.round(&all, &few)
}

struct Edge<'a> {
    program: PathBuf,
    folder: PathBuf,
    fleet: &'a Fleet,
}

impl<'a> Edge<'a> {
    /// Writes the whole configuration, with nothing left from the last round.
    fn write(bench: &'a Bench, name: &str, tenants: usize) -> io::Result<Self> {
        let edge = Self {
            program: bench.edge.clone(),
            folder: bench.fleet.folder().join(name),
            fleet: &bench.fleet,
        };
        if edge.folder.exists() {
            fs::remove_dir_all(&edge.folder)?;
        }
        fs::create_dir_all(edge.folder.join("tenants.d"))?;
        let port = bench.port;
        let vendor = format!("[listen]\nhttps = \"127.0.0.1:{port}\"\n\n[defaults.headers.hsts]\nmax_age = \"365d\"\n");
        fs::write(edge.folder.join("rempart.toml"), vendor)?;
        Server::write(&edge, 0..tenants, 0)?;
        Ok(edge)
    }

    /// A file as a vendor has it: a preset, an application, a certificate, some quotas, some headers.
    fn file(&self, tenant: usize, version: u32) -> String {
        let [certificate, key] = self.fleet.certificate(tenant).map(|path| path.display().to_string());
        let (name, application, max_age) = (name(tenant), self.fleet.application, max_age(version));
        format!(
            r#"# {name}: an old PHP application that nobody may change.

hosts = ["{name}.localhost"]
preset = "php"

[upstream]
url = "http://127.0.0.1:{application}"
response_timeout = "30s"           # its catalogue is slow in the morning

[tls]
certificate = "{certificate}"
key_file = "{key}"

[rate_limit.quotas.client]         # the benchmark's clients are all one network
rate = "1000000/s burst 1000000"

[rate_limit.quotas.login]
rate = "10/m burst 5"
routes = ["POST /login", "POST /index.php", "POST /api/login"]

[cookies]
same_site = "lax"

[headers]
frame_ancestors = ["'self'"]
referrer_policy = "same-origin"

[headers.hsts]
max_age = "{max_age}s"
"#
        )
    }
}

impl Server for Edge<'_> {
    fn name(&self) -> &'static str {
        "edge"
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["run", "--config"]).arg(&self.folder);
        command
    }

    fn write(&self, tenants: Range<usize>, version: u32) -> io::Result<()> {
        for tenant in tenants {
            let file = self.folder.join("tenants.d").join(format!("{}.toml", name(tenant)));
            let beside = file.with_extension("new");
            fs::write(&beside, self.file(tenant, version))?;
            fs::rename(beside, file)?;
        }
        Ok(())
    }

    fn reload_one(&self, tenant: usize) -> io::Result<Option<Command>> {
        let mut command = Command::new(&self.program);
        command
            .args(["reload", "--tenant", &name(tenant), "--config"])
            .arg(&self.folder);
        command.stdout(Stdio::null());
        Ok(Some(command))
    }

    fn kept(&self) -> Option<usize> {
        let kept = fs::read_dir(self.folder.join("state/last-good"));
        let whole = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|end| end == "json");
        Some(kept.map_or(0, |kept| kept.flatten().filter(whole).count()))
    }

    fn done(&self, log: &str) -> Option<usize> {
        Some(log.matches("reloaded: ").count())
    }
}
