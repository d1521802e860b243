//! A clock that is moved, and everybody who logs in while it is.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use governor::clock::FakeRelativeClock;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, Request};
use rempart_guard::{ClientAddr, Downstream, Ja4, RequestIds};

use crate::credentials::Credentials;
use crate::device::Device;
use crate::guard::Begun;
use crate::outcome::Outcome;
use crate::policy::Purpose;
use crate::turn::Turn;
use crate::{LoginGuard, LoginKeys, LoginPolicy, LoginSettings};

const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;
/// How long the application takes to look at a password.
const ANSWER: u64 = 300;

/// Chance, by a seed (SplitMix64: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014).
pub(super) struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn happens(&mut self, per_thousand: u64) -> bool {
        self.below(1_000) < per_thousand
    }
}

/// Somebody who sits in front of a browser, or something that pretends to be one.
struct Actor {
    group: &'static str,
    kind: Kind,
    /// Where it is, by the try.
    addresses: Vec<u32>,
    program: usize,
    /// The cookie that the browser keeps; `None` when it keeps none.
    cookies: Option<HeaderMap>,
    tries: u64,
}

enum Kind {
    /// Logs in at these times, and mistypes one password in twenty; of those who have mistyped one in seven again.
    Person {
        account: String,
        logins: Vec<u64>,
        wrong: u32,
    },
    /// Takes the next pair of the list that it shares with others; what is refused goes back to the end.
    Guesser { list: List, until: u64 },
}

type List = Rc<RefCell<VecDeque<Pair>>>;

#[derive(Clone)]
pub(super) struct Pair {
    pub(super) account: String,
    pub(super) password: String,
    pub(super) is_right: bool,
}

/// What became of a group.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) tries: u64,
    pub(super) first_hour: u64,
    pub(super) let_through: u64,
    pub(super) succeeded: u64,
    pub(super) delayed: u64,
    pub(super) refused: u64,
    pub(super) gave_up: u64,
}

