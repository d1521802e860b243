//! A steady load over all tenants: connections that are kept, HTTP/1.1 and HTTP/2 by turns, and now and then a new one.
//! Every answer is judged by what its tenant must answer at that moment.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsConnector;

/// What every tenant must answer now, and what they did answer.
pub(super) struct Expected {
    tenants: Vec<Tenant>,
    port: u16,
    tls: [Arc<ClientConfig>; 2],
    stop: AtomicBool,
    pub(super) tally: Tally,
}

/// One tenant, as it must be found.
struct Tenant {
    name: String,
    /// The versions of its file that it may answer with, the first and the last.
    oldest: AtomicU64,
    newest: AtomicU64,
    /// Odd while nobody asks it, because it is not there on purpose.
    absences: AtomicU64,
}

/// How often which thing happened.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) requests: AtomicU64,
    pub(super) handshakes: AtomicU64,
    /// No answer, or one with another status than 200.
    pub(super) failed: AtomicU64,
    /// Another application's answer.
    pub(super) foreign: AtomicU64,
    /// Another version than the tenant's own.
    pub(super) changed: AtomicU64,
    /// What was left of a quota has grown.
    pub(super) forgotten: AtomicU64,
    said: Mutex<Vec<String>>,
}

/// The load, until it is stopped.
pub(super) struct Load {
    pub(super) expected: Arc<Expected>,
    thread: JoinHandle<()>,
}

impl Load {
    /// Begins to ask these tenants over and over. `roots` are the certificates to trust, PEM.
    pub(super) fn start(port: u16, roots: &[String], tenants: impl Iterator<Item = (String, u64)>) -> Self {
        let tenants = tenants.map(|(name, version)| Tenant {
            name,
            oldest: version.into(),
            newest: version.into(),
            absences: 0.into(),
        });
        let expected = Arc::new(Expected {
            tenants: tenants.collect(),
            port,
            tls: [client(roots, "http/1.1"), client(roots, "h2")],
            stop: false.into(),
            tally: Tally::default(),
        });
        let asked = Arc::clone(&expected);
        let thread = thread::spawn(move || block_on(ask_all(asked)));
        Self { expected, thread }
    }

    /// Ends it and waits for the last answers.
    pub(super) fn stop(self) -> Arc<Expected> {
        self.expected.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        self.expected
    }
}

impl Expected {
    /// From now on this version may be answered as well.
    pub(super) fn may_become(&self, tenant: usize, version: u64) {
        self.tenants[tenant].newest.store(version, Ordering::SeqCst);
    }

    /// From now on only this version may be answered.
    pub(super) fn is(&self, tenant: usize, version: u64) {
        self.tenants[tenant].newest.store(version, Ordering::SeqCst);
        self.tenants[tenant].oldest.store(version, Ordering::SeqCst);
    }

