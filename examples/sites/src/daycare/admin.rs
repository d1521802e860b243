//! The administration area, with the hole in it: the form asks who you are, the `POST` behind it does not.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::daycare::look::BRAND;
use crate::daycare::pages::{Page, logout_button, table};
use crate::daycare::{Daycare, accounts, store};
use crate::failure::{Failure, Vendor};
use crate::legacy::Visit;
use crate::params::{Params, Slice, number};
use crate::text::{escape, query_value};

/// What the form of a new account says.
#[derive(Deserialize)]
pub(super) struct NewAccount {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    centre: u32,
}

pub(super) async fn home(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Page {
    let name = daycare.admin(&visit)?;
    let lang = visit.lang;
    let tile = |href: &str, title: &str, text: &str| {
        format!("<div class=\"card\"><h3><a href=\"{href}\">{title}</a></h3>{text}</div>")
    };
    let tiles = [
        tile(
            "/admin/accounts",
            lang.pick("Comptes", "Accounts"),
            lang.pick("Qui peut entrer, et depuis quand.", "Who may come in, and since when."),
        ),
        tile(
            "/admin/accounts/create",
            lang.pick("Nouveau compte", "New account"),
            lang.pick(
                "Pour un service de garde ou un collègue.",
                "For a centre or a colleague.",
            ),
        ),
        tile(
            "/admin/files",
            lang.pick("Dossiers", "Files"),
            lang.pick("Chercher, consulter, supprimer.", "Find, read, delete."),
        ),
        tile(
            "/list",
            lang.pick("Listes", "Lists"),
            lang.pick("Toutes les listes, et leur export.", "All lists, and their export."),
        ),
    ];
    let main = format!(
        "<h1>Administration</h1><p class=\"muted\">{} {}</p><div class=\"grid\">{}</div>{}",
        lang.pick("Connecté:", "Logged in:"),
        escape(&name),
        tiles.concat(),
        logout_button(lang),
    );
    Ok(BRAND.page(&visit, "Administration", &main))
}

pub(super) async fn accounts(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Page {
    daycare.admin(&visit)?;
    let lang = visit.lang;
    let all = daycare.store.ask(accounts::all).await?;
    let rows: String = all
        .iter()
        .map(|a| {
            format!(
                "<tr data-account=\"{}\"><td>{}<td><span class=\"tag\">{}</span><td>{}</tr>",
                a.id,
                escape(&a.name),
                escape(&a.role),
                a.created_on
            )
        })
        .collect();
    let main = format!(
        "<h1>{}</h1><p class=\"actions\"><a class=\"button\" href=\"/admin/accounts/create\">{}</a></p>\
         <table><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table>",
        lang.pick("Comptes", "Accounts"),
        lang.pick("Nouveau compte", "New account"),
        lang.pick("<th>Nom<th>Rôle<th>Créé le", "<th>Name<th>Role<th>Created"),
    );
    Ok(BRAND.page(&visit, lang.pick("Comptes", "Accounts"), &main))
}

pub(super) async fn account_form(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Page {
    daycare.admin(&visit)?;
    let lang = visit.lang;
    let main = format!(
        "<h1>{}</h1><form class=\"card narrow\" method=\"post\" action=\"/admin/accounts/create\">\
         <label>{} <input name=\"name\" required></label><label>{} <input name=\"password\" type=\"password\" required></label>\
         <label>{} <select name=\"role\"><option value=\"centre\">{}</option><option value=\"admin\">{}</option></select></label>\
         <label>{} <input name=\"centre\" type=\"number\" value=\"0\" min=\"0\" max=\"240\"></label><button>{}</button></form>",
        lang.pick("Nouveau compte", "New account"),
        lang.pick("Nom", "Name"),
        lang.pick("Mot de passe", "Password"),
        lang.pick("Rôle", "Role"),
        lang.pick("Service de garde", "Daycare centre"),
        lang.pick("Administrateur", "Administrator"),
        lang.pick("Numéro du service", "Centre number"),
        lang.pick("Créer", "Create"),
    );
    Ok(BRAND.page(&visit, lang.pick("Nouveau compte", "New account"), &main))
}

/// Makes the account. **Asks nobody who they are**: whoever made this thought that only the form leads here.
pub(super) async fn create(
    State(daycare): State<Arc<Daycare>>,
    visit: Visit,
    Form(new): Form<NewAccount>,
) -> Result<Response, Failure> {
    let short = |text: &str| (1..=120).contains(&text.len());
    if !short(&new.name) || !short(&new.password) {
        return Err(Failure::Page(StatusCode::BAD_REQUEST));
    }
    let role = if new.role == "centre" { "centre" } else { "admin" };
    let name = new.name.clone();
    let made = daycare
        .store
        .ask(move |db| accounts::create(db, &new.name, &new.password, role, new.centre))
        .await?;
    let Some(id) = made else {
        return Err(Failure::Page(StatusCode::CONFLICT));
    };
    Ok((StatusCode::CREATED, created_page(&visit, id, &name, role)).into_response())
}

pub(super) async fn files(State(daycare): State<Arc<Daycare>>, visit: Visit, params: Params) -> Page {
    daycare.admin(&visit)?;
    let lang = visit.lang;
    let words: String = params.text("q").chars().take(80).collect();
    let page = params.number(Vendor::AspNet, "page", 1)?.clamp(1, 10_000);
    let asked = words.clone();
    // One more than is shown says whether there is a next page, without counting 86,000 files.
    let found = daycare
        .store
        .ask(move |db| store::find(db, &asked, (page - 1) * 25, 26));
    let mut files = found.await?;
    let pages = page + u32::from(files.len() > 25);
    files.truncate(25);
    let slice = Slice {
        page,
        pages,
        skip: 0,
        size: 25,
    };
    let main = format!(
        "<h1>{}</h1><form class=\"search\" action=\"/admin/files\"><input name=\"q\" value=\"{}\" aria-label=\"{}\"><button>{}</button></form><br>{}{}",
        lang.pick("Dossiers", "Files"),
        escape(&words),
        lang.pick("Nom d’un parent ou d’un enfant", "Name of a parent or a child"),
        lang.pick("Chercher", "Search"),
        table(&files, lang, Some(lang.pick("Supprimer", "Delete"))),
        crate::html::pager(&format!("/admin/files?q={}&", query_value(&words)), slice, lang),
    );
    Ok(BRAND.page(&visit, lang.pick("Dossiers", "Files"), &main))
}

pub(super) async fn delete(
    State(daycare): State<Arc<Daycare>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Redirect, Failure> {
    daycare.admin(&visit)?;
    let id = number(Vendor::AspNet, &id)?;
    let there = daycare.store.ask(move |db| store::delete(db, id)).await?;
    if there {
        Ok(Redirect::to("/admin/files"))
    } else {
        Err(Failure::MISSING)
    }
}

fn created_page(visit: &Visit, id: u32, name: &str, role: &str) -> Html<String> {
    let lang = visit.lang;
    let main = format!(
        "<h1>{}</h1><p class=\"done\" data-account=\"{id}\">{} <b>{}</b> ({role})</p><p><a href=\"/admin/accounts\">{}</a></p>",
        lang.pick("Compte créé", "Account created"),
        lang.pick("Le compte existe:", "The account exists:"),
        escape(name),
        lang.pick("Tous les comptes", "All accounts"),
    );
    BRAND.page(visit, lang.pick("Compte créé", "Account created"), &main)
}