pub(super) struct World {
    guard: LoginGuard,
    keys: LoginKeys,
    clock: FakeRelativeClock,
    now: u64,
    pub(super) days: u64,
    /// When the guessers begin.
    pub(super) attacked: u64,
    pub(super) chance: Chance,
    actors: Vec<Actor>,
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
    order: u64,
    turns: BTreeMap<usize, (Turn, bool)>,
    tallies: BTreeMap<&'static str, Tally>,
    ids: RequestIds,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let settings = LoginSettings {
            routes: vec!["POST /login".into()],
            ..LoginSettings::default()
        };
        let policy = LoginPolicy::try_from(settings).unwrap();
        let (clock, keys) = (FakeRelativeClock::default(), LoginKeys::new(&[7; 32], []));
        Self {
            guard: LoginGuard::with_clock(policy, keys.clone(), clock.clone()),
            keys,
            clock,
            now: 0,
            days: 1,
            attacked: 0,
            chance: Chance(seed),
            actors: Vec::new(),
            queue: BinaryHeap::new(),
            order: 0,
            turns: BTreeMap::new(),
            tallies: BTreeMap::new(),
            ids: RequestIds::new(),
        }
    }

    fn at(&mut self, time: u64, actor: usize) {
        self.order += 1;
        self.queue.push(Reverse((time, self.order, actor)));
    }

    fn add(&mut self, first: u64, actor: Actor) {
        self.actors.push(actor);
        self.at(first, self.actors.len() - 1);
    }

    pub(super) fn person(
        &mut self,
        group: &'static str,
        account: String,
        addresses: Vec<u32>,
        logins: Vec<u64>,
        keeps_cookies: bool,
    ) {
        let program = self.chance.below(4) as usize;
        let first = logins[0];
        let kind = Kind::Person {
            account,
            logins,
            wrong: 0,
        };
        let cookies = keeps_cookies.then(HeaderMap::new);
        self.add(
            first,
            Actor {
                group,
                kind,
                addresses,
                program,
                cookies,
                tries: 0,
            },
        );
    }

    /// One that tries from each of these addresses at once.
    pub(super) fn guessers(
        &mut self,
        group: &'static str,
        addresses: std::ops::Range<u32>,
        (hours, program): (u64, usize),
        list: impl Iterator<Item = Pair>,
    ) {
        let list = Rc::new(RefCell::new(list.collect()));
        let begin = self.attacked;
        for (index, address) in (0..).zip(addresses) {
            let kind = Kind::Guesser {
                list: Rc::clone(&list),
                until: begin + hours * HOUR,
            };
            let actor = Actor {
                group,
                kind,
                addresses: vec![address],
                program,
                cookies: None,
                tries: 0,
            };
            self.add(begin + index * 17 % 1_000, actor);
        }
    }

    pub(super) async fn run(&mut self) {
        while let Some(Reverse((time, _, actor))) = self.queue.pop() {
            self.clock.advance(Duration::from_millis(time - self.now));
            self.now = time;
            match self.turns.remove(&actor) {
                Some((turn, is_right)) => self.land(actor, turn, is_right).await,
                None => self.start(actor).await,
            }
        }
    }

    async fn start(&mut self, index: usize) {
        let pair = match &self.actors[index].kind {
            Kind::Person { account, wrong, .. } => {
                let is_right = !self.chance.happens(if *wrong == 0 { 50 } else { 150 });
                let password = if is_right {
                    format!("right {account}")
                } else {
                    format!("typo {}", self.chance.next())
                };
                Pair {
                    account: account.clone(),
                    password,
                    is_right,
                }
            }
            Kind::Guesser { until, .. } if self.now > *until => return,
            Kind::Guesser { list, .. } => match list.borrow_mut().pop_front() {
                Some(pair) => pair,
                None => return,
            },
        };
        let subject = self.subject(index, &pair.account, &pair.password);
        let tally = self.tallies.entry(self.actors[index].group).or_default();
        tally.tries += 1;
        match self.guard.begin(&subject).await {
            Begun::Turn(mut turn) | Begun::SteppedUp(mut turn, _) => {
                tally.let_through += 1;
                tally.first_hour += u64::from(self.now < self.attacked + HOUR);
                tally.delayed += u64::from(!turn.delay.is_zero());
                let delay = turn.delay.as_millis() as u64;
                turn.send();
                self.turns.insert(index, (turn, pair.is_right));
                self.at(self.now + delay + ANSWER, index);
            }
            Begun::Busy => {
                self.put_back(index, pair);
                self.at(self.now + 200, index);
            }
            Begun::Refused(used_up) => {
                self.put_back(index, pair);
                self.refused(index, used_up.wait());
            }
        }
    }

    fn put_back(&self, index: usize, pair: Pair) {
        if let Kind::Guesser { list, .. } = &self.actors[index].kind {
            list.borrow_mut().push_back(pair);
        }
    }

    /// A person who is refused gives up until the next time. A guesser comes back when it is told to.
    fn refused(&mut self, index: usize, wait: Duration) {
        let tally = self.tallies.entry(self.actors[index].group).or_default();
        tally.refused += 1;
        match self.actors[index].kind {
            Kind::Person { .. } => self.next_login(index),
            Kind::Guesser { .. } => self.at(self.now + (wait.as_millis() as u64).clamp(SECOND, 5 * MINUTE), index),
        }
    }

    async fn land(&mut self, index: usize, turn: Turn, is_right: bool) {
        let outcome = if is_right { Outcome::Succeeded } else { Outcome::Failed };
        turn.end(outcome).await;
        let tally = self.tallies.entry(self.actors[index].group).or_default();
        tally.succeeded += u64::from(is_right);
        let pause = 4 * SECOND + self.chance.below(16 * SECOND);
        let actor = &mut self.actors[index];
        actor.tries += 1;
        match &mut actor.kind {
            Kind::Guesser { .. } => self.at(self.now + 500, index),
            Kind::Person { .. } if is_right => self.next_login(index),
            // Who has mistyped seven times asks for a new password.
            Kind::Person { wrong: 6, .. } => {
                tally.gave_up += 1;
                self.next_login(index);
            }
            Kind::Person { wrong, .. } => {
                *wrong += 1;
                self.at(self.now + pause, index);
            }
        }
        if is_right {
            self.keep_cookie(index);
        }
    }

    fn next_login(&mut self, index: usize) {
        if let Kind::Person { logins, wrong, .. } = &mut self.actors[index].kind {
            *wrong = 0;
            logins.remove(0);
            if let Some(next) = logins.first().copied() {
                self.at(next.max(self.now), index);
            }
        }
    }

    fn keep_cookie(&mut self, index: usize) {
        let now = self.moment();
        let actor = &mut self.actors[index];
        let (Kind::Person { account, .. }, Some(cookies)) = (&actor.kind, &mut actor.cookies) else {
            return;
        };
        let device = Device::of(&self.keys, COOKIE_NAME, cookies, now)
            .or_else(Device::new)
            .unwrap();
        if let Some(set) = device.logged_in(&self.keys, COOKIE_NAME, self.keys.tag(account), now) {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            cookies.insert(COOKIE, HeaderValue::try_from(pair).unwrap());
        }
    }

    fn subject(&self, index: usize, account: &str, password: &str) -> crate::subject::Subject {
        let actor = &self.actors[index];
        let address = actor.addresses[actor.tries as usize % actor.addresses.len()];
        let mut request = Request::post("/login").body(()).unwrap();
        if let Some(cookies) = &actor.cookies {
            request.headers_mut().extend(cookies.clone());
        }
        request
            .extensions_mut()
            .insert(PROGRAMS[actor.program].parse::<Ja4>().unwrap());
        let client = Downstream {
            client: ClientAddr::new(address.to_be_bytes().into()),
            request: self.ids.next_id(),
        };
        let credentials = Credentials {
            account: Some(account.to_owned()),
            password: Some(password.into()),
            is_ambiguous: false,
        };
        let (head, ()) = request.into_parts();
        self.guard
            .subject(Purpose::Login, (&head, client), &credentials, self.moment())
    }

    fn moment(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + Duration::from_millis(self.now)
    }

    pub(super) fn tally(&self, group: &str) -> Tally {
        self.tallies.get(group).copied().unwrap_or_default()
    }
}

const COOKIE_NAME: &str = "__Host-device";
const PROGRAMS: [&str; 5] = [
    "t13d1516h2_8daaf6152771_02713d6af862",
    "t13d1715h2_5b57614c22b0_3d5424432f57",
    "t13d2014h2_a09f3c656075_14788d8d241b",
    "t13d1517h2_8daaf6152771_b0da82dd1658",
    "t13d190900_9dc949149365_97f8aa674fd9",
];
/// What the first of the browsers looks like is what guessers look like who take the trouble.
pub(super) const AS_A_BROWSER: usize = 0;
pub(super) const AS_A_SCRIPT: usize = 4;
pub(super) const SCHOOL: u32 = 0xc000_0201;
pub(super) const OFFICE: u32 = 0xc000_0202;
pub(super) const CARRIER: u32 = 0xc633_6400;
pub(super) const ELSEWHERE: u32 = 0x0a00_0000;
