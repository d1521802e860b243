//! What every answer of these sites carries: version banners, and a session cookie without a single flag.

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{COOKIE, HeaderName, SERVER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;

use crate::session::fresh;
use crate::text::Lang;

/// The platform a site pretends to run on.
pub(crate) struct Platform {
    pub(crate) server: &'static str,
    pub(crate) powered_by: &'static str,
    /// The session cookie's name.
    pub(crate) cookie: &'static str,
    /// What follows the session cookie's value.
    pub(crate) attributes: &'static str,
}

/// One request of a browser: its session, its language and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) session: String,
    pub(crate) lang: Lang,
    /// The link that shows this page in the other language.
    pub(crate) toggle: String,
}

/// Gives every route of `router` a [`Visit`] and sets the session cookie where the browser has none.
pub(crate) fn sessions(router: Router, platform: &'static Platform) -> Router {
    router.layer(middleware::from_fn(move |request, next| visit(platform, request, next)))
}

/// Puts the banners on every answer.
pub(crate) fn banners(router: Router, platform: &'static Platform) -> Router {
    router.layer(middleware::map_response(move |mut response: Response| async move {
        let headers = response.headers_mut();
        headers.insert(SERVER, HeaderValue::from_static(platform.server));
        headers.insert(POWERED_BY, HeaderValue::from_static(platform.powered_by));
        response
    }))
}

/// The value of the first cookie of that name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // Absent only when a route was mounted outside `sessions`.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

async fn visit(platform: &'static Platform, mut request: Request, next: Next) -> Response {
    let known = cookie(request.headers(), platform.cookie)
        .filter(|value| acceptable(value))
        .map(str::to_owned);
    let asked = asked_language(request.uri().query());
    let lang = asked.or_else(|| kept_language(request.headers())).unwrap_or_default();
    let toggle = toggle(request.uri().path(), request.uri().query(), lang.other());
    let session = known.clone().unwrap_or_else(|| format!("{:032x}", fresh()));
    request.extensions_mut().insert(Visit {
        session: session.clone(),
        lang,
        toggle,
    });
    let mut response = next.run(request).await;
    if known.is_none() {
        set_cookie(
            &mut response,
            &format!("{}={session}{}", platform.cookie, platform.attributes),
        );
    }
    if let Some(lang) = asked {
        set_cookie(&mut response, &format!("lang={}; path=/", lang.code()));
    }
    response
}

/// Adds a `Set-Cookie` line; a value that cannot be a header is left out.
pub(crate) fn set_cookie(response: &mut Response, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// Any identifier a browser brings is taken for its session, whoever made it.
fn acceptable(value: &str) -> bool {
    (1..=128).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b))
}

fn asked_language(query: Option<&str>) -> Option<Lang> {
    query?.split('&').find_map(|pair| match pair {
        "lang=en" => Some(Lang::En),
        "lang=fr" => Some(Lang::Fr),
        _ => None,
    })
}

fn kept_language(headers: &HeaderMap) -> Option<Lang> {
    (cookie(headers, "lang")? == "en").then_some(Lang::En)
}

fn toggle(path: &str, query: Option<&str>, to: Lang) -> String {
    let kept = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
    let mut link = format!("{path}?");
    for pair in kept {
        link.push_str(pair);
        link.push('&');
    }
    format!("{link}lang={}", to.code())
}

const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cookie_of_a_name_counts() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; PHPSESSID=x"));
        headers.append(COOKIE, HeaderValue::from_static("PHPSESSID=y"));
        assert_eq!(cookie(&headers, "PHPSESSID"), Some("x"));
        assert_eq!(cookie(&headers, "SESSID"), None);
    }

    #[test]
    fn the_language_link_keeps_the_rest_of_the_address() {
        assert_eq!(
            toggle("/search", Some("q=%C3%A9t%C3%A9&lang=fr&page=2"), Lang::En),
            "/search?q=%C3%A9t%C3%A9&page=2&lang=en"
        );
        assert_eq!(toggle("/", None, Lang::En), "/?lang=en");
    }

    #[test]
    fn a_session_identifier_with_odd_bytes_is_not_taken() {
        assert!(acceptable("chosen-by-somebody-else"));
        assert!(!acceptable(""));
        assert!(!acceptable("a b"));
        assert!(!acceptable(&"a".repeat(129)));
    }
}
