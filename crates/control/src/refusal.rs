use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use rempart_config::Diagnostics;
use rempart_sessions::KillError;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Why a request to the administration socket is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is nothing at this path")]
    NotFound,
    #[error("this path takes {0}")]
    Method(&'static str),
    #[error("the body of a request has at most 64 KiB")]
    BodyTooLarge,
    #[error("the body did not come within 10 seconds")]
    BodyStalled,
    #[error("the body cannot be read: {0}")]
    BodyInvalid(String),
    #[error("the query cannot be read: {0}")]
    QueryInvalid(String),
    #[error("there is no tenant {0:?}, neither served nor in tenants.d")]
    TenantUnknown(String),
    #[error("nothing was changed: the vendor's part of the configuration is wrong")]
    Configuration(Diagnostics),
    #[error(transparent)]
    Kill(#[from] KillError),
    #[error("this is a fault of rempart; its log may say more")]
    Internal,
}

/// An answer of the administration socket: whole, and small.
pub(crate) type Answer = Response<Full<Bytes>>;

impl Refusal {
    const fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_refused"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyStalled => (StatusCode::REQUEST_TIMEOUT, "body_stalled"),
            Self::BodyInvalid(_) => (StatusCode::BAD_REQUEST, "body_invalid"),
            Self::QueryInvalid(_) => (StatusCode::BAD_REQUEST, "query_invalid"),
            Self::TenantUnknown(_) => (StatusCode::NOT_FOUND, "tenant_unknown"),
            Self::Configuration(_) => (StatusCode::UNPROCESSABLE_ENTITY, "configuration_refused"),
            Self::Kill(KillError::Unknown(_)) => (StatusCode::NOT_FOUND, "session_unknown"),
            Self::Kill(KillError::Ambiguous(..)) => (StatusCode::CONFLICT, "session_ambiguous"),
            Self::Kill(KillError::NoNumber(_)) => (StatusCode::BAD_REQUEST, "body_invalid"),
            Self::Kill(KillError::NotKept(_)) => (StatusCode::INTERNAL_SERVER_ERROR, "kill_not_kept"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// A problem as of RFC 9457. What is wrong with the configuration is in it as data (`wrong`) and for a person
    /// (`problems`).
    pub(crate) fn answer(&self) -> Answer {
        let (status, code) = self.status_and_code();
        let mut problem = Map::new();
        problem.insert("type".into(), "about:blank".into());
        problem.insert("title".into(), status.canonical_reason().into());
        problem.insert("status".into(), status.as_u16().into());
        problem.insert("code".into(), code.into());
        problem.insert("detail".into(), self.to_string().into());
        if let Self::Configuration(wrong) = self {
            problem.insert("outcome".into(), "refused".into());
            problem.insert("wrong".into(), json!(wrong));
            problem.insert("problems".into(), wrong.to_string().into());
        }
        let mut answer = written(status, "application/problem+json", &Value::Object(problem));
        if let Self::Method(allowed) = self {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        answer
    }
}

/// An answer in JSON.
pub(crate) fn json(value: &impl Serialize) -> Answer {
    written(StatusCode::OK, "application/json", value)
}

/// An answer in text.
pub(crate) fn text(status: StatusCode, form: &'static str, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(form));
    answer
}

fn written(status: StatusCode, form: &'static str, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(json) => text(status, form, json),
        // Nothing that is answered has a key that is no text; should it ever, the asker is not left without an answer.
        Err(_) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain",
            "the answer cannot be written\n",
        ),
    }
}
