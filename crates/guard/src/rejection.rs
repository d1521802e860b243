use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::{Downstream, Refusal, RequestId, page};

/// The answer to a refused request: a status, a stable code, and nothing internal.
///
/// The body is a page in French and English for people, or `application/problem+json` (RFC 9457) when the request's
/// `Accept` prefers JSON. Both carry the code and the request's number, and neither names the product.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderMap, StatusCode};
/// use http_body_util::Full;
/// use rempart_guard::Rejection;
///
/// let mut asked = HeaderMap::new();
/// asked.insert("accept", "application/json".parse().unwrap());
/// let answer = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "quota_used_up")
///     .retry_after(Duration::from_millis(2_300))
///     .answer::<Full<bytes::Bytes>>(&asked, None);
/// assert_eq!(answer.headers()["content-type"], "application/problem+json");
/// assert_eq!(answer.headers()["retry-after"], "3", "whole seconds, rounded up");
/// ```
#[derive(Clone, Debug)]
pub struct Rejection {
    status: StatusCode,
    code: &'static str,
    headers: HeaderMap,
    notice: Option<Arc<dyn Notice>>,
}

/// What a rejection says in words of its own, where those that go with its status are not enough: a place in a line, a way to
/// go on.
pub trait Notice: fmt::Debug + Send + Sync {
    /// The whole page, in HTML, for somebody who reads English rather than French, or the other way round. It loads nothing and
    /// runs nothing: the answer's `Content-Security-Policy` allows styles in the page and no more.
    fn page(&self, english: bool, request: Option<RequestId>) -> String;

    /// What programs are told in `application/problem+json` beside status, code and number: names, with their values as JSON.
    fn members(&self) -> Vec<(&'static str, String)>;
}

impl Rejection {
    /// A rejection with a status and a stable, lower-case code.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code,
            headers: HeaderMap::new(),
            notice: None,
        }
    }

    /// Our own wiring is wrong, such as a layer that is missing: 500, never a pass.
    #[must_use]
    pub fn wiring(code: &'static str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code)
    }

    /// Says when to try again: `Retry-After` in whole seconds, rounded up, at least one (RFC 9110 section 10.2.3).
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Says it in words of its own instead of those of the status.
    #[must_use]
    pub fn notice(mut self, notice: impl Notice + 'static) -> Self {
        self.notice = Some(Arc::new(notice));
        self
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer, in the form that the request's headers (`Accept`, `Accept-Language`) ask for. It cannot be framed,
    /// sniffed, cached, or made to load anything.
    #[must_use]
    pub fn answer<B: From<Bytes>>(self, asked: &HeaderMap, request: Option<RequestId>) -> Response<B> {
        let wait = self
            .headers
            .get(RETRY_AFTER)
            .and_then(|wait| wait.to_str().ok()?.parse().ok());
        let (content_type, body) = page::render(self.status, self.code, wait, self.notice.as_deref(), asked, request);
        let length = body.len();
        let mut answer = Response::new(B::from(body));
        *answer.status_mut() = self.status;
        *answer.headers_mut() = self.headers;
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        let fixed = FIXED.into_iter().chain([(CONTENT_TYPE, content_type)]);
        let fixed = fixed.map(|(name, value)| (name, HeaderValue::from_static(value)));
        answer.headers_mut().extend(fixed);
        answer
    }
}

const FIXED: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// A control found no [`Downstream`] in the request: the layer that identifies clients is missing before it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no Downstream in the request's extensions: put a DownstreamLayer (or the edge) before this control")]
pub struct NoDownstream;

impl Refusal for NoDownstream {
    fn rejection(&self) -> Rejection {
        Rejection::wiring("wiring_no_downstream")
    }
}

impl Downstream {
    /// The downstream of a request, which a control needs and the front or a [`DownstreamLayer`](crate::DownstreamLayer)
    /// has put there.
    ///
    /// # Errors
    ///
    /// [`NoDownstream`], a refusal with the status 500.
    pub fn of(extensions: &http::Extensions) -> Result<Self, NoDownstream> {
        extensions.get::<Self>().copied().ok_or(NoDownstream)
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[derive(Debug)]
    struct Place(u32);

    impl Notice for Place {
        fn page(&self, english: bool, _: Option<RequestId>) -> String {
            format!("{} {}", if english { "place" } else { "rang" }, self.0)
        }

        fn members(&self) -> Vec<(&'static str, String)> {
            vec![("place", self.0.to_string())]
        }
    }

    #[tokio::test]
    async fn a_notice_is_the_page_and_adds_to_what_programs_are_told() {
        let said = async |name: HeaderName, value: &'static str| {
            let mut asked = HeaderMap::new();
            asked.insert(name, HeaderValue::from_static(value));
            let rejection = Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "waits").notice(Place(7));
            let answer: Response<Full<Bytes>> = rejection.answer(&asked, None);
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        assert_eq!(said(http::header::ACCEPT_LANGUAGE, "en").await, "place 7");
        assert_eq!(said(http::header::ACCEPT_LANGUAGE, "fr").await, "rang 7");
        let json: serde_json::Value = serde_json::from_str(&said(ACCEPT, "application/json").await).unwrap();
        assert_eq!((&json["code"], &json["place"]), (&"waits".into(), &7.into()));
    }
}
