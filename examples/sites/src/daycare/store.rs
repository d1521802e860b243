//! The database: `daycare.sqlite`, made at the first start in one transaction under another name and then renamed, so
//! that a kill in the middle leaves nothing half made.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};
use tokio::task::spawn_blocking;

use crate::daycare::accounts;
use crate::daycare::file::File;
use crate::daycare::{DATABASE, FILES};
use crate::failure::{Failure, Vendor};

/// The waiting list on disk. Every question is asked on a blocking thread, one at a time.
#[derive(Clone)]
pub(super) struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens the database in `folder`, or makes it with its 86,000 files.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let database = folder.join(DATABASE);
        clear_halves(folder)?;
        if !database.exists() {
            let half = folder.join(format!("{HALF}{}", std::process::id()));
            seed(&half, FILES).map_err(io::Error::other)?;
            fs::File::open(&half)?.sync_all()?;
            fs::rename(&half, &database)?;
        }
        // Without the flag to create: a database that somebody removed meanwhile must not come back empty.
        let connection =
            Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(io::Error::other)?;
        connection
            .execute_batch("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL")
            .map_err(io::Error::other)?;
        connection
            .query_row("SELECT count(*) FROM accounts", [], |_| Ok(()))
            .map_err(io::Error::other)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Asks the database on a blocking thread; what it says when it fails ends in a stack trace.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = self.clone();
        let answer = spawn_blocking(move || store.ask_here(question)).await;
        let answer = answer.map_err(|error| Failure::storage(Vendor::AspNet, &error))?;
        answer.map_err(|error| Failure::storage(Vendor::AspNet, &error))
    }

    /// As [`ask`](Self::ask), for a caller that is on a blocking thread already.
    pub(super) fn ask_here<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        question(&self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The file of that number.
pub(super) fn file(db: &Connection, id: u32) -> rusqlite::Result<Option<File>> {
    db.prepare_cached("SELECT * FROM files WHERE id = ?1")?
        .query_row([id], read)
        .optional()
}

/// How many files wait for `centre`, or for any.
pub(super) fn total(db: &Connection, centre: Option<u32>) -> rusqlite::Result<u32> {
    match centre {
        Some(centre) => db
            .prepare_cached("SELECT count(*) FROM files WHERE centre = ?1")?
            .query_row([centre], |row| row.get(0)),
        None => db
            .prepare_cached("SELECT count(*) FROM files")?
            .query_row([], |row| row.get(0)),
    }
}

/// One page of a centre's list, or of the whole.
pub(super) fn page(db: &Connection, centre: Option<u32>, skip: u32, size: u32) -> rusqlite::Result<Vec<File>> {
    const OF_ONE: &str = "SELECT * FROM files WHERE centre = ?1 ORDER BY id LIMIT ?3 OFFSET ?2";
    const OF_ALL: &str = "SELECT * FROM files WHERE ?1 IS NULL ORDER BY id LIMIT ?3 OFFSET ?2";
    let mut statement = db.prepare_cached(if centre.is_some() { OF_ONE } else { OF_ALL })?;
    statement.query_map(params![centre, skip, size], read)?.collect()
}

/// The files after number `last`, `size` at most: how an export walks the list.
pub(super) fn after(db: &Connection, centre: Option<u32>, last: u32, size: u32) -> rusqlite::Result<Vec<File>> {
    const OF_ONE: &str = "SELECT * FROM files WHERE centre = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    const OF_ALL: &str = "SELECT * FROM files WHERE ?1 IS NULL AND id > ?2 ORDER BY id LIMIT ?3";
    let mut statement = db.prepare_cached(if centre.is_some() { OF_ONE } else { OF_ALL })?;
    statement.query_map(params![centre, last, size], read)?.collect()
}

/// The files where a name contains `words`, and how many there are.
pub(super) fn find(db: &Connection, words: &str, skip: u32, size: u32) -> rusqlite::Result<Vec<File>> {
    let like = format!("%{words}%");
    let mut statement = db.prepare_cached(concat!(
        "SELECT * FROM files WHERE parent1 LIKE ?1 OR parent2 LIKE ?1 OR child_first_name || ' ' || child_last_name LIKE ?1 ",
        "ORDER BY id LIMIT ?3 OFFSET ?2"
    ))?;
    statement.query_map(params![like, skip, size], read)?.collect()
}

/// Whether there was such a file.
pub(super) fn delete(db: &Connection, id: u32) -> rusqlite::Result<bool> {
    Ok(db.prepare_cached("DELETE FROM files WHERE id = ?1")?.execute([id])? == 1)
}

fn read(row: &Row<'_>) -> rusqlite::Result<File> {
    Ok(File {
        id: row.get(0)?,
        child_first_name: row.get(1)?,
        child_last_name: row.get(2)?,
        birth_date: row.get(3)?,
        parent1: row.get(4)?,
        parent2: row.get(5)?,
        phone: row.get(6)?,
        email: row.get(7)?,
        address: row.get(8)?,
        city: row.get(9)?,
        postal_code: row.get(10)?,
        registered_on: row.get(11)?,
        status: row.get(12)?,
        centre: row.get(13)?,
    })
}

/// Writes a whole database with files 1 to `files`. No journal and no flush: it counts only once it is renamed.
fn seed(path: &Path, files: u32) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(&schema())?;
    accounts::seed(&transaction)?;
    {
        let mut insert =
            transaction.prepare("INSERT INTO files VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)")?;
        for id in 1..=files {
            let file = File::invent(id);
            let numbers = file.numbers();
            // The two numbers become integers by the columns' affinity.
            insert.execute(file.fields(&numbers))?;
        }
    }
    transaction.execute_batch("CREATE INDEX files_of_centre ON files (centre)")?;
    transaction.commit()
}

