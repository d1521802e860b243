//! The thread that holds the connection: it collects what is asked, calls the script, and hands out the answers.
//!
//! Two calls at most are on their way at a time; what comes meanwhile goes together in the next. So alone a request leaves
//! at once, and under load hundreds share a round trip.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rempart_counts::{Key, Operation, Rate, SharedAsk, SharedStanding};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::RedisPolicy;
use crate::backoff::Backoff;
use crate::batch::{Batch, Request, of_tenant};
use crate::link::Link;
use crate::script::TAKE;
use crate::state::StoreEvent;
use crate::stats::{Counters, add};

/// One request, and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: Request,
    /// Dropped without an answer, it says that the store is away.
    pub(crate) answer: Option<oneshot::Sender<Vec<SharedStanding>>>,
    pub(crate) since: Instant,
}

pub(crate) struct Courier {
    policy: Arc<RedisPolicy>,
    jobs: mpsc::Receiver<Job>,
    counters: Arc<Counters>,
    on_event: OnEvent,
    backoff: Backoff,
}

pub(crate) type OnEvent = Box<dyn Fn(StoreEvent) + Send + Sync>;

impl Courier {
    pub(crate) fn new(
        policy: RedisPolicy,
        jobs: mpsc::Receiver<Job>,
        counters: Arc<Counters>,
        on_event: OnEvent,
    ) -> Self {
        Self {
            policy: Arc::new(policy),
            jobs,
            counters,
            on_event,
            backoff: Backoff::default(),
        }
    }

    /// Until the last handle is gone.
    pub(crate) async fn run(mut self) {
        let mut away_since = Instant::now();
        let mut link = match self.meanwhile(probe(Arc::clone(&self.policy))).await {
            None => return,
            Some(Ok(link)) => Some(link),
            Some(Err(error)) => {
                self.note_away(error);
                self.find().await
            }
        };
        while let Some(there) = link {
            let there_since = Instant::now();
            self.note_back(away_since.elapsed());
            if self.serve(there).await.is_none() {
                return;
            }
            away_since = Instant::now();
            self.backoff.went_well_since(there_since);
            link = self.find().await;
        }
    }

    fn note_away(&self, error: String) {
        self.counters.is_there.store(false, Ordering::Release);
        add(&self.counters.failures, 1);
        (self.on_event)(StoreEvent::Away { error });
    }

    fn note_back(&self, after: Duration) {
        self.counters.is_there.store(true, Ordering::Release);
        (self.on_event)(StoreEvent::Back { after });
    }

    /// Tries again and again, one probe at a time and ever less often, until the store answers as it should.
    async fn find(&mut self) -> Option<Link> {
        loop {
            let rest = self.backoff.next();
            self.meanwhile(sleep(rest)).await?;
            if let Ok(link) = self.meanwhile(probe(Arc::clone(&self.policy))).await? {
                return Some(link);
            }
        }
    }

    /// Does something, and sends away at once whoever asks meanwhile. `None` when nobody is left who could ask.
    async fn meanwhile<T>(&mut self, doing: impl Future<Output = T>) -> Option<T> {
        let mut doing = pin!(doing);
        loop {
            tokio::select! {
                biased;
                job = self.jobs.recv() => {
                    if job?.answer.is_none() {
                        add(&self.counters.dropped, 1);
                    }
                }
                done = &mut doing => return Some(done),
            }
        }
    }

    /// Carries requests until it fails; `None` when nobody is left who could ask.
    async fn serve(&mut self, link: Link) -> Option<()> {
        let mut flights: JoinSet<Result<(), Failed>> = JoinSet::new();
        let mut jobs = Vec::new();
        loop {
            let (is_idle, is_room) = (flights.is_empty(), flights.len() < FLIGHTS);
            tokio::select! {
                biased;
                Some(landed) = flights.join_next() => {
                    if let Err(failed) = landed.unwrap_or_else(|panic| Err(Failed::from(panic.to_string()))) {
                        // Before all who wait are let go, so that they find it away when they look.
                        self.note_away(failed.error);
                        return Some(());
                    }
                }
                count = self.jobs.recv_many(&mut jobs, MOST), if is_room => {
                    if count == 0 {
                        return None;
                    }
                    for jobs in self.together(&mut jobs) {
                        let flight = Flight::of(jobs, &self.counters, self.policy.timeout);
                        flights.spawn(flight.fly(link.clone()));
                    }
                }
                () = sleep(IDLE), if is_idle => {
                    let prefix = Arc::clone(&self.policy.prefix);
                    let knock = knock(link.clone(), prefix, self.policy.timeout);
                    flights.spawn(async { knock.await.map_err(Failed::from) });
                }
            }
        }
    }

