//! What is said to somebody who waits, in French and in English.

use std::time::Duration;

use time::OffsetDateTime;

use crate::flow::Estimate;
use crate::refusal::{Waits, Why};
use crate::room::Standing;

/// One language of the page.
pub(crate) trait Language {
    /// BCP 47.
    fn tag(&self) -> &'static str;
    fn told(&self, waits: &Waits) -> Told;
    /// Of a form that was not sent on.
    fn not_sent_on(&self) -> &'static str;
    fn updated(&self, waits: &Waits) -> String;
    fn look_now(&self) -> &'static str;
}

/// What a page says; all of it is HTML.
pub(crate) struct Told {
    /// In the tab: what changes first.
    pub(crate) title: String,
    pub(crate) title_of_page: &'static str,
    pub(crate) status: Vec<String>,
    pub(crate) notes: Vec<String>,
}

pub(crate) struct French;
pub(crate) struct English;

impl Language for French {
    fn tag(&self) -> &'static str {
        "fr"
    }

    fn told(&self, waits: &Waits) -> Told {
        let kept = French::duration(waits.keep_place);
        let every = waits.again().as_secs();
        let keep_open = format!(
            "Gardez cette page ouverte\u{a0}: elle se met à jour d’elle-même aux {every} secondes et vous fait entrer quand c’est votre tour."
        );
        let away = format!(
            "Recharger la page ne fait ni gagner ni perdre votre place. Si vous fermez la page, ou si votre téléphone se verrouille, votre place est gardée pendant {kept}."
        );
        let cookie =
            "Votre place est notée dans un témoin (cookie) de ce site\u{a0}: votre navigateur doit les accepter."
                .to_owned();
        let simple = |title: &'static str, status: &str| Told {
            title: title.to_owned(),
            title_of_page: title,
            status: vec![status.to_owned()],
            notes: Vec::new(),
        };
        match waits.why {
            Why::Line(standing) => {
                let (title, ahead) = French::ahead(standing);
                Told {
                    title,
                    title_of_page: "Vous êtes dans la file d’attente",
                    status: vec![ahead, French::estimate(standing.estimate)],
                    notes: vec!["Chaque personne entre selon son rang\u{a0}; personne ne peut passer devant vous.".to_owned(), keep_open, away, cookie],
                }
            }
            Why::Early(standing) => Told {
                title: "Pas encore ouvert".to_owned(),
                title_of_page: "Le site n’est pas encore ouvert",
                status: vec![
                    waits.opens.map(|opens| format!("Ouverture\u{a0}: <b>{}</b>", French::moment(opens))).unwrap_or_default(),
                    match standing.waiting {
                        0 | 1 => "Vous êtes la seule personne qui attend.".to_owned(),
                        many => format!("{} personnes attendent, vous compris.", grouped(many, "\u{202f}")),
                    },
                ],
                notes: vec![
                    "À l’ouverture, le rang de toutes les personnes présentes est tiré au sort. Être là plus tôt n’avantage personne\u{a0}; qui arrive après l’ouverture passe ensuite, selon son arrivée.".to_owned(),
                    keep_open,
                    away,
                    cookie,
                ],
            },
            Why::Full => simple("La file est pleine", "Trop de personnes attendent déjà, et vous n’avez pas de place dans la file. Revenez dans quelques minutes\u{a0}: des places se libèrent quand la file avance."),
            Why::Crowded => simple("Trop de places pour votre connexion", "Votre connexion Internet (maison, école, bureau ou réseau mobile) a déjà autant de places dans la file que ce qui est permis. Revenez plus tard, ou essayez avec une autre connexion."),
            Why::NoPlace => simple("Le site est plein", "Il n’y a pas de place en ce moment. Ouvrez une page du site dans un navigateur pour prendre rang dans la file."),
        }
    }

    fn not_sent_on(&self) -> &'static str {
        "Ce que vous venez d’envoyer n’a PAS été transmis au site. À votre tour, vous reviendrez à la page d’où vous l’avez envoyé, pour l’envoyer de nouveau. Le bouton «\u{a0}Précédent\u{a0}» du navigateur montre souvent encore ce que vous aviez écrit."
    }

    fn updated(&self, waits: &Waits) -> String {
        let (clock, zone) = clock(waits);
        format!("Mis à jour à <time>{clock}</time>{zone}.")
    }

    fn look_now(&self) -> &'static str {
        "Mettre à jour maintenant"
    }
}

