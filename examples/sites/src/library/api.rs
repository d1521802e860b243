//! The library's JSON API, made for its telephone application.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::{Failure, Vendor};
use crate::legacy::Visit;
use crate::library::account::Credentials;
use crate::library::catalogue::Title;
use crate::library::desk::{Loan, Refused};
use crate::library::{Library, User};
use crate::params::{Params, number};

type Answer = Result<Json<Value>, Failure>;

#[derive(Deserialize)]
pub(super) struct Wanted {
    title: u32,
}

pub(super) async fn titles(State(library): State<Arc<Library>>, params: Params) -> Answer {
    let page = params.number(Vendor::Php, "page", 1)?;
    let size = params.number(Vendor::Php, "size", 20)?;
    let (found, slice, total) = library.catalogue.search(params.text("q"), page, size);
    Ok(Json(
        json!({ "total": total, "page": slice.page, "pages": slice.pages, "titles": found }),
    ))
}

pub(super) async fn title(State(library): State<Arc<Library>>, Path(id): Path<String>) -> Result<Json<Title>, Failure> {
    let id = number(Vendor::Php, &id)?;
    library.catalogue.title(id).cloned().map(Json).ok_or(Failure::NO_RECORD)
}

pub(super) async fn login(State(library): State<Arc<Library>>, visit: Visit, Json(given): Json<Credentials>) -> Answer {
    let refused = Failure::Json(StatusCode::UNAUTHORIZED, "bad_credentials");
    let user = library.credentials(&given.card, &given.pin).ok_or(refused)?;
    library.sessions.login(&visit.session, user);
    Ok(Json(
        json!({ "role": if user == User::Staff { "staff" } else { "patron" } }),
    ))
}

pub(super) async fn patron(State(library): State<Arc<Library>>, visit: Visit) -> Answer {
    let patron = library.desk.patron(me(&library, &visit)?).ok_or(Failure::NO_RECORD)?;
    Ok(Json(json!({
        "id": patron.number, "card": patron.card, "name": patron.name,
        "email": patron.email, "phone": patron.phone, "address": patron.address,
    })))
}

pub(super) async fn loans(State(library): State<Arc<Library>>, visit: Visit) -> Answer {
    Ok(Json(json!({ "loans": library.desk.loans(me(&library, &visit)?) })))
}

pub(super) async fn renew(
    State(library): State<Arc<Library>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Json<Loan>, Failure> {
    let patron = me(&library, &visit)?;
    Ok(Json(library.desk.renew(patron, number(Vendor::Php, &id)?)?))
}

pub(super) async fn holds(State(library): State<Arc<Library>>, visit: Visit) -> Answer {
    Ok(Json(json!({ "holds": library.desk.holds(me(&library, &visit)?) })))
}

pub(super) async fn hold(
    State(library): State<Arc<Library>>,
    visit: Visit,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let hold = library.desk.hold(me(&library, &visit)?, wanted.title)?;
    Ok((StatusCode::CREATED, Json(json!(hold))))
}

pub(super) async fn cancel(
    State(library): State<Arc<Library>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    library.desk.cancel(me(&library, &visit)?, number(Vendor::Php, &id)?)?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::NO_RECORD,
            Refused::RenewedEnough => Self::Json(StatusCode::CONFLICT, "renewed_enough"),
            Refused::HeldEnough => Self::Json(StatusCode::CONFLICT, "held_enough"),
        }
    }
}

fn me(library: &Library, visit: &Visit) -> Result<u32, Failure> {
    match library.sessions.user(&visit.session) {
        Some(User::Patron(number)) => Ok(number),
        _ => Err(Failure::NO_LOGIN),
    }
}
