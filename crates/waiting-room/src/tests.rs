use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full};
use rempart_guard::{ClientAddr, Decision, Downstream, Findings, Guard, Reporter, RequestIds};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::clock::time;
use crate::refusal::Why;
use crate::*;

mod answers;
mod draw;
mod line;
mod restart;
mod rush;

/// Eight in the morning in Montréal, on the first of March 2027, in microseconds.
const EIGHT: u64 = 1_803_906_000_000_000;
const KEY: [u8; 32] = [7; 32];

type Turned = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// A site with a waiting room, and the clock that it goes by.
struct Site {
    room: WaitingRoom<Turned>,
    clock: Arc<AtomicU64>,
}

impl Site {
    fn new(toml: &str) -> Self {
        Self::at(EIGHT, toml)
    }

    fn at(now: u64, toml: &str) -> Self {
        let clock = Arc::new(AtomicU64::new(now));
        let turned = Arc::clone(&clock);
        let now: Turned = Box::new(move || time(turned.load(Ordering::Relaxed)));
        Self {
            room: WaitingRoom::with_clock(policy(toml), TicketKeys::new(&KEY), "library", now),
            clock,
        }
    }

    /// The same site after a restart.
    fn restarted(&self) -> Self {
        let now = self.clock.load(Ordering::Relaxed);
        let clock = Arc::new(AtomicU64::new(now));
        let turned = Arc::clone(&clock);
        let now: Turned = Box::new(move || time(turned.load(Ordering::Relaxed)));
        Self {
            room: WaitingRoom::with_clock(self.room.policy().clone(), TicketKeys::new(&KEY), "library", now),
            clock,
        }
    }

    fn wait(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    fn set(&self, now: u64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    fn check(&self, head: &mut request::Parts) -> Seen {
        match self.room.check(head, &mut Findings::default()) {
            Ok(line) => Seen {
                cookie: line.as_ref().map(cookie_of),
                outcome: Outcome::Passes,
            },
            Err(WaitingRoomRefusal::Waits(waits)) => Seen {
                cookie: waits.ticket.as_ref().map(cookie_of),
                outcome: Outcome::Waits(waits),
            },
            Err(WaitingRoomRefusal::NoDownstream(_)) => panic!("a test always says who asks"),
        }
    }

    /// Asks for a page and keeps the cookie, as a browser does.
    fn ask(&self, person: &mut Person) -> Outcome {
        let seen = self.check(&mut person.request("/"));
        person.cookie = seen.cookie.or(person.cookie.take());
        seen.outcome
    }

    /// Fills the room with so many people, who stay.
    fn fill(&self, people: u32) -> Vec<Person> {
        let mut inside: Vec<_> = (0..people).map(|number| Person::new(0x0b00_0000 + number)).collect();
        for one in &mut inside {
            assert!(self.ask(one).passes());
            assert!(self.ask(one).passes());
        }
        inside
    }

    /// The answer as a client sees it, and the cookies that the application saw.
    async fn answer(&self, request: Request<()>) -> (Response<Full<Bytes>>, Vec<String>, Option<String>) {
        let decisions: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&decisions);
        let record = move |decision: Decision| sink.lock().unwrap().push(decision.to_string());
        let inside: Arc<Mutex<Option<String>>> = Arc::default();
        let seen = Arc::clone(&inside);
        let service = ServiceBuilder::new()
            .layer(WaitingRoomLayer::sharing(
                &self.room,
                Reporter::new("library", Arc::new(record)),
            ))
            .service(service_fn(move |request: Request<()>| {
                let cookies = request
                    .headers()
                    .get(COOKIE)
                    .map(|line| line.to_str().unwrap().to_owned());
                *seen.lock().unwrap() = Some(cookies.unwrap_or_default());
                async { Ok::<_, Infallible>(Response::new(Full::from("hello"))) }
            }));
        let answer = service.oneshot(request).await.unwrap();
        let decisions = decisions.lock().unwrap().clone();
        let inside = inside.lock().unwrap().clone();
        (answer, decisions, inside)
    }
}

fn policy(toml: &str) -> WaitingRoomPolicy {
    toml::from_str::<WaitingRoomSettings>(toml).unwrap().try_into().unwrap()
}

/// Somebody with an address and a browser.
#[derive(Clone, Debug)]
struct Person {
    address: u32,
    cookie: Option<String>,
}

impl Person {
    fn new(address: u32) -> Self {
        Self { address, cookie: None }
    }

    fn request(&self, path: &str) -> request::Parts {
        self.to_request(path).into_parts().0
    }

    /// The path may have a method before it.
    fn to_request(&self, path: &str) -> Request<()> {
        let (method, path) = path.split_once(' ').unwrap_or(("GET", path));
        let mut request = Request::builder().method(method).uri(path).body(()).unwrap();
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert(COOKIE, cookie.parse().unwrap());
        }
        request.extensions_mut().insert(Downstream {
            client: ClientAddr::new(IpAddr::V4(Ipv4Addr::from_bits(self.address))),
            request: RequestIds::new().next_id(),
        });
        request
    }
}

struct Seen {
    cookie: Option<String>,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passes,
    Waits(Box<Waits>),
}

impl Outcome {
    fn passes(&self) -> bool {
        matches!(self, Self::Passes)
    }

    /// How many are ahead of somebody who waits.
    #[track_caller]
    fn ahead(&self) -> usize {
        match self {
            Self::Waits(waits) => waits.ahead().expect("they are in the line"),
            Self::Passes => panic!("they were let in"),
        }
    }

    #[track_caller]
    fn why(&self) -> Why {
        match self {
            Self::Waits(waits) => waits.why,
            Self::Passes => panic!("they were let in"),
        }
    }
}

/// What a browser sends back.
fn cookie_of(line: &http::HeaderValue) -> String {
    line.to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn text(answer: Response<Full<Bytes>>) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}
