//! The city's JSON API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::city::City;
use crate::city::look::NEWS;
use crate::city::permits::Permit;
use crate::failure::{Failure, Vendor};
use crate::params::{Params, Slice, number};

pub(super) async fn news() -> Json<Value> {
    let items = NEWS.iter().enumerate();
    let news: Vec<Value> = items
        .map(|(at, n)| json!({ "id": at + 1, "date": n.date, "title": n.fr.0, "text": n.fr.1 }))
        .collect();
    Json(json!({ "news": news }))
}

/// Numbers, kinds and status only; who asked is behind the number.
pub(super) async fn permits(State(city): State<Arc<City>>, params: Params) -> Result<Json<Value>, Failure> {
    let last = city.permits.last();
    let slice = Slice::new(
        params.number(Vendor::Java, "page", 1)?,
        params.number(Vendor::Java, "size", 20)?,
        last,
    );
    let top = last - slice.skip;
    let found = city.permits.some(top.saturating_sub(slice.size) + 1, top).await;
    let public = |p: Permit| json!({ "number": p.number, "kind": p.kind, "received": p.received, "status": p.status });
    let permits: Vec<Value> = found.into_iter().map(public).collect();
    Ok(Json(
        json!({ "total": last, "page": slice.page, "pages": slice.pages, "permits": permits }),
    ))
}

/// Everything about any request: the flaw "document by sequential number".
pub(super) async fn permit(State(city): State<Arc<City>>, Path(n): Path<String>) -> Result<Json<Permit>, Failure> {
    match city.permits.one(number(Vendor::Java, &n)?).await {
        Err(Failure::Page(StatusCode::NOT_FOUND)) => Err(Failure::NO_RECORD),
        found => found.map(Json),
    }
}

pub(super) async fn ask(State(city): State<Arc<City>>, form: Multipart) -> Result<(StatusCode, Json<Permit>), Failure> {
    Ok((StatusCode::CREATED, Json(city.permits.receive(form).await?)))
}
