//! The catalogue's pages, and the addresses of the first version.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};

use crate::failure::{Failure, Vendor};
use crate::html::{count, pager, row};
use crate::legacy::Visit;
use crate::library::catalogue::Title;
use crate::library::look::{BRAND, COVERS};
use crate::library::{Library, account, staff};
use crate::params::{Params, number};
use crate::text::{Lang, escape, query_value};

/// A page, or why not.
pub(super) type Page = Result<Html<String>, Failure>;

pub(super) async fn home(State(library): State<Arc<Library>>, visit: Visit) -> Html<String> {
    let lang = visit.lang;
    let shelf: String = [7, 212, 451, 1_133, 1_804, 2_351]
        .iter()
        .filter_map(|id| library.catalogue.title(*id))
        .map(cover)
        .collect();
    let main = format!(
        "<section class=\"welcome\"><h1>{}</h1>{}<p class=\"muted\">{}</p></section><h2>{}</h2><div class=\"grid\">{shelf}</div>",
        lang.pick("Que lirez-vous cette semaine?", "What will you read this week?"),
        search_box("", lang),
        lang.pick(
            "3 000 titres, cinq bibliothèques et un bibliobus, gratuitement pour les résidents.",
            "3,000 titles, five branches and a bookmobile, free for residents."
        ),
        lang.pick("Coups de cœur du personnel", "Staff favourites"),
    );
    BRAND.page(&visit, lang.pick("Accueil", "Home"), &main)
}

/// `/index.php?page=…`: the addresses of the site's first version, still in people's bookmarks.
pub(super) async fn index_php(
    State(library): State<Arc<Library>>,
    visit: Visit,
    params: Params,
) -> Result<Response, Failure> {
    let id = params.number(Vendor::Php, "id", 0)?;
    let page = match params.text("page") {
        "search" => search_page(&library, &visit, params.text("q"), params.number(Vendor::Php, "p", 1)?),
        "title" => title_page(&library, &visit, id)?,
        "login" => account::login_page(visit).await,
        "account" => account::account(State(library), visit).await?,
        "export" => return staff::export(State(library), visit).await,
        _ => home(State(library), visit).await,
    };
    Ok(page.into_response())
}

pub(super) async fn search(State(library): State<Arc<Library>>, visit: Visit, params: Params) -> Page {
    let page = params.number(Vendor::Php, "page", 1)?;
    Ok(search_page(&library, &visit, params.text("q"), page))
}

pub(super) async fn title(State(library): State<Arc<Library>>, visit: Visit, Path(id): Path<String>) -> Page {
    title_page(&library, &visit, number(Vendor::Php, &id)?)
}

fn search_page(library: &Library, visit: &Visit, query: &str, page: u32) -> Html<String> {
    let lang = visit.lang;
    let (found, slice, total) = library.catalogue.search(query, page, 20);
    let list: String = found.iter().map(|title| result(title)).collect();
    let main = format!(
        "<h1>Catalogue</h1>{}<p class=\"muted\">{} {}</p><ul class=\"results\">{list}</ul>{}",
        search_box(query, lang),
        count(total, lang),
        lang.pick(
            if total > 1 { "titres" } else { "titre" },
            if total == 1 { "title" } else { "titles" }
        ),
        pager(&format!("/search?q={}&", query_value(query)), slice, lang),
    );
    BRAND.page(visit, "Catalogue", &main)
}

fn title_page(library: &Library, visit: &Visit, id: u32) -> Page {
    let lang = visit.lang;
    let title = library.catalogue.title(id).ok_or(Failure::MISSING)?;
    let free = (title.copies as usize).saturating_sub(library.desk.lent(id));
    let rows = [
        row(lang.pick("Auteur", "Author"), &title.author),
        row(lang.pick("Année", "Year"), &title.year.to_string()),
        row(lang.pick("Genre", "Kind"), title.kind),
        row(lang.pick("Cote", "Call number"), &title.call_number),
        row(lang.pick("Bibliothèque", "Branch"), title.branch),
        row(
            lang.pick("Exemplaires libres", "Copies available"),
            &format!("{free} / {}", title.copies),
        ),
    ];
    let main = format!(
        "<h1>{}</h1><table><tbody>{}</tbody></table><form class=\"actions\" method=\"post\" action=\"/titles/{id}/hold\">\
         <button>{}</button><a class=\"button quiet\" href=\"/search?q={}\">{}</a></form>",
        escape(&title.title),
        rows.concat(),
        lang.pick("Réserver", "Place a hold"),
        query_value(&title.author),
        lang.pick("Du même auteur", "By the same author"),
    );
    Ok(BRAND.page(visit, &title.title, &main))
}

fn search_box(query: &str, lang: Lang) -> String {
    format!(
        "<form class=\"search\" action=\"/search\"><input name=\"q\" value=\"{}\" aria-label=\"{label}\" placeholder=\"{label}\"><button>{}</button></form>",
        escape(query),
        lang.pick("Chercher", "Search"),
        label = lang.pick("Titre, auteur, genre…", "Title, author, kind…"),
    )
}

fn result(title: &Title) -> String {
    format!(
        "<li><a href=\"/titles/{}\"><b>{}</b></a><br>{} · {} · <span class=\"tag\">{}</span> <small>{}</small></li>",
        title.id,
        escape(&title.title),
        escape(&title.author),
        title.year,
        title.kind,
        title.branch,
    )
}

fn cover(title: &Title) -> String {
    format!(
        "<div><a class=\"cover\" style=\"background:{}\" href=\"/titles/{}\">{}</a><small>{} · {}</small></div>",
        COVERS[title.id as usize % COVERS.len()],
        title.id,
        escape(&title.title),
        escape(&title.author),
        title.kind,
    )
}
