//! The neighbours: people who go on asking at their own pace, whatever happens next door.
//!
//! The schedule is fixed beforehand, and a request's time runs from the moment at which it was due, not from when it could
//! be sent: a server that makes one wait makes all behind it wait, and that is counted (there is no coordinated omission).

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::io::AsyncReadExt as _;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::client::{Asked, Client, Connection, Protocol};
use crate::drip::Drip;
use crate::{BoxError, Server, address};

/// Asks until standard input ends. Each line is `due took host kind outcome`: microseconds since 1970, microseconds, the
/// number of the host, `kept` or `new` for the connection, and `ok` or what went wrong.
pub(crate) async fn run(server: &Server, hosts: &[String], rate: u32) -> Result<(), BoxError> {
    let hosts: Vec<_> = (1..)
        .zip(hosts)
        .map(|(number, host)| Host::new(server, host, number).map(Arc::new))
        .collect::<Result<_, _>>()?;
    for host in &hosts {
        host.open_all().await?;
    }
    announce("ready")?;
    let (send, mut due) = mpsc::unbounded_channel();
    let count = hosts.len();
    std::thread::spawn(move || keep_time(count, rate, &send));
    let clock = Clock::new();
    let (mut asked, mut lines) = (JoinSet::new(), Vec::new());
    let mut input = tokio::io::stdin();
    let mut nothing = [0];
    loop {
        tokio::select! {
            biased;
            Some(Due { host, number, at }) = due.recv() => {
                asked.spawn(Arc::clone(&hosts[host]).once(number, at));
            }
            Some(line) = asked.join_next() => lines.push(line?.line(&clock)),
            _ = input.read(&mut nothing) => break,
        }
    }
    drop(due);
    lines.extend(asked.join_all().await.into_iter().map(|done| done.line(&clock)));
    announce(&lines.join("\n"))
}

/// A request that is to be sent now, the so-manieth of its host.
struct Due {
    host: usize,
    number: u64,
    at: Instant,
}

/// Says when each request is due, from a thread of its own: the runtime's timers know milliseconds only.
///
/// Within its equal part of a second each is due at random, so that no rhythm of a flood is met or missed for good.
fn keep_time(hosts: usize, rate: u32, send: &mpsc::UnboundedSender<Due>) {
    let slot = Duration::from_secs(1) / (rate * u32::try_from(hosts).unwrap_or(1));
    let begin = Instant::now();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for number in 0.. {
        let at = begin + slot.mul_f64(number as f64 + random.fraction());
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        let turn = number / hosts as u64;
        let host = (number % hosts as u64) as usize;
        if send.send(Due { host, number: turn, at }).is_err() {
            return;
        }
    }
}

/// One host's people: connections that stay, and now and then a new one.
struct Host {
    client: Client,
    number: u8,
    kept: Vec<Lane>,
}

/// A connection that stays. Over HTTP/1.1 requests take turns.
struct Lane {
    protocol: Protocol,
    held: Mutex<Option<Connection>>,
}

impl Host {
    fn new(server: &Server, host: &str, number: u8) -> Result<Self, BoxError> {
        let lanes = [(Protocol::Http11, KEPT_HTTP_1), (Protocol::Http2, KEPT_HTTP_2)];
        let lane = |protocol| Lane {
            protocol,
            held: Mutex::default(),
        };
        Ok(Self {
            client: Client::new(server, host)?,
            number,
            kept: lanes
                .into_iter()
                .flat_map(|(protocol, count)| (0..count).map(move |_| lane(protocol)))
                .collect(),
        })
    }

    async fn open_all(&self) -> Result<(), BoxError> {
        for (index, lane) in (0..).zip(&self.kept) {
            let opened = self.client.open(self.from(index), lane.protocol).await?;
            *lane.held.lock().await = Some(opened);
        }
        Ok(())
    }

