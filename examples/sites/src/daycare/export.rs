//! The export of a list: the whole of it, of whichever centre the address names. Nothing counts and nothing stops it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::daycare::Daycare;
use crate::daycare::file::File;
use crate::daycare::store::{self, Store};
use crate::failure::{Failure, Vendor};
use crate::legacy::Visit;
use crate::params::{Params, number};
use crate::text::csv_line;

pub(super) async fn csv(
    State(daycare): State<Arc<Daycare>>,
    visit: Visit,
    params: Params,
) -> Result<Response, Failure> {
    let centre = asked_centre(&daycare, &visit, &params)?;
    let body = walk(daycare.store.clone(), centre, Form::Csv);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"liste.csv\""),
    ];
    Ok((headers, body).into_response())
}

pub(super) async fn json(
    State(daycare): State<Arc<Daycare>>,
    visit: Visit,
    params: Params,
) -> Result<Response, Failure> {
    let centre = asked_centre(&daycare, &visit, &params)?;
    let body = walk(daycare.store.clone(), centre, Form::Json);
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, "attachment; filename=\"liste.json\""),
    ];
    Ok((headers, body).into_response())
}

/// A centre gets its own list unless it asks for another: the address is believed.
fn asked_centre(daycare: &Daycare, visit: &Visit, params: &Params) -> Result<Option<u32>, Failure> {
    let own = daycare.lists(visit)?;
    match params.text("centre") {
        "" => Ok(own),
        "all" => Ok(None),
        centre => number(Vendor::AspNet, centre).map(Some),
    }
}

/// Walks the list on a blocking thread, no faster than the client reads; ends when the client goes away.
fn walk(store: Store, centre: Option<u32>, form: Form) -> Body {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    spawn_blocking(move || {
        let mut last = 0;
        let mut chunk = form.head();
        loop {
            let files = match store.ask_here(|db| store::after(db, centre, last, STEP)) {
                Ok(files) => files,
                Err(error) => return drop(sender.blocking_send(Err(std::io::Error::other(error)))),
            };
            for file in &files {
                form.add(&mut chunk, file, last == 0);
                last = file.id;
            }
            let done = files.is_empty();
            if done {
                chunk.push_str(form.tail());
            }
            if sender
                .blocking_send(Ok(Bytes::from(std::mem::take(&mut chunk))))
                .is_err()
                || done
            {
                return;
            }
        }
    });
    Body::from_stream(stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    }))
}

#[derive(Clone, Copy)]
enum Form {
    Csv,
    Json,
}

impl Form {
    fn head(self) -> String {
        match self {
            Self::Csv => csv_line(File::COLUMNS),
            Self::Json => "[".to_owned(),
        }
    }

    fn add(self, chunk: &mut String, file: &File, first: bool) {
        match self {
            Self::Csv => chunk.push_str(&csv_line(file.fields(&file.numbers()))),
            Self::Json => {
                chunk.push_str(if first { "\n" } else { ",\n" });
                chunk.push_str(&serde_json::to_string(file).unwrap_or_default());
            }
        }
    }

    fn tail(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Json => "\n]\n",
        }
    }
}

/// Files read at a time, some 150 KiB.
const STEP: u32 = 500;
