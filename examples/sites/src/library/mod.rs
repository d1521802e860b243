//! Bibliothèque des Rivières: a municipal library's catalogue of 3,000 titles, with loans, renewals and holds.
//!
//! Pretends to be PHP: `PHPSESSID` without flags, `/index.php?page=…` as another way to every page.
//!
//! | route | does |
//! |---|---|
//! | `GET /`, `/search?q=&page=`, `/titles/{id}` | the catalogue |
//! | `GET /login`, `POST /login` (`card`, `pin`), `POST /logout` | a patron or a librarian comes in; a refused login is 401 |
//! | `GET /account`, `POST /loans/{id}/renew`, `/titles/{id}/hold`, `/holds/{id}/cancel` | the patron's own loans and holds |
//! | `GET /patrons`, `/patrons.csv` | librarians: all patrons, **without a limit** |
//! | `GET /api/titles?q=&page=&size=`, `/api/titles/{id}` | the catalogue as JSON |
//! | `POST /api/login` (JSON `card`, `pin`), `GET /api/patron`, `/api/patron/loans`, `POST /api/patron/loans/{id}/renew` | the account as JSON |
//! | `GET /api/holds`, `POST /api/holds` (JSON `title`), `DELETE /api/holds/{id}` | holds as JSON |
//! | `GET /index.php?page=home\|search\|title\|login\|account\|export`, `?id=` | the same pages; `id='` ends in a stack trace |
//! | `GET /healthz` | `ok` |
//!
//! Loans and holds live in memory: a restart is the opening of a new day.

mod account;
mod api;
mod catalogue;
mod desk;
mod look;
mod pages;
mod staff;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use crate::legacy::{Platform, banners, sessions};
use crate::session::Sessions;

use catalogue::Catalogue;
use desk::Desk;

/// The demonstration card: patron number 17.
pub const DEMO_CARD: &str = "29001000000017";
/// The PIN of [`DEMO_CARD`].
pub const DEMO_PIN: &str = "4821";
/// The librarians' account, in place of a card.
pub const STAFF_NAME: &str = "bibliothecaire";
/// The password of [`STAFF_NAME`].
pub const STAFF_PASSWORD: &str = "Marque-page-1987";
/// How many titles the catalogue has.
pub const TITLES: u32 = 3_000;
/// How many patrons are registered.
pub const PATRONS: u32 = 1_200;

/// The site. It keeps nothing on disk.
pub fn router() -> Router {
    let library = Arc::new(Library {
        catalogue: Catalogue::new(),
        desk: Desk::open(),
        sessions: Sessions::new(),
    });
    let site = sessions(routes().with_state(library), &PLATFORM).route("/healthz", get(|| async { "ok\n" }));
    banners(site.layer(DefaultBodyLimit::max(64 * 1024)), &PLATFORM)
}

/// Everything the pages work with.
struct Library {
    catalogue: Catalogue,
    desk: Desk,
    sessions: Sessions<User>,
}

/// Who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    /// A patron, by number from 1.
    Patron(u32),
    Staff,
}

impl Library {
    /// The user of that card and PIN.
    fn credentials(&self, card: &str, pin: &str) -> Option<User> {
        if card == STAFF_NAME && pin == STAFF_PASSWORD {
            return Some(User::Staff);
        }
        let patron = self.desk.patrons.iter().find(|patron| patron.card == card)?;
        (patron.pin == pin).then_some(User::Patron(patron.number))
    }
}

fn routes() -> Router<Arc<Library>> {
    Router::new()
        .route("/", get(pages::home))
        .route("/index.php", get(pages::index_php).post(account::login))
        .route("/search", get(pages::search))
        .route("/titles/{id}", get(pages::title))
        .route("/titles/{id}/hold", post(account::hold))
        .route("/login", get(account::login_page).post(account::login))
        .route("/logout", post(account::logout))
        .route("/account", get(account::account))
        .route("/loans/{id}/renew", post(account::renew))
        .route("/holds/{id}/cancel", post(account::cancel))
        .route("/patrons", get(staff::patrons))
        .route("/patrons.csv", get(staff::export))
        .route("/api/titles", get(api::titles))
        .route("/api/titles/{id}", get(api::title))
        .route("/api/login", post(api::login))
        .route("/api/patron", get(api::patron))
        .route("/api/patron/loans", get(api::loans))
        .route("/api/patron/loans/{id}/renew", post(api::renew))
        .route("/api/holds", get(api::holds).post(api::hold))
        .route("/api/holds/{id}", delete(api::cancel))
        .fallback(|| async { crate::failure::Failure::MISSING })
}

const PLATFORM: Platform = Platform {
    server: "Apache/2.4.10 (Debian)",
    powered_by: "PHP/5.6.40",
    cookie: "PHPSESSID",
    attributes: "; path=/",
};
