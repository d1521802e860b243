//! The city's pages.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Multipart, Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{Html, Redirect, Response};
use futures_util::stream;
use tokio::io::AsyncReadExt as _;

use crate::city::City;
use crate::city::look::{BRAND, HERO, NEWS, News, SERVICES};
use crate::city::permits::Permit;
use crate::failure::{Failure, Vendor};
use crate::html::{pager, row};
use crate::legacy::Visit;
use crate::params::{Params, Slice, number};
use crate::text::{Lang, escape, query_value};

/// A page, or why not.
pub(super) type Page = Result<Html<String>, Failure>;

pub(super) async fn home(visit: Visit) -> Html<String> {
    let lang = visit.lang;
    let news: String = NEWS
        .iter()
        .enumerate()
        .map(|(at, news)| news_card(at + 1, news, lang))
        .collect();
    let main = format!(
        "<div class=\"hero\">{HERO}<div><h1>{}</h1><p>{}</p><a class=\"button\" href=\"/permits/new\">{}</a></div></div>\
         <h2>{}</h2><div class=\"grid\">{news}</div>",
        lang.pick("Bienvenue chez vous", "Welcome home"),
        lang.pick(
            "6 412 voisins, trois ponts et une rivière.",
            "6,412 neighbours, three bridges and one river."
        ),
        lang.pick("Demander un permis", "Ask for a permit"),
        lang.pick("Nouvelles", "News"),
    );
    BRAND.page(&visit, lang.pick("Accueil", "Home"), &main)
}

pub(super) async fn news(visit: Visit, Path(id): Path<String>) -> Page {
    news_page(&visit, number(Vendor::Java, &id)?)
}

/// `/page.do?id=`: the addresses of the first version.
pub(super) async fn page_do(visit: Visit, params: Params) -> Page {
    news_page(&visit, params.number(Vendor::Java, "id", 1)?)
}

pub(super) async fn services(visit: Visit) -> Html<String> {
    let lang = visit.lang;
    let tiles: String = SERVICES
        .iter()
        .map(|(fr, en)| {
            let (title, text) = if lang == Lang::Fr { fr } else { en };
            format!("<div class=\"card\"><h3>{title}</h3><p>{text}</p></div>")
        })
        .collect();
    let main = format!("<h1>Services</h1><div class=\"grid tiles\">{tiles}</div>");
    BRAND.page(&visit, "Services", &main)
}

pub(super) async fn permits(State(city): State<Arc<City>>, visit: Visit, params: Params) -> Page {
    let lang = visit.lang;
    let last = city.permits.last();
    let slice = Slice::new(params.number(Vendor::Java, "page", 1)?, 15, last);
    let top = last - slice.skip;
    let found = city.permits.some(top.saturating_sub(slice.size) + 1, top).await;
    let rows: String = found.iter().map(permit_row).collect();
    let main = format!(
        "<h1>{}</h1><p class=\"actions\"><a class=\"button\" href=\"/permits/new\">{}</a></p><table><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table>{}",
        lang.pick("Permis de construction", "Building permits"),
        lang.pick("Nouvelle demande", "New request"),
        lang.pick(
            "<th>Numéro<th>Travaux<th>Reçue le<th>État",
            "<th>Number<th>Works<th>Received<th>Status"
        ),
        pager("/permits?", slice, lang),
    );
    Ok(BRAND.page(&visit, lang.pick("Permis", "Permits"), &main))
}

pub(super) async fn permit_form(visit: Visit) -> Html<String> {
    let lang = visit.lang;
    let field = |name: &str, label: &str, kind: &str| {
        format!("<label>{label} <input name=\"{name}\" type=\"{kind}\" required></label>")
    };
    let fields = [
        field("applicant", lang.pick("Votre nom", "Your name"), "text"),
        field("email", lang.pick("Courriel", "E-mail"), "email"),
        field(
            "address",
            lang.pick("Adresse des travaux", "Address of the works"),
            "text",
        ),
        field("kind", lang.pick("Nature des travaux", "Kind of works"), "text"),
        format!(
            "<label>{} <textarea name=\"description\" rows=\"4\"></textarea></label>",
            lang.pick("Description", "Description")
        ),
        field(
            "document",
            lang.pick("Plan (16 Mio au plus)", "Plan (16 MiB at most)"),
            "file",
        ),
    ];
    let main = format!(
        "<h1>{}</h1><form class=\"card narrow\" method=\"post\" action=\"/permits\" enctype=\"multipart/form-data\">{}<button>{}</button></form>",
        lang.pick("Demande de permis", "Permit request"),
        fields.concat(),
        lang.pick("Envoyer", "Send"),
    );
    BRAND.page(&visit, lang.pick("Demande de permis", "Permit request"), &main)
}