impl French {
    fn ahead(standing: Standing) -> (String, String) {
        match standing.ahead.unwrap_or_default() {
            0 => (
                "C’est bientôt à vous".to_owned(),
                "<b>Vous êtes la prochaine personne.</b>".to_owned(),
            ),
            1 => (
                "1 personne devant vous".to_owned(),
                "<b>1 personne</b> est devant vous.".to_owned(),
            ),
            many => {
                let many = grouped(many, "\u{202f}");
                (
                    format!("{many} devant vous"),
                    format!("<b>{many} personnes</b> sont devant vous."),
                )
            }
        }
    }

    fn estimate(estimate: Option<Estimate>) -> String {
        let Some(estimate) = estimate else {
            return "Attente estimée\u{a0}: nous ne le savons pas encore.".to_owned();
        };
        let said = match Span::of(estimate) {
            Span::UnderMinute => "moins d’une minute".to_owned(),
            Span::Minutes(1, 1) => "environ une minute".to_owned(),
            Span::Minutes(from, to) if from == to => format!("environ {from} minutes"),
            Span::Minutes(0, to) => format!("moins de {to} minutes"),
            Span::Minutes(from, to) => format!("de {from} à {to} minutes"),
            Span::Hours(from, to) if from == to => format!("environ {from} heures"),
            Span::Hours(0, to) => format!("moins de {to} heures"),
            Span::Hours(from, to) => format!("de {from} à {to} heures"),
            Span::Long => "plus d’une journée".to_owned(),
        };
        format!("Attente estimée\u{a0}: <b>{said}</b>, au rythme actuel.")
    }

    fn moment(moment: OffsetDateTime) -> String {
        const MONTHS: [&str; 12] = [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ];
        let day = match moment.day() {
            1 => "1<sup>er</sup>".to_owned(),
            day => day.to_string(),
        };
        let month = MONTHS[usize::from(u8::from(moment.month())) - 1];
        format!(
            "le {day} {month} {} à {} h {:02}{}",
            moment.year(),
            moment.hour(),
            moment.minute(),
            zone(moment)
        )
    }

    fn duration(duration: Duration) -> String {
        match duration.as_secs() {
            3_600 => "une heure".to_owned(),
            60 => "une minute".to_owned(),
            seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
            seconds => format!("{seconds} secondes"),
        }
    }
}

