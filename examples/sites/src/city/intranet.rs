//! The councillors' intranet, and the cookie that the vendor's other clients get to see too.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::city::look::BRAND;
use crate::city::pages::{Page, permit_row};
use crate::city::{City, Councillor};
use crate::failure::Failure;
use crate::html::login_form;
use crate::legacy::{Visit, cookie, set_cookie};
use crate::params::Params;
use crate::session::fresh;

#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn login_page(visit: Visit, params: Params) -> Html<String> {
    let lang = visit.lang;
    let user = ("user", lang.pick("Nom d’utilisateur", "User name"));
    let password = ("password", lang.pick("Mot de passe", "Password"));
    let form = login_form(
        "/intranet/login",
        user,
        password,
        !params.text("error").is_empty(),
        lang,
    );
    let main = format!(
        "<h1>{}</h1>{form}",
        lang.pick("Intranet des élus", "Councillors’ intranet")
    );
    BRAND.page(&visit, lang.pick("Élus", "Council"), &main)
}

/// Logs in under the session the browser came with, and sets the cookie that the vendor's other clients get to see too.
pub(super) async fn login(State(city): State<Arc<City>>, visit: Visit, Form(given): Form<Credentials>) -> Response {
    let Some(user) = Councillor::credentials(&given.user, &given.password) else {
        return (StatusCode::FOUND, [("location", "/intranet/login?error=1")]).into_response();
    };
    let token = format!("{:032x}", fresh());
    city.sessions.login(&visit.session, user);
    city.sso.login(&token, user);
    let mut response = (StatusCode::FOUND, [("location", "/intranet")]).into_response();
    set_cookie(
        &mut response,
        &format!("vendor_sso={token}; Domain={}; Path=/", city.cookie_domain),
    );
    response
}

pub(super) async fn logout(State(city): State<Arc<City>>, visit: Visit, headers: HeaderMap) -> Response {
    city.sessions.logout(&visit.session);
    city.sso.logout(cookie(&headers, "vendor_sso").unwrap_or_default());
    let mut response = (StatusCode::FOUND, [("location", "/")]).into_response();
    set_cookie(
        &mut response,
        &format!("vendor_sso=; Domain={}; Path=/; Max-Age=0", city.cookie_domain),
    );
    response
}

pub(super) async fn intranet(State(city): State<Arc<City>>, visit: Visit, headers: HeaderMap) -> Page {
    let shared = || city.sso.user(cookie(&headers, "vendor_sso")?);
    let user = city
        .sessions
        .user(&visit.session)
        .or_else(shared)
        .ok_or(Failure::Login("/intranet/login"))?;
    let lang = visit.lang;
    let last = city.permits.last();
    let queue: String = city
        .permits
        .some(last.saturating_sub(7), last)
        .await
        .iter()
        .map(permit_row)
        .collect();
    let agenda: String = AGENDA.iter().map(|item| format!("<li>{item}</li>")).collect();
    let main = format!(
        "<h1>{} {}</h1><div class=\"grid\"><div class=\"card\"><h3>{}</h3><ol>{agenda}</ol></div><div class=\"card\"><h3>{}</h3><p>{}</p></div></div>\
         <h2>{}</h2><table><tbody>{queue}</tbody></table><form class=\"actions\" method=\"post\" action=\"/intranet/logout\"><button class=\"quiet\">{}</button></form>",
        lang.pick("Bonjour,", "Hello,"),
        user.name(),
        lang.pick("Ordre du jour à huis clos", "Closed-session agenda"),
        lang.pick("Note du greffe", "Clerk’s note"),
        lang.pick(
            "Les documents de la séance sont confidentiels jusqu’à mardi.",
            "The meeting’s papers are confidential until Tuesday."
        ),
        lang.pick("Dernières demandes de permis", "Latest permit requests"),
        lang.pick("Quitter", "Log out"),
    );
    Ok(BRAND.page(&visit, lang.pick("Élus", "Council"), &main))
}

const AGENDA: [&str; 3] = [
    "Achat du terrain de l’ancienne tannerie",
    "Règlement d’une réclamation (déneigement)",
    "Nomination à la direction des travaux publics",
];
