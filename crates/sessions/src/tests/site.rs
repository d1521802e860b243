//! A legacy application, the layer that seals its cookies in a few lines, and browsers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use rempart_guard::{
    ClientAddr, Decision, Downstream, EdgeSession, EdgeSessions, Enforcement, Reporter, RequestIds, RouteClass,
    SessionId, SessionOrder, SessionOrders, TlsFingerprint,
};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::{Sessions, SessionsLayer, SessionsPolicy, SessionsSettings};

/// A moment at which the tests begin: the whole hour, and a bit, so that whole seconds are not all there is.
pub(super) const BEGIN: u64 = 1_795_340_000_437;

pub(super) const MINUTE: u64 = 60;
pub(super) const HOUR: u64 = 3_600;

/// `sid` for sessions, half an hour and twelve hours, `POST /login`, `/logout`.
pub(super) fn settings() -> SessionsSettings {
    SessionsSettings {
        cookie: Some("sid".into()),
        login: vec!["POST /login".into()],
        logout: vec!["/logout".into()],
        ..SessionsSettings::default()
    }
}

pub(super) fn policy(settings: SessionsSettings) -> SessionsPolicy {
    SessionsPolicy::try_from(settings).unwrap()
}

/// The edge and the application behind it.
pub(super) struct Site {
    pub(super) sessions: Arc<Sessions>,
    clock: Arc<AtomicU64>,
    app: Arc<App>,
    decisions: Arc<Mutex<Vec<Decision>>>,
}

/// An application as old ones are: it keeps a session through a login, and never ends one.
#[derive(Default)]
struct App {
    /// Who is behind which value.
    users: Mutex<HashMap<String, String>>,
    values: AtomicU64,
    /// The request's cookies, as it saw them last.
    seen: Mutex<String>,
}

/// A browser: what it keeps, with what stands in each seal.
#[derive(Clone, Default)]
pub(super) struct Browser {
    pub(super) cookies: HashMap<String, (EdgeSession, String)>,
    pub(super) agent: &'static str,
    pub(super) client: Option<&'static str>,
    /// Its TLS handshake, as the edge saw it.
    pub(super) tls: Option<u64>,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The cookies that the application saw.
    pub(super) seen: String,
    pub(super) orders: Vec<SessionOrder>,
}

impl Site {
    pub(super) fn new(settings: SessionsSettings) -> Self {
        let clock = Arc::new(AtomicU64::new(BEGIN));
        let sessions = Sessions::with_clock(policy(settings), reading(&clock));
        Self::of(sessions, clock)
    }

    fn of(sessions: Sessions, clock: Arc<AtomicU64>) -> Self {
        Self {
            sessions: Arc::new(sessions),
            clock,
            app: Arc::default(),
            decisions: Arc::default(),
        }
    }

    /// Another edge before the same application, with the same clock.
    pub(super) fn another_node(&self) -> Self {
        let sessions = Sessions::with_clock(self.sessions.policy().clone(), reading(&self.clock));
        Self {
            app: Arc::clone(&self.app),
            ..Self::of(sessions, Arc::clone(&self.clock))
        }
    }

    /// The same site with its memory in this file.
    pub(super) fn kept_in(mut self, path: &std::path::Path) -> Self {
        let sessions = Sessions::with_clock(self.sessions.policy().clone(), reading(&self.clock));
        self.sessions = Arc::new(sessions.kept_in(path.to_owned()).0);
        self
    }

    /// The process ends and another begins. The application behind has not noticed.
    pub(super) fn restarted(self, path: &std::path::Path) -> Self {
        self.kept_in(path)
    }

    /// The same with other settings.
    pub(super) fn restarted_under(mut self, settings: SessionsSettings, path: &std::path::Path) -> Self {
        self.sessions = Arc::new(Sessions::with_clock(policy(settings), reading(&self.clock)));
        self.kept_in(path)
    }

