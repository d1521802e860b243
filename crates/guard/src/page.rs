//! The body of a rejection: for a person in French and English, for a program as problem+json.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::{Notice, RequestId};

/// Renders the body and names its media type. Nothing of the request goes into it but its number.
pub(crate) fn render(
    status: StatusCode,
    code: &'static str,
    wait: Option<u64>,
    notice: Option<&dyn Notice>,
    asked: &HeaderMap,
    request: Option<RequestId>,
) -> (&'static str, Bytes) {
    if prefers_json(asked) {
        let members = notice.map(Notice::members).unwrap_or_default();
        return (
            "application/problem+json",
            problem(status, code, request, &members).into(),
        );
    }
    let html = match notice {
        Some(notice) => notice.page(prefers_english(asked), request),
        None => page(status, code, wait, prefers_english(asked), request),
    };
    ("text/html; charset=utf-8", html.into())
}

/// RFC 9457: `type` is `about:blank`, so `title` is the status' own phrase; `code`, `request` and `members` are extensions.
fn problem(status: StatusCode, code: &str, request: Option<RequestId>, members: &[(&str, String)]) -> String {
    let title = status.canonical_reason().unwrap_or("Error");
    let request = request.map(|id| format!(",\"request\":\"{id}\"")).unwrap_or_default();
    let members: String = members
        .iter()
        .map(|(name, value)| format!(",\"{name}\":{value}"))
        .collect();
    format!(
        "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{},\"code\":\"{code}\"{request}{members}}}\n",
        status.as_u16()
    )
}

/// One page with both languages, the preferred one first. `wait` is in seconds.
fn page(status: StatusCode, code: &str, wait: Option<u64>, english_first: bool, request: Option<RequestId>) -> String {
    let words = Words::of(status);
    let french = section("fr", words.french, wait.map(|wait| Wait(wait).french()), "Accueil");
    let english = section("en", words.english, wait.map(|wait| Wait(wait).english()), "Home");
    let (lang, title, first, second) = match english_first {
        true => ("en", words.english.0, english, french),
        false => ("fr", words.french.0, french, english),
    };
    let request = request
        .map(|id| format!("Numéro · Number: <b>{id}</b><br>"))
        .unwrap_or_default();
    format!(
        "<!doctype html>\n<html lang={lang}><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>{title}</title>\n<style>{STYLE}</style>\n\
         {first}\n{second}\n<footer>{request}{} · {code}</footer></html>\n",
        status.as_u16()
    )
}

fn section(lang: &str, (title, text): (&str, &str), wait: Option<String>, home: &str) -> String {
    let wait = wait.map(|wait| format!(" {wait}")).unwrap_or_default();
    format!("<section lang={lang}><h1>{title}</h1><p>{text}{wait}</p><p><a href=\"/\">{home}</a></p></section>")
}

/// Seconds until it is worth trying again, in words: minutes from two on, rounded up.
struct Wait(u64);

impl Wait {
    fn french(&self) -> String {
        match self.0 {
            0 | 1 => "Réessayez dans une seconde.".into(),
            seconds @ ..120 => format!("Réessayez dans {seconds} secondes."),
            seconds => format!("Réessayez dans {} minutes.", seconds.div_ceil(60)),
        }
    }

    fn english(&self) -> String {
        match self.0 {
            0 | 1 => "Try again in a second.".into(),
            seconds @ ..120 => format!("Try again in {seconds} seconds."),
            seconds => format!("Try again in {} minutes.", seconds.div_ceil(60)),
        }
    }
}

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem;\
color:#222;background:#fafafa}h1{font-size:1.4em;margin:0}a{color:inherit}section+section{margin-top:2.5rem;color:#555;\
font-size:.85em}footer{margin-top:3rem;padding-top:.7rem;border-top:1px solid #ccc;\
font:.85rem/1.6 ui-monospace,monospace;color:#666}";

/// A title and a sentence in both languages.
struct Words {
    french: (&'static str, &'static str),
    english: (&'static str, &'static str),
}

impl Words {
    #[rustfmt::skip]
    const fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self {
                french: ("Demande incomprise", "Votre navigateur a envoyé une demande que le site ne peut pas lire."),
                english: ("Request not understood", "Your browser sent a request that the site cannot read."),
            },
            401 | 403 => Self {
                french: ("Accès refusé", "Cette demande n’est pas permise. Si vous pensez qu’elle devrait l’être, communiquez avec le site en donnant le numéro ci-dessous."),
                english: ("Access refused", "This request is not allowed. If you think it should be, contact the site and quote the number below."),
            },
            404 | 421 => Self {
                french: ("Page introuvable", "Il n’y a rien à cette adresse."),
                english: ("Not found", "There is nothing at this address."),
            },
            405 => Self {
                french: ("Méthode refusée", "Cette façon de demander la page n’est pas permise."),
                english: ("Method not allowed", "This way of asking for the page is not allowed."),
            },
            408 | 413 | 414 | 431 => Self {
                french: ("Demande trop longue", "La demande est trop grande ou a pris trop de temps."),
                english: ("Request too long", "The request is too large or took too long."),
            },
            429 => Self {
                french: ("Trop de demandes", "Vous avez fait beaucoup de demandes en peu de temps."),
                english: ("Too many requests", "You made many requests in a short time."),
            },
            502..=504 => Self {
                french: ("Service momentanément indisponible", "Le site ne répond pas pour le moment."),
                english: ("Service unavailable for the moment", "The site does not answer at the moment."),
            },
            _ => Self {
                french: ("Une erreur est survenue", "La demande n’a pas pu être traitée. Si le problème persiste, communiquez avec le site en donnant le numéro ci-dessous."),
                english: ("Something went wrong", "The request could not be processed. If this goes on, contact the site and quote the number below."),
            },
        }
    }
}

/// Whether `Accept` gives a JSON type more weight than HTML (RFC 9110 section 12.5.1). A tie, and no `Accept`, is HTML.
fn prefers_json(asked: &HeaderMap) -> bool {
    let is_json = |range: &str| range == "application/json" || range == "application/*" || range.ends_with("+json");
    let is_html = |range: &str| matches!(range, "text/html" | "application/xhtml+xml" | "text/*");
    let any = weight(asked, ACCEPT, |range| range == "*/*");
    let json = weight(asked, ACCEPT, is_json).or(any);
    let html = weight(asked, ACCEPT, is_html).or(any);
    json.unwrap_or(0) > html.unwrap_or(0)
}

/// Whether `Accept-Language` gives English more weight than French (RFC 9110 section 12.5.4). A tie is French.
fn prefers_english(asked: &HeaderMap) -> bool {
    let speaks = |wanted: &'static str| {
        move |range: &str| {
            range
                .get(..2)
                .is_some_and(|language| language.eq_ignore_ascii_case(wanted))
        }
    };
    let french = weight(asked, ACCEPT_LANGUAGE, speaks("fr"));
    weight(asked, ACCEPT_LANGUAGE, speaks("en")) > french
}

/// The highest weight, in thousandths, of the ranges that are `wanted`; `None` when there is none.
fn weight(asked: &HeaderMap, name: HeaderName, wanted: impl Fn(&str) -> bool) -> Option<u16> {
    let lines = asked.get_all(name);
    let items = lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    items
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            parts.next().filter(|range| wanted(range))?;
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            Some((quality.clamp(0.0, 1.0) * 1000.0) as u16)
        })
        .max()
}