impl Language for English {
    fn tag(&self) -> &'static str {
        "en"
    }

    fn told(&self, waits: &Waits) -> Told {
        let kept = English::duration(waits.keep_place);
        let every = waits.again().as_secs();
        let keep_open = format!(
            "Keep this page open: it updates by itself every {every} seconds and lets you in when it is your turn."
        );
        let away = format!(
            "Reloading the page neither gains nor loses your place. If you close the page, or your phone locks, your place is kept for {kept}."
        );
        let cookie = "Your place is noted in a cookie of this site: your browser has to accept them.".to_owned();
        let simple = |title: &'static str, status: &str| Told {
            title: title.to_owned(),
            title_of_page: title,
            status: vec![status.to_owned()],
            notes: Vec::new(),
        };
        match waits.why {
            Why::Line(standing) => {
                let (title, ahead) = English::ahead(standing);
                Told {
                    title,
                    title_of_page: "You are in the line",
                    status: vec![ahead, English::estimate(standing.estimate)],
                    notes: vec!["Everybody is let in by their number; nobody can get ahead of you.".to_owned(), keep_open, away, cookie],
                }
            }
            Why::Early(standing) => Told {
                title: "Not open yet".to_owned(),
                title_of_page: "The site is not open yet",
                status: vec![
                    waits.opens.map(|opens| format!("It opens on <b>{}</b>", English::moment(opens))).unwrap_or_default(),
                    match standing.waiting {
                        0 | 1 => "You are the only person waiting.".to_owned(),
                        many => format!("{} people are waiting, you among them.", grouped(many, ",")),
                    },
                ],
                notes: vec![
                    "At the opening, the order of all who are here is drawn by lot. Having come earlier helps nobody; whoever comes after the opening follows, in order of arrival.".to_owned(),
                    keep_open,
                    away,
                    cookie,
                ],
            },
            Why::Full => simple("The line is full", "Too many people are waiting already, and you have no place in the line. Come back in a few minutes: there is room again as the line moves."),
            Why::Crowded => simple("Too many places for your connection", "Your internet connection (home, school, office or mobile network) has as many places in the line as one may have. Come back later, or try another connection."),
            Why::NoPlace => simple("The site is full", "There is no place at the moment. Open a page of the site in a browser to get a place in the line."),
        }
    }

    fn not_sent_on(&self) -> &'static str {
        "What you just sent was NOT passed on to the site. When it is your turn you come back to the page that you sent it from, to send it again. The browser’s “Back” button often still shows what you had written."
    }

    fn updated(&self, waits: &Waits) -> String {
        let (clock, zone) = clock(waits);
        format!("Updated at <time>{clock}</time>{zone}.")
    }

    fn look_now(&self) -> &'static str {
        "Update now"
    }
}

impl English {
    fn ahead(standing: Standing) -> (String, String) {
        match standing.ahead.unwrap_or_default() {
            0 => ("You are next".to_owned(), "<b>You are next.</b>".to_owned()),
            1 => (
                "1 person ahead of you".to_owned(),
                "<b>1 person</b> is ahead of you.".to_owned(),
            ),
            many => {
                let many = grouped(many, ",");
                (
                    format!("{many} ahead of you"),
                    format!("<b>{many} people</b> are ahead of you."),
                )
            }
        }
    }

    fn estimate(estimate: Option<Estimate>) -> String {
        let Some(estimate) = estimate else {
            return "Estimated wait: we do not know yet.".to_owned();
        };
        let said = match Span::of(estimate) {
            Span::UnderMinute => "less than a minute".to_owned(),
            Span::Minutes(1, 1) => "about a minute".to_owned(),
            Span::Minutes(from, to) if from == to => format!("about {from} minutes"),
            Span::Minutes(0, to) => format!("less than {to} minutes"),
            Span::Minutes(from, to) => format!("{from} to {to} minutes"),
            Span::Hours(from, to) if from == to => format!("about {from} hours"),
            Span::Hours(0, to) => format!("less than {to} hours"),
            Span::Hours(from, to) => format!("{from} to {to} hours"),
            Span::Long => "more than a day".to_owned(),
        };
        format!("Estimated wait: <b>{said}</b>, at the present pace.")
    }

    fn moment(moment: OffsetDateTime) -> String {
        let (month, day, year) = (moment.month(), moment.day(), moment.year());
        let (hour, half) = match moment.hour() {
            0 => (12, "a.m."),
            hour @ 1..=11 => (hour, "a.m."),
            12 => (12, "p.m."),
            hour => (hour - 12, "p.m."),
        };
        format!(
            "{month} {day}, {year}, at {hour}:{:02} {half}{}",
            moment.minute(),
            zone(moment)
        )
    }

    fn duration(duration: Duration) -> String {
        match duration.as_secs() {
            3_600 => "an hour".to_owned(),
            60 => "a minute".to_owned(),
            seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
            seconds => format!("{seconds} seconds"),
        }
    }
}

/// An estimate as it is said: in whole minutes, from twenty on in fives, from two hours on in hours. The ends are rounded
/// outwards, so that what is said is never narrower than what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    UnderMinute,
    Minutes(u64, u64),
    Hours(u64, u64),
    Long,
}

