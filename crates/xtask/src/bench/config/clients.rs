//! Those who ask while we measure.

use std::io::{self, BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Clients of so many tenants at one port.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) program: PathBuf,
    pub(crate) issuer: PathBuf,
    pub(crate) port: u16,
    pub(crate) tenants: usize,
}

impl Clients {
    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(what)
            .arg(format!("--connect=127.0.0.1:{}", self.port))
            .arg(format!("--tenants={}", self.tenants))
            .arg("--issuer")
            .arg(&self.issuer);
        command
    }

    /// Asks each tenant once.
    ///
    /// # Errors
    ///
    /// When one does not answer as it should.
    pub(crate) fn ask_all(&self) -> io::Result<()> {
        let output = self.command("ask").output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        match said.trim() == format!("done={} failed=0", self.tenants) {
            true => Ok(()),
            false => Err(io::Error::other(format!("not all tenants answered: {said}"))),
        }
    }

    /// Begins to load.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub(crate) fn load(&self, rate: u32) -> io::Result<Load> {
        let mut command = self.command("load");
        command
            .arg(format!("--rate={rate}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Ok(Load(Some(command.spawn()?)))
    }

    /// Begins to watch one tenant.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub(crate) fn watch(&self, tenant: usize) -> io::Result<Watch> {
        let mut command = self.command("watch");
        command.arg(format!("--tenant={tenant}")).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (sender, seen) = mpsc::channel();
        if let Some(out) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    let seen = line
                        .split_once(' ')
                        .and_then(|(when, word)| Some((when.parse().ok()?, word.to_owned())));
                    if seen.is_none_or(|seen| sender.send(seen).is_err()) {
                        return;
                    }
                }
            });
        }
        Ok(Watch { child, seen })
    }
}

/// A load under way; dropping it ends it.
pub(crate) struct Load(Option<Child>);

impl Load {
    /// Ends it, and answers with every request that was made.
    ///
    /// # Errors
    ///
    /// When the program fails, or says what cannot be read.
    pub(crate) fn end(mut self) -> io::Result<Vec<Request>> {
        let Some(child) = self.0.take() else {
            return Ok(Vec::new());
        };
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let requests: Option<Vec<_>> = said.lines().map(Request::parse).collect();
        requests
            .filter(|requests| !requests.is_empty())
            .ok_or_else(|| io::Error::other("the load did not say what it did"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// One request of a load. Times are in microseconds, the first one since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) began: u64,
    pub(crate) took: u64,
    /// On a connection that was there already.
    pub(crate) kept: bool,
    pub(crate) failed: Option<String>,
}

impl Request {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            began: words.next()?.parse().ok()?,
            took: words.next()?.parse().ok()?,
            kept: words.next()? == "kept",
            failed: Some(words.next()?)
                .filter(|outcome| *outcome != "ok")
                .map(str::to_owned),
        })
    }
}

/// Somebody who asks one tenant all the time; dropping it ends it.
pub(crate) struct Watch {
    child: Child,
    seen: Receiver<(u64, String)>,
}

impl Watch {
    /// When an answer was first seen with this in it, in microseconds since 1970.
    ///
    /// # Errors
    ///
    /// When it is not seen for two minutes.
    pub(crate) fn sees(&self, word: &str) -> io::Result<u64> {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.seen.recv_timeout(left) {
                Ok((when, seen)) if seen.contains(word) => return Ok(when),
                Ok(_) => {}
                Err(_) => return Err(io::Error::other(format!("no answer had {word:?} in it"))),
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Now, in microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_request_is_not_read_as_a_good_one() {
        let request = Request::parse("1700000000000000 250 kept ok").unwrap();
        assert_eq!(
            (request.began, request.took, request.kept, request.failed),
            (1_700_000_000_000_000, 250, true, None)
        );
        let request = Request::parse("1700000000000000 250 new status_502,_0_bytes").unwrap();
        assert_eq!(request.failed.as_deref(), Some("status_502,_0_bytes"));
        assert_eq!(Request::parse("1700000000000000 250 new"), None);
    }
}
