//! The patron's account: coming in, loans, renewals, holds.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::failure::{Failure, Vendor};
use crate::html::login_form;
use crate::legacy::Visit;
use crate::library::desk::{Hold, Loan, MOST_RENEWALS};
use crate::library::look::BRAND;
use crate::library::pages::Page;
use crate::library::{Library, User};
use crate::params::number;
use crate::text::{Lang, escape};

/// Card and PIN as a form or as JSON.
#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    pub(super) card: String,
    #[serde(default)]
    pub(super) pin: String,
}

pub(super) async fn login_page(visit: Visit) -> Html<String> {
    login_form_page(&visit, false)
}

/// Logs in under the session the browser came with: nothing is renewed (fixation).
pub(super) async fn login(
    State(library): State<Arc<Library>>,
    visit: Visit,
    Form(given): Form<Credentials>,
) -> Response {
    let Some(user) = library.credentials(&given.card, &given.pin) else {
        return (StatusCode::UNAUTHORIZED, login_form_page(&visit, true)).into_response();
    };
    library.sessions.login(&visit.session, user);
    let target = if user == User::Staff { "/patrons" } else { "/account" };
    Redirect::to(target).into_response()
}

pub(super) async fn logout(State(library): State<Arc<Library>>, visit: Visit) -> Redirect {
    library.sessions.logout(&visit.session);
    Redirect::to("/")
}

pub(super) async fn account(State(library): State<Arc<Library>>, visit: Visit) -> Page {
    let number = patron(&library, &visit)?;
    let patron = library.desk.patron(number).ok_or(Failure::MISSING)?;
    let lang = visit.lang;
    let loans: String = library
        .desk
        .loans(number)
        .iter()
        .map(|loan| loan_row(&library, loan, lang))
        .collect();
    let holds: String = library
        .desk
        .holds(number)
        .iter()
        .map(|hold| hold_row(&library, hold, lang))
        .collect();
    let main = format!(
        "<h1>{hello}, {name}</h1><p class=\"muted\">{card} {number} · {email}</p><h2>{loans_head}</h2><table><thead><tr>{loan_cells}</tr></thead>\
         <tbody>{loans}</tbody></table><h2>{holds_head}</h2><table><thead><tr>{hold_cells}</tr></thead><tbody>{holds}</tbody></table>\
         <form class=\"actions\" method=\"post\" action=\"/logout\"><button class=\"quiet\">{out}</button></form>",
        hello = lang.pick("Bonjour", "Hello"),
        name = escape(&patron.name),
        card = lang.pick("Carte", "Card"),
        number = patron.card,
        email = escape(&patron.email),
        loans_head = lang.pick("Vos prêts", "Your loans"),
        loan_cells = lang.pick(
            "<th>Titre<th>Retour<th>Renouvelé<th>",
            "<th>Title<th>Due<th>Renewed<th>"
        ),
        holds_head = lang.pick("Vos réservations", "Your holds"),
        hold_cells = lang.pick("<th>Titre<th>Depuis<th>", "<th>Title<th>Since<th>"),
        out = lang.pick("Quitter", "Log out"),
    );
    Ok(BRAND.page(&visit, lang.pick("Mon dossier", "My account"), &main))
}

pub(super) async fn hold(
    State(library): State<Arc<Library>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Redirect, Failure> {
    let patron = patron(&library, &visit)?;
    // A title held already is on the account page as well: the same answer.
    let _ = library.desk.hold(patron, number(Vendor::Php, &id)?);
    Ok(Redirect::to("/account"))
}

pub(super) async fn renew(
    State(library): State<Arc<Library>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Redirect, Failure> {
    let patron = patron(&library, &visit)?;
    library
        .desk
        .renew(patron, number(Vendor::Php, &id)?)
        .map_err(|_| Failure::FORBIDDEN)?;
    Ok(Redirect::to("/account"))
}

pub(super) async fn cancel(
    State(library): State<Arc<Library>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Redirect, Failure> {
    let patron = patron(&library, &visit)?;
    library
        .desk
        .cancel(patron, number(Vendor::Php, &id)?)
        .map_err(|_| Failure::MISSING)?;
    Ok(Redirect::to("/account"))
}

fn login_form_page(visit: &Visit, refused: bool) -> Html<String> {
    let lang = visit.lang;
    let card = ("card", lang.pick("Numéro de carte", "Card number"));
    let form = login_form(
        "/login",
        card,
        ("pin", lang.pick("NIP à 4 chiffres", "4-digit PIN")),
        refused,
        lang,
    );
    let main = format!("<h1>{}</h1>{form}", lang.pick("Ouvrir mon dossier", "Open my account"));
    BRAND.page(visit, lang.pick("Entrer", "Log in"), &main)
}

fn loan_row(library: &Library, loan: &Loan, lang: Lang) -> String {
    format!(
        "<tr><td>{}<td class=\"nowrap\">{}<td>{} / {}<td><form class=\"inline\" method=\"post\" action=\"/loans/{}/renew\"><button class=\"small\">{}</button></form></tr>",
        link(library, loan.title),
        loan.due.long(lang),
        loan.renewals,
        MOST_RENEWALS,
        loan.id,
        lang.pick("Renouveler", "Renew"),
    )
}

fn hold_row(library: &Library, hold: &Hold, lang: Lang) -> String {
    format!(
        "<tr><td>{}<td class=\"nowrap\">{}<td><form class=\"inline\" method=\"post\" action=\"/holds/{}/cancel\"><button class=\"small\">{}</button></form></tr>",
        link(library, hold.title),
        hold.placed.long(lang),
        hold.id,
        lang.pick("Annuler", "Cancel"),
    )
}

fn link(library: &Library, id: u32) -> String {
    let name = library.catalogue.title(id).map_or("", |title| title.title.as_str());
    format!("<a href=\"/titles/{id}\">{}</a>", escape(name))
}

fn patron(library: &Library, visit: &Visit) -> Result<u32, Failure> {
    match library.sessions.user(&visit.session) {
        Some(User::Patron(number)) => Ok(number),
        _ => Err(Failure::Login("/login")),
    }
}
