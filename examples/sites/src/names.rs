//! The words that invented people, streets and towns are made of. Common first and last names of Québec; the towns are
//! invented. Telephone numbers are of the range 555-0100 to 555-0199, kept for fiction; mail domains are those of RFC 2606.

use crate::seed::Seed;
use crate::text::fold;

/// First name and last name, French most of the time.
pub(crate) fn person(seed: &mut Seed) -> (&'static str, &'static str) {
    if seed.chance(84) {
        (seed.pick(FIRST_FR), seed.pick(LAST_FR))
    } else {
        (seed.pick(FIRST_EN), seed.pick(LAST_EN))
    }
}

/// A first name that goes with that last name.
pub(crate) fn first_name(seed: &mut Seed, last: &str) -> &'static str {
    let english = LAST_EN.contains(&last);
    seed.pick(if english { FIRST_EN } else { FIRST_FR })
}

/// As North Americans write it: `418-555-0142`.
pub(crate) fn phone(seed: &mut Seed) -> String {
    let area = seed.pick(&["367", "418", "438", "450", "514", "579", "581", "819", "873"]);
    format!("{area}-555-01{:02}", seed.below(100))
}

/// `prenom.nom42@example.org`: `number` keeps two people of one name apart.
pub(crate) fn email(seed: &mut Seed, first: &str, last: &str, number: u32) -> String {
    let domain = seed.pick(&["example.org", "example.com", "example.net"]);
    let plain = |name: &str| fold(name).replace([' ', '\''], "");
    format!("{}.{}{number}@{domain}", plain(first), plain(last))
}

/// Number and street.
pub(crate) fn address(seed: &mut Seed) -> String {
    let number = 1 + seed.below(4800);
    let street = seed.pick(STREETS);
    if seed.chance(18) {
        format!("{number}, {street}, app. {}", 1 + seed.below(40))
    } else {
        format!("{number}, {street}")
    }
}

/// A code of Québec's form (G, H or J first); whether Canada Post uses it is chance.
pub(crate) fn postal_code(seed: &mut Seed) -> String {
    let letter = |seed: &mut Seed| {
        seed.pick(&[
            'A', 'B', 'C', 'E', 'H', 'K', 'L', 'M', 'N', 'P', 'R', 'S', 'T', 'V', 'X',
        ])
    };
    let (first, second, third) = (seed.pick(&['G', 'H', 'J']), letter(seed), letter(seed));
    format!(
        "{first}{}{second} {}{third}{}",
        seed.below(10),
        seed.below(10),
        seed.below(10)
    )
}

pub(crate) fn town(seed: &mut Seed) -> &'static str {
    seed.pick(TOWNS)
}

const FIRST_FR: &[&str] = &[
    "Adèle",
    "Alexis",
    "Alice",
    "Amélie",
    "Anaïs",
    "Antoine",
    "Arnaud",
    "Aurélie",
    "Béatrice",
    "Benoît",
    "Camille",
    "Catherine",
    "Cédric",
    "Charlotte",
    "Chloé",
    "Clémence",
    "Clément",
    "Daphnée",
    "Delphine",
    "Édouard",
    "Élise",
    "Élodie",
    "Éloïse",
    "Émile",
    "Émilie",
    "Éric",
    "Étienne",
    "Eugénie",
    "Ève",
    "Fabrice",
    "Félix",
    "Florence",
    "Françoise",
    "Frédérique",
    "Gabriel",
    "Geneviève",
    "Gaël",
    "Hélène",
    "Hugo",
    "Isabelle",
    "Jacob",
    "Jérémie",
    "Joëlle",
    "Josée",
    "Juliette",
    "Justine",
    "Laurence",
    "Léa",
    "Léo",
    "Léonie",
    "Loïc",
    "Louis",
    "Maëlle",
    "Maïka",
    "Marc-Antoine",
    "Marguerite",
    "Marie-Ève",
    "Mathieu",
    "Mélanie",
    "Mia",
    "Mylène",
    "Nathan",
    "Noémie",
    "Océane",
    "Olivier",
    "Ophélie",
    "Pénélope",
    "Philippe",
    "Raphaël",
    "Rémi",
    "Romane",
    "Rosalie",
    "Samuel",
    "Sébastien",
    "Sophie",
    "Stéphanie",
    "Théo",
    "Thomas",
    "Tristan",
    "Véronique",
    "Victor",
    "William",
    "Xavier",
    "Yannick",
    "Zachary",
    "Zoé",
];

