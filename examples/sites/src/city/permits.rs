//! Building-permit requests: numbered from 1, each two files in the data directory, `N.json` and `N.document`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_blocking;

use crate::city::PERMITS;
use crate::date::Date;
use crate::failure::{Failure, Vendor};
use crate::names;
use crate::seed::Seed;
use crate::session::fresh;

/// One request as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Permit {
    pub(super) number: u32,
    pub(super) applicant: String,
    pub(super) email: String,
    pub(super) address: String,
    pub(super) kind: String,
    pub(super) description: String,
    pub(super) received: String,
    pub(super) status: String,
    /// What the applicant called the document; never part of a path.
    pub(super) document: String,
    /// What the applicant said it is: served back as it was said.
    pub(super) content_type: String,
}

/// The folder of requests.
pub(super) struct Permits {
    folder: PathBuf,
    /// The highest number given.
    last: Mutex<u32>,
}

impl Permits {
    /// Opens the folder, or makes it with its first requests; what a kill left half made is removed.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        if !folder.is_dir() {
            let half = folder.with_extension("half");
            if half.exists() {
                fs::remove_dir_all(&half)?;
            }
            fs::create_dir_all(&half)?;
            for number in 1..=PERMITS {
                invent(&half, number)?;
            }
            fs::rename(&half, folder)?;
        }
        let mut last = 0;
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(".json"))
                .and_then(|stem| stem.parse().ok());
            last = last.max(number.unwrap_or(0));
        }
        Ok(Self {
            folder: folder.to_owned(),
            last: Mutex::new(last),
        })
    }

    pub(super) fn last(&self) -> u32 {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn one(&self, number: u32) -> Result<Permit, Failure> {
        let path = self.json(number);
        let read = spawn_blocking(move || Ok(serde_json::from_slice(&fs::read(path)?)?)).await;
        read.map_err(io::Error::other)
            .and_then(|read: io::Result<Permit>| read)
            .map_err(|error| missing(&error))
    }

    /// The requests with these numbers that are there, newest first.
    pub(super) async fn some(&self, from: u32, to: u32) -> Vec<Permit> {
        let paths: Vec<PathBuf> = (from..=to).rev().map(|number| self.json(number)).collect();
        let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
        spawn_blocking(move || paths.into_iter().filter_map(read).collect())
            .await
            .unwrap_or_default()
    }

    /// The document of a request, opened.
    pub(super) async fn document(&self, number: u32) -> Result<File, Failure> {
        File::open(self.folder.join(format!("{number}.document")))
            .await
            .map_err(|error| missing(&error))
    }

    /// Takes a request from a form: the document goes to disk as it arrives.
    pub(super) async fn receive(&self, form: Multipart) -> Result<Permit, Failure> {
        let upload = self.folder.join(format!("{:032x}.upload", fresh()));
        let kept = self.keep(form, &upload).await;
        if kept.is_err() {
            // Whatever went wrong, nobody will ask for it; when there is none, nothing is lost either.
            let _ = tokio::fs::remove_file(&upload).await;
        }
        kept
    }

    async fn keep(&self, mut form: Multipart, upload: &Path) -> Result<Permit, Failure> {
        let mut permit = Permit {
            received: Date::today().to_string(),
            status: "Reçue".to_owned(),
            ..Permit::default()
        };
        while let Some(field) = form.next_field().await.map_err(refused)? {
            match field.name().unwrap_or_default().to_owned().as_str() {
                "applicant" => permit.applicant = short(field).await?,
                "email" => permit.email = short(field).await?,
                "address" => permit.address = short(field).await?,
                "kind" => permit.kind = short(field).await?,
                "description" => permit.description = short(field).await?,
                "document" => permit.take(field, upload).await?,
                _ => {}
            }
        }
        if permit.applicant.is_empty() || permit.document.is_empty() {
            return Err(Failure::Page(StatusCode::BAD_REQUEST));
        }
        self.file(permit, upload).await
    }

    /// Gives it a number and its two files.
    async fn file(&self, mut permit: Permit, upload: &Path) -> Result<Permit, Failure> {
        permit.number = self.number()?;
        let (json, document) = (
            self.json(permit.number),
            self.folder.join(format!("{}.document", permit.number)),
        );
        let upload = upload.to_owned();
        let written = spawn_blocking(move || {
            fs::rename(upload, document)?;
            fs::write(json, serde_json::to_vec_pretty(&permit)?)?;
            Ok(permit)
        });
        written
            .await
            .map_err(io::Error::other)
            .and_then(|written| written)
            .map_err(|error: io::Error| Failure::storage(Vendor::Java, &error))
    }

    fn number(&self) -> Result<u32, Failure> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last >= MOST_PERMITS {
            return Err(Failure::Page(StatusCode::INSUFFICIENT_STORAGE));
        }
        *last += 1;
        Ok(*last)
    }

    fn json(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number}.json"))
    }
}

