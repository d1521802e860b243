//! The page around a page: head, navigation, footer, and the few pieces that all three sites share.

use axum::response::Html;

use crate::legacy::Visit;
use crate::params::Slice;
use crate::text::{Lang, escape};

/// What makes a site look like itself.
pub(crate) struct Brand {
    pub(crate) name: &'static str,
    pub(crate) motto: (&'static str, &'static str),
    /// Inline SVG, drawn in `currentColor`.
    pub(crate) mark: &'static str,
    /// Variables and rules after [`BASE`].
    pub(crate) css: &'static str,
    /// Address, French, English.
    pub(crate) nav: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) footer: (&'static str, &'static str),
}

impl Brand {
    /// A whole page. `title` is text, `main` is HTML.
    pub(crate) fn page(&self, visit: &Visit, title: &str, main: &str) -> Html<String> {
        let lang = visit.lang;
        Html(format!(
            "<!doctype html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"generator\" content=\"Portail Exemplaire 4.2\">\
             <title>{title} · {name}</title><style>{BASE}{css}</style></head><body>{header}\
             <main>{main}</main><footer><div>{footer}</div></footer></body></html>\n",
            code = lang.code(),
            title = escape(title),
            name = self.name,
            css = self.css,
            header = self.header(visit),
            footer = lang.pick(self.footer.0, self.footer.1),
        ))
    }

    fn header(&self, visit: &Visit) -> String {
        let lang = visit.lang;
        let links: String = self
            .nav
            .iter()
            .map(|(href, fr, en)| format!("<a href=\"{href}\">{}</a>", lang.pick(fr, en)))
            .collect();
        format!(
            "<header><div class=\"bar\"><a class=\"brand\" href=\"/\">{mark}<span><b>{name}</b><small>{motto}</small></span></a>\
             <nav>{links}<a class=\"lang\" href=\"{toggle}\" lang=\"{to}\">{other}</a></nav></div></header>",
            mark = self.mark,
            name = self.name,
            motto = lang.pick(self.motto.0, self.motto.1),
            toggle = escape(&visit.toggle),
            to = lang.other().code(),
            other = lang.pick("English", "Français"),
        )
    }
}

/// "Previous", "3 / 12", "Next". `base` is an address that ends in `?` or `&`.
pub(crate) fn pager(base: &str, slice: Slice, lang: Lang) -> String {
    if slice.pages == 1 {
        return String::new();
    }
    let base = escape(base);
    let link = |page: u32, text: &str| format!("<a class=\"button quiet\" href=\"{base}page={page}\">{text}</a>");
    let before = if slice.page > 1 {
        link(slice.page - 1, lang.pick("← Précédente", "← Previous"))
    } else {
        String::new()
    };
    let after = if slice.page < slice.pages {
        link(slice.page + 1, lang.pick("Suivante →", "Next →"))
    } else {
        String::new()
    };
    format!(
        "<p class=\"pager\">{before}<span>{} / {}</span>{after}</p>",
        slice.page, slice.pages
    )
}

/// A login form that posts two fields to `action`.
pub(crate) fn login_form(
    action: &str,
    user: (&str, &str),
    password: (&str, &str),
    refused: bool,
    lang: Lang,
) -> String {
    let error = if refused {
        format!(
            "<p class=\"alert\">{}</p>",
            lang.pick("Identifiants refusés.", "Those credentials were refused.")
        )
    } else {
        String::new()
    };
    format!(
        "{error}<form class=\"card narrow\" method=\"post\" action=\"{action}\">\
         <label>{} <input name=\"{}\" autocomplete=\"username\" required></label>\
         <label>{} <input name=\"{}\" type=\"password\" autocomplete=\"current-password\" required></label>\
         <button>{}</button></form>",
        user.1,
        user.0,
        password.1,
        password.0,
        lang.pick("Entrer", "Log in"),
    )
}

/// One line of a definition table; the value is text.
pub(crate) fn row(label: &str, value: &str) -> String {
    format!("<tr><th>{label}</th><td>{}</td></tr>", escape(value))
}

/// A number with thin spaces or commas.
pub(crate) fn count(number: u32, lang: Lang) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push_str(lang.pick("\u{202f}", ","));
        }
        out.push(digit);
    }
    out
}

