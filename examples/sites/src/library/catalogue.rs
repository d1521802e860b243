//! The catalogue: 3,000 invented titles, the same at every start.

use serde::Serialize;

use crate::library::TITLES;
use crate::names;
use crate::params::Slice;
use crate::seed::Seed;
use crate::text::fold;

/// One title as the public sees it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Title {
    /// From 1 to [`TITLES`].
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) author: String,
    pub(super) year: u32,
    pub(super) language: &'static str,
    pub(super) kind: &'static str,
    pub(super) branch: &'static str,
    pub(super) call_number: String,
    pub(super) copies: u32,
}

/// All titles and what a search compares.
pub(super) struct Catalogue {
    titles: Vec<Title>,
    folded: Vec<String>,
}

impl Catalogue {
    pub(super) fn new() -> Self {
        let titles: Vec<Title> = (1..=TITLES).map(Title::invent).collect();
        let folded = titles
            .iter()
            .map(|t| fold(&format!("{} {} {}", t.title, t.author, t.kind)))
            .collect();
        Self { titles, folded }
    }

    pub(super) fn title(&self, id: u32) -> Option<&Title> {
        self.titles.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// The titles that have every word of `query`, one page of them, and how many there are in all.
    pub(super) fn search(&self, query: &str, page: u32, size: u32) -> (Vec<&Title>, Slice, u32) {
        let query = fold(&query.chars().take(200).collect::<String>());
        let words: Vec<&str> = query.split_whitespace().take(12).collect();
        let found: Vec<&Title> = self
            .titles
            .iter()
            .zip(&self.folded)
            .filter(|(_, text)| words.iter().all(|word| text.contains(word)))
            .map(|(title, _)| title)
            .collect();
        let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let slice = Slice::new(page, size, total);
        let shown = found
            .into_iter()
            .skip(slice.skip as usize)
            .take(slice.size as usize)
            .collect();
        (shown, slice, total)
    }
}

impl Title {
    fn invent(id: u32) -> Self {
        let seed = &mut Seed::of(SEED, id);
        let english = seed.chance(18);
        let title = if english {
            english_title(seed)
        } else {
            french_title(seed)
        };
        let (first, last) = names::person(seed);
        let kind = seed.pick(KINDS);
        Self {
            id,
            title,
            author: format!("{last}, {first}"),
            year: 1948 + seed.below(78),
            language: if english { "en" } else { "fr" },
            kind,
            branch: seed.pick(BRANCHES),
            call_number: format!(
                "{}.{} {}",
                800 + seed.below(100),
                seed.below(90),
                last.chars().take(3).collect::<String>().to_uppercase()
            ),
            copies: 1 + seed.below(4),
        }
    }
}

fn french_title(seed: &mut Seed) -> String {
    let (subject, complement) = (seed.pick(SUBJECTS), seed.pick(COMPLEMENTS));
    match seed.below(10) {
        0 => format!("{subject}, tome {}", 1 + seed.below(6)),
        1 => format!("{subject} {complement}, suivi de {}", seed.pick(SUBJECTS)),
        _ => format!("{subject} {complement}"),
    }
}

fn english_title(seed: &mut Seed) -> String {
    format!("The {} {}", seed.pick(NOUNS_EN), seed.pick(ENDS_EN))
}

const SEED: u64 = 0x0B1B_1107;

const KINDS: &[&str] = &[
    "Roman",
    "Roman",
    "Roman",
    "Essai",
    "Album jeunesse",
    "Bande dessinée",
    "Poésie",
    "Livre audio",
    "Film",
];

const BRANCHES: &[&str] = &["Centrale", "Vieux-Moulin", "Les Érables", "Rive-Nord", "Bibliobus"];

const SUBJECTS: &[&str] = &[
    "Le phare",
    "La maison",
    "L'hiver",
    "Les enfants",
    "Le dernier train",
    "La gardienne",
    "Un été",
    "Le jardin",
    "Les voix",
    "La forêt",
    "Le violon",
    "L'école",
    "Les lettres",
    "La traversée",
    "Le capitaine",
    "L'île",
    "La mémoire",
    "Le silence",
    "Les sœurs",
    "La neige",
    "Le bûcheron",
    "L'étoile",
    "Les oiseaux",
    "La cuisine",
    "Le voyage",
    "L'atelier",
    "Une saison",
    "Le carnet",
    "Les ombres",
    "La rivière",
    "L'horloger",
    "Les érables",
    "Le pont",
    "La dentellière",
    "Contes",
    "Petite histoire",
    "Le goût",
    "L'enquête",
    "Les heures",
    "Le retour",
];

const COMPLEMENTS: &[&str] = &[
    "de la rivière",
    "du bout du monde",
    "sans sommeil",
    "au bord du fleuve",
    "de mon père",
    "du Nord",
    "à la fenêtre",
    "des grandes marées",
    "de Sainte-Adèle",
    "qui ne revenait pas",
    "sous la glace",
    "des jours clairs",
    "du vieux moulin",
    "entre deux rives",
    "de l'aînée",
    "pour les nuits d'orage",
    "du cordonnier",
    "en février",
    "d'une autre langue",
    "des gens heureux",
    "de Noël",
    "à vol d'oiseau",
    "du lac gelé",
    "de l'Abénakie",
    "en trois temps",
    "du matin",
    "de l'oubli",
    "au clair de lune",
    "des marchands de sel",
    "sur la grève",
    "de papier",
    "d'à côté",
    "des baleines",
    "à contre-courant",
    "de ma grand-mère",
    "du dimanche",
];

const NOUNS_EN: &[&str] = &[
    "Lighthouse",
    "Ferryman",
    "Orchard",
    "Winter Road",
    "Clockmaker",
    "Quiet House",
    "Beekeeper",
    "Northern Line",
    "Salt Garden",
    "Paper Boat",
    "Miller's Daughter",
    "Long Thaw",
    "Harbour",
    "Last Portage",
    "Map",
    "Sugar Bush",
];

const ENDS_EN: &[&str] = &[
    "of Kingsford Mills",
    "at Low Tide",
    "in the Snow",
    "of Our Fathers",
    "by the River",
    "That Stayed",
    "and Other Stories",
    "Between Rains",
    "of Small Hours",
    "Without a Name",
    "in Two Languages",
    "After Dark",
    "on the Hill",
    "of Glass",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_the_same_at_every_start() {
        let (one, other) = (Catalogue::new(), Catalogue::new());
        assert_eq!(one.folded, other.folded);
        assert_eq!(one.titles.len(), 3_000);
    }

    #[test]
    fn a_search_needs_neither_accents_nor_capitals() {
        let catalogue = Catalogue::new();
        let (with, _, many) = catalogue.search("Rivière", 1, 20);
        let (without, _, same) = catalogue.search("riviere", 1, 20);
        assert!(many > 50 && many == same);
        assert_eq!(with[0].id, without[0].id);
    }

    #[test]
    fn a_search_that_finds_nothing_has_one_empty_page() {
        let catalogue = Catalogue::new();
        let (found, slice, total) = catalogue.search("zzzz", 7, 20);
        assert!(found.is_empty() && total == 0 && slice.page == 1);
    }

    #[test]
    fn titles_outside_the_catalogue_do_not_exist() {
        let catalogue = Catalogue::new();
        assert!(catalogue.title(0).is_none() && catalogue.title(3_001).is_none());
        assert_eq!(catalogue.title(3_000).unwrap().id, 3_000);
    }
}
