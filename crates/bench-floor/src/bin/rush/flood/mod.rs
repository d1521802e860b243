//! The flood: one host, many addresses, at so many times what the host may have.

mod frames;
mod hands;
mod requests;
mod resets;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::client::{Asked, Client};
use crate::{BoxError, Server, address};

/// Floods one host, and prints `NAME=COUNT` for what became of it.
#[derive(Args)]
pub(crate) struct Flood {
    #[command(flatten)]
    server: Server,
    /// The host.
    #[arg(long)]
    host: String,
    /// For how long, in milliseconds.
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    millis: u64,
    /// What it does; several do it at once.
    #[arg(long = "kind", required = true)]
    kinds: Vec<Kind>,
    /// Requests in a second.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    requests: u32,
    /// Requests at a time.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    in_flight: u32,
    /// New connections in a second.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    handshakes: u32,
    /// Connections at a time.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    connections: u32,
}

/// What a flood does.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Requests over HTTP/1.1 connections that stay.
    H1,
    /// Requests over few HTTP/2 connections, many at a time.
    H2,
    /// HTTP/2 requests that are taken back at once.
    Resets,
    /// Handshakes, and nothing after them.
    Handshakes,
    /// Connections that say nothing, half a word, or one word, and fall silent.
    HalfOpen,
    /// Requests whose bodies come a byte a second.
    SlowBodies,
}

impl Flood {
    pub(crate) async fn run(self) -> Result<(), BoxError> {
        let end = Instant::now() + Duration::from_millis(self.millis);
        let scene = Arc::new(Scene {
            client: Client::new(&self.server, &self.host)?,
            counts: Counts::default(),
            end,
        });
        let mut all = JoinSet::new();
        for kind in &self.kinds {
            self.begin(*kind, &scene, &mut all);
        }
        let ended = timeout_at(end, async { while all.join_next().await.is_some() {} });
        ended.await.ok();
        all.abort_all();
        scene.counts.print();
        Ok(())
    }

    fn begin(&self, kind: Kind, scene: &Arc<Scene>, all: &mut JoinSet<()>) {
        let every = |rate: u32| Duration::from_secs(1) / rate;
        let connections = self.in_flight;
        match kind {
            Kind::H1 => {
                let pause = every(self.requests) * connections;
                for number in 0..connections {
                    all.spawn(requests::on_a_kept_connection(
                        Arc::clone(scene),
                        number,
                        connections,
                        pause,
                    ));
                }
            }
            Kind::H2 => {
                for number in 0..ADDRESSES {
                    let pause = every(self.requests) * ADDRESSES;
                    let streams = self.in_flight.div_ceil(ADDRESSES) as usize;
                    all.spawn(requests::multiplexed(Arc::clone(scene), number, pause, streams));
                }
            }
            Kind::Resets => {
                for number in 0..ADDRESSES {
                    all.spawn(resets::taken_back(Arc::clone(scene), number, self.requests));
                }
            }
            Kind::Handshakes => {
                all.spawn(hands::shaken(Arc::clone(scene), every(self.handshakes)));
            }
            Kind::HalfOpen => {
                let (pause, held) = (every(self.handshakes), self.connections as usize);
                all.spawn(hands::held_out(Arc::clone(scene), pause, held));
            }
            Kind::SlowBodies => {
                for number in 0..self.in_flight {
                    all.spawn(requests::slow(Arc::clone(scene), number, self.in_flight));
                }
            }
        }
    }
}

/// What all of a flood share.
struct Scene {
    client: Client,
    counts: Counts,
    end: Instant,
}

impl Scene {
    /// Spreads what begins with the flood over its first second.
    async fn wait_for_turn(&self, number: u32, of: u32) {
        sleep(SPREAD * number / of).await;
    }
}

/// What became of it all.
#[derive(Default)]
struct Counts {
    asked: AtomicU64,
    admitted: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    tried: AtomicU64,
    connected: AtomicU64,
}

impl Counts {
    fn answered(&self, asked: &Result<Asked, BoxError>) {
        add(match asked {
            Ok(Asked::Page) => &self.admitted,
            Ok(Asked::Other(..)) => &self.refused,
            Ok(Asked::NotSent) | Err(_) => &self.broken,
        });
    }

    #[expect(clippy::print_stdout, reason = "the result of a command-line program")]
    fn print(&self) {
        let counts = [
            ("asked", &self.asked),
            ("admitted", &self.admitted),
            ("refused", &self.refused),
            ("broken", &self.broken),
            ("tried", &self.tried),
            ("connected", &self.connected),
        ];
        let counts = counts.map(|(name, count)| format!("{name}={}", count.load(Ordering::Relaxed)));
        println!("{}", counts.join(" "));
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// The flood's addresses, 127.0.0.2 to 127.0.0.40: each alone asks little more than a client may.
fn from(number: u32) -> Ipv4Addr {
    address(0, (number % ADDRESSES) as u8 + 2)
}

const ADDRESSES: u32 = 39;

/// How long it takes for all of the flood to be there.
const SPREAD: Duration = Duration::from_secs(1);
