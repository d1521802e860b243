//! The page of somebody who waits, and what a program is told instead.
//!
//! It is one document without scripts, pictures or anything else to load. It asks again by the answer's `Refresh`, which
//! [`WaitingRoomRefusal`](crate::WaitingRoomRefusal) sets.

use std::fmt::Write as _;

use rempart_guard::{Notice, RequestId};

use crate::refusal::{Waits, Why};
use crate::words::{English, French, Language};

impl Notice for Waits {
    fn page(&self, english: bool, request: Option<RequestId>) -> String {
        let (first, second): (&dyn Language, &dyn Language) = if english {
            (&English, &French)
        } else {
            (&French, &English)
        };
        let number = request
            .map(|id| format!("Numéro · Number: <b>{id}</b>"))
            .unwrap_or_default();
        format!(
            "<!doctype html>\n<html lang={lang}><head><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width,initial-scale=1\"><meta name=robots content=noindex>\
             <title>{title} · {site}</title>\n<style>{STYLE}</style></head>\n\
             <body><p class=site>{site}</p>\n{main}\n{aside}\n<footer>{number}</footer></body></html>\n",
            lang = first.tag(),
            title = first.told(self).title,
            site = escaped(&self.site),
            main = self.main(first),
            aside = self.aside(second),
        )
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        let number = |number: Option<usize>| number.map_or("null".to_owned(), |number| number.to_string());
        let mut members = vec![
            ("position", number(self.ahead().map(|ahead| ahead + 1))),
            ("ahead", number(self.ahead())),
            ("estimate", self.estimate_json()),
            ("retry_after", self.again().as_secs().to_string()),
        ];
        if self.ticket.is_some() {
            members.push(("place_kept", self.keep_place.as_secs().to_string()));
        }
        if let (Why::Early(_), Some(opens)) = (self.why, self.opens) {
            members.push(("opens", opens.unix_timestamp().to_string()));
        }
        if self.changes {
            members.push(("sent_on", "false".to_owned()));
        }
        members
    }
}

impl Waits {
    /// The language that was asked for, with all that is to be said.
    fn main(&self, language: &dyn Language) -> String {
        let told = language.told(self);
        let mut html = format!("<main><h1>{}</h1>\n", told.title_of_page);
        if self.changes {
            let _ = writeln!(html, "<p class=warning role=alert>{}</p>", language.not_sent_on());
        }
        html.push_str("<div role=status aria-live=polite aria-atomic=true>");
        told.status.iter().for_each(|line| {
            let _ = write!(html, "<p>{line}</p>");
        });
        html.push_str("</div>\n");
        if !told.notes.is_empty() {
            html.push_str("<ul>");
            told.notes.iter().for_each(|note| {
                let _ = write!(html, "<li>{note}</li>");
            });
            html.push_str("</ul>\n");
        }
        let _ = write!(
            html,
            "<p class=small>{} <a href=\"{}\">{}</a></p></main>",
            language.updated(self),
            escaped(self.back.as_deref().unwrap_or_default()),
            language.look_now()
        );
        html
    }

    /// The other language, with what matters.
    fn aside(&self, language: &dyn Language) -> String {
        let told = language.told(self);
        let warning = match self.changes {
            true => format!("<p><b>{}</b></p>", language.not_sent_on()),
            false => String::new(),
        };
        let status: String = told.status.iter().map(|line| format!("<p>{line}</p>")).collect();
        format!(
            "<section lang={}><h2>{}</h2>{warning}{status}</section>",
            language.tag(),
            told.title_of_page
        )
    }

    fn estimate_json(&self) -> String {
        self.estimate().map_or("null".to_owned(), |estimate| {
            format!(
                "{{\"from\":{},\"to\":{}}}",
                estimate.from.as_secs(),
                estimate.to.as_secs()
            )
        })
    }
}

/// Text as it can stand in a page, and between quotes in it.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            letter => html.push(letter),
        }
    }
    html
}

/// Dark on light and light on dark, both with a contrast of more than 7 to 1 (WCAG 2.2, 1.4.6); sizes that grow with the
/// reader's own.
const STYLE: &str = ":root{color-scheme:light dark;--ink:#1c1c1e;--soft:#4a4a4e;--line:#c9c9ce;--paper:#fafafa;\
--card:#fff;--warn:#7a1f00}@media(prefers-color-scheme:dark){:root{--ink:#f2f2f4;--soft:#c2c2c8;--line:#48484d;\
--paper:#161618;--card:#202023;--warn:#ffb59c}}*{box-sizing:border-box}body{font:1.1rem/1.5 system-ui,sans-serif;\
max-width:36rem;margin:0 auto;padding:clamp(1rem,6vh,4rem) 1rem 2rem;color:var(--ink);background:var(--paper);\
overflow-wrap:break-word}.site{margin:0 0 .3rem;color:var(--soft);font-weight:600}h1{font-size:1.5rem;line-height:1.25;\
margin:0 0 1rem}h2{font-size:1rem;margin:0 0 .3rem}main div{background:var(--card);border:1px solid var(--line);\
border-radius:.6rem;padding:.9rem 1.1rem}main div p{margin:.2rem 0}main div p:first-child{font-size:1.25rem;\
line-height:1.35}ul{padding-left:1.2rem}li{margin:.4rem 0}.warning{border-left:.3rem solid var(--warn);\
padding:.2rem 0 .2rem .8rem;color:var(--warn);font-weight:600}.small,section,footer{color:var(--soft);font-size:.9rem}\
section{margin-top:2rem;padding-top:1rem;border-top:1px solid var(--line)}section p{margin:.2rem 0}\
footer{margin-top:1.5rem;font-size:.8rem}a{color:inherit;display:inline-block;padding:.2rem 0}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_is_called_is_text() {
        assert_eq!(escaped("<b>\"R&D\"</b>"), "&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt;");
    }
}
