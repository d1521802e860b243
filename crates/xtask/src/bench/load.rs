//! The load generators: h2load for what keeps its connections, our own for new ones.

use std::io;
use std::process::Command;

use super::cases::Case;
use super::process::pinned;
use super::targets::{Site, Target};

/// One burst of a fixed number of requests at one target.
pub(crate) struct Load<'a> {
    pub(crate) case: Case,
    pub(crate) host: &'static str,
    pub(crate) requests: u64,
    pub(crate) site: &'a Site,
    pub(crate) handshakes: &'a std::path::Path,
    pub(crate) core: u32,
}

impl Load<'_> {
    /// Sends the requests and answers with how many were completed in a second.
    ///
    /// # Errors
    ///
    /// When a single one failed, or answered anything but the whole page.
    pub(crate) fn run(&self, target: &Target) -> io::Result<f64> {
        let command = match self.case {
            Case::NewConnection => &mut self.new_connections(target),
            _ => &mut self.h2load(target),
        };
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let rate = match self.case {
            Case::NewConnection => new_connections_rate(&said, self.requests),
            case => h2load_rate(&said, self.requests, self.requests * case.length()),
        };
        rate.ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("not all requests succeeded:\n{said}{complaint}"))
        })
    }

    fn h2load(&self, target: &Target) -> Command {
        let (connections, streams) = self.case.concurrency();
        let (host, port, path) = (self.host, target.port, self.case.path());
        let mut command = pinned(self.core);
        command.arg("h2load");
        if !self.case.is_http_2() {
            command.arg("--h1");
        }
        command
            .arg(format!("--requests={}", self.requests))
            .arg(format!("--clients={connections}"))
            .arg(format!("--max-concurrent-streams={streams}"))
            .arg(format!("--connect-to=127.0.0.1:{port}"))
            .arg(format!("https://{host}:{port}{path}"));
        command
    }

    fn new_connections(&self, target: &Target) -> Command {
        let (in_flight, _) = self.case.concurrency();
        let mut command = pinned(self.core);
        command
            .arg(self.handshakes)
            .arg(format!("--connect=127.0.0.1:{}", target.port))
            .arg(format!("--host={}", self.host))
            .arg(format!("--path={}", self.case.path()))
            .arg(format!("--length={}", self.case.length()))
            .arg(format!("--count={}", self.requests))
            .arg(format!("--in-flight={in_flight}"))
            .arg("--issuer")
            .arg(&self.site.certificate.certificate);
        command
    }
}

/// Reads h2load's summary: all requests, all of them 2xx, every byte of the bodies.
fn h2load_rate(said: &str, requests: u64, bytes: u64) -> Option<f64> {
    let is_complete = said.contains(&format!(" {requests} succeeded, 0 failed, 0 errored"))
        && said.contains(&format!("status codes: {requests} 2xx, 0 3xx"))
        && said.contains(&format!("({bytes}) data"));
    let rate = said.split("finished in ").nth(1)?.split(", ").nth(1)?;
    is_complete.then(|| rate.strip_suffix(" req/s")?.parse().ok()).flatten()
}

/// Reads the summary of our own client, which counts full handshakes with the whole page only.
fn new_connections_rate(said: &str, requests: u64) -> Option<f64> {
    let (counts, seconds) = said.trim().split_once(" seconds=")?;
    (counts == format!("done={requests} failed=0"))
        .then(|| Some(requests as f64 / seconds.parse::<f64>().ok()?))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const H2LOAD: &str = "\
finished in 2.00s, 50.00 req/s, 57.12MB/s
requests: 100 total, 100 started, 100 done, 100 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 100 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 5.13MB (5375232) total, 12KB (12000) headers (space savings 0.00%), 100KB (102400) data
";

    #[test]
    fn a_complete_run_has_a_rate() {
        assert_eq!(h2load_rate(H2LOAD, 100, 102_400), Some(50.0));
        let said = "done=100 failed=0 seconds=2.000000\n";
        assert_eq!(new_connections_rate(said, 100), Some(50.0));
    }

    #[test]
    fn a_failed_request_voids_the_run() {
        let failed = H2LOAD.replace("100 succeeded, 0 failed", "99 succeeded, 1 failed");
        assert_eq!(h2load_rate(&failed, 100, 102_400), None);
        let said = "done=99 failed=1 seconds=2.000000\n";
        assert_eq!(new_connections_rate(said, 100), None);
    }

    #[test]
    fn an_error_page_or_a_short_body_voids_the_run() {
        let errors = H2LOAD.replace("100 2xx, 0 3xx, 0 4xx", "0 2xx, 0 3xx, 100 4xx");
        assert_eq!(h2load_rate(&errors, 100, 102_400), None);
        assert_eq!(h2load_rate(H2LOAD, 100, 102_401), None);
    }
}
