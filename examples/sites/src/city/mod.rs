//! Ville de Sainte-Adèle-sur-Rivière: news, building permits with file upload, the councillors' intranet.
//!
//! Pretends to be Tomcat: `JSESSIONID` without flags and, after a login, the vendor's `vendor_sso` with a `Domain` that
//! covers the vendor's other clients. It also has what an edge must carry without breaking it: WebSocket, server-sent
//! events, large downloads, bodies both ways and trailers.
//!
//! | route | does |
//! |---|---|
//! | `GET /`, `/news/{id}`, `/services`, `/page.do?id=` | pages; `id='` ends in a stack trace |
//! | `GET /permits`, `/permits/new`, `POST /permits` (multipart: `applicant`, `email`, `address`, `kind`, `description`, `document`) | ask for a permit; the document is at most 16 MiB |
//! | `GET /permits/{n}`, `/permits/{n}/document` | any request and its document, **by number, asking nobody** |
//! | `GET /intranet/login`, `POST /intranet/login` (`user`, `password`), `POST /intranet/logout`, `GET /intranet` | councillors; a refused login is a redirect to `?error=1` |
//! | `GET /api/news`, `/api/permits?page=`, `/api/permits/{n}`, `POST /api/permits` (multipart) | the same as JSON |
//! | `GET /ws/notices`, `/ws/echo` | WebSocket: three notices and then an echo; an echo |
//! | `GET /events?n=&every_ms=` | `n` server-sent events (5, at most 100), then the end |
//! | `GET /files/large?bytes=` | that many bytes (at most 1 GiB), byte `i` being `i mod 251` |
//! | `POST /api/echo` | the request's body as it comes, with its trailers |
//! | any method `/api/whoami` | method, path, query, headers and peer of the request as JSON |
//! | `GET /api/trailer` | a chunked body, then `X-Checksum`, the FNV-1a hash of the body |
//! | `GET /healthz` | `ok` |
//!
//! hyper sends trailers only to a client that says `TE: trailers`, and only those named in `Trailer`.

mod api;
mod intranet;
mod look;
mod pages;
mod permits;
mod streams;

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};

use crate::legacy::{Platform, banners, sessions};
use crate::session::Sessions;

use permits::Permits;

/// Names and passwords of the intranet: the mayor, a councillor, the clerk's office.
pub const INTRANET: [(&str, &str); 3] = [
    ("mairesse", "Riviere-2019"),
    ("conseil-1", "Sapin-1104"),
    ("greffe", "Tampon-77"),
];
/// How many permit requests there are at the first start, numbered from 1.
pub const PERMITS: u32 = 48;

/// The site; `data` keeps the permit requests, `cookie_domain` is the `Domain` of `vendor_sso`.
///
/// # Errors
/// When `data` cannot be made or read.
pub fn router(data: &Path, cookie_domain: &str) -> io::Result<Router> {
    let city = Arc::new(City {
        permits: Permits::open(&data.join("permits"))?,
        sessions: Sessions::new(),
        sso: Sessions::new(),
        cookie_domain: cookie_domain.to_owned(),
    });
    let site = sessions(routes().with_state(city), &PLATFORM).merge(plumbing());
    Ok(banners(site, &PLATFORM))
}

/// Everything the pages work with.
struct City {
    permits: Permits,
    sessions: Sessions<Councillor>,
    /// The vendor's shared logins, by the value of `vendor_sso`.
    sso: Sessions<Councillor>,
    cookie_domain: String,
}

/// Who is logged in: an index into [`INTRANET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Councillor(usize);

impl Councillor {
    fn name(self) -> &'static str {
        INTRANET[self.0].0
    }

    fn credentials(user: &str, password: &str) -> Option<Self> {
        INTRANET.iter().position(|known| *known == (user, password)).map(Self)
    }
}

fn routes() -> Router<Arc<City>> {
    Router::new()
        .route("/", get(pages::home))
        .route("/news/{id}", get(pages::news))
        .route("/page.do", get(pages::page_do))
        .route("/services", get(pages::services))
        .route("/permits", get(pages::permits).post(pages::ask))
        .route("/permits/new", get(pages::permit_form))
        .route("/permits/{n}", get(pages::permit))
        .route("/permits/{n}/document", get(pages::document))
        .route("/intranet", get(intranet::intranet))
        .route("/intranet/login", get(intranet::login_page).post(intranet::login))
        .route("/intranet/logout", post(intranet::logout))
        .route("/api/news", get(api::news))
        .route("/api/permits", get(api::permits).post(api::ask))
        .route("/api/permits/{n}", get(api::permit))
        .layer(DefaultBodyLimit::max(permits::MOST_BYTES + 64 * 1024))
        .fallback(|| async { crate::failure::Failure::MISSING })
}

/// Routes without a session: what carries bytes.
fn plumbing() -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/ws/echo", any(streams::ws_echo))
        .route("/ws/notices", any(streams::ws_notices))
        .route("/events", get(streams::events))
        .route("/files/large", get(streams::large))
        .route("/api/echo", post(streams::echo))
        .route("/api/whoami", any(streams::whoami))
        .route("/api/trailer", get(streams::trailer))
}

const PLATFORM: Platform = Platform {
    server: "Apache-Coyote/1.1",
    powered_by: "Servlet/3.0; JBossAS-6",
    cookie: "JSESSIONID",
    attributes: "; Path=/",
};
