use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{HOST, REFERER};
use http::{HeaderMap, HeaderValue, Method, Uri, request, response};
use rempart_guard::{Downstream, Enforcement, Findings, Guard, GuardLayer, Guarded, Reporter};
use time::OffsetDateTime;
use tower_layer::Layer;

use crate::clock::{Clock, Moment, SystemClock, moment, time};
use crate::cookie;
use crate::kept::{Kept, KeptError};
use crate::networks::network;
use crate::policy::Terms;
use crate::refusal::{Waits, Why};
use crate::room::{Entry, Room, Standing};
use crate::ticket::{Ticket, TicketKeys};
use crate::{WaitingRoomPolicy, WaitingRoomRefusal};

/// The waiting room of one tenant, with everybody in it. A clone is the same room, so that several workers share it.
///
/// One lock is held while a request is decided, never across an await: for some hundred nanoseconds, and once a second for as
/// long as it takes to look at everybody.
pub struct WaitingRoom<C = SystemClock> {
    policy: Arc<WaitingRoomPolicy>,
    terms: Arc<Terms>,
    site: Arc<str>,
    room: Arc<Mutex<Room>>,
    clock: Arc<C>,
}

impl WaitingRoom {
    /// An empty room. `site` is what its page calls the site, unless the policy names it.
    #[must_use]
    pub fn new(policy: WaitingRoomPolicy, keys: TicketKeys, site: impl Into<Arc<str>>) -> Self {
        Self::with_clock(policy, keys, site, SystemClock)
    }
}

impl<C: Clock> WaitingRoom<C> {
    /// An empty room that goes by a clock of your own, such as one that a test turns.
    pub fn with_clock(policy: WaitingRoomPolicy, keys: TicketKeys, site: impl Into<Arc<str>>, clock: C) -> Self {
        let room = Room::new(moment(clock.now()));
        Self {
            terms: Arc::new(Terms::new(&policy, keys)),
            site: site.into(),
            policy: Arc::new(policy),
            room: Arc::new(Mutex::new(room)),
            clock: Arc::new(clock),
        }
    }

    /// The same room under a new policy, with everybody where they are. Keys and name stay.
    #[must_use]
    pub fn with_policy(&self, policy: WaitingRoomPolicy) -> Self {
        Self {
            terms: Arc::new(Terms::new(&policy, self.terms.keys.clone())),
            policy: Arc::new(policy),
            ..self.clone()
        }
    }

    /// The same room with other keys: those of before go among the previous ones of the new ones, or every ticket is void.
    #[must_use]
    pub fn with_keys(&self, keys: TicketKeys) -> Self {
        Self {
            terms: Arc::new(Terms::new(&self.policy, keys)),
            ..self.clone()
        }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &WaitingRoomPolicy {
        &self.policy
    }

    /// Who is there now.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        let mut room = self.lock();
        room.advance(&self.terms, self.now());
        Occupancy {
            inside: room.inside(),
            waiting: room.line.len(),
            networks: room.networks.len(),
            bytes: room.bytes(),
        }
    }

    /// Everybody in it as bytes for a file, nine for each, without addresses: for [`restore`](Self::restore) after a restart.
    #[must_use]
    pub fn keep(&self) -> Vec<u8> {
        Kept::write(&self.lock())
    }

    /// Takes over everybody of the room that was kept, before anybody has come. What is older than an hour is nobody.
    ///
    /// # Errors
    ///
    /// Bytes that are no room that was kept: then the room is as it was.
    pub fn restore(&self, kept: &[u8]) -> Result<(), KeptError> {
        let (line, places) = Kept::read(kept)?.people(self.now());
        self.lock().take_over(&self.terms, line, places);
        Ok(())
    }

    fn now(&self) -> Moment {
        moment(self.clock.now())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, head: &mut request::Parts) -> Result<Option<HeaderValue>, WaitingRoomRefusal> {
        let client = Downstream::of(&head.extensions)?.client;
        let keys = &self.terms.keys;
        let shown = cookie::take(&mut head.headers, keys);
        let now = self.now();
        if is_preflight(head) || !self.policy.applies(head) {
            if let Some(ticket) = shown {
                self.lock().touch(&self.terms, now, ticket);
            }
            return Ok(None);
        }
        let network = network(client);
        if self.policy.enforcement == Enforcement::Report {
            let has_place = self.lock().watch(&self.terms, now, network);
            return if has_place {
                Ok(None)
            } else {
                Err(self.waits(head, now, Why::NoPlace))
            };
        }
        let entry = self.lock().ask(&self.terms, now, shown, network, takes_ticket(head));
        let why = match entry {
            Entry::Inside(arrival) => return Ok(self.reissue(shown, arrival, now)),
            Entry::Uncounted => return Ok(None),
            Entry::Waits(standing @ Standing { ahead: None, .. }) => Why::Early(standing),
            Entry::Waits(standing) => Why::Line(standing),
            Entry::NoPlace => Why::NoPlace,
            Entry::Full => Why::Full,
            Entry::Crowded => Why::Crowded,
        };
        Err(self.waits(head, now, why))
    }

