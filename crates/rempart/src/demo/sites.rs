//! The three sites as processes of their own, as they would be: one can fall over and the others do not notice.

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rempart_example_sites::Site;
use tokio_util::sync::CancellationToken;

use super::{Running, vacant};

/// A site's process, which ends with the demo: killed when this is dropped, and by the end of its standard input when
/// the demo itself was killed.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the three sites and waits until they answer.
pub(super) fn start(ports: &[u16], data: &Path, drain: &CancellationToken) -> io::Result<Vec<Running>> {
    if ports.len() != Site::ALL.len() {
        let message = "--site-ports takes three ports: the library's, the city's and the daycare's";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut sites = Vec::new();
    for (site, port) in Site::ALL.into_iter().zip(ports) {
        let address = SocketAddr::from(([127, 0, 0, 1], *port));
        vacant(address, "--site-ports")?;
        let process = Command::new(std::env::current_exe()?)
            .args(["demo-site", site.name(), "--listen", &address.to_string(), "--data"])
            .arg(data.join(site.name()))
            // Ctrl-C is for the demo, which lets what has begun end before the sites do.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        sites.push(Running {
            site,
            address,
            _process: Process(process),
        });
    }
    for running in &mut sites {
        wait(running, drain)?;
    }
    Ok(sites)
}

/// The daycare's first start writes 86,000 files, which takes a few seconds; connections are answered after that.
fn wait(running: &mut Running, drain: &CancellationToken) -> io::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && !drain.is_cancelled() {
        if let Some(status) = running._process.0.try_wait()? {
            return Err(io::Error::other(format!(
                "the {} site ended with {status}",
                running.site.name()
            )));
        }
        if answers(running.address) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(30));
    }
    Err(io::Error::other(format!(
        "the {} site did not answer at {}",
        running.site.name(),
        running.address
    )))
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        io::Write::write_all(
            &mut stream,
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        )?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(&status == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

/// Serves one site until standard input ends.
pub(super) fn serve(site: Site, listen: SocketAddr, data: &Path) -> io::Result<()> {
    std::fs::create_dir_all(data)?;
    thread::Builder::new().name("parent".into()).spawn(|| {
        // The pipe ends when the demo does, however it ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await?;
        rempart_example_sites::serve(site, listener, data).await
    })
}

/// How long the sites may take to come up, on a slow machine, in a debug build.
const PATIENCE: Duration = Duration::from_secs(90);
