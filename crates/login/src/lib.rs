//! Stops passwords from being guessed: counts failed logins by account, by network and by session, as the application
//! answers them, slows those who fail, and refuses those who go on.
//!
//! [`LoginGuardLayer`] reads who wants to log in out of a request (a form, `multipart/form-data`, JSON, the query, HTTP
//! Basic), hands it on byte for byte, and learns from the answer whether the password was right: by its status, by where it
//! leads, by a header, or by a text in its page. What it knows of accounts and passwords it knows as keyed hashes.
//!
//! # In axum
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use axum::{Form, Router, body::Body, extract::ConnectInfo, response::Redirect, routing::post};
//! use http::{Request, StatusCode, header::CONTENT_TYPE};
//! use rempart_guard::{DownstreamLayer, Reporter, TrustedProxies};
//! use rempart_login::{LoginGuard, LoginGuardLayer, LoginKeys, LoginPolicy, LoginSettings};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let mut settings = LoginSettings { routes: vec!["POST /login".into()], max_delay: "0s".into(), ..Default::default() };
//! settings.limits.account_network = "3/h".into();
//! let policy = LoginPolicy::try_from(settings).unwrap();
//! let guard = LoginGuard::new(policy, LoginKeys::random());
//!
//! // Any application that leads home when it is content and back to its form when it is not.
//! let login = async |Form(fields): Form<Vec<(String, String)>>| {
//!     let is_right = fields.contains(&("password".into(), "correct horse".into()));
//!     Redirect::to(if is_right { "/home" } else { "/login?error=1" })
//! };
//! let app: Router = Router::new().route("/login", post(login)).layer(
//!     ServiceBuilder::new()
//!         .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
//!             extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
//!         }))
//!         .layer(LoginGuardLayer::new(guard, Reporter::silent())),
//! );
//!
//! // A server does this for you: `axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())`.
//! let log_in = async |client: &str, password: &str| {
//!     let form = format!("username=marie&password={password}");
//!     let request = Request::post("/login").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
//!     let client: SocketAddr = client.parse().unwrap();
//!     app.clone().oneshot(request.extension(ConnectInfo(client)).body(Body::from(form)).unwrap()).await.unwrap()
//! };
//!
//! for guess in ["123456", "password", "marie"] {
//!     assert_eq!(log_in("203.0.113.9:4711", guess).await.headers()["location"], "/login?error=1");
//! }
//! let refused = log_in("203.0.113.9:4712", "correct+horse").await;
//! assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
//! assert_eq!(refused.headers()["retry-after"], "1200");
//!
//! let marie = log_in("198.51.100.7:4711", "correct+horse").await;
//! assert_eq!(marie.headers()["location"], "/home", "a stranger's guesses are not hers");
//! assert!(marie.headers().contains_key("set-cookie"), "by which her browser is known the next time");
//! # }
//! ```
//!
//! # In a stack with one type of body
//!
//! The service inside gets a [`LoginBody`] and the one outside gives one, as axum takes any body. A stack that knows one
//! type only turns them into it, and when nothing was read, there is nothing to wrap:
//!
//! ```
//! # use std::{convert::Infallible, pin::Pin, task::{Context, Poll}};
//! # use bytes::Bytes;
//! # use http::{Request, Response};
//! # use http_body::Frame;
//! # use rempart_guard::Reporter;
//! # use rempart_login::{LoginBody, LoginGuard, LoginGuardLayer, LoginKeys, LoginPolicy, LoginSettings};
//! use tower::util::{BoxCloneSyncService, MapRequestLayer, MapResponseLayer};
//! use tower::{ServiceBuilder, service_fn};
//!
//! enum Body {
//!     Whole(Option<Bytes>),
//!     Login(Box<LoginBody<Body>>),
//! }
//!
//! impl From<LoginBody<Body>> for Body {
//!     fn from(body: LoginBody<Body>) -> Self {
//!         body.into_unread().unwrap_or_else(|body| Self::Login(Box::new(body)))
//!     }
//! }
//! # impl http_body::Body for Body {
//! #     type Data = Bytes;
//! #     type Error = Infallible;
//! #     fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
//! #         match self.get_mut() {
//! #             Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
//! #             Self::Login(body) => Pin::new(&mut **body).poll_frame(cx),
//! #         }
//! #     }
//! # }
//!
//! # let guard = LoginGuard::new(LoginPolicy::try_from(LoginSettings::default()).unwrap(), LoginKeys::random());
//! # let is_on = true;
//! let layer = is_on.then(|| LoginGuardLayer::new(guard, Reporter::silent()));
//! let stack = ServiceBuilder::new()
//!     .option_layer(layer.map(|layer| (
//!         MapResponseLayer::new(|answer: Response<LoginBody<Body>>| answer.map(Body::from)),
//!         layer,
//!         MapRequestLayer::new(|request: Request<LoginBody<Body>>| request.map(Body::from)),
//!     )))
//!     .service(service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::Whole(None)))));
//! let stack: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible> = BoxCloneSyncService::new(stack);
//! # let _ = stack;
//! ```
//!
//! # What it refuses
//!
//! | limit | counts failures of | used up by | code |
//! |---|---|---|---|
//! | `account_network` | an account in one place: a network, or a browser that has logged in before | a guesser there | `login_refused` |
//! | `account` | an account from all places that it has never logged in from | guessers from many addresses | `login_refused` |
//! | `network` | a network, with all accounts | one who tries many accounts | `login_refused`, or `login_stuffing` when many accounts have failed |
//! | `session` | a session of the application's | one who changes addresses and keeps the cookie | `login_refused` |
//! | `password` | one password, with all accounts from everywhere | one who tries it on many accounts | `login_spraying` |
//! | `fingerprint` | accounts that failed by one kind of program (JA4) | refuses nobody: the network then pays five for each failure | `login_stuffing` |
//! | `code`, `reset` | codes after a password; requests for a new one | | `login_refused` |
//!
//! The answer is `429` with `Retry-After`. Before that tries are slowed: from the sixth failure on each waits one second, two,
//! four, up to `max_delay`, and `login_delayed` is told. Besides: `login_ambiguous` (400, two accounts in one request, or JSON that is
//! none),
//! `login_too_large` (413, more than 64 KiB), `login_stalled` (408) and `login_broken` (400).
//!
//! A try is charged to its account and its session before it goes on, and what is right is given back: a hundred guesses at once do not
//! all find the last place free. One that is hung up on after it was sent has failed. What many share who succeed at once (a
//! network, a first-day password) is charged after the answer, and no more than four times as many tries are under way as may
//! still fail, 128 at most: others wait for a moment.
//!
//! # Nobody is locked out by a stranger
//!
//! - A browser that somebody has logged in with keeps a signed cookie, and has a count of its own for that account. Nothing
//!   that anybody else does reaches it.
//! - An account that has logged in from a network within the last month is known there. It is not touched by what happens
//!   elsewhere. Somebody in the same network can use up its `account_network`; when he uses up what all who are known there
//!   have together, each of them still has a try or two.
//! - A success gives back what a failure of a neighbour has cost, once for each account and half a day. So a network of many
//!   people does not use up its limit by typing errors, and one who guesses does.
//! - What is left: while an account is guessed at from many addresses, its owner is refused in a network *and* with a browser
//!   that have never seen a login of his; and while a password is sprayed, so is a stranger who really has it. With
//!   `then = "step_up"` such a try goes on to the application, which is told in a header to ask for a second proof.
//!
//! # How much that is
//!
//! A simulation with the settings that are shipped (fixed seeds; it runs with the tests): a school of 600 behind one address on
//! its first morning, most of whom come at the bell; an office of 5,000 behind one address; 2,000 parents on telephones who
//! change between forty addresses. One password in twenty is mistyped, and after that one in seven.
//!
//! | who mistypes | logins | mistyped | refused | delayed |
//! |---|---|---|---|---|
//! | school, while nobody guesses | 600 | 46 | 0 | 0 |
//! | office, over the day | 10000 | 562 | 0 | 0 |
//! | parents, over the day | 6000 | 331 | 0 | 0 |
//! | all of them, on two days, while the first five of the table below guess at once on the second | 33200 | 2037 | 0 | 0 |
//!
//! | who guesses | let through in the first hour | in each later hour | right |
//! |---|---|---|---|
//! | at one account, from one address | 29 | 20 | 0 |
//! | at one account, from 300 addresses | 59 | 30 | 0 |
//! | spraying three passwords on 500 accounts, ten of which have one, from one address | 38 | 20 | 0 |
//! | the same, from 50 addresses | 68 | 52 | 3 |
//! | stuffing 10,000 stolen pairs, 100 of which are right, from 20 addresses with one JA4 | 301 | 120 | 4 |
//! | at the accounts of 600 neighbours, none of whom has logged in before | 39 | 20 | 0 |
//!
//! A pupil who guesses, from the school's own address, at 600 pupils who are known there tries 857 passwords an hour, one or two
//! an account; of the pupils, half of whom keep no cookie, 34 of 600 are refused that morning. That is the one case in which the
//! network says nothing.
//!
//! A guesser sees less than he is let through: all but the first few of an account are slowed.
//!
//! # What answers do not tell
//!
//! The guard does not know which accounts there are, so its answers and delays are the same for those that are not. What the
//! application tells by the time it takes, `even_timing` hides: answers to failures, and to all requests for a new password,
//! leave no sooner than that.
//!
//! # What it cannot stop
//!
//! - Guesses that are fewer than the limits: a weak password is found in the end. `breached` tells the application of those
//!   that are known, from files of this machine.
//! - A login that it cannot read: XML, a compressed body, UTF-16. It is counted by its network only, and told as `login_unread`.
//! - A wrong idea of what a success is. When an application answers a wrong password with what the settings call a success,
//!   nothing is counted. Look at `login_delayed` after five wrong ones of your own.
//! - Fields that the application reads and the settings do not name.
//! - A code route of an application that lets anybody begin anew without a password. With one it is bounded: sixty logins an
//!   hour that no code follows.
//! - A thief of the cookie of a browser: he has its count, ten tries and twenty an hour.
//!
//! # Behind another proxy
//!
//! The client's network is that of [`Downstream`](rempart_guard::Downstream); a balancer that is not among the trusted proxies
//! makes everybody one network. Behind one there is no JA4 of the client, and `fingerprint` counts nothing.
//!
//! # Bounds
//!
//! Fourteen tables of [`max_keys`](LoginSettings::max_keys) places at 16 bytes, taken page by page as they are needed: 14 MiB
//! for a tenant at most with the default. Of a request 64 KiB are read, of an answer 256 KiB, and that only when a text in its
//! body tells, or to even out the time. Trailers are handed on. At most [`max_waiting`](LoginSettings::max_waiting) logins
//! wait. A request that takes none of the routes costs a comparison of its path, and no allocation.
//!
//! With [`LoginGuard::sharing`] the counts are common to several nodes, with two questions to the store a login, and a third
//! after a success.
//!
//! # Sources
//!
//! Limits on guesses, and why accounts are not locked: NIST SP 800-63B section 5.2.2; OWASP *Authentication Cheat Sheet*. Cookies of
//! known browsers: OWASP *Slow Down Online Guessing Attacks with Device Cookies*. Names that are one: Unicode Standard
//! Annex 15. Ranges of passwords: Li, Pal, Ali, Sullivan, Chatterjee and Ristenpart, *Protocols for Checking Compromised
//! Credentials* (2019).

mod account;
mod body;
mod breached;
mod changes;
mod credentials;
mod device;
mod form;
mod guard;
mod json;
mod learned;
mod limits;
mod marks;
mod matcher;
mod multipart;
mod outcome;
mod plan;
mod policy;
mod read;
mod refusal;
mod service;
mod settings;
mod subject;
mod turn;
mod watch;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use body::LoginBody;
pub use device::LoginKeys;
pub use guard::LoginGuard;
pub use policy::{LoginPolicy, Then};
pub use refusal::{LoginRefusal, LoginsUsedUp};
pub use service::{LoginFuture, LoginGuardLayer, LoginGuarded};
pub use settings::{BreachedSettings, LimitsSettings, LoginSettings, MarksSettings};
