//! A steady load over all tenants: kept connections, and a new one for every tenth request.

use std::io::Write as _;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::client::{Asked, Client, Connection};
use crate::{BoxError, Server, now};

/// Loads until standard input ends. Each line is `began took kind outcome`: microseconds since 1970, microseconds, `kept`
/// or `new` for the connection, and `ok` or what went wrong.
pub(crate) async fn run(server: Server, rate: u32) -> Result<(), BoxError> {
    let (client, end) = (Client::new(&server)?, CancellationToken::new());
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let lane = Lane {
            client: client.clone(),
            tenants: server.tenants,
            state: u64::from(lane + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            held: None,
        };
        lanes.spawn(lane.run(Duration::from_secs(1) * LANES / rate.max(1), end.clone()));
    }
    let mut nothing = Vec::new();
    tokio::io::stdin().read_to_end(&mut nothing).await?;
    end.cancel();
    let lines: Vec<String> = lanes.join_all().await.into_iter().flatten().collect();
    Ok(std::io::stdout().write_all((lines.join("\n") + "\n").as_bytes())?)
}

/// One client, who stays with a tenant for a while and goes on to another.
struct Lane {
    client: Client,
    tenants: usize,
    state: u64,
    held: Option<(Connection, usize)>,
}

impl Lane {
    async fn run(mut self, pause: Duration, end: CancellationToken) -> Vec<String> {
        let mut lines = Vec::new();
        tokio::time::sleep(pause.mul_f64(self.random() as f64 / (1_u64 << 31) as f64)).await;
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = end.cancelled() => return lines,
            }
            let (began, clock) = (now(), Instant::now());
            let (kind, outcome) = self.once().await;
            let (took, outcome) = (
                clock.elapsed().as_micros(),
                outcome.err().map(|error| error.to_string()),
            );
            let outcome = outcome.map_or_else(|| "ok".into(), |error| error.replace(char::is_whitespace, "_"));
            lines.push(format!("{began} {took} {kind} {outcome}"));
        }
    }

    async fn once(&mut self) -> (&'static str, Result<(), BoxError>) {
        if let Some((mut connection, left)) = self.held.take()
            && left > 0
            && connection.is_open().await
        {
            match connection.ask().await {
                Ok(Asked::Answered(_)) => {
                    self.held = Some((connection, left - 1));
                    return ("kept", Ok(()));
                }
                Ok(Asked::NotSent) => {}
                Err(error) => return ("kept", Err(error)),
            }
        }
        ("new", self.open().await)
    }

    async fn open(&mut self) -> Result<(), BoxError> {
        let tenant = self.random() as usize % self.tenants;
        let mut connection = self.client.open(tenant).await?;
        match connection.ask().await? {
            Asked::Answered(_) => {
                self.held = Some((connection, STAY));
                Ok(())
            }
            Asked::NotSent => Err("a new connection was closed before it was asked".into()),
        }
    }

    /// Marsaglia's xorshift: any order will do, and the same in every run is better.
    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state >> 33
    }
}

/// Connections at a time.
const LANES: u32 = 32;

/// Requests on a connection after the first.
const STAY: usize = 9;
