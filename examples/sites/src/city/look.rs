//! How the city looks, and what it has to say: river blue, a sans-serif, a drawn skyline.

use crate::html::Brand;
use crate::text::Lang;

pub(super) const BRAND: Brand = Brand {
    name: "Ville de Sainte-Adèle-sur-Rivière",
    motto: ("Au fil de l’eau depuis 1834", "Along the river since 1834"),
    mark: "<svg viewBox=\"0 0 48 48\" aria-hidden=\"true\"><path fill=\"currentColor\" d=\"M24 3l17 6v15c0 11-8 18-17 21C15 42 7 35 7 24V9z\"/>\
           <path fill=\"none\" stroke=\"#15507d\" stroke-width=\"2.6\" d=\"M12 30c4-3 8-3 12 0s8 3 12 0M12 36c4-3 8-3 12 0s8 3 12 0\"/>\
           <path fill=\"#15507d\" d=\"M22 11h4v4h4v3h-4v8h-4v-8h-4v-3h4z\"/></svg>",
    css: ":root{--ink:#1c2733;--paper:#f3f6f9;--card:#fff;--main:#15507d;--head:#15507d;--on-head:#fff;--tint:#dfeaf3;--muted:#5d6b79;\
          --radius:3px;--text:'Open Sans','Segoe UI',system-ui,sans-serif;--display:'Open Sans','Segoe UI',system-ui,sans-serif}\
          header{border-bottom:5px solid #e0a526}.hero{border-radius:3px;overflow:hidden;background:#cfe3f1;position:relative;margin-bottom:2rem}\
          .hero svg{display:block;width:100%}.hero div{position:absolute;left:2.2rem;top:1.6rem;max-width:26rem}.hero h1{margin:0 0 .3em}\
          .card time{color:var(--muted);font-size:.88rem}.tiles .card{border-top:4px solid #e0a526}",
    nav: &[
        ("/services", "Services", "Services"),
        ("/permits", "Permis", "Permits"),
        ("/intranet", "Élus", "Council"),
    ],
    footer: (
        "Hôtel de ville, 1, place de l’Église. Urgences municipales: 819-555-0111. Ville fictive, données inventées.",
        "City Hall, 1 place de l’Église. Municipal emergencies: 819-555-0111. An invented city with invented data.",
    ),
};

/// A river, a church, some roofs.
pub(super) const HERO: &str = "<svg viewBox=\"0 0 1000 300\" aria-hidden=\"true\"><rect width=\"1000\" height=\"300\" fill=\"#cfe3f1\"/>\
    <circle cx=\"850\" cy=\"70\" r=\"34\" fill=\"#f6d98a\"/>\
    <g fill=\"#6d8296\" transform=\"translate(0 17)\"><path d=\"M560 200v-34l24-20 24 20v34zM622 200v-28l20-18 20 18v28zM494 208v-42l26-22 26 22v42z\"/>\
    <path d=\"M684 200v-62l14-52 14 52v62z\"/></g><path fill=\"#a9c7b4\" d=\"M0 215q180-75 380-20t360-35 260 15v125H0z\"/><path fill=\"#7fb0d3\" d=\"M0 240q125-24 250 0t250 0 250 0 250 0v60H0z\"/>\
    <path fill=\"#4d8fc0\" d=\"M0 264q125-20 250 0t250 0 250 0 250 0v36H0z\"/></svg>";

/// One item of news.
pub(super) struct News {
    pub(super) date: &'static str,
    /// Title and text.
    pub(super) fr: (&'static str, &'static str),
    pub(super) en: (&'static str, &'static str),
}

impl News {
    pub(super) fn words(&self, lang: Lang) -> (&'static str, &'static str) {
        match lang {
            Lang::Fr => self.fr,
            Lang::En => self.en,
        }
    }
}

pub(super) const NEWS: [News; 5] = [
    News {
        date: "2026-11-16",
        fr: (
            "Le pont de la rue du Moulin ferme la nuit",
            "Du 17 au 28 novembre, de 21 h à 5 h, pour la réfection des joints. Le détour passe par le chemin de la Grève.",
        ),
        en: (
            "Mill Street bridge closed at night",
            "From November 17 to 28, 9 p.m. to 5 a.m., while the joints are repaired. Detour by chemin de la Grève.",
        ),
    },
    News {
        date: "2026-11-12",
        fr: (
            "Budget 2027: dites-nous ce qui compte",
            "Une soirée d’échanges a lieu à la salle communautaire le 26 novembre à 19 h. Le café est offert.",
        ),
        en: (
            "Budget 2027: tell us what matters",
            "Join the discussion at the community hall on November 26 at 7 p.m. Coffee is on us.",
        ),
    },
    News {
        date: "2026-11-05",
        fr: (
            "Collecte des feuilles mortes",
            "Déposez vos sacs de papier en bordure de rue avant 7 h, du 2 au 20 novembre.",
        ),
        en: (
            "Leaf collection",
            "Leave your paper bags at the kerb before 7 a.m., November 2 to 20.",
        ),
    },
    News {
        date: "2026-10-28",
        fr: (
            "La patinoire ouvrira dès les grands froids",
            "Les bénévoles cherchent des bras pour l’arrosage de soirée. Inscriptions au centre sportif.",
        ),
        en: (
            "The rink will open with the first hard frost",
            "Volunteers are needed for evening flooding. Sign up at the sports centre.",
        ),
    },
    News {
        date: "2026-10-14",
        fr: (
            "Permis de construction: tout se fait en ligne",
            "Déposez votre demande et votre plan depuis la maison; le greffe répond en dix jours.",
        ),
        en: (
            "Building permits now online",
            "Send your request and your plan from home; the clerk answers within ten days.",
        ),
    },
];

/// Title and text, French then English.
pub(super) type Bilingual = ((&'static str, &'static str), (&'static str, &'static str));

/// What the city does, in a sentence each.
pub(super) const SERVICES: [Bilingual; 6] = [
    (
        (
            "Collectes",
            "Ordures le lundi, recyclage le jeudi, une semaine sur deux.",
        ),
        ("Collection", "Waste on Mondays, recycling every other Thursday."),
    ),
    (
        ("Taxes", "Quatre versements, sans frais, jusqu’au 15 novembre."),
        ("Taxes", "Four instalments without interest, until November 15."),
    ),
    (
        ("Eau potable", "Avis d’ébullition et débits de la rivière."),
        ("Drinking water", "Boil-water notices and river levels."),
    ),
    (
        (
            "Loisirs",
            "Natation, patin, camp de jour: inscriptions au centre sportif.",
        ),
        ("Leisure", "Swimming, skating, day camp: register at the sports centre."),
    ),
    (
        ("Bibliothèque", "Membre du réseau des Rivières."),
        ("Library", "Part of the Rivières network."),
    ),
    (
        ("Permis", "Construction, clôture, abattage, en ligne."),
        ("Permits", "Building, fences, tree felling, online."),
    ),
];
