//! What nodes tell each other by way of the store: a stream of bounded length, which each node reads twice a second.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use redis::{RedisError, Value};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{sleep_until, timeout};

use crate::backoff::{Backoff, random};
use crate::link::Link;
use crate::script::TELL;
use crate::{RedisPolicy, own_thread};

/// What another node has told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// Of which tenant.
    pub tenant: String,
    /// About what, in a word that teller and listener agree on.
    pub topic: String,
    /// What.
    pub body: Vec<u8>,
    /// When, by the clock of the store.
    pub at: SystemTime,
}

/// Why nothing was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TellError {
    /// Longer than a message may be.
    #[error("a message is at most {LONGEST_BODY} bytes, and its tenant and its topic {LONGEST_NAME} each")]
    TooLong,
    /// The store has been away for so long that no more can be kept for it.
    #[error("{MOST_UNTOLD} messages wait already for the shared store to come back")]
    TooMany,
    /// The system gave no thread.
    #[error("no thread to tell it from: {0}")]
    NoThread(#[from] io::Error),
}

pub(crate) type Hear = Box<dyn FnMut(&Told) + Send>;

/// Where messages are put. Its thread begins with the first of them, or with who listens.
pub(crate) struct Board {
    policy: RedisPolicy,
    node: String,
    next: AtomicU64,
    notes: Mutex<Option<mpsc::Sender<Note>>>,
}

enum Note {
    Tell(Message),
    Listen(Hear),
}

struct Message {
    /// Who told it, and their how many-th it is: so that one that is told twice, because nobody knows whether it arrived, is
    /// heard once.
    id: String,
    tenant: String,
    topic: String,
    body: Vec<u8>,
}

impl Board {
    pub(crate) fn new(policy: RedisPolicy) -> Self {
        Self {
            policy,
            node: format!("{:016x}{:016x}", random(), random()),
            next: AtomicU64::new(0),
            notes: Mutex::new(None),
        }
    }

    pub(crate) fn tell(&self, tenant: &str, topic: &str, body: &[u8]) -> Result<(), TellError> {
        if body.len() > LONGEST_BODY || tenant.len() > LONGEST_NAME || topic.len() > LONGEST_NAME {
            return Err(TellError::TooLong);
        }
        let message = Message {
            id: format!("{}-{}", self.node, self.next.fetch_add(1, Ordering::Relaxed)),
            tenant: tenant.to_owned(),
            topic: topic.to_owned(),
            body: body.to_owned(),
        };
        self.notes()?
            .try_send(Note::Tell(message))
            .map_err(|error| TellError::from(without_note(error)))
    }

    pub(crate) fn listen(&self, hear: Hear) -> Result<(), io::Error> {
        let notes = self.notes()?;
        notes
            .try_send(Note::Listen(hear))
            .map_err(|error| match without_note(error) {
                TrySendError::Full(()) => io::Error::other(TellError::TooMany.to_string()),
                TrySendError::Closed(()) => gone(),
            })
    }

    fn notes(&self) -> io::Result<mpsc::Sender<Note>> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notes) = &*notes {
            return Ok(notes.clone());
        }
        let (sender, receiver) = mpsc::channel(MOST_UNTOLD);
        let reader = Reader::new(self.policy.clone(), self.node.clone(), receiver);
        own_thread("rempart-told", reader.run())?;
        *notes = Some(sender.clone());
        Ok(sender)
    }
}

impl From<TrySendError<()>> for TellError {
    fn from(error: TrySendError<()>) -> Self {
        match error {
            TrySendError::Full(()) => Self::TooMany,
            TrySendError::Closed(()) => Self::NoThread(gone()),
        }
    }
}

fn without_note(error: TrySendError<Note>) -> TrySendError<()> {
    match error {
        TrySendError::Full(_) => TrySendError::Full(()),
        TrySendError::Closed(_) => TrySendError::Closed(()),
    }
}

fn gone() -> io::Error {
    io::Error::other("it has ended")
}

/// The thread: it tells what is to be told, and looks for what others have.
struct Reader {
    policy: Arc<RedisPolicy>,
    node: String,
    key: String,
    notes: mpsc::Receiver<Note>,
    untold: VecDeque<Message>,
    listeners: Vec<Listener>,
    link: Option<Link>,
    backoff: Backoff,
    is_away: bool,
}

struct Listener {
    hear: Hear,
    /// The last entry that was read since the connection began.
    cursor: Option<String>,
    heard: Heard,
}

impl Reader {
    fn new(policy: RedisPolicy, node: String, notes: mpsc::Receiver<Note>) -> Self {
        Self {
            key: format!("{}:told", policy.prefix),
            policy: Arc::new(policy),
            node,
            notes,
            untold: VecDeque::new(),
            listeners: Vec::new(),
            link: None,
            backoff: Backoff::default(),
            is_away: false,
        }
    }

    async fn run(mut self) {
        let mut next = Instant::now();
        loop {
            let is_room = self.untold.len() < MOST_UNTOLD;
            let is_last = tokio::select! {
                note = self.notes.recv(), if is_room => self.take(note),
                () = sleep_until(next.into()) => false,
            };
            if self.link.is_some() || is_last || Instant::now() >= next {
                let rest = self.round().await;
                next = Instant::now() + rest;
            }
            if is_last {
                return;
            }
        }
    }

    /// Whether it was the last, because nobody is left to tell anything.
    fn take(&mut self, note: Option<Note>) -> bool {
        match note {
            None => return true,
            Some(Note::Tell(message)) => self.untold.push_back(message),
            Some(Note::Listen(hear)) => self.listeners.push(Listener {
                hear,
                cursor: None,
                heard: Heard::default(),
            }),
        }
        false
    }