    async fn once(self: Arc<Self>, number: u64, at: Instant) -> Done {
        let is_new = number.is_multiple_of(NEW_EVERY);
        let outcome = tokio::time::timeout_at((at + PATIENCE).into(), async {
            if is_new {
                self.anew(number / NEW_EVERY).await
            } else {
                self.kept(number).await
            }
        });
        let outcome = outcome.await.unwrap_or_else(|_| Err("no answer in time".into()));
        Done {
            at,
            took: at.elapsed(),
            host: self.number,
            kind: if is_new { "new" } else { "kept" },
            outcome: outcome.err().map(|error| error.to_string()),
        }
    }

    async fn anew(&self, turn: u64) -> Result<(), BoxError> {
        let protocol = if turn.is_multiple_of(2) {
            Protocol::Http11
        } else {
            Protocol::Http2
        };
        let mut connection = self.client.open(self.from(turn), protocol).await?;
        page(connection.ask(Drip::nothing()).await?)
    }

    /// Asks on a connection that is kept; a server may have closed it, then on a new one in its place.
    async fn kept(&self, number: u64) -> Result<(), BoxError> {
        let index = number % self.kept.len() as u64;
        let lane = &self.kept[index as usize];
        let mut held = lane.held.lock().await;
        if let Some(connection) = held.as_mut()
            && connection.is_open().await
        {
            let shared = connection.share();
            let asked = match shared {
                Some(mut shared) => {
                    drop(held);
                    let asked = shared.ask(Drip::nothing()).await?;
                    held = lane.held.lock().await;
                    asked
                }
                None => match connection.ask(Drip::nothing()).await {
                    Ok(asked) => asked,
                    Err(error) => {
                        *held = None;
                        return Err(error);
                    }
                },
            };
            if asked != Asked::NotSent {
                return page(asked);
            }
        }
        let mut connection = self.client.open(self.from(index), lane.protocol).await?;
        let asked = connection.ask(Drip::nothing()).await?;
        *held = Some(connection);
        page(asked)
    }

    /// Ten people, each at an address that is nobody else's.
    fn from(&self, turn: u64) -> std::net::Ipv4Addr {
        address(self.number, (turn % 10) as u8 + 1)
    }
}

fn page(asked: Asked) -> Result<(), BoxError> {
    match asked {
        Asked::Page => Ok(()),
        Asked::Other(status, length) => Err(format!("status {}, {length} bytes", status.as_u16()).into()),
        Asked::NotSent => Err("a new connection was closed before it was asked".into()),
    }
}

/// What became of one request.
struct Done {
    at: Instant,
    took: Duration,
    host: u8,
    kind: &'static str,
    outcome: Option<String>,
}

impl Done {
    fn line(&self, clock: &Clock) -> String {
        let outcome = self
            .outcome
            .as_ref()
            .map_or_else(|| "ok".to_owned(), |error| error.replace(char::is_whitespace, "_"));
        let (due, took) = (clock.micros(self.at), self.took.as_micros());
        format!("{due} {took} {} {} {outcome}", self.host, self.kind)
    }
}

/// The same moment by both clocks.
struct Clock(Instant, Duration);

impl Clock {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(Instant::now(), since.unwrap_or_default())
    }

    fn micros(&self, at: Instant) -> u128 {
        let Self(instant, since) = self;
        (*since + at.saturating_duration_since(*instant)).as_micros()
    }
}

/// Marsaglia's xorshift: the same in every run.
struct Random(u64);

impl Random {
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn announce(lines: &str) -> Result<(), BoxError> {
    let mut output = std::io::stdout();
    output.write_all(lines.as_bytes())?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}

/// Connections that stay, for each host.
const KEPT_HTTP_1: usize = 5;
const KEPT_HTTP_2: usize = 4;

/// Each so-manieth request is somebody who has just come: a new connection, with a whole handshake.
const NEW_EVERY: u64 = 10;

/// What takes longer than this is lost.
const PATIENCE: Duration = Duration::from_secs(5);
