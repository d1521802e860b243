//! How the library looks: river green on cream, a serif for titles.

use crate::html::Brand;

pub(super) const BRAND: Brand = Brand {
    name: "Bibliothèque des Rivières",
    motto: ("Cinq lieux, un catalogue", "Five branches, one catalogue"),
    mark: "<svg viewBox=\"0 0 48 48\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.6\" aria-hidden=\"true\">\
           <path d=\"M24 12C18 7 10 7 5 9v24c5-2 13-2 19 3 6-5 14-5 19-3V9c-5-2-13-2-19 3zM24 12v24\"/>\
           <path d=\"M6 42c6-4 10 3 18-1 6-3 11 2 18-1\"/></svg>",
    css: ":root{--ink:#23302b;--paper:#f8f4ea;--card:#fffdf7;--main:#1d6b52;--head:#143d33;--on-head:#f3ead6;--tint:#e3ecdf;--muted:#66736b;\
          --radius:6px;--text:'Source Sans 3','Segoe UI',system-ui,sans-serif;--display:Georgia,'Iowan Old Style',serif}\
          .welcome{background:#e3ecdf;border-radius:6px;padding:2.2rem 2.4rem;margin-bottom:2rem}.welcome h1{font-size:2.3rem}\
          .cover{height:8.5rem;border-radius:4px;color:#fff;padding:.9rem;font:600 1rem/1.25 Georgia,serif;display:flex;align-items:end;\
          text-decoration:none;margin-bottom:.7rem;box-shadow:inset 9px 0 0 #0002}.results{list-style:none;padding:0;margin:0}\
          .results li{padding:.9rem 0;border-bottom:1px solid #0001}.results b{font-family:Georgia,serif;font-size:1.1rem}",
    nav: &[
        ("/search", "Catalogue", "Catalogue"),
        ("/account", "Mon dossier", "My account"),
        ("/patrons", "Personnel", "Staff"),
    ],
    footer: (
        "Bibliothèque des Rivières, 12, rue du Moulin. Ouvert du mardi au dimanche, de 10 h à 18 h. Site fictif, données inventées.",
        "Bibliothèque des Rivières, 12 rue du Moulin. Open Tuesday to Sunday, 10 to 6. An invented site with invented data.",
    ),
};

/// The colours of book covers.
pub(super) const COVERS: [&str; 6] = ["#8a3b2e", "#2e5a73", "#5b6b2f", "#6b4574", "#a0702a", "#34584b"];