    /// Tells and reads all there is, and says how long to rest.
    async fn round(&mut self) -> Duration {
        match self.exchange().await {
            Ok(()) => {
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("nodes hear of each other again");
                }
                self.backoff = Backoff::default();
                LOOK
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(%error, "nodes do not hear of each other until the shared store is back");
                }
                self.link = None;
                self.backoff.next()
            }
        }
    }

    async fn exchange(&mut self) -> Result<(), String> {
        if self.link.is_none() {
            let link = Link::connect(&self.policy).await.map_err(|error| error.to_string())?;
            self.link = Some(link);
            // Another server may have taken over, with another clock. What was heard already is known by its id.
            self.listeners.iter_mut().for_each(|listener| listener.cursor = None);
        }
        let Some(link) = &mut self.link else { return Ok(()) };
        while let Some(message) = self.untold.front() {
            told(link, &self.key, message).await?;
            self.untold.pop_front();
        }
        for listener in &mut self.listeners {
            while listener.read(link, &self.key, &self.node).await? == PAGE {}
        }
        Ok(())
    }
}

async fn told(link: &mut Link, key: &str, message: &Message) -> Result<(), String> {
    let kept = u64::try_from(KEPT_FOR.as_millis()).unwrap_or(u64::MAX);
    let call = TELL.call(link, |script| {
        let mut command = script.command(1);
        command.arg(key).arg(KEPT).arg(kept);
        command.arg("i").arg(&message.id).arg("t").arg(&message.tenant);
        command.arg("p").arg(&message.topic).arg("b").arg(&message.body);
        command
    });
    in_time(call).await.map(drop)
}

async fn in_time(call: impl Future<Output = Result<Value, RedisError>>) -> Result<Value, String> {
    let answer = timeout(PATIENCE, call).await;
    answer
        .map_err(|_| "no answer".to_owned())?
        .map_err(|error| error.to_string())
}

impl Listener {
    /// Reads a page, and says how much was on it.
    async fn read(&mut self, link: &mut Link, key: &str, node: &str) -> Result<usize, String> {
        let mut command = redis::cmd("XRANGE");
        command.arg(key);
        match &self.cursor {
            None => command.arg("-"),
            Some(last) => command.arg(format!("({last}")),
        };
        command.arg("+").arg("COUNT").arg(PAGE);
        let page = in_time(link.call(&command)).await?;
        let page: Vec<(String, Vec<Vec<u8>>)> = redis::from_redis_value(page).map_err(|error| error.to_string())?;
        for (entry, fields) in &page {
            self.note(entry, fields, node);
        }
        Ok(page.len())
    }

    fn note(&mut self, entry: &str, fields: &[Vec<u8>], node: &str) {
        self.cursor = Some(entry.to_owned());
        let field = |name: &[u8]| {
            let mut pairs = fields.chunks_exact(2);
            pairs.find_map(|pair| (pair[0] == name).then(|| pair[1].clone()))
        };
        let text = |name: &[u8]| String::from_utf8(field(name)?).ok();
        let (Some(id), Some(tenant), Some(topic), Some(body)) = (text(b"i"), text(b"t"), text(b"p"), field(b"b"))
        else {
            return;
        };
        let milliseconds = entry.split('-').next().and_then(|time| time.parse().ok());
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds.unwrap_or(0));
        if !id.starts_with(node) && self.heard.is_new(id) {
            (self.hear)(&Told {
                tenant,
                topic,
                body,
                at,
            });
        }
    }
}

/// What was heard, so that nothing is heard twice: twice as much as is ever kept.
#[derive(Default)]
struct Heard {
    ids: HashSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl Heard {
    fn is_new(&mut self, id: String) -> bool {
        let id: Arc<str> = id.into();
        if !self.ids.insert(Arc::clone(&id)) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > 2 * KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// How many messages the store keeps, and for how long: about 10 MiB at most.
const KEPT: usize = 10_000;
const KEPT_FOR: Duration = Duration::from_secs(86_400);

/// How many messages wait for a store that is away.
const MOST_UNTOLD: usize = 1_024;

const LONGEST_BODY: usize = 1_024;
const LONGEST_NAME: usize = 128;

/// How often is looked for what others tell.
const LOOK: Duration = Duration::from_millis(500);

const PATIENCE: Duration = Duration::from_secs(1);
const PAGE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_is_not_heard_again_and_takes_bounded_memory() {
        let mut heard = Heard::default();
        assert!(heard.is_new("a".into()));
        assert!(!heard.is_new("a".into()));
        for number in 0..3 * KEPT {
            heard.is_new(number.to_string());
        }
        assert_eq!((heard.ids.len(), heard.order.len()), (2 * KEPT, 2 * KEPT));
    }

    #[test]
    fn a_message_that_is_too_long_is_refused() {
        let policy = RedisPolicy::try_from(crate::RedisSettings::at("redis://127.0.0.1:1")).unwrap();
        let board = Board::new(policy);
        for (tenant, topic, body) in [
            ("a".repeat(LONGEST_NAME + 1), String::new(), 0),
            (String::new(), "a".repeat(LONGEST_NAME + 1), 0),
            (String::new(), String::new(), LONGEST_BODY + 1),
        ] {
            let told = board.tell(&tenant, &topic, &vec![0; body]);
            assert!(matches!(told, Err(TellError::TooLong)));
        }
    }
}