    /// A reload.
    pub(super) fn reloaded(mut self, settings: SessionsSettings) -> Self {
        self.sessions = Arc::new(self.sessions.with_policy(policy(settings)));
        self
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> SystemTime {
        reading(&self.clock)()
    }

    pub(super) fn get(&self, browser: &mut Browser, path: &str) -> Answer {
        self.ask(browser, Method::GET, path)
    }

    pub(super) fn post(&self, browser: &mut Browser, path: &str) -> Answer {
        self.ask(browser, Method::POST, path)
    }

    pub(super) fn ask(&self, browser: &mut Browser, method: Method, path: &str) -> Answer {
        let shown = browser.cookies.clone();
        let (head, seen) = self.exchange(self.request(browser, method, path));
        let orders = head.extensions.get::<SessionOrders>().cloned().unwrap_or_default().0;
        browser.keep(&shown, &head.headers, &orders, self.now());
        Answer {
            status: head.status,
            headers: head.headers,
            seen,
            orders,
        }
    }

    fn exchange(&self, request: Request<()>) -> (http::response::Parts, String) {
        let decisions = Arc::clone(&self.decisions);
        let sink = move |decision: Decision| decisions.lock().unwrap().push(decision);
        let layer = SessionsLayer::sharing(&self.sessions, Reporter::new("library", Arc::new(sink)));
        let app = Arc::clone(&self.app);
        let service = layer.layer(service_fn(move |request: Request<()>| {
            let app = Arc::clone(&app);
            async move { Ok::<_, Infallible>(app.answer(&request)) }
        }));
        self.app.seen.lock().unwrap().clear();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer: Response<Full<Bytes>> = runtime.block_on(service.oneshot(request)).unwrap();
        (answer.into_parts().0, self.app.seen.lock().unwrap().clone())
    }

    /// As the layer outside hands it on.
    pub(super) fn request(&self, browser: &Browser, method: Method, path: &str) -> Request<()> {
        let mut request = Request::builder().method(method).uri(path).body(()).unwrap();
        let pairs: Vec<_> = browser
            .cookies
            .iter()
            .map(|(name, (_, value))| format!("{name}={value}"))
            .collect();
        if !pairs.is_empty() {
            request
                .headers_mut()
                .insert("cookie", format!("lang=fr; {}", pairs.join("; ")).parse().unwrap());
        }
        request
            .headers_mut()
            .insert("user-agent", browser.agent.parse().unwrap());
        let edge = browser.cookies.values().map(|(session, _)| session.clone()).collect();
        request.extensions_mut().insert(EdgeSessions(edge));
        let client = ClientAddr::new(browser.client.unwrap_or("203.0.113.9").parse().unwrap());
        let downstream = Downstream {
            client,
            request: RequestIds::new().next_id(),
        };
        request.extensions_mut().insert(downstream);
        if let Some(tls) = browser.tls {
            request.extensions_mut().insert(TlsFingerprint::new(tls));
        }
        if path.starts_with("/admin") {
            request.extensions_mut().insert(RouteClass::Privilege);
        }
        request
    }

    /// The codes that were told since the last time, with what was done about them.
    pub(super) fn told(&self) -> Vec<(&'static str, Enforcement)> {
        let all = std::mem::take(&mut *self.decisions.lock().unwrap());
        all.iter()
            .map(|decision| (decision.code, decision.enforcement))
            .collect()
    }

    pub(super) fn codes(&self) -> Vec<&'static str> {
        self.told().into_iter().map(|(code, _)| code).collect()
    }

    /// Somebody new who has seen the front page and logged in.
    pub(super) fn logged_in(&self, user: &str) -> Browser {
        let mut browser = Browser::default();
        self.get(&mut browser, "/");
        let answer = self.post(&mut browser, &format!("/login?as={user}"));
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        browser
    }

    /// Whether the application takes the browser for a user.
    pub(super) fn knows(&self, browser: &mut Browser) -> bool {
        self.get(browser, "/").headers.contains_key("x-user")
    }
}

