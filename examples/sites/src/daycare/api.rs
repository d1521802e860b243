//! The waiting list's JSON API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::daycare::file::File;
use crate::daycare::pages::Credentials;
use crate::daycare::{Daycare, User, accounts, store};
use crate::failure::{Failure, Vendor};
use crate::legacy::Visit;
use crate::params::{Params, Slice, number};

type Answer = Result<Json<Value>, Failure>;

pub(super) async fn login(State(daycare): State<Arc<Daycare>>, visit: Visit, Json(given): Json<Credentials>) -> Answer {
    let found = daycare
        .store
        .ask(move |db| accounts::login(db, &given.user, &given.password))
        .await?;
    let user = found.ok_or(Failure::Json(StatusCode::UNAUTHORIZED, "bad_credentials"))?;
    let answer = describe(&user);
    daycare.sessions.login(&visit.session, user);
    Ok(answer)
}

pub(super) async fn me(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Answer {
    daycare
        .sessions
        .user(&visit.session)
        .map(|user| describe(&user))
        .ok_or(Failure::NO_LOGIN)
}

pub(super) async fn files(State(daycare): State<Arc<Daycare>>, visit: Visit, params: Params) -> Answer {
    let centre = daycare.lists(&visit).map_err(as_json)?;
    let page = params.number(Vendor::AspNet, "page", 1)?;
    let size = params.number(Vendor::AspNet, "size", 25)?;
    let found = daycare.store.ask(move |db| {
        let total = store::total(db, centre)?;
        let slice = Slice::new(page, size, total);
        Ok((total, slice, store::page(db, centre, slice.skip, slice.size)?))
    });
    let (total, slice, files) = found.await?;
    Ok(Json(
        json!({ "total": total, "page": slice.page, "pages": slice.pages, "files": files }),
    ))
}

/// Any file for anybody logged in: the flaw "no ownership check".
pub(super) async fn file(
    State(daycare): State<Arc<Daycare>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Json<File>, Failure> {
    daycare.user(&visit).map_err(as_json)?;
    let id = number(Vendor::AspNet, &id)?;
    daycare
        .store
        .ask(move |db| store::file(db, id))
        .await?
        .map(Json)
        .ok_or(Failure::NO_RECORD)
}

pub(super) async fn delete(
    State(daycare): State<Arc<Daycare>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    daycare.admin(&visit).map_err(as_json)?;
    let id = number(Vendor::AspNet, &id)?;
    let there = daycare.store.ask(move |db| store::delete(db, id)).await?;
    if there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Failure::NO_RECORD)
    }
}

pub(super) async fn accounts(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Answer {
    daycare.admin(&visit).map_err(as_json)?;
    Ok(Json(json!({ "accounts": daycare.store.ask(accounts::all).await? })))
}

fn describe(user: &User) -> Json<Value> {
    Json(match user {
        User::Parent(id) => json!({ "role": "parent", "file": id }),
        User::Centre(centre) => json!({ "role": "centre", "centre": centre }),
        User::Admin(name) => json!({ "role": "admin", "name": name }),
    })
}

/// The same refusal for a program instead of a person.
fn as_json(failure: Failure) -> Failure {
    match failure {
        Failure::Login(_) => Failure::NO_LOGIN,
        Failure::Page(StatusCode::FORBIDDEN) => Failure::NO_RIGHT,
        other => other,
    }
}
