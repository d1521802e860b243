//! A small application behind the guard, and people who log in to it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use governor::clock::FakeRelativeClock;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use rempart_guard::{ClientAddr, Decision, Downstream, Reporter, RequestIds};
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::{LoginBody, LoginGuard, LoginGuardLayer, LoginKeys, LoginPolicy, LoginSettings};

type Service = BoxCloneSyncService<Request<Full<Bytes>>, Response<LoginBody<Full<Bytes>>>, Infallible>;

/// What reached the application.
pub(super) type Heard = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

pub(super) struct Site {
    pub(super) service: Service,
    pub(super) guard: LoginGuard,
    pub(super) clock: FakeRelativeClock,
    pub(super) heard: Heard,
    decisions: Arc<Mutex<Vec<Decision>>>,
}

impl Site {
    /// Guarded as a file says, in whose routes `POST /login` is one.
    pub(super) fn new(toml: &str) -> Self {
        let clock = FakeRelativeClock::default();
        let guard = LoginGuard::with_clock(policy(toml), LoginKeys::new(&[7; 32], []), clock.clone());
        Self::of(guard, clock)
    }

    pub(super) fn of(guard: LoginGuard, clock: FakeRelativeClock) -> Self {
        let (heard, decisions) = (Heard::default(), Arc::<Mutex<Vec<Decision>>>::default());
        let (hears, tells) = (Arc::clone(&heard), Arc::clone(&decisions));
        let reporter = Reporter::new("city", Arc::new(move |decision| tells.lock().unwrap().push(decision)));
        let application = service_fn(move |request: Request<LoginBody<Full<Bytes>>>| {
            let hears = Arc::clone(&hears);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                hears.lock().unwrap().push((head.headers, body.clone()));
                // As long as a password takes to be looked at.
                tokio::time::sleep(LOOKS).await;
                Ok::<_, Infallible>(answer(head.uri.path(), &body))
            }
        });
        let service = LoginGuardLayer::new(guard.clone(), reporter).layer(application);
        Self {
            service: BoxCloneSyncService::new(service),
            guard,
            clock,
            heard,
            decisions,
        }
    }

    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Response<LoginBody<Full<Bytes>>> {
        self.service.clone().oneshot(request).await.unwrap()
    }

    /// Tries a password, and says how it is answered.
    pub(super) async fn login(&self, from: &Browser, account: &str, password: &str) -> StatusCode {
        let answer = self.send(from.login(account, password)).await;
        from.keep(answer.headers());
        answer.status()
    }

    /// Tries so many wrong passwords, and says how many reached the application.
    pub(super) async fn guess(&self, from: &Browser, account: &str, times: usize) -> usize {
        let before = self.heard.lock().unwrap().len();
        for number in 0..times {
            self.login(from, account, &format!("wrong{number}")).await;
        }
        self.heard.lock().unwrap().len() - before
    }

    pub(super) fn codes(&self) -> Vec<&'static str> {
        self.decisions
            .lock()
            .unwrap()
            .iter()
            .map(|decision| decision.code)
            .collect()
    }

    pub(super) fn decisions(&self) -> Vec<Decision> {
        self.decisions.lock().unwrap().clone()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(super) fn heard(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

pub(super) const LOOKS: Duration = Duration::from_millis(50);

pub(super) fn policy(toml: &str) -> LoginPolicy {
    let settings: LoginSettings = toml::from_str(&format!("routes = [\"POST /login\"]\n{toml}")).unwrap();
    LoginPolicy::try_from(settings).unwrap()
}

/// A redirect home for whoever knows the password, which is `right`, and back for others.
fn answer(path: &str, body: &[u8]) -> Response<Full<Bytes>> {
    let is_right = body.windows(5).any(|window| window == b"right");
    let (status, to) = match (path, is_right) {
        ("/login" | "/code", true) => (StatusCode::SEE_OTHER, "/home"),
        ("/login" | "/code", false) => (StatusCode::SEE_OTHER, "/login?error=1"),
        _ => (StatusCode::OK, ""),
    };
    let answer = Response::builder().status(status).header(LOCATION, to);
    answer.body(Full::from("an answer")).unwrap()
}

/// A browser somewhere.
pub(super) struct Browser {
    address: [u8; 4],
    cookies: Mutex<Option<String>>,
}

impl Browser {
    pub(super) fn at(address: [u8; 4]) -> Self {
        Self {
            address,
            cookies: Mutex::default(),
        }
    }

    /// The same browser, in another network.
    pub(super) fn moves(self, address: [u8; 4]) -> Self {
        Self { address, ..self }
    }

    pub(super) fn login(&self, account: &str, password: &str) -> Request<Full<Bytes>> {
        self.post("/login", format!("username={account}&password={password}"))
    }

    pub(super) fn post(&self, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = &*self.cookies.lock().unwrap() {
            request = request.header(COOKIE, cookie);
        }
        let client = Downstream {
            client: ClientAddr::new(self.address.into()),
            request: RequestIds::new().next_id(),
        };
        request.extension(client).body(Full::from(body.into())).unwrap()
    }

    fn keep(&self, headers: &HeaderMap) {
        if let Some(cookie) = headers.get(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            *self.cookies.lock().unwrap() = Some(pair);
        }
    }
}

/// A new browser in a network of its own.
pub(super) fn home() -> Browser {
    Browser::at([192, 0, 2, 7])
}
