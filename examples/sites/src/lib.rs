//! Three legacy client sites that a vendor hosts, "as if they could not be changed": what Rempart stands in front of.
//!
//! They are small but honest web applications, each with pages a person can click through (French first, English by
//! the link at the top) and a JSON API. The end-to-end tests, `rempart demo` and the drill all run against them.
//! **They are vulnerable on purpose. Never expose one to a network.** All the data is generated from a fixed seed;
//! no person, address or telephone number in it is real.
//!
//! | site | is | session cookie | default port |
//! |---|---|---|---|
//! | [`library`] | Bibliothèque des Rivières: a catalogue of 3,000 titles, loans, renewals, holds | `PHPSESSID` | 9101 |
//! | [`city`] | Ville de Sainte-Adèle-sur-Rivière: news, building permits with uploads, councillors' intranet; streams and upgrades | `JSESSIONID`, then `vendor_sso` with a `Domain` | 9102 |
//! | [`daycare`] | Place aux petits: the single waiting list, 86,000 files in SQLite | `ASP.NET_SessionId` | 9103 |
//!
//! # The flaws, and what a careful application would do
//!
//! | flaw | site | route | a careful application |
//! |---|---|---|---|
//! | creates an administrator without checking who asks | daycare | `POST /admin/accounts/create` | asks for an administrator's session on the `POST`, not only on the form |
//! | record by sequential number, no ownership check | daycare | `GET /api/files/{id}`, `GET /file.aspx?id=` | shows a parent their own file and a centre its own list |
//! | document by sequential number, no login at all | city | `GET /permits/{n}`, `/permits/{n}/document`, `/api/permits/{n}` | asks for the requester's or the clerk's session |
//! | export without a limit, of any centre's list | daycare | `GET /export.csv`, `/export.json`, `?centre=all` | ties the list to the account, caps it, tells somebody |
//! | export without a limit | library | `GET /patrons.csv`, `/index.php?page=export` | caps it, tells somebody |
//! | error pages with stack traces, paths, an internal host | all | `/index.php?id='`, `/page.do?id='`, `/file.aspx?id='` | logs the trace, shows a number |
//! | session fixation: login keeps the identifier presented | all | `POST /login`, `POST /intranet/login` | makes a new session at login |
//! | cookies without `Secure`, `HttpOnly`, `SameSite` | all | every page | sets them |
//! | a cookie whose `Domain` covers the vendor's other clients | city | `POST /intranet/login` | sets a host-only cookie |
//! | no forgery token on any form | all | every `POST` | has one, and checks `Sec-Fetch-Site` |
//! | no limit on tries at a 4-digit PIN | library | `POST /login`, `POST /api/login` | slows down, locks, tells the patron |
//! | a birth date as the password | daycare | `POST /login` | sends a code to the address on file |
//! | passwords kept and compared in clear | all | accounts | hashes them |
//! | uploads served back as the type the client claimed | city | `GET /permits/{n}/document` | serves `application/octet-stream`, as an attachment |
//! | banners with old versions | all | every answer | sends none |
//!
//! What is *not* wrong on purpose: HTML is escaped, SQL is bound, paths are not built from names, every list in memory is
//! bounded. An edge cannot mend those, and a fixture that could really be taken over would be a danger to its users.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use rempart_example_sites::{Site, serve};
//! let listener = tokio::net::TcpListener::bind(("127.0.0.1", Site::Library.default_port())).await?;
//! serve(Site::Library, listener, std::path::Path::new("target/library")).await
//! # }
//! ```

pub mod city;
pub mod daycare;
pub mod library;

mod cli;
mod date;
mod failure;
mod html;
mod legacy;
mod names;
mod params;
mod seed;
mod serve;
mod session;
mod text;

use std::io;
use std::path::Path;

pub use cli::run;
pub use serve::{Peer, serve, serve_with};

/// One of the three client sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// Bibliothèque des Rivières.
    Library,
    /// Ville de Sainte-Adèle-sur-Rivière.
    City,
    /// Place aux petits, the waiting list.
    Daycare,
}

impl Site {
    /// The three sites, in the order of their ports.
    pub const ALL: [Self; 3] = [Self::Library, Self::City, Self::Daycare];

    /// The word for it in commands and file names: `library`, `city`, `daycare`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::City => "city",
            Self::Daycare => "daycare",
        }
    }

    /// The site of that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|site| site.name() == name)
    }

    /// The port it listens on when nobody says otherwise: 9101, 9102, 9103.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Library => 9101,
            Self::City => 9102,
            Self::Daycare => 9103,
        }
    }

    /// The whole site, ready to be served. Blocks: at its first start the daycare writes 86,000 files.
    ///
    /// # Errors
    /// When the data directory cannot be made or written, or holds a database that is not the site's.
    pub fn router(self, data: &Path, options: &Options) -> io::Result<axum::Router> {
        match self {
            Self::Library => Ok(library::router()),
            Self::City => city::router(data, &options.cookie_domain),
            Self::Daycare => daycare::router(data),
        }
    }
}

/// What can be said about a site beyond where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The `Domain` of the city's `vendor_sso` cookie, which covers the vendor's other clients. `localhost` unless told.
    pub cookie_domain: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cookie_domain: "localhost".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_is_found_by_its_name_and_no_other() {
        for site in Site::ALL {
            assert_eq!(Site::from_name(site.name()), Some(site));
        }
        assert_eq!(Site::from_name("Library"), None);
        assert_eq!(Site::from_name(""), None);
    }

    #[test]
    fn no_two_sites_share_a_port() {
        let mut ports = Site::ALL.map(Site::default_port);
        ports.sort_unstable();
        assert_eq!(ports, [9101, 9102, 9103]);
    }
}