impl App {
    fn answer(&self, request: &Request<()>) -> Response<Full<Bytes>> {
        let cookies = request
            .headers()
            .get("cookie")
            .map_or("", |line| line.to_str().unwrap());
        *self.seen.lock().unwrap() = cookies.to_owned();
        let shown = cookies
            .split("; ")
            .find_map(|pair| pair.strip_prefix("sid="))
            .map(str::to_owned);
        let query: HashMap<&str, &str> = request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let mut answer = Response::new(Full::default());
        let value = shown.clone().unwrap_or_else(|| self.value());
        let mut value = value;
        if query.contains_key("renew") {
            value = self.value();
        }
        if query.contains_key("ticket") {
            answer
                .headers_mut()
                .append("set-cookie", "sso=ticket; Path=/".parse().unwrap());
        }
        let mut users = self.users.lock().unwrap();
        match request.uri().path() {
            "/login" | "/callback" => {
                // Without a user it was a wrong password: the form again.
                if let Some(user) = query.get("as") {
                    users.insert(value.clone(), (*user).to_owned());
                    *answer.status_mut() = StatusCode::SEE_OTHER;
                }
            }
            "/logout" if request.method() == Method::PUT => *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED,
            "/bye" => {
                users.remove(&value);
                let deletion = "sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/";
                answer.headers_mut().append("set-cookie", deletion.parse().unwrap());
            }
            "/admin/refused" => *answer.status_mut() = StatusCode::FORBIDDEN,
            _ => {}
        }
        if let Some(user) = users.get(&value) {
            answer.headers_mut().insert("x-user", user.parse().unwrap());
        }
        if let Some(account) = query.get("account") {
            answer
                .headers_mut()
                .insert("x-rempart-account", account.parse().unwrap());
        }
        if let Some(cache) = query.get("cache") {
            answer.headers_mut().insert("cache-control", cache.parse().unwrap());
        }
        if (shown.is_none() || query.contains_key("renew")) && request.uri().path() != "/bye" {
            answer
                .headers_mut()
                .append("set-cookie", format!("sid={value}; Path=/").parse().unwrap());
        }
        answer
    }

    fn value(&self) -> String {
        format!("v{}", self.values.fetch_add(1, Ordering::SeqCst))
    }
}

impl Browser {
    /// What the layer outside makes of an answer, and the browser of that.
    fn keep(
        &mut self,
        shown: &HashMap<String, (EdgeSession, String)>,
        headers: &HeaderMap,
        orders: &[SessionOrder],
        now: SystemTime,
    ) {
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
                continue;
            }
            let session = shown
                .get(name)
                .map(|(session, _)| session.clone())
                .unwrap_or_else(|| EdgeSession {
                    cookie: name.into(),
                    id: number(),
                    sealed: now,
                    began: now,
                });
            self.cookies
                .insert(name.to_owned(), (sealed(session, now), value.to_owned()));
        }
        for order in orders {
            match order {
                SessionOrder::End(name) => drop(self.cookies.remove(&**name)),
                SessionOrder::Leave(_) => {}
                SessionOrder::Renew(session) => {
                    let value = self.cookies.get(&*session.cookie).map(|(_, value)| value.clone());
                    let value = value.expect("an order to renew is for a cookie that was shown or set");
                    self.cookies
                        .insert(session.cookie.to_string(), (sealed(session.clone(), now), value));
                }
            }
        }
    }

    pub(super) fn session(&self) -> &EdgeSession {
        &self.cookies["sid"].0
    }

    pub(super) fn id(&self) -> SessionId {
        self.session().id
    }
}

/// A seal has whole seconds.
fn sealed(mut session: EdgeSession, now: SystemTime) -> EdgeSession {
    let whole = |time: SystemTime| UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).unwrap().as_secs());
    session.sealed = whole(now);
    session.began = whole(session.began);
    session
}

pub(super) fn number() -> SessionId {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).unwrap();
    SessionId(id)
}

fn reading(clock: &Arc<AtomicU64>) -> impl Fn() -> SystemTime + Send + Sync + 'static {
    let clock = Arc::clone(clock);
    move || UNIX_EPOCH + Duration::from_millis(clock.load(Ordering::SeqCst))
}
