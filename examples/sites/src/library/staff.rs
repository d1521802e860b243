//! What librarians see: every patron.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::failure::{Failure, Vendor};
use crate::html::pager;
use crate::legacy::Visit;
use crate::library::look::BRAND;
use crate::library::pages::Page;
use crate::library::{Library, User};
use crate::params::{Params, Slice};
use crate::text::{csv_line, escape};

pub(super) async fn patrons(State(library): State<Arc<Library>>, visit: Visit, params: Params) -> Page {
    staff(&library, &visit)?;
    let lang = visit.lang;
    let total = u32::try_from(library.desk.patrons.len()).unwrap_or(u32::MAX);
    let slice = Slice::new(params.number(Vendor::Php, "page", 1)?, 40, total);
    let shown = library
        .desk
        .patrons
        .iter()
        .skip(slice.skip as usize)
        .take(slice.size as usize);
    let rows: String = shown
        .map(|p| {
            format!(
                "<tr data-patron=\"{}\"><td>{}<td>{}<td>{}<td>{}</tr>",
                p.number,
                p.card,
                escape(&p.name),
                escape(&p.email),
                p.phone
            )
        })
        .collect();
    let main = format!(
        "<h1>{}</h1><p class=\"actions\"><a class=\"button\" href=\"/patrons.csv\">{}</a></p><div class=\"scroll\"><table><thead><tr>{}</tr></thead>\
         <tbody>{rows}</tbody></table></div>{}",
        lang.pick("Abonnés", "Patrons"),
        lang.pick("Exporter tous les abonnés (CSV)", "Export all patrons (CSV)"),
        lang.pick(
            "<th>Carte<th>Nom<th>Courriel<th>Téléphone",
            "<th>Card<th>Name<th>E-mail<th>Telephone"
        ),
        pager("/patrons?", slice, lang),
    );
    Ok(BRAND.page(&visit, lang.pick("Abonnés", "Patrons"), &main))
}

/// Every patron at once: the flaw "export without a limit".
pub(super) async fn export(State(library): State<Arc<Library>>, visit: Visit) -> Result<Response, Failure> {
    staff(&library, &visit)?;
    let mut csv = csv_line(["id", "card", "name", "email", "phone", "address"]);
    for p in &library.desk.patrons {
        csv.push_str(&csv_line([
            p.number.to_string().as_str(),
            &p.card,
            &p.name,
            &p.email,
            &p.phone,
            &p.address,
        ]));
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"abonnes.csv\""),
    ];
    Ok((headers, csv).into_response())
}

fn staff(library: &Library, visit: &Visit) -> Result<(), Failure> {
    match library.sessions.user(&visit.session) {
        Some(User::Staff) => Ok(()),
        Some(User::Patron(_)) => Err(Failure::FORBIDDEN),
        None => Err(Failure::Login("/login")),
    }
}