pub(super) async fn ask(State(city): State<Arc<City>>, form: Multipart) -> Result<Redirect, Failure> {
    let permit = city.permits.receive(form).await?;
    Ok(Redirect::to(&format!("/permits/{}", permit.number)))
}

/// Shows any request to anybody who knows its number, and numbers follow each other.
pub(super) async fn permit(State(city): State<Arc<City>>, visit: Visit, Path(n): Path<String>) -> Page {
    let lang = visit.lang;
    let permit = city.permits.one(number(Vendor::Java, &n)?).await?;
    let rows = [
        row(lang.pick("Demandeur", "Applicant"), &permit.applicant),
        row(lang.pick("Courriel", "E-mail"), &permit.email),
        row(lang.pick("Adresse", "Address"), &permit.address),
        row(lang.pick("Travaux", "Works"), &permit.kind),
        row(lang.pick("Description", "Description"), &permit.description),
        row(lang.pick("Reçue le", "Received"), &permit.received),
        row(lang.pick("État", "Status"), &permit.status),
    ];
    let main = format!(
        "<h1>{} {}</h1><table data-permit=\"{}\"><tbody>{}</tbody></table><p class=\"actions\"><a class=\"button\" href=\"/permits/{}/document\">{} {}</a></p>",
        lang.pick("Demande", "Request"),
        permit.number,
        permit.number,
        rows.concat(),
        permit.number,
        lang.pick("Télécharger", "Download"),
        escape(&permit.document),
    );
    Ok(BRAND.page(&visit, lang.pick("Demande de permis", "Permit request"), &main))
}

/// Serves the document as the type its sender claimed.
pub(super) async fn document(State(city): State<Arc<City>>, Path(n): Path<String>) -> Result<Response, Failure> {
    let n = number(Vendor::Java, &n)?;
    let (permit, file) = (city.permits.one(n).await?, city.permits.document(n).await?);
    let chunks = stream::try_unfold(file, |mut file| async move {
        let mut chunk = vec![0; 64 * 1024];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((chunk, file)))
    });
    let name = format!("inline; filename*=UTF-8''{}", query_value(&permit.document));
    let mut response = Response::new(Body::from_stream(chunks));
    let octets = HeaderValue::from_static("application/octet-stream");
    let kind = HeaderValue::from_str(&permit.content_type).unwrap_or(octets);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn news_page(visit: &Visit, id: u32) -> Page {
    let news = id
        .checked_sub(1)
        .and_then(|at| NEWS.get(at as usize))
        .ok_or(Failure::MISSING)?;
    let (title, text) = news.words(visit.lang);
    let main = format!(
        "<h1>{title}</h1><p class=\"muted\"><time>{}</time></p><p>{text}</p><p><a href=\"/\">←</a></p>",
        news.date
    );
    Ok(BRAND.page(visit, title, &main))
}

fn news_card(id: usize, news: &News, lang: Lang) -> String {
    let (title, text) = news.words(lang);
    format!(
        "<article class=\"card\"><time>{}</time><h3><a href=\"/news/{id}\">{title}</a></h3>{text}</article>",
        news.date
    )
}

pub(super) fn permit_row(permit: &Permit) -> String {
    format!(
        "<tr data-permit=\"{n}\"><td><a href=\"/permits/{n}\">2026-{n:04}</a><td>{}<td class=\"nowrap\">{}<td><span class=\"tag\">{}</span></tr>",
        escape(&permit.kind),
        permit.received,
        permit.status,
        n = permit.number,
    )
}
