//! An edge on a socket for clients that are not ours, and one in memory for rustls.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::{TlsConnector, client};

use crate::{AcceptError, Accepted, Certificate, DevelopmentCa, Protocol, Sites, StrictTls, now};

pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// A development CA in a directory that goes away.
pub(super) struct Ca {
    pub(super) directory: TempDir,
    pub(super) ca: DevelopmentCa,
}

impl Ca {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (ca, _) = DevelopmentCa::open_or_create(&directory.path().join("ca"), now()).unwrap();
        Self { directory, ca }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn config(&self, hosts: &[&str]) -> Arc<ServerConfig> {
        StrictTls::new(self.ca.issue(hosts, now()).unwrap()).config()
    }

    /// `a.test` and `b.test`.
    pub(super) fn two_sites(&self) -> Sites<&'static str> {
        let (a, b) = (self.config(&["a.test"]), self.config(&["b.test"]));
        Sites::builder()
            .site(["a.test"], a, "a")
            .site(["b.test"], b, "b")
            .build()
    }

    /// What rustls offers by default, with this CA as the only root.
    pub(super) fn client(&self) -> ClientConfig {
        self.client_with(rustls::crypto::aws_lc_rs::default_provider(), rustls::DEFAULT_VERSIONS)
    }

    pub(super) fn client_with(
        &self,
        provider: rustls::crypto::CryptoProvider,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(self.ca.certificate()).unwrap())
            .unwrap();
        let builder = ClientConfig::builder_with_provider(provider.into());
        let builder = builder.with_protocol_versions(versions).unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }

    /// An RSA certificate, which the CA does not make.
    pub(super) fn rsa(&self, host: &str) -> Certificate {
        let (certificate, key) = self.self_signed("rsa", &["rsa:2048"], host);
        Certificate::from_files(&certificate, &key, &[host], now()).unwrap()
    }

    /// A certificate by OpenSSL for 30 days from now, and its key.
    pub(super) fn self_signed(&self, stem: &str, key: &[&str], host: &str) -> (PathBuf, PathBuf) {
        let (pem, key_file) = (self.path(&format!("{stem}.pem")), self.path(&format!("{stem}.key")));
        let name = format!("subjectAltName=DNS:{host}");
        let mut args = vec![
            "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=Test", "-addext", &name,
        ];
        args.extend([
            "-keyout",
            key_file.to_str().unwrap(),
            "-out",
            pem.to_str().unwrap(),
            "-newkey",
        ]);
        args.extend(key);
        assert!(openssl(&args).0);
        (pem, key_file)
    }
}

/// Whether OpenSSL was content, and all that it said.
pub(super) fn openssl(args: &[&str]) -> (bool, String) {
    run("openssl", args)
}

pub(super) fn run(program: &str, args: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("these tests need {program}: {error}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), said.concat())
}

/// What the edge made of a connection.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) site: &'static str,
    pub(super) protocol: Protocol,
    pub(super) kind: HandshakeKind,
}

/// Accepts on a port of its own, answers every client with the value of its site, and ends with its drop.
pub(super) struct Edge {
    pub(super) address: SocketAddr,
    seen: mpsc::Receiver<Result<Seen, AcceptError>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Edge {
    pub(super) fn start(sites: Sites<&'static str>) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, (stop, stopped), (sender, seen)) =
            (listener.local_addr().unwrap(), oneshot::channel(), mpsc::channel());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, sites.into(), sender) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            seen,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What became of the oldest connection that was not asked about.
    pub(super) fn seen(&self) -> Result<Seen, AcceptError> {
        self.seen.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// OpenSSL's client, and all that it said.
    pub(super) fn s_client(&self, args: &[&str]) -> String {
        let address = self.address.to_string();
        openssl(&[&["s_client", "-ign_eof", "-connect", &address], args].concat()).1
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn serve(
    listener: StdListener,
    sites: Arc<Sites<&'static str>>,
    sender: mpsc::Sender<Result<Seen, AcceptError>>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (sites, sender) = (Arc::clone(&sites), sender.clone());
        tokio::spawn(async move {
            let seen = match sites.accept(stream, DEADLINE).await {
                Ok(accepted) => Ok(answer(accepted).await),
                Err(error) => Err(error),
            };
            // A test that has seen enough is gone.
            let _ = sender.send(seen);
        });
    }
}

async fn answer(accepted: Accepted<TcpStream, &'static str>) -> Seen {
    let Accepted {
        mut stream,
        value: site,
        protocol,
        ..
    } = accepted;
    let kind = stream.get_ref().1.handshake_kind().unwrap();
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{site}",
        site.len()
    );
    // What the client does with it is the test's to judge.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
    Seen { site, protocol, kind }
}

type Met = (
    Result<Accepted<DuplexStream, &'static str>, AcceptError>,
    std::io::Result<client::TlsStream<DuplexStream>>,
);

/// A handshake in memory.
pub(super) async fn meet(sites: &Sites<&'static str>, client: &Arc<ClientConfig>, name: &str) -> Met {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    tokio::join!(
        sites.accept(ours, DEADLINE),
        TlsConnector::from(Arc::clone(client)).connect(name, theirs)
    )
}

/// The first bytes of a client that asks for `name`.
pub(super) fn client_hello(client: ClientConfig, name: &str) -> Vec<u8> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = rustls::ClientConnection::new(client.into(), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