    /// The tenant goes away on purpose, or comes back from that.
    pub(super) fn leaves_or_returns(&self, tenant: usize) {
        self.tenants[tenant].absences.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits for so many more answers.
    pub(super) fn wait_for(&self, requests: u64) {
        let until = self.tally.requests.load(Ordering::SeqCst) + requests;
        while self.tally.requests.load(Ordering::SeqCst) < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Tally {
    fn note(&self, count: &AtomicU64, said: String) {
        count.fetch_add(1, Ordering::SeqCst);
        let mut all = self.said.lock().unwrap();
        if all.len() < 20 {
            all.push(said);
        }
    }

    /// The first things that were not as they must be.
    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

/// Applications that answer with a word of their own; one thread for all of them.
pub(super) fn applications(words: impl Iterator<Item = String>) -> Vec<SocketAddr> {
    let bind = |word| (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), word);
    let listeners: Vec<(std::net::TcpListener, String)> = words.map(bind).collect();
    let addresses = listeners
        .iter()
        .map(|(listener, _)| listener.local_addr().unwrap())
        .collect();
    thread::spawn(move || {
        block_on(async {
            for (listener, word) in listeners {
                listener.set_nonblocking(true).unwrap();
                tokio::spawn(answer_all(TcpListener::from_std(listener).unwrap(), Bytes::from(word)));
            }
            std::future::pending::<()>().await;
        });
    });
    addresses
}

async fn answer_all(listener: TcpListener, word: Bytes) {
    while let Ok((stream, _)) = listener.accept().await {
        let word = word.clone();
        let answer = service_fn(move |_| {
            let answer = Response::new(Full::new(word.clone()));
            async move { Ok::<_, std::convert::Infallible>(answer) }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future);
}

fn client(roots: &[String], protocol: &str) -> Arc<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store
            .add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap())
            .unwrap();
    }
    let mut config = ClientConfig::builder()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    Arc::new(config)
}

async fn ask_all(expected: Arc<Expected>) {
    let drivers: Vec<_> = (0..DRIVERS)
        .map(|driver| tokio::spawn(drive(Arc::clone(&expected), driver)))
        .collect();
    for driver in drivers {
        driver.await.unwrap();
    }
}

/// Asks every eighth tenant, one after another.
async fn drive(expected: Arc<Expected>, driver: usize) {
    let mut pace: Interval = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mine = (driver..expected.tenants.len()).step_by(DRIVERS);
    let mut visitors: Vec<Visitor> = mine.map(Visitor::of).collect();
    loop {
        for visitor in &mut visitors {
            if expected.stop.load(Ordering::SeqCst) {
                return;
            }
            pace.tick().await;
            visitor.visit(&expected).await;
        }
    }
}

/// One client of one tenant.
struct Visitor {
    tenant: usize,
    connection: Option<Connection>,
    visits: usize,
    /// How often the tenant had left and returned at the last visit.
    absences: u64,
    /// What was left of the quota at the last visit.
    left: Option<u64>,
}

enum Connection {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// What matters of an answer.
struct Answer {
    word: Bytes,
    version: Option<u64>,
    left: Option<u64>,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

impl Visitor {
    const fn of(tenant: usize) -> Self {
        Self {
            tenant,
            connection: None,
            visits: 0,
            absences: 0,
            left: None,
        }
    }

    async fn visit(&mut self, expected: &Expected) {
        let tenant = &expected.tenants[self.tenant];
        let absences = tenant.absences.load(Ordering::SeqCst);
        if absences != self.absences {
            // What was counted before the tenant left is not held against it, also when nobody asked while it was gone.
            *self = Self::of(self.tenant);
            self.absences = absences;
        }
        if absences % 2 == 1 {
            return;
        }
        let oldest = tenant.oldest.load(Ordering::SeqCst);
        self.visits += 1;
        if self.visits.is_multiple_of(VISITS) {
            self.connection = None;
        }
        let answer = match timeout(DEADLINE, self.ask(expected)).await {
            Ok(answer) => answer,
            Err(_) => Err("no answer".into()),
        };
        if tenant.absences.load(Ordering::SeqCst) != absences {
            return;
        }
        let newest = tenant.newest.load(Ordering::SeqCst);
        expected.tally.requests.fetch_add(1, Ordering::SeqCst);
        self.judge(answer, oldest..=newest, tenant, &expected.tally);
    }

    fn judge(
        &mut self,
        answer: Result<Answer, Error>,
        versions: std::ops::RangeInclusive<u64>,
        Tenant { name, .. }: &Tenant,
        tally: &Tally,
    ) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.connection = None;
                return tally.note(&tally.failed, format!("{name}: {error}"));
            }
        };
        if answer.word != name.as_bytes() {
            tally.note(&tally.foreign, format!("{name} answered as {:?}", answer.word));
        }
        if !answer.version.is_some_and(|version| versions.contains(&version)) {
            tally.note(
                &tally.changed,
                format!("{name}: {:?} is none of {versions:?}", answer.version),
            );
        }
        if answer.left.is_none() || self.left.is_some_and(|left| answer.left > Some(left)) {
            let said = format!("{name}: {:?} left after {:?}", answer.left, self.left);
            tally.note(&tally.forgotten, said);
        }
        self.left = answer.left;
    }

    async fn ask(&mut self, expected: &Expected) -> Result<Answer, Error> {
        let host = format!("{}.localhost", expected.tenants[self.tenant].name);
        if self.connection.is_none() {
            self.connection = Some(self.connect(expected, host.clone()).await?);
        }
        let authority = format!("{host}:{}", expected.port);
        let response = match self.connection.as_mut() {
            Some(Connection::Http1(sender)) => {
                sender.ready().await?;
                let request = Request::get("/").header(header::HOST, authority);
                sender.send_request(request.body(Empty::new())?).await?
            }
            Some(Connection::Http2(sender)) => {
                sender.ready().await?;
                let request = Request::get(format!("https://{authority}/"));
                sender.send_request(request.body(Empty::new())?).await?
            }
            None => return Err("there is no connection".into()),
        };
        Answer::read(response).await
    }

    async fn connect(&self, expected: &Expected, host: String) -> Result<Connection, Error> {
        // Each tenant is asked in both ways, by turns.
        let is_http2 = (self.tenant + self.visits / VISITS) % 2 == 1;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, expected.port)).await?;
        let tls = TlsConnector::from(Arc::clone(&expected.tls[usize::from(is_http2)]));
        let stream = TokioIo::new(tls.connect(ServerName::try_from(host)?, stream).await?);
        expected.tally.handshakes.fetch_add(1, Ordering::SeqCst);
        if is_http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            return Ok(Connection::Http2(sender));
        }
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Connection::Http1(sender))
    }
}