impl Span {
    fn of(Estimate { from, to, .. }: Estimate) -> Self {
        let (from, to) = (from.as_secs(), to.as_secs());
        let minutes = |step: u64| (from / 60 / step * step, to.div_ceil(60).div_ceil(step) * step);
        match to {
            0..=60 => Self::UnderMinute,
            61..=1_200 => Self::Minutes(minutes(1).0, minutes(1).1),
            1_201..=7_200 => Self::Minutes(minutes(5).0, minutes(5).1),
            7_201..=86_400 => Self::Hours(from / 3_600, to.div_ceil(3_600)),
            _ => Self::Long,
        }
    }
}

/// The time of day of the answer, and its zone unless that is the site's own.
fn clock(waits: &Waits) -> (String, &'static str) {
    let now = waits.now.to_offset(waits.offset());
    let zone = if waits.opens.is_some() { "" } else { " (UTC)" };
    (
        format!("{:02}:{:02}:{:02}", now.hour(), now.minute(), now.second()),
        zone,
    )
}

/// The difference from UTC, so that somebody on a journey is not an hour late.
fn zone(moment: OffsetDateTime) -> String {
    let (hours, minutes, _) = moment.offset().as_hms();
    let sign = if moment.offset().is_negative() { '−' } else { '+' };
    match (hours.unsigned_abs(), minutes.unsigned_abs()) {
        (0, 0) => " (UTC)".to_owned(),
        (hours, 0) => format!(" (UTC{sign}{hours})"),
        (hours, minutes) => format!(" (UTC{sign}{hours}:{minutes:02})"),
    }
}

/// A number with something between its thousands.
fn grouped(number: usize, between: &str) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, rest) = digits.split_at(first);
    let groups = rest
        .as_bytes()
        .chunks(3)
        .map(|group| String::from_utf8_lossy(group).into_owned());
    let head = (!head.is_empty()).then(|| head.to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn estimate(from: u64, to: u64) -> Option<Estimate> {
        let [from, to] = [from, to].map(Duration::from_secs);
        Some(Estimate { from, to, likely: from })
    }

    #[test]
    fn a_span_is_never_said_narrower_than_it_is() {
        for (from, to, english, french) in [
            (5, 30, "less than a minute", "moins d’une minute"),
            (20, 100, "less than 2 minutes", "moins de 2 minutes"),
            (721, 1_061, "12 to 18 minutes", "de 12 à 18 minutes"),
            (1_199, 2_401, "15 to 45 minutes", "de 15 à 45 minutes"),
            (7_000, 9_000, "1 to 3 hours", "de 1 à 3 heures"),
            (90_000, 99_000, "more than a day", "plus d’une journée"),
        ] {
            let said = English::estimate(estimate(from, to));
            assert!(said.contains(&format!("<b>{english}</b>")), "{said}");
            let said = French::estimate(estimate(from, to));
            assert!(said.contains(&format!("<b>{french}</b>")), "{said}");
        }
        assert!(English::estimate(None).contains("we do not know yet"));
        assert!(French::estimate(None).contains("nous ne le savons pas encore"));
    }

    #[test]
    fn a_moment_is_said_as_the_people_of_the_place_say_it() {
        let moment = |text: &str| OffsetDateTime::parse(text, &Rfc3339).unwrap();
        let opens = moment("2027-03-01T08:00:00-05:00");
        assert_eq!(French::moment(opens), "le 1<sup>er</sup> mars 2027 à 8 h 00 (UTC−5)");
        assert_eq!(English::moment(opens), "March 1, 2027, at 8:00 a.m. (UTC−5)");
        assert_eq!(
            English::moment(moment("2027-03-12T00:30:00Z")),
            "March 12, 2027, at 12:30 a.m. (UTC)"
        );
        assert_eq!(
            French::moment(moment("2027-08-12T13:05:00-02:30")),
            "le 12 août 2027 à 13 h 05 (UTC−2:30)"
        );
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [7, 999, 1_000, 12_345_678].map(|number| grouped(number, ",")),
            ["7", "999", "1,000", "12,345,678"]
        );
    }
}