    /// A new ticket for somebody inside, when theirs does not say so or grows old.
    fn reissue(&self, shown: Option<Ticket>, arrival: Moment, now: Moment) -> Option<HeaderValue> {
        let old = u64::try_from(self.policy.session.as_micros() / 8).unwrap_or(u64::MAX);
        let is_good =
            |ticket: &Ticket| ticket.arrival == arrival && ticket.is_inside && now.saturating_sub(ticket.seen) < old;
        if shown.as_ref().is_some_and(is_good) {
            return None;
        }
        let ticket = Ticket {
            arrival,
            seen: now,
            is_inside: true,
        };
        Some(cookie::set(ticket, &self.terms.keys))
    }

    fn waits(&self, head: &request::Parts, now: Moment, why: Why) -> WaitingRoomRefusal {
        let ticket = match why {
            Why::Line(standing) | Why::Early(standing) => Some(Ticket {
                arrival: standing.arrival,
                seen: now,
                is_inside: false,
            }),
            _ => None,
        };
        let changes = !head.method.is_safe();
        WaitingRoomRefusal::Waits(Box::new(Waits {
            why,
            site: Arc::clone(self.policy.name.as_ref().unwrap_or(&self.site)),
            ticket: ticket.map(|ticket| cookie::set(ticket, &self.terms.keys)),
            changes,
            back: changes.then(|| page_before(head)),
            keep_place: self.policy.keep_place,
            opens: self.policy.opens,
            now: OffsetDateTime::from(time(now)),
        }))
    }
}

impl<C: Clock> Guard for WaitingRoom<C> {
    const FEATURE: &'static str = "waiting_room";
    type Ticket = Option<HeaderValue>;
    type Refusal = WaitingRoomRefusal;

    fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Result<Self::Ticket, WaitingRoomRefusal> {
        self.decide(head)
    }

    fn amend(&self, line: Self::Ticket, head: &mut response::Parts, _: &mut Findings) {
        if let Some(line) = line {
            cookie::add(line, head);
        }
    }
}

/// Whether a request is one of a person who would come in: a page or what a page's script asks for, not a picture, a
/// prefetch, or what a page of another site embeds (Fetch Metadata Request Headers). A client that says nothing is a person.
fn takes_ticket(head: &request::Parts) -> bool {
    let said = |name: &str| head.headers.get(name).map(HeaderValue::as_bytes);
    if head.method == Method::HEAD || said("sec-purpose").is_some_and(|purpose| purpose.starts_with(b"prefetch")) {
        return false;
    }
    match said("sec-fetch-dest") {
        None | Some(b"document") => true,
        Some(b"empty" | b"iframe" | b"frame") => said("sec-fetch-site") != Some(b"cross-site"),
        Some(_) => false,
    }
}

/// A browser's question whether a script may ask: it never carries a cookie (Fetch, section 3.3.2).
fn is_preflight(head: &request::Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key("access-control-request-method")
}

/// Where somebody was who sent a form: the page before, when it is of this site, else the first one. A path that another
/// server could be read into is none of this site.
fn page_before(head: &request::Parts) -> String {
    let page = referer(&head.headers).filter(|uri| {
        let host = head.uri.authority().map(|authority| authority.as_str().as_bytes());
        let host = host.or_else(|| head.headers.get(HOST).map(HeaderValue::as_bytes));
        uri.authority().map(|authority| authority.as_str().as_bytes()) == host
    });
    let path = page.as_ref().and_then(Uri::path_and_query).map(|path| path.as_str());
    let is_plain = |path: &&str| !path.starts_with("//") && !path.contains(['\\', '"', '\'', ';', ',']);
    path.filter(is_plain).unwrap_or("/").to_owned()
}

fn referer(headers: &HeaderMap) -> Option<Uri> {
    headers.get(REFERER)?.to_str().ok()?.parse().ok()
}

/// Who is in a room, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// People inside, and those whose turn it is.
    pub inside: usize,
    /// People in the line.
    pub waiting: usize,
    /// The networks that they come from.
    pub networks: usize,
    /// Bytes of memory, about.
    pub bytes: usize,
}

/// The layer of a [`WaitingRoom`]: see the [crate's example](crate).
///
/// It belongs below a rate limit, so that a flood of requests ends there, and above everything that reads or sets the
/// application's cookies.
#[derive(Debug)]
pub struct WaitingRoomLayer<C: Clock = SystemClock>(GuardLayer<WaitingRoom<C>>);

impl WaitingRoomLayer {
    /// A room of its own under this policy, with the enforcement that stands in it, that tells `reporter`.
    #[must_use]
    pub fn new(policy: WaitingRoomPolicy, keys: TicketKeys, site: impl Into<Arc<str>>, reporter: Reporter) -> Self {
        Self::sharing(&WaitingRoom::new(policy, keys, site), reporter)
    }
}

impl<C: Clock> WaitingRoomLayer<C> {
    /// A room that others share: the other workers, or the stack that this one replaces.
    #[must_use]
    pub fn sharing(room: &WaitingRoom<C>, reporter: Reporter) -> Self {
        Self(GuardLayer::new(room.clone(), room.policy().enforcement(), reporter))
    }
}

impl<C: Clock, S> Layer<S> for WaitingRoomLayer<C> {
    type Service = Guarded<WaitingRoom<C>, S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}

impl<C: Clock> Clone for WaitingRoomLayer<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> Clone for WaitingRoom<C> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            terms: Arc::clone(&self.terms),
            site: Arc::clone(&self.site),
            room: Arc::clone(&self.room),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<C> fmt::Debug for WaitingRoom<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingRoom")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