const BASE: &str = "*{box-sizing:border-box}body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--paper);color:var(--ink);\
font:16.5px/1.6 var(--text)}h1,h2,h3,.brand b{font-family:var(--display);line-height:1.2}\
h1{font-size:2rem;margin:.2em 0 .6em}h2{font-size:1.3rem;margin:1.8em 0 .6em}a{color:var(--main)}\
.bar,main,footer div{max-width:66rem;margin:0 auto;padding:0 1.5rem}header{background:var(--head);color:var(--on-head)}\
.bar{display:flex;flex-wrap:wrap;gap:.4rem 2rem;align-items:center;justify-content:space-between;min-height:4.6rem}\
header a{color:inherit;text-decoration:none}.brand{display:flex;gap:.8rem;align-items:center}.brand svg{width:2.7rem;height:2.7rem}\
.brand b{display:block;font-size:1.25rem}.brand small{opacity:.8}nav{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem}\
nav a{padding:.3rem 0;border-bottom:2px solid transparent}nav a:hover{border-color:currentColor}.lang{opacity:.75}\
main{width:100%;flex:1;padding-top:2.2rem;padding-bottom:3.5rem}footer{background:var(--head);color:var(--on-head);font-size:.9rem}\
footer div{padding-top:1.4rem;padding-bottom:1.6rem;opacity:.85}.card{background:var(--card);border-radius:var(--radius);\
padding:1.3rem 1.5rem;box-shadow:0 1px 4px #0002}.card h3{margin:0 0 .35em}.grid{display:grid;gap:1.2rem;\
grid-template-columns:repeat(auto-fill,minmax(17rem,1fr))}.narrow{max-width:27rem}label{display:block;margin:0 0 .9rem;font-weight:600}\
input,select,textarea{display:block;width:100%;font:inherit;padding:.5rem .7rem;border:1px solid #0003;border-radius:calc(var(--radius)/2);\
background:#fff;color:inherit}button,.button{display:inline-block;font:inherit;font-weight:600;border:0;cursor:pointer;\
border-radius:calc(var(--radius)/2);padding:.5rem 1.1rem;background:var(--main);color:#fff;text-decoration:none}\
.quiet{background:transparent;color:var(--main);box-shadow:inset 0 0 0 1px var(--main)}button.small{padding:.15rem .7rem;font-size:.9rem}\
table{width:100%;border-collapse:collapse;background:var(--card);border-radius:var(--radius);overflow:hidden;box-shadow:0 1px 4px #0002}\
th,td{text-align:left;padding:.5rem .9rem;border-bottom:1px solid #0001;vertical-align:top}thead th{background:var(--tint)}\
tbody th{width:14rem;font-weight:600}.muted,small{color:var(--muted)}header small{color:inherit}.pager{display:flex;gap:1rem;align-items:center;justify-content:center;margin:1.6rem 0}\
.search{display:flex;gap:.6rem}.search input{flex:1}.tag{display:inline-block;background:var(--tint);border-radius:99px;padding:.05rem .7rem;font-size:.85rem;white-space:nowrap}\
.alert{background:#fde8e4;color:#8c1d0c;border-radius:var(--radius);padding:.7rem 1.1rem}.done{background:#e3f4e4;color:#1a5a2a;border-radius:var(--radius);padding:.7rem 1.1rem}\
form.inline{display:inline}.actions{display:flex;flex-wrap:wrap;gap:.7rem;margin:1.2rem 0}.scroll{overflow-x:auto}.nowrap{white-space:nowrap}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(86_000, Lang::En), "86,000");
        assert_eq!(count(999, Lang::En), "999");
        assert_eq!(count(1_234_567, Lang::Fr), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn a_list_of_one_page_has_no_pager() {
        assert_eq!(pager("/x?", Slice::new(1, 20, 20), Lang::Fr), "");
        let middle = pager("/x?q=a&", Slice::new(2, 20, 60), Lang::Fr);
        assert!(middle.contains("/x?q=a&amp;page=1\"") && middle.contains("/x?q=a&amp;page=3\""));
    }
}
