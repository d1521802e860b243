//! Stops a session from outliving the person who used it: legacy applications give out sessions that never end, keep their
//! number through a login, and cannot be ended from outside.
//!
//! [`SessionsLayer`] stands directly inside whatever seals the session cookies, next to the application. That layer opens a
//! cookie and says which session it is ([`EdgeSessions`](rempart_guard::EdgeSessions)): a number of the edge's own, when the
//! cookie was sealed and when the session began. This one judges the number, and answers with
//! [`SessionOrders`](rempart_guard::SessionOrders): leave under another number, be forgotten. The application sees its own
//! cookie, or none; it refuses nobody that it would not refuse anyway.
//!
//! # What it ends
//!
//! | code | |
//! |---|---|
//! | `session_idle` | no request for [`idle`](SessionsSettings::idle) |
//! | `session_expired` | older than [`absolute`](SessionsSettings::absolute) |
//! | `session_killed` | ended from outside ([`Sessions::kill`]), logged out, or one too many of its account |
//! | `session_superseded` | a number that was replaced at a login and is shown again: a page that was on its way, or the one who had planted it |
//!
//! Such a cookie is taken out of the request, so that the application shows its login, and deleted in the browser with the
//! answer. The cookies [`beside`](SessionsSettings::beside) it go with it.
//!
//! What it tells besides: `session_renewed` (a new number after a login, or after a request that may create or raise an
//! account), `session_logged_out`, `session_too_many`, `session_moved` (another network, another browser or, where
//! [`bind`](SessionsSettings::bind) has `tls`, another program; a signal and nothing else), `session_unnumbered` (the system had
//! no random bytes to give). Under `report` all of it is told and nothing is done.
//!
//! # Logins
//!
//! After every answer of a login's route that is no error the session has a new number, and the one that it had is dead. Whether
//! the password was right is not asked: the applications that need this most are those that keep a session through a login and
//! say nothing. The *time* at which a session began is new only when the application has begun another session itself, or has
//! named an account that it had not named before; so nobody lengthens a session by a wrong password.
//!
//! Two answers to one number agree on its successor. A request that comes with the old number within half a minute loses its
//! cookie and nothing more: the browser's new one is neither deleted nor replaced by what the application sets for a stranger.
//!
//! The account is known when the application names it in [`account_header`](SessionsSettings::account_header), in any of its
//! answers: the header never leaves. A name in the body of a form is not read, since a guard sees no bodies.
//!
//! # Bounds
//!
//! Up to 65,536 sessions of a tenant are known, and 16,384 numbers that were ended before their time. A session that finds no
//! place is judged by the times in its seal, which is renewed whenever a quarter of `idle` has passed: it may end that
//! quarter early, and is not listed. It cannot win by it: a seal is never younger than the last request. A session that has a
//! place keeps it while it lives, however many strangers come; one that has just logged in takes the place of one without an
//! account. When more numbers are ended than there is room for, the oldest are forgotten, and with them every session that has
//! no place and was sealed before: what was ended never comes back.
//!
//! A request takes one lock of its session's shard, for some tens of nanoseconds; a request without a session none. Logins,
//! logouts and kills go one after the other. A login with `per_account` looks through the table, which takes up to a few
//! milliseconds when it is full.
//!
//! # What outlives the program
//!
//! What was ended, in a file a tenant ([`Sessions::kept_in`]): a kill before it is answered, a logout within a second. After a
//! restart nobody is logged out: every session is judged by its seal until it is seen. To whom it belongs is known again with
//! the next answer that says so.
//!
//! # What it cannot stop
//!
//! - The application's own memory of a session that has ended here. Its value never gets in again, but is not erased.
//! - An answer that is under way, a WebSocket or a stream of events, when its session ends: it goes on until it closes.
//! - A page that asks by itself every minute. It keeps its session from being idle; `absolute` ends it.
//! - A second cookie that logs somebody in again, when it is not named in `beside`.
//! - A thief with the newest cookie, in the same network with the same browser, until somebody ends the session.
//! - Several machines: each counts by itself, and a kill is to be sent to each.
//!
//! # What `tls` cannot tell
//!
//! [`TlsFingerprint`](rempart_guard::TlsFingerprint) tells programs apart and not people. Two people with the same browser share
//! one, so a thief who has the victim's browser is not seen; an update of the browser between two requests of a session, or a
//! virus scanner that is switched on, is told as a move and is none; and whoever takes the trouble begins a handshake as the
//! victim's browser does. A request without a fingerprint, such as one that came through a trusted proxy, is not judged by it.
//!
//! # In axum
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use axum::{Router, body::Body, http::{HeaderMap, Request, Response}, routing::get};
//! use rempart_guard::{ClientAddr, Downstream, EdgeSession, EdgeSessions, Reporter, RequestIds, SessionId};
//! use rempart_sessions::{SessionsLayer, SessionsPolicy, SessionsSettings};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let settings = SessionsSettings { cookie: Some("sid".into()), idle: "30m".into(), ..Default::default() };
//! let policy = SessionsPolicy::try_from(settings).unwrap();
//! let app: Router = Router::new()
//!     .route("/", get(async |headers: HeaderMap| if headers.contains_key("cookie") { "welcome" } else { "log in" }))
//!     .layer(SessionsLayer::new(policy, Reporter::silent()));
//!
//! // What `CookieLayer` does outside it: a cookie was opened, and this is what stood in its seal.
//! let ask = async |minutes: u64| -> Response<Body> {
//!     let sealed = SystemTime::now() - Duration::from_secs(60 * minutes);
//!     let session = EdgeSession { cookie: "sid".into(), id: SessionId([minutes as u8; 16]), sealed, began: sealed };
//!     let client = Downstream { client: ClientAddr::new([192, 0, 2, 7].into()), request: RequestIds::new().next_id() };
//!     let mut request = Request::get("/").header("cookie", "sid=ab12").body(Body::empty()).unwrap();
//!     request.extensions_mut().insert(EdgeSessions(vec![session]));
//!     request.extensions_mut().insert(client);
//!     app.clone().oneshot(request).await.unwrap()
//! };
//! let text = async |answer: Response<Body>| axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
//!
//! // A table that has just been made gives everybody the whole limit once; so this one is older than `absolute` too.
//! assert_eq!(text(ask(13 * 60).await).await, "log in", "and the answer deletes the cookie");
//! assert_eq!(text(ask(5).await).await, "welcome");
//! # }
//! ```
//!
//! # Behind another proxy
//!
//! One that shares connections or answers between people is no place for sessions at all. The client's network is taken from
//! [`Downstream`](rempart_guard::Downstream); a balancer that is not among the trusted proxies makes everybody one network, and
//! `session_moved` says nothing then.
//!
//! # Sources
//!
//! Limits in time and a new identifier at each change of privilege: OWASP *Session Management Cheat Sheet*; NIST SP 800-63B
//! section 7.1. `Clear-Site-Data`: W3C Working Draft of 30 November 2017, section 3.1, by which `"cookies"` means those of the
//! whole registrable domain.

mod account;
mod answer;
mod changes;
mod cookies;
mod ended;
mod guard;
mod kept;
mod moment;
mod place;
mod policy;
mod revocation;
mod sessions;
mod settings;
mod table;
mod turn;
mod writer;

#[cfg(test)]
mod tests;

pub use account::{AccountHeaderLayer, WithoutAccountHeader, WithoutAccountHeaderFuture};
pub use guard::{Seen, SessionsLayer, SessionsRefusal};
pub use kept::KeptError;
pub use policy::{Beyond, SessionsPolicy};
pub use revocation::Revocation;
pub use sessions::{KillError, SessionInfo, Sessions, Which};
pub use settings::SessionsSettings;