impl Permit {
    async fn take(&mut self, mut field: Field<'_>, upload: &Path) -> Result<(), Failure> {
        self.document = field.file_name().unwrap_or("document").chars().take(120).collect();
        self.content_type = field
            .content_type()
            .unwrap_or("application/octet-stream")
            .chars()
            .take(120)
            .collect();
        let storage = |error: io::Error| Failure::storage(Vendor::Java, &error);
        let mut file = File::create(upload).await.map_err(storage)?;
        let mut size = 0;
        while let Some(chunk) = field.chunk().await.map_err(refused)? {
            size += chunk.len();
            if size > MOST_BYTES {
                return Err(Failure::Page(StatusCode::PAYLOAD_TOO_LARGE));
            }
            file.write_all(&chunk).await.map_err(storage)?;
        }
        file.flush().await.map_err(storage)
    }
}

async fn short(field: Field<'_>) -> Result<String, Failure> {
    let text = field.text().await.map_err(refused)?;
    Ok(text.trim().chars().take(2_000).collect())
}

fn refused(error: MultipartError) -> Failure {
    Failure::Page(error.status())
}

fn missing(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::MISSING,
        _ => Failure::storage(Vendor::Java, error),
    }
}

fn invent(folder: &Path, number: u32) -> io::Result<()> {
    let seed = &mut Seed::of(SEED, number);
    let (first, last) = names::person(seed);
    let (kind, description) = seed.pick(KINDS);
    let permit = Permit {
        number,
        applicant: format!("{first} {last}"),
        email: names::email(seed, first, last, number),
        address: format!("{}, Sainte-Adèle-sur-Rivière", names::address(seed)),
        kind: kind.to_owned(),
        description: description.to_owned(),
        received: Date::new_year(2026)
            .plus(i32::try_from(number * 6).unwrap_or(0))
            .to_string(),
        status: seed
            .pick(&["Reçue", "À l'étude", "Accordée", "Accordée", "Refusée"])
            .to_owned(),
        document: format!("plan-{number:04}.svg"),
        content_type: "image/svg+xml".to_owned(),
    };
    fs::write(folder.join(format!("{number}.document")), plan(seed, &permit))?;
    fs::write(
        folder.join(format!("{number}.json")),
        serde_json::to_vec_pretty(&permit)?,
    )
}

/// A ground plan: a lot, a house, and what is to be built.
fn plan(seed: &mut Seed, permit: &Permit) -> String {
    let (width, depth) = (90 + seed.below(90), 70 + seed.below(60));
    let (x, y) = (220 + seed.below(60), 60 + seed.below(90));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 300\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect width=\"400\" height=\"300\" fill=\"#eef4fb\"/><rect x=\"20\" y=\"30\" width=\"360\" height=\"230\" fill=\"none\" stroke=\"#245\" stroke-dasharray=\"7 4\"/>\
         <rect x=\"45\" y=\"60\" width=\"{width}\" height=\"{depth}\" fill=\"#cfdcec\" stroke=\"#245\"/>\
         <rect x=\"{x}\" y=\"{y}\" width=\"80\" height=\"60\" fill=\"#f4cf8d\" stroke=\"#850\"/>\
         <text x=\"20\" y=\"20\">Demande {} · {}</text><text x=\"20\" y=\"282\">Plan inventé, échelle 1:200</text></svg>\n",
        permit.number, permit.kind,
    )
}

const SEED: u64 = 0x0C17_7E57;
/// The largest document: 16 MiB.
pub(super) const MOST_BYTES: usize = 16 << 20;
const MOST_PERMITS: u32 = 10_000;

const KINDS: &[(&str, &str)] = &[
    (
        "Remise de jardin",
        "Remise de 3,6 m sur 4,8 m au fond de la cour, toit de tôle.",
    ),
    (
        "Agrandissement",
        "Ajout d'une chambre et d'une salle d'eau au rez-de-chaussée.",
    ),
    ("Clôture", "Clôture de bois de 1,8 m le long de la limite arrière."),
    ("Piscine", "Piscine creusée de 4 m sur 8 m avec enceinte."),
    (
        "Abattage d'arbre",
        "Un frêne atteint par l'agrile, à moins de trois mètres de la maison.",
    ),
    ("Galerie", "Réfection de la galerie avant, à l'identique."),
    (
        "Logement accessoire",
        "Aménagement d'un logement au sous-sol pour un parent.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_requests_are_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("permits");
        assert_eq!(Permits::open(&folder).unwrap().last(), PERMITS);
        fs::write(folder.join("77.json"), "{}").unwrap();
        assert_eq!(Permits::open(&folder).unwrap().last(), 77);
    }

    #[test]
    fn a_first_start_that_was_killed_leaves_nothing_half_made() {
        let dir = tempfile::tempdir().unwrap();
        let half = dir.path().join("permits.half");
        fs::create_dir(&half).unwrap();
        fs::write(half.join("900.json"), "{").unwrap();
        assert_eq!(Permits::open(&dir.path().join("permits")).unwrap().last(), PERMITS);
        assert!(!half.exists());
    }
}
