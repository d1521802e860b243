//! Every path, who may ask it, and how it is answered.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::administration::Administration;
use crate::asked::Asked;
use crate::refusal::{Answer, Refusal, text};
use crate::{metrics, reload, sessions, tenants};

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// The socket, which only root and the edge's own account can open.
    Socket,
    /// The address for scrapers, which anybody may reach.
    Scrapers,
}

/// One path.
struct Route {
    method: Method,
    path: &'static str,
    /// Whether scrapers may ask it too.
    scrapers: bool,
    to: Endpoint,
}

#[derive(Clone, Copy)]
enum Endpoint {
    Reload,
    Plan,
    Tenants,
    Sessions,
    Kill,
    Metrics,
    Live,
    Ready,
}

/// All of them. Whoever may not ask a path hears that it does not exist.
static ROUTES: [Route; 8] = [
    Route::of(Method::POST, "/v1/reload", Endpoint::Reload),
    Route::of(Method::GET, "/v1/plan", Endpoint::Plan),
    Route::of(Method::GET, "/v1/tenants", Endpoint::Tenants),
    Route::of(Method::GET, "/v1/sessions", Endpoint::Sessions),
    Route::of(Method::POST, "/v1/sessions/kill", Endpoint::Kill),
    Route::of(Method::GET, "/metrics", Endpoint::Metrics).for_scrapers(),
    Route::of(Method::GET, "/livez", Endpoint::Live).for_scrapers(),
    Route::of(Method::GET, "/readyz", Endpoint::Ready).for_scrapers(),
];

impl Route {
    const fn of(method: Method, path: &'static str, to: Endpoint) -> Self {
        Self {
            method,
            path,
            scrapers: false,
            to,
        }
    }

    const fn for_scrapers(mut self) -> Self {
        self.scrapers = true;
        self
    }

    fn is_open_to(&self, entrance: Entrance) -> bool {
        self.scrapers || entrance == Entrance::Socket
    }
}

impl Administration {
    /// Answers one request, whatever it is.
    pub(crate) async fn answer(&self, request: Request<Incoming>, entrance: Entrance) -> Answer {
        let answered = match endpoint(request.method(), request.uri().path(), entrance) {
            Ok(endpoint) => self.ask(endpoint, request).await,
            Err(refusal) => Err(refusal),
        };
        answered.unwrap_or_else(|refusal| refusal.answer())
    }

    async fn ask(&self, endpoint: Endpoint, request: Request<Incoming>) -> Result<Answer, Refusal> {
        match endpoint {
            Endpoint::Live => Ok(text(StatusCode::OK, PLAIN, "live\n")),
            Endpoint::Ready if self.is_ready() => Ok(text(StatusCode::OK, PLAIN, "ready\n")),
            Endpoint::Ready => Ok(text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "draining\n")),
            Endpoint::Metrics => self.aside(|this| metrics::answer(&this)).await,
            Endpoint::Tenants => {
                Asked::nothing(request.uri().query())?;
                self.aside(|this| Ok(tenants::answer(&this))).await
            }
            Endpoint::Sessions => {
                let asked = Asked::of_query(request.uri().query())?;
                self.aside(move |this| sessions::list(&this, asked)).await
            }
            Endpoint::Kill => {
                Asked::nothing(request.uri().query())?;
                let body = body(request.into_body()).await?;
                self.aside(move |this| sessions::kill(&this, &body)).await
            }
            Endpoint::Plan => {
                let asked = Asked::of_query(request.uri().query())?;
                self.aside(move |this| reload::plan(&this, asked)).await
            }
            Endpoint::Reload => {
                Asked::nothing(request.uri().query())?;
                let asked = Asked::of_body(&body(request.into_body()).await?)?;
                self.aside(move |this| reload::reload(&this, asked)).await
            }
        }
    }

    /// Does what waits for files, or for a reload that is under way, beside the runtime, so that others are answered.
    async fn aside(
        &self,
        work: impl FnOnce(Self) -> Result<Answer, Refusal> + Send + 'static,
    ) -> Result<Answer, Refusal> {
        let this = self.clone();
        spawn_blocking(move || work(this)).await.unwrap_or_else(|panic| {
            tracing::error!(%panic, "a question to the administration socket was not answered");
            Err(Refusal::Internal)
        })
    }
}

fn endpoint(method: &Method, path: &str, entrance: Entrance) -> Result<Endpoint, Refusal> {
    let found = ROUTES
        .iter()
        .find(|route| route.path == path && route.is_open_to(entrance));
    match found {
        None => Err(Refusal::NotFound),
        Some(route) if route.method == method => Ok(route.to),
        Some(route) if route.method == Method::POST => Err(Refusal::Method("POST")),
        Some(_) => Err(Refusal::Method("GET")),
    }
}

async fn body(body: Incoming) -> Result<Bytes, Refusal> {
    let whole = timeout(BODY_DEADLINE, Limited::new(body, LARGEST_BODY).collect());
    match whole.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        Ok(Err(error)) => Err(Refusal::BodyInvalid(error.to_string())),
        Err(_) => Err(Refusal::BodyStalled),
    }
}

const LARGEST_BODY: usize = 64 << 10;
const BODY_DEADLINE: Duration = Duration::from_secs(10);
const PLAIN: &str = "text/plain; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_finds_what_it_needs_and_nothing_else() {
        let open = |path: &str, entrance| {
            [Method::GET, Method::POST, Method::PUT, Method::HEAD]
                .iter()
                .any(|method| endpoint(method, path, entrance).is_ok())
        };
        let of = |entrance| -> Vec<&str> {
            let paths = ROUTES.iter().map(|route| route.path);
            paths.filter(|path| open(path, entrance)).collect()
        };
        assert_eq!(of(Entrance::Scrapers), ["/metrics", "/livez", "/readyz"]);
        assert_eq!(of(Entrance::Socket).len(), ROUTES.len());
    }

    #[test]
    fn another_method_is_told_which_one_is_right() {
        for (method, path, allowed) in [
            (Method::GET, "/v1/reload", "POST"),
            (Method::POST, "/v1/plan", "GET"),
            (Method::HEAD, "/metrics", "GET"),
        ] {
            let refused = endpoint(&method, path, Entrance::Socket).err().unwrap();
            let answer = refused.answer();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(answer.headers()["allow"], allowed);
        }
    }
}