impl Answer {
    async fn read(response: Response<Incoming>) -> Result<Self, Error> {
        let (head, body) = response.into_parts();
        let word = body.collect().await?.to_bytes();
        if head.status != 200 {
            return Err(format!("{} {}", head.status, String::from_utf8_lossy(&word)).into());
        }
        let number = |name: &str, before: &str| {
            let text = head.headers.get(name)?.to_str().ok()?;
            let (_, rest) = text.split_once(before)?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        Ok(Self {
            word,
            version: number("strict-transport-security", "max-age="),
            left: number("ratelimit", ";r="),
        })
    }
}

/// How many ask at the same time, and how long each waits at least from one request to the next.
const DRIVERS: usize = 8;
const PACE: Duration = Duration::from_millis(8);

/// How many requests a connection is used for.
const VISITS: usize = 8;

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn whoever_judges_notices_what_must_not_be() {
    let tenant = Tenant {
        name: "t-000".into(),
        oldest: 7.into(),
        newest: 7.into(),
        absences: 0.into(),
    };
    let answer = |word: &'static str, version, left| {
        let word = Bytes::from_static(word.as_bytes());
        let (version, left) = (Some(version), Some(left));
        Ok(Answer { word, version, left })
    };
    for (answer, expected) in [
        (answer("t-000", 7, 9), [0, 0, 0, 0]),
        (answer("t-000", 8, 8), [0, 0, 0, 0]),
        (Err("cut off".into()), [1, 0, 0, 0]),
        (answer("t-001", 7, 9), [0, 1, 0, 0]),
        (answer("t-000", 6, 9), [0, 0, 1, 0]),
        (answer("t-000", 9, 9), [0, 0, 1, 0]),
        (answer("t-000", 7, 10), [0, 0, 0, 1]),
    ] {
        let (mut visitor, tally) = (Visitor::of(0), Tally::default());
        visitor.left = Some(9);
        visitor.judge(answer, 7..=8, &tenant, &tally);
        let Tally {
            failed,
            foreign,
            changed,
            forgotten,
            ..
        } = &tally;
        let found = [failed, foreign, changed, forgotten].map(|count| count.load(Ordering::SeqCst));
        assert_eq!(found, expected, "{:?}", tally.said());
    }
}
