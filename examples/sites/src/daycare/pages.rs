//! The pages of parents and centres.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::daycare::file::{File, centre_name};
use crate::daycare::look::{BRAND, TOYS};
use crate::daycare::{CENTRES, Daycare, User, accounts, store};
use crate::failure::{Failure, Vendor};
use crate::html::{count, login_form, pager, row};
use crate::legacy::Visit;
use crate::params::{Params, Slice};
use crate::text::{Lang, escape};

pub(super) type Page = Result<Html<String>, Failure>;

/// Name and password as a form or as JSON.
#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    pub(super) user: String,
    #[serde(default)]
    pub(super) password: String,
}

pub(super) async fn home(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Page {
    let total = daycare.store.ask(|db| store::total(db, None)).await?;
    let lang = visit.lang;
    let figure =
        |number: &str, text: &str| format!("<div class=\"card\"><div class=\"figure\">{number}</div>{text}</div>");
    let figures = [
        figure(
            &count(total, lang),
            lang.pick("dossiers d’enfants sur la liste", "children’s files on the list"),
        ),
        figure(
            &CENTRES.to_string(),
            lang.pick("services de garde participants", "daycare centres taking part"),
        ),
        figure(
            "10 min",
            lang.pick("pour inscrire un enfant, une seule fois", "to register a child, once"),
        ),
    ];
    let main = format!(
        "<section class=\"hello\"><div><h1>{}</h1><p>{}</p><a class=\"button\" href=\"/login\">{}</a></div>{TOYS}</section><div class=\"grid\">{}</div>",
        lang.pick("Une place pour chaque petit", "A place for every little one"),
        lang.pick(
            "Inscrivez votre enfant une fois; tous les services de garde de la région voient votre demande.",
            "Register your child once; every daycare centre in the region sees your request."
        ),
        lang.pick("Voir mon dossier", "See my file"),
        figures.concat(),
    );
    Ok(BRAND.page(&visit, lang.pick("Accueil", "Home"), &main))
}

pub(super) async fn login_page(visit: Visit) -> Html<String> {
    login_form_page(&visit, false)
}

/// Logs in under the session the browser came with: nothing is renewed (fixation).
pub(super) async fn login(
    State(daycare): State<Arc<Daycare>>,
    visit: Visit,
    Form(given): Form<Credentials>,
) -> Result<Response, Failure> {
    let found = daycare
        .store
        .ask(move |db| accounts::login(db, &given.user, &given.password))
        .await?;
    let Some(user) = found else {
        return Ok((StatusCode::UNAUTHORIZED, login_form_page(&visit, true)).into_response());
    };
    let target = match user {
        User::Parent(_) => "/my-file",
        User::Centre(_) => "/list",
        User::Admin(_) => "/admin",
    };
    daycare.sessions.login(&visit.session, user);
    Ok(Redirect::to(target).into_response())
}

pub(super) async fn logout(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Redirect {
    daycare.sessions.logout(&visit.session);
    Redirect::to("/")
}

pub(super) async fn my_file(State(daycare): State<Arc<Daycare>>, visit: Visit) -> Page {
    match daycare.user(&visit)? {
        User::Parent(id) => file_page(&daycare, &visit, id).await,
        _ => Err(Failure::FORBIDDEN),
    }
}

/// Any file for anybody logged in: the flaw "no ownership check".
pub(super) async fn file(State(daycare): State<Arc<Daycare>>, visit: Visit, params: Params) -> Page {
    let id = params.number(Vendor::AspNet, "id", 0)?;
    daycare.user(&visit)?;
    file_page(&daycare, &visit, id).await
}

pub(super) async fn list(State(daycare): State<Arc<Daycare>>, visit: Visit, params: Params) -> Page {
    let centre = daycare.lists(&visit)?;
    let page = params.number(Vendor::AspNet, "page", 1)?;
    let found = daycare.store.ask(move |db| {
        let total = store::total(db, centre)?;
        let slice = Slice::new(page, 25, total);
        Ok((total, slice, store::page(db, centre, slice.skip, slice.size)?))
    });
    let (total, slice, files) = found.await?;
    let lang = visit.lang;
    let name = centre.map_or_else(
        || {
            lang.pick("Tous les services de garde", "All daycare centres")
                .to_owned()
        },
        centre_name,
    );
    let main = format!(
        "<h1>{name}</h1><p class=\"muted\">{} {}</p><p class=\"actions\"><a class=\"button\" href=\"/export.csv\">{} CSV</a>\
         <a class=\"button quiet\" href=\"/export.json\">{} JSON</a></p>{}{}{}",
        count(total, lang),
        lang.pick("dossiers", "files"),
        lang.pick("Exporter en", "Export as"),
        lang.pick("Exporter en", "Export as"),
        table(&files, lang, None),
        pager("/list?", slice, lang),
        logout_button(lang),
    );
    Ok(BRAND.page(&visit, &name, &main))
}

/// A table of files; `delete`, the word on it, adds a delete button to each line.
pub(super) fn table(files: &[File], lang: Lang, delete: Option<&str>) -> String {
    let head = lang.pick(
        "<th>Dossier<th>Enfant<th>Naissance<th>Parent<th>Téléphone<th>Inscrit le<th>État",
        "<th>File<th>Child<th>Born<th>Parent<th>Telephone<th>Registered<th>Status",
    );
    let rows: String = files.iter().map(|file| line(file, delete)).collect();
    let last = if delete.is_some() { "<th>" } else { "" };
    format!("<div class=\"scroll\"><table><thead><tr>{head}{last}</tr></thead><tbody>{rows}</tbody></table></div>")
}

pub(super) fn logout_button(lang: Lang) -> String {
    let text = lang.pick("Quitter", "Log out");
    format!("<form class=\"actions\" method=\"post\" action=\"/logout\"><button class=\"quiet\">{text}</button></form>")
}

fn line(file: &File, delete: Option<&str>) -> String {
    let button = delete.map_or(String::new(), |text| {
        format!(
            "<td><form class=\"inline\" method=\"post\" action=\"/admin/files/{}/delete\" onsubmit=\"return confirm('{text}?')\">\
             <button class=\"small\">{text}</button></form>",
            file.id
        )
    });
    format!(
        "<tr data-file=\"{id}\"><td><a href=\"/file.aspx?id={id}\">{id:05}</a><td>{} {}<td class=\"nowrap\">{}<td>{}<td class=\"nowrap\">{}\
         <td class=\"nowrap\">{}<td><span class=\"tag\">{}</span>{button}</tr>",
        escape(&file.child_first_name),
        escape(&file.child_last_name),
        file.birth_date,
        escape(&file.parent1),
        file.phone,
        file.registered_on,
        file.status,
        id = file.id,
    )
}

async fn file_page(daycare: &Daycare, visit: &Visit, id: u32) -> Page {
    let file = daycare
        .store
        .ask(move |db| store::file(db, id))
        .await?
        .ok_or(Failure::MISSING)?;
    let lang = visit.lang;
    let rows = [
        row(lang.pick("Date de naissance", "Birth date"), &file.birth_date),
        row(lang.pick("Premier parent", "First parent"), &file.parent1),
        row(lang.pick("Second parent", "Second parent"), &file.parent2),
        row(lang.pick("Téléphone", "Telephone"), &file.phone),
        row(lang.pick("Courriel", "E-mail"), &file.email),
        row(
            lang.pick("Adresse", "Address"),
            &format!("{}, {}  {}", file.address, file.city, file.postal_code),
        ),
        row(lang.pick("Inscrit le", "Registered on"), &file.registered_on),
        row(lang.pick("État", "Status"), &file.status),
        row(
            lang.pick("Service de garde souhaité", "Daycare centre wanted"),
            &centre_name(file.centre),
        ),
    ];
    let main = format!(
        "<p class=\"muted\">{} {id:05}</p><h1>{} {}</h1><table data-file=\"{id}\"><tbody>{}</tbody></table>{}",
        lang.pick("Dossier", "File"),
        escape(&file.child_first_name),
        escape(&file.child_last_name),
        rows.concat(),
        logout_button(lang),
    );
    Ok(BRAND.page(visit, lang.pick("Dossier", "File"), &main))
}

fn login_form_page(visit: &Visit, refused: bool) -> Html<String> {
    let lang = visit.lang;
    let user = (
        "user",
        lang.pick("Numéro de dossier ou nom d’utilisateur", "File number or user name"),
    );
    let password = (
        "password",
        lang.pick(
            "Date de naissance (AAAA-MM-JJ) ou mot de passe",
            "Birth date (YYYY-MM-DD) or password",
        ),
    );
    let form = login_form("/login", user, password, refused, lang);
    let main = format!("<h1>{}</h1>{form}", lang.pick("Entrer", "Log in"));
    BRAND.page(visit, lang.pick("Entrer", "Log in"), &main)
}
