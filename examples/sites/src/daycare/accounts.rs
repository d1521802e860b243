//! Accounts of centres and administrators. Passwords are kept as they are typed: one of the flaws.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;

use crate::date::Date;
use crate::daycare::store;
use crate::daycare::{ADMIN, CENTRES, User};

/// An account as the list of accounts shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Account {
    pub(super) id: u32,
    pub(super) name: String,
    /// `admin` or `centre`.
    pub(super) role: String,
    /// 0 for an administrator.
    pub(super) centre: u32,
    pub(super) created_on: String,
}

pub(super) const SCHEMA: &str = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, password TEXT NOT NULL, \
                                 role TEXT NOT NULL, centre INTEGER NOT NULL, created_on TEXT NOT NULL);";

/// The accounts there are from the start: two administrators and every centre.
pub(super) fn seed(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare(INSERT)?;
    for (name, password) in [ADMIN, ("direction", "Escalier-3300")] {
        insert.execute(params![name, password, "admin", 0, "2014-06-02"])?;
    }
    for centre in 1..=CENTRES {
        let (name, password) = (format!("centre-{centre:03}"), format!("Tournesol-{centre:03}"));
        insert.execute(params![name, password, "centre", centre, "2014-06-02"])?;
    }
    Ok(())
}

/// Whose name and password these are. A name of digits is a file's number, and its password the child's birth date.
pub(super) fn login(db: &Connection, name: &str, password: &str) -> rusqlite::Result<Option<User>> {
    if let Ok(id) = name.parse() {
        let file = store::file(db, id)?;
        return Ok(file
            .filter(|file| file.birth_date == password)
            .map(|file| User::Parent(file.id)));
    }
    let mut statement = db.prepare_cached("SELECT role, centre FROM accounts WHERE name = ?1 AND password = ?2")?;
    let found: Option<(String, u32)> = statement
        .query_row([name, password], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map(|(role, centre)| {
        if role == "admin" {
            User::Admin(name.to_owned())
        } else {
            User::Centre(centre)
        }
    }))
}

/// All accounts, the newest first.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Account>> {
    let mut statement =
        db.prepare_cached("SELECT id, name, role, centre, created_on FROM accounts ORDER BY id DESC LIMIT 1000")?;
    statement.query_map([], read)?.collect()
}

/// Makes an account; `None` when the name is taken or there are 10,000 already.
pub(super) fn create(
    db: &Connection,
    name: &str,
    password: &str,
    role: &str,
    centre: u32,
) -> rusqlite::Result<Option<u32>> {
    let many: u32 = db.query_row("SELECT count(*) FROM accounts", [], |row| row.get(0))?;
    let taken: bool = db
        .prepare_cached("SELECT 1 FROM accounts WHERE name = ?1")?
        .exists([name])?;
    if taken || many >= 10_000 {
        return Ok(None);
    }
    db.prepare_cached(INSERT)?
        .execute(params![name, password, role, centre, Date::today().to_string()])?;
    Ok(u32::try_from(db.last_insert_rowid()).ok())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: row.get(0)?,
        name: row.get(1)?,
        role: row.get(2)?,
        centre: row.get(3)?,
        created_on: row.get(4)?,
    })
}

const INSERT: &str = "INSERT INTO accounts (name, password, role, centre, created_on) VALUES (?1, ?2, ?3, ?4, ?5)";
