//! What an edge must carry without breaking it: upgrades, streams, large bodies, trailers.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRAILER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::{Map, Value, json};

use crate::Peer;
use crate::failure::{Failure, Vendor};
use crate::params::Params;
use crate::seed::fnv;

pub(super) async fn ws_echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(MOST_MESSAGE).on_upgrade(echo_messages)
}

pub(super) async fn ws_notices(upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(MOST_MESSAGE)
        .on_upgrade(|mut socket| async move {
            for notice in NOTICES {
                if socket.send(Message::text(notice)).await.is_err() {
                    return;
                }
            }
            echo_messages(socket).await;
        })
}

async fn echo_messages(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}

pub(super) async fn events(params: Params) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let last = params.number(Vendor::Java, "n", 5)?.min(100);
    let pause = Duration::from_millis(u64::from(params.number(Vendor::Java, "every_ms", 100)?.min(5_000)));
    Ok(Sse::new(stream::unfold(1, move |n| async move {
        if n > last {
            return None;
        }
        if n > 1 {
            tokio::time::sleep(pause).await;
        }
        let level = 140 + (n * 7) % 23;
        let event = Event::default().event("niveau").id(n.to_string());
        Some((
            Ok(event.data(format!("{{\"station\":\"Pont-Neuf\",\"cm\":{level}}}"))),
            n + 1,
        ))
    })))
}

pub(super) async fn large(params: Params) -> Result<Response, Failure> {
    let bytes = params.number(Vendor::Java, "bytes", 1 << 20)?;
    if bytes > MOST_LARGE {
        return Err(Failure::Page(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let chunks = stream::unfold(bytes as usize, |left| async move {
        let now = left.min(PATTERN.len());
        (now > 0).then(|| (Ok::<_, Infallible>(PATTERN.slice(..now)), left - now))
    });
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, bytes.to_string()),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// The body goes back frame by frame as it arrives, trailers included; nothing is gathered.
pub(super) async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = Response::new(body);
    for name in [CONTENT_TYPE, TRAILER] {
        for value in parts.headers.get_all(&name) {
            response.headers_mut().append(&name, value.clone());
        }
    }
    response
}

pub(super) async fn whoami(request: Request) -> Json<Value> {
    let mut headers = Map::new();
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter();
        headers.insert(
            name.to_string(),
            values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect(),
        );
    }
    Json(json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.uri().query(),
        "version": format!("{:?}", request.version()),
        "peer": request.extensions().get::<Peer>().map(|peer| peer.0.to_string()),
        "headers": headers,
    }))
}

pub(super) async fn trailer() -> Response {
    let checksum = HeaderValue::from_str(&format!("{:016x}", fnv(TRAILED.concat().as_bytes())));
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", checksum.unwrap_or(HeaderValue::from_static("")));
    let data = TRAILED
        .iter()
        .map(|part| Frame::data(Bytes::from_static(part.as_bytes())));
    let frames = data.chain([Frame::trailers(trailers)]).map(Ok::<_, Infallible>);
    let body = Body::new(StreamBody::new(stream::iter(frames)));
    (
        [(CONTENT_TYPE, "text/plain; charset=utf-8"), (TRAILER, "X-Checksum")],
        body,
    )
        .into_response()
}

/// A whole number of periods, so that every chunk is a slice of one buffer.
static PATTERN: LazyLock<Bytes> = LazyLock::new(|| (0..=250).cycle().take(251 * 256).collect());

const MOST_LARGE: u32 = 1 << 30;
const MOST_MESSAGE: usize = 1 << 20;
const TRAILED: [&str; 3] = ["La rivière monte ", "de trois centimètres ", "par heure.\n"];
const NOTICES: [&str; 3] = [
    "Collecte des feuilles mortes: du 2 au 20 novembre.",
    "Le pont de la rue du Moulin est fermé la nuit.",
    "Séance du conseil mardi à 19 h 30.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_starts_again_at_every_chunk() {
        assert_eq!(PATTERN.len() % 251, 0);
        assert_eq!((PATTERN[0], PATTERN[250], PATTERN[251]), (0, 250, 0));
    }
}