const LAST_FR: &[&str] = &[
    "Allard",
    "Archambault",
    "Asselin",
    "Aubé",
    "Beaudoin",
    "Beaulieu",
    "Bélanger",
    "Bérubé",
    "Bergeron",
    "Bernier",
    "Bilodeau",
    "Blais",
    "Boisvert",
    "Bolduc",
    "Bouchard",
    "Boucher",
    "Breton",
    "Carrier",
    "Caron",
    "Champagne",
    "Charbonneau",
    "Cloutier",
    "Côté",
    "Couture",
    "Demers",
    "Deschênes",
    "Desjardins",
    "Desrosiers",
    "Dubé",
    "Dubois",
    "Dufour",
    "Dumont",
    "Dupuis",
    "Fortin",
    "Fournier",
    "Gagné",
    "Gagnon",
    "Gauthier",
    "Gervais",
    "Girard",
    "Giroux",
    "Gosselin",
    "Goulet",
    "Grenier",
    "Hébert",
    "Huard",
    "Jobin",
    "Labbé",
    "Lachance",
    "Lacroix",
    "Lafrenière",
    "Lambert",
    "Landry",
    "Langlois",
    "Lapointe",
    "Lavoie",
    "Leblanc",
    "Lefebvre",
    "Legault",
    "Lemieux",
    "Lépine",
    "Lessard",
    "L'Heureux",
    "Lévesque",
    "Martel",
    "Ménard",
    "Mercier",
    "Michaud",
    "Morin",
    "Nadeau",
    "Ouellet",
    "Paquet",
    "Paquin",
    "Paradis",
    "Parent",
    "Pelletier",
    "Perreault",
    "Picard",
    "Poirier",
    "Poulin",
    "Proulx",
    "Racine",
    "Raymond",
    "Renaud",
    "Richard",
    "Rivard",
    "Robitaille",
    "Rousseau",
    "Roy",
    "Savard",
    "Simard",
    "St-Pierre",
    "Séguin",
    "Tardif",
    "Tessier",
    "Théberge",
    "Thériault",
    "Tremblay",
    "Trépanier",
    "Turcotte",
    "Vachon",
    "Vaillancourt",
    "Villeneuve",
];

const FIRST_EN: &[&str] = &[
    "Abigail", "Amelia", "Andrew", "Audrey", "Benjamin", "Charlie", "Claire", "Daniel", "Emily", "Emma", "Ethan",
    "Fiona", "Grace", "Hannah", "Henry", "Ian", "Jack", "James", "Kate", "Liam", "Lucy", "Margaret", "Megan", "Nora",
    "Oliver", "Owen", "Rachel", "Ruby", "Sarah", "Sean", "Sophia", "Thomas", "Violet", "Wesley",
];

const LAST_EN: &[&str] = &[
    "Anderson",
    "Blackburn",
    "Burns",
    "Campbell",
    "Clarke",
    "Cooper",
    "Davidson",
    "Ellis",
    "Fraser",
    "Graham",
    "Hughes",
    "Irving",
    "Johnson",
    "Kelly",
    "MacDonald",
    "McKenna",
    "Mitchell",
    "Murphy",
    "Nelson",
    "O'Brien",
    "O'Connor",
    "Parker",
    "Quinn",
    "Reid",
    "Ross",
    "Ryan",
    "Scott",
    "Smith",
    "Stewart",
    "Taylor",
    "Walsh",
    "Watson",
    "Wilson",
    "Young",
];

const STREETS: &[&str] = &[
    "rue Principale",
    "rue de l'Église",
    "rue du Moulin",
    "chemin du Lac",
    "avenue des Érables",
    "rue des Peupliers",
    "rang Saint-Antoine",
    "boulevard de la Rivière",
    "rue Notre-Dame",
    "rue des Bouleaux",
    "avenue du Parc",
    "chemin de la Grève",
    "rue du Collège",
    "rue de la Gare",
    "rue des Mésanges",
    "montée des Pins",
    "rue du Quai",
    "côte de la Fabrique",
    "rue des Lilas",
    "avenue de l'Étang",
    "rue du Forgeron",
    "chemin des Cèdres",
    "rue Saint-Hélène",
    "place du Marché",
    "rue Maple",
    "rue Queen",
    "rang des Outardes",
    "rue de la Tannerie",
];

const TOWNS: &[&str] = &[
    "Sainte-Adèle-sur-Rivière",
    "Val-des-Pruches",
    "Saint-Anselme-du-Lac",
    "Pointe-aux-Outardes-Nord",
    "L'Anse-à-Lachance",
    "Mont-Tilleul",
    "Saint-Éloi-des-Érables",
    "Rivière-aux-Aulnes",
    "Notre-Dame-des-Quais",
    "Havre-aux-Cormorans",
    "Saint-Ludger-de-l'Île",
    "Belle-Éclaircie",
    "Sainte-Ursule-des-Monts",
    "Port-Cabot-Est",
    "Lac-à-la-Loutre",
    "Kingsford Mills",
    "Saint-Gédéon-le-Vieux",
    "Trois-Moulins",
    "Grande-Batture",
    "New Bridport",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_telephone_number_or_mail_address_can_be_somebodys() {
        let mut seed = Seed::new(1);
        for n in 0..2_000 {
            let number = phone(&mut seed);
            assert!(number.len() == 12 && number[3..].starts_with("-555-01"), "{number}");
            let (first, last) = person(&mut seed);
            let mail = email(&mut seed, first, last, n);
            assert!(mail.is_ascii() && mail.contains("@example."), "{mail}");
        }
    }
}
