//! Opens new TLS connections, one GET on each, and proves that none was resumed.
//!
//! wrk reuses its TLS object between connections and with it the session; h2load opens all its
//! connections at once. This client keeps a fixed number in flight, keeps no session
//! (`Resumption::disabled`), and counts a connection only when rustls says the handshake was full.
//! It offers X25519 alone, so that every server does the same key exchange: Debian's OpenSSL 3.0
//! has no ML-KEM.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Opens TLS connections with one GET each, all full handshakes, and prints
/// `done=N failed=N seconds=S`.
#[derive(Parser)]
struct Arguments {
    /// The server.
    #[arg(long)]
    connect: SocketAddr,
    /// The host of the SNI and of the `Host` header.
    #[arg(long)]
    host: String,
    /// The path to ask for.
    #[arg(long)]
    path: String,
    /// The length of the body that makes an answer right.
    #[arg(long)]
    length: usize,
    /// The certificate of the issuer, as PEM.
    #[arg(long)]
    issuer: PathBuf,
    /// How many connections in all.
    #[arg(long)]
    count: usize,
    /// How many at a time.
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(summary) => summary.print(),
        Err(error) => complain(error.as_ref()),
    }
}

fn run(arguments: Arguments) -> Result<Summary, BoxError> {
    let client = Arc::new(Client::new(&arguments)?);
    let started = Instant::now();
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run_all(client, arguments.in_flight, arguments.count));
    Ok(Summary {
        done,
        failed: arguments.count - done,
        took: started.elapsed(),
    })
}

async fn run_all(client: Arc<Client>, in_flight: usize, count: usize) -> usize {
    let left = Arc::new(AtomicUsize::new(count));
    let mut lanes = JoinSet::new();
    for _ in 0..in_flight {
        let (client, left) = (Arc::clone(&client), Arc::clone(&left));
        lanes.spawn(async move {
            let mut done = 0;
            while take_one(&left) {
                done += usize::from(client.connect_and_get().await.is_ok());
            }
            done
        });
    }
    lanes.join_all().await.into_iter().sum()
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
        .is_ok()
}

struct Client {
    connector: TlsConnector,
    server: SocketAddr,
    name: ServerName<'static>,
    request: Vec<u8>,
    length: usize,
}

impl Client {
    fn new(arguments: &Arguments) -> Result<Self, BoxError> {
        let Arguments {
            host, path, connect, ..
        } = arguments;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config(&arguments.issuer)?)),
            server: *connect,
            name: ServerName::try_from(host.clone())?,
            request: request.into_bytes(),
            length: arguments.length,
        })
    }

    async fn connect_and_get(&self) -> Result<(), BoxError> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let mut stream = self.connector.connect(self.name.clone(), stream).await?;
        stream.write_all(&self.request).await?;
        let mut answer = Vec::with_capacity(self.length + 1024);
        // A server that closes without `close_notify` has still answered; the length decides.
        stream.read_to_end(&mut answer).await.ok();
        if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Full)
            && answer.starts_with(b"HTTP/1.1 200")
            && body_length(&answer) == Some(self.length)
        {
            return Ok(());
        }
        Err("not a full handshake, or not the right answer".into())
    }
}

fn config(issuer: &PathBuf) -> Result<ClientConfig, BoxError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(issuer)?)?;
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn body_length(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(answer.len() - end - 4)
}

struct Summary {
    done: usize,
    failed: usize,
    took: Duration,
}

impl Summary {
    #[expect(clippy::print_stdout, reason = "the result of a command-line program")]
    fn print(&self) -> ExitCode {
        let (done, failed, seconds) = (self.done, self.failed, self.took.as_secs_f64());
        println!("done={done} failed={failed} seconds={seconds:.6}");
        ExitCode::SUCCESS
    }
}

#[expect(clippy::print_stderr, reason = "the one message of a command-line program")]
fn complain(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("rempart-bench-handshakes: {error}");
    ExitCode::FAILURE
}