    /// What can go in one call: everything, but in a cluster only what is of one tenant.
    fn together(&self, jobs: &mut Vec<Job>) -> Vec<Vec<Job>> {
        if !self.policy.place.is_cluster() {
            return vec![std::mem::take(jobs)];
        }
        let mut of_tenants: HashMap<Arc<str>, Vec<Job>> = HashMap::new();
        for job in jobs.drain(..) {
            let tenant = Arc::clone(&job.request.tenant);
            of_tenants.entry(tenant).or_default().push(job);
        }
        of_tenants.into_values().collect()
    }
}

/// One call, and who waits for it.
struct Flight {
    jobs: Vec<Job>,
    counters: Arc<Counters>,
    deadline: Instant,
    patience: Duration,
}

impl Flight {
    fn of(jobs: Vec<Job>, counters: &Arc<Counters>, patience: Duration) -> Self {
        let first = jobs.iter().map(|job| job.since).min();
        Self {
            deadline: first.unwrap_or_else(Instant::now) + patience,
            jobs,
            counters: Arc::clone(counters),
            patience,
        }
    }

    async fn fly(self, mut link: Link) -> Result<(), Failed> {
        let batch = Batch::of(self.jobs.iter().map(|job| &job.request));
        let rest = self.deadline.saturating_duration_since(Instant::now());
        let call = TAKE.call(&mut link, |script| batch.command(script, None));
        let answers = match within(rest, call).await {
            None => Err(late(self.patience)),
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(answer)) => batch.answers(answer).ok_or_else(|| NO_ANSWER.to_owned()),
        };
        match answers {
            Ok(answers) => {
                self.land(answers);
                Ok(())
            }
            Err(error) => Err(Failed {
                error,
                _jobs: self.jobs,
            }),
        }
    }

    fn land(self, answers: Vec<Vec<SharedStanding>>) {
        let asks = self.jobs.iter().map(|job| job.request.asks.len()).sum();
        self.counters.note_call(self.jobs.len(), asks);
        let waiting = self.jobs.into_iter().filter_map(|job| job.answer);
        for (waiting, answer) in waiting.zip(answers) {
            // Whoever asked may have gone.
            waiting.send(answer).ok();
        }
    }
}

/// A call without an answer.
struct Failed {
    error: String,
    /// Who waited for it, and does until this is dropped.
    _jobs: Vec<Job>,
}

impl From<String> for Failed {
    fn from(error: String) -> Self {
        Self {
            error,
            _jobs: Vec::new(),
        }
    }
}

/// Connects, and proves that the store counts: the script is there, it may write, and it is fast enough.
async fn probe(policy: Arc<RedisPolicy>) -> Result<Link, String> {
    let link = Link::connect(&policy).await.map_err(|error| error.to_string())?;
    // The first may have to tell the script; the second is as all others will be.
    knock(link.clone(), Arc::clone(&policy.prefix), LOAD).await?;
    knock(link.clone(), Arc::clone(&policy.prefix), policy.timeout).await?;
    Ok(link)
}

/// Counts something of nobody's, which a replica, a full memory or a cluster without some of its parts would not.
async fn knock(mut link: Link, prefix: Arc<str>, patience: Duration) -> Result<(), String> {
    let second = NonZeroU32::MIN;
    let ask = SharedAsk {
        limit: "knock".into(),
        rate: Rate::new(second, Duration::from_secs(1), second).map_err(|error| error.to_string())?,
        key: Key::new(0),
        cost: 1,
        operation: Operation::Force,
    };
    let request = Request {
        tenant: of_tenant(&prefix, ""),
        asks: vec![ask],
        is_waited_for: true,
    };
    let batch = Batch::of([&request]);
    let call = TAKE.call(&mut link, |script| batch.command(script, None));
    let answer = within(patience, call).await.ok_or_else(|| late(patience))?;
    let answer = answer.map_err(|error| error.to_string())?;
    batch.answers(answer).ok_or(NO_ANSWER)?;
    Ok(())
}

/// On a machine that is busy this thread may be later than the answer: then it is there, and only has to be picked up.
async fn within<T>(time: Duration, doing: impl Future<Output = T>) -> Option<T> {
    let mut doing = pin!(doing);
    match timeout(time, &mut doing).await {
        Ok(done) => Some(done),
        Err(_) => timeout(PICK_UP, doing).await.ok(),
    }
}

const NO_ANSWER: &str = "an answer that is none to what was asked";

fn late(patience: Duration) -> String {
    format!("no answer within {} ms", patience.as_millis())
}

/// So many calls may be on their way.
const FLIGHTS: usize = 2;

/// So many requests go in one call, at most.
const MOST: usize = 128;

/// After so long without a request it is looked whether the store is there.
const IDLE: Duration = Duration::from_secs(1);

const LOAD: Duration = Duration::from_secs(1);
const PICK_UP: Duration = Duration::from_millis(2);