fn schema() -> String {
    let [id, text @ .., centre] = File::COLUMNS;
    let text = text.map(|column| format!("{column} TEXT NOT NULL")).join(", ");
    format!(
        "CREATE TABLE files ({id} INTEGER PRIMARY KEY, {text}, {centre} INTEGER NOT NULL); {}",
        accounts::SCHEMA
    )
}

/// Removes what a start that was killed left behind.
fn clear_halves(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(HALF) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

const HALF: &str = "daycare.half-";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daycare::HOMONYM_FILE;

    #[test]
    fn a_first_start_that_was_killed_leaves_no_half_database() {
        let dir = tempfile::tempdir().unwrap();
        seed(&dir.path().join("daycare.half-1"), 10).unwrap();
        fs::write(dir.path().join("daycare.half-2"), "SQLite format 3").unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.ask_here(|db| total(db, None)).unwrap(), FILES);
        let left: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, [DATABASE]);
    }

    #[test]
    fn a_second_start_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        seed(&dir.path().join(DATABASE), 500).unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.ask_here(|db| delete(db, 7)).unwrap());
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.ask_here(|db| total(db, None)).unwrap(), 499);
        assert_eq!(store.ask_here(|db| file(db, 7)).unwrap(), None);
    }

    #[test]
    fn a_file_comes_back_as_it_was_invented() {
        let dir = tempfile::tempdir().unwrap();
        seed(&dir.path().join(DATABASE), 20).unwrap();
        let store = Store::open(dir.path()).unwrap();
        let all = store.ask_here(|db| after(db, None, 0, 100)).unwrap();
        assert_eq!(all, (1..=20).map(File::invent).collect::<Vec<_>>());
        assert_eq!(store.ask_here(|db| file(db, HOMONYM_FILE)).unwrap(), None);
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join(DATABASE),
            "not a database, certainly, and long enough to be looked at",
        )
        .unwrap();
        assert!(Store::open(dir.path()).is_err());
    }
}
