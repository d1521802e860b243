//! Place aux petits: the single waiting list for daycare, 86,000 synthetic files in an SQLite database.
//!
//! Pretends to be ASP.NET: `ASP.NET_SessionId` without flags, `.aspx` addresses beside the plain ones.
//!
//! | route | does |
//! |---|---|
//! | `GET /`, `/login` (`/login.aspx`), `POST /login` (`user`, `password`), `POST /logout` | a parent (file number and the child's birth date), a centre or an administrator comes in; a refused login is 401 |
//! | `GET /my-file` | the parent's own file |
//! | `GET /file.aspx?id=`, `/api/files/{id}` | **any** file by its number, for anybody logged in; `id='` ends in a stack trace |
//! | `GET /list?page=` (`/list.aspx`), `/api/files?page=&size=` | a centre's own list, 25 or at most 200 at a time |
//! | `GET /export.csv` (`/export.aspx`), `/export.json`, `?centre=17\|all` | a centre's list, **or any other, or all 86,000, without a limit** |
//! | `GET /admin`, `/admin/accounts`, `/api/accounts` | administrators: accounts |
//! | `GET /admin/accounts/create` | the form, for administrators only |
//! | `POST /admin/accounts/create` (`name`, `password`, `role`, `centre`) | makes the account, **and asks nobody who they are**: 201 |
//! | `GET /admin/files?q=&page=`, `POST /admin/files/{id}/delete`, `DELETE /api/files/{id}` | administrators: find and delete files |
//! | `POST /api/login` (JSON `user`, `password`), `GET /api/me` | the login as JSON |
//! | `GET /healthz` | `ok` |
//!
//! A file's number is in the JSON field `id`, the CSV column `id`, the HTML attribute `data-file`, and in the address.
//! Streets, towns, people, telephone numbers (555-01xx) and mail addresses (`example.org`, `.com`, `.net`) are invented.

mod accounts;
mod admin;
mod api;
mod export;
mod file;
mod look;
mod pages;
mod store;

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::failure::Failure;
use crate::legacy::{Platform, Visit, banners, sessions};
use crate::session::Sessions;

use store::Store;

/// How many files the list has at the first start, numbered from 1 without a gap.
pub const FILES: u32 = 86_000;
/// How many daycare centres there are, numbered from 1.
pub const CENTRES: u32 = 240;
/// The file whose first parent is the (invented) minister.
pub const MINISTER_FILE: u32 = 41_207;
/// The file of somebody else with the minister's name.
pub const HOMONYM_FILE: u32 = 63_850;
/// The name that both of those files carry as first parent.
pub const MINISTER_NAME: &str = "Mathilde Larivée-Désormeaux";
/// The name and password of the administrator there is from the start.
pub const ADMIN: (&str, &str) = ("admin", "Bottine-2014");
/// The name and password of centre 17; every other centre's follow the same pattern.
pub const CENTRE_17: (&str, &str) = ("centre-017", "Tournesol-017");
/// A parent's login: file 1017 and the birth date on it.
pub const PARENT_1017: (&str, &str) = ("1017", "2026-04-10");
/// The database in the data directory.
pub const DATABASE: &str = "daycare.sqlite";

/// The site; `data` keeps the database, which is made at the first start. Blocks for some seconds then.
///
/// # Errors
/// When `data` cannot be made or written, or `daycare.sqlite` is no database.
pub fn router(data: &Path) -> io::Result<Router> {
    let daycare = Arc::new(Daycare {
        store: Store::open(data)?,
        sessions: Sessions::new(),
    });
    let site = sessions(routes().with_state(daycare), &PLATFORM).route("/healthz", get(|| async { "ok\n" }));
    Ok(banners(site.layer(DefaultBodyLimit::max(64 * 1024)), &PLATFORM))
}

/// Everything the pages work with.
struct Daycare {
    store: Store,
    sessions: Sessions<User>,
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum User {
    /// The parent of that file.
    Parent(u32),
    /// The daycare centre of that number.
    Centre(u32),
    /// An administrator by name.
    Admin(String),
}

impl Daycare {
    fn user(&self, visit: &Visit) -> Result<User, Failure> {
        self.sessions.user(&visit.session).ok_or(Failure::Login("/login"))
    }

    fn admin(&self, visit: &Visit) -> Result<String, Failure> {
        match self.user(visit)? {
            User::Admin(name) => Ok(name),
            _ => Err(Failure::FORBIDDEN),
        }
    }

    /// The centre whose list the user works with; `None` is all of them.
    fn lists(&self, visit: &Visit) -> Result<Option<u32>, Failure> {
        match self.user(visit)? {
            User::Centre(centre) => Ok(Some(centre)),
            User::Admin(_) => Ok(None),
            User::Parent(_) => Err(Failure::FORBIDDEN),
        }
    }
}

fn routes() -> Router<Arc<Daycare>> {
    Router::new()
        .route("/", get(pages::home))
        .route("/login", get(pages::login_page).post(pages::login))
        .route("/login.aspx", get(pages::login_page).post(pages::login))
        .route("/logout", post(pages::logout))
        .route("/my-file", get(pages::my_file))
        .route("/file.aspx", get(pages::file))
        .route("/list", get(pages::list))
        .route("/list.aspx", get(pages::list))
        .route("/export.csv", get(export::csv))
        .route("/export.aspx", get(export::csv))
        .route("/export.json", get(export::json))
        .route("/admin", get(admin::home))
        .route("/admin/accounts", get(admin::accounts))
        .route("/admin/accounts/create", get(admin::account_form).post(admin::create))
        .route("/admin/files", get(admin::files))
        .route("/admin/files/{id}/delete", post(admin::delete))
        .route("/api/login", post(api::login))
        .route("/api/me", get(api::me))
        .route("/api/files", get(api::files))
        .route("/api/files/{id}", get(api::file).delete(api::delete))
        .route("/api/accounts", get(api::accounts))
        .fallback(|| async { Failure::MISSING })
}

const PLATFORM: Platform = Platform {
    server: "Microsoft-IIS/7.5",
    powered_by: "ASP.NET",
    cookie: "ASP.NET_SessionId",
    attributes: "; path=/",
};
