//! How the waiting list looks: coral and sun, round corners.

use crate::html::Brand;

pub(super) const BRAND: Brand = Brand {
    name: "Place aux petits",
    motto: ("La liste d’attente unique", "The single waiting list"),
    mark: "<svg viewBox=\"0 0 48 48\" aria-hidden=\"true\"><circle cx=\"24\" cy=\"24\" r=\"21\" fill=\"#ffd166\"/>\
           <circle cx=\"17\" cy=\"21\" r=\"2.6\" fill=\"#4a2b35\"/><circle cx=\"31\" cy=\"21\" r=\"2.6\" fill=\"#4a2b35\"/>\
           <path d=\"M15 29c3 7 15 7 18 0\" fill=\"none\" stroke=\"#4a2b35\" stroke-width=\"2.6\" stroke-linecap=\"round\"/></svg>",
    css: ":root{--ink:#3d2a33;--paper:#fff8f1;--card:#fff;--main:#c2413a;--head:#ffe3d3;--on-head:#4a2b35;--tint:#ffeedd;--muted:#7d6670;\
          --radius:16px;--text:Nunito,'Segoe UI',system-ui,sans-serif;--display:Nunito,'Trebuchet MS',system-ui,sans-serif}\
          h1,h2,h3{letter-spacing:-.01em}.hello{display:flex;flex-wrap:wrap;gap:2rem;align-items:center;justify-content:space-between;\
          background:#ffd166;border-radius:28px;padding:2.2rem 2.6rem;margin-bottom:2rem}.hello h1{font-size:2.4rem;margin:0 0 .3em}\
          .hello p{margin:0 0 1.2rem;max-width:30rem}.hello svg{width:15rem;max-width:100%}.figure{font:800 2.1rem/1.1 var(--display);color:var(--main)}\
          table{font-size:.95rem}",
    nav: &[
        ("/my-file", "Mon dossier", "My file"),
        ("/list", "Services de garde", "Daycare centres"),
        ("/admin", "Administration", "Administration"),
    ],
    footer: (
        "Place aux petits, coopérative de services à l’enfance. 1-418-555-0123. Site fictif: aucune famille de cette liste n’existe.",
        "Place aux petits, a childcare co-operative. 1-418-555-0123. An invented site: no family on this list exists.",
    ),
};

/// Blocks and a kite.
pub(super) const TOYS: &str = "<svg viewBox=\"0 0 240 150\" aria-hidden=\"true\"><g stroke=\"#4a2b35\" stroke-width=\"3\" stroke-linejoin=\"round\">\
    <rect x=\"20\" y=\"85\" width=\"55\" height=\"55\" rx=\"8\" fill=\"#ef6f5e\"/><rect x=\"82\" y=\"85\" width=\"55\" height=\"55\" rx=\"8\" fill=\"#5fb3a1\"/>\
    <rect x=\"50\" y=\"26\" width=\"55\" height=\"55\" rx=\"8\" fill=\"#7aa6dc\"/><path d=\"M190 10l32 38-32 46-32-46z\" fill=\"#fff\"/>\
    <path d=\"M190 10v84M158 48h64\" fill=\"none\"/><path d=\"M190 94c-18 14 16 26-6 46\" fill=\"none\"/></g>\
    <g font-family=\"sans-serif\" font-weight=\"800\" font-size=\"32\" fill=\"#fff\" text-anchor=\"middle\"><text x=\"47\" y=\"124\">B</text>\
    <text x=\"110\" y=\"124\">C</text><text x=\"78\" y=\"65\">A</text></g></svg>";
