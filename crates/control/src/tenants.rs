//! `GET /v1/tenants`.

use rempart_proxy::TenantStatus;
use serde::Serialize;

use crate::administration::Administration;
use crate::refusal::{Answer, json};
use crate::reload::directory;

/// How each tenant stands, by name.
pub(crate) fn answer(administration: &Administration) -> Answer {
    let directory = directory(administration.control());
    let all = administration.control().tenants().into_iter().map(|mut status| {
        status.wrong = status.wrong.under(&directory);
        let first = |said: String| said.lines().next().map(str::to_owned);
        let problems = status.wrong.iter().filter_map(|one| first(one.to_string()));
        Row {
            problems: problems.collect(),
            status,
        }
    });
    json(&Rows { tenants: all.collect() })
}

#[derive(Serialize)]
struct Rows {
    tenants: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    status: TenantStatus,
    /// For a person, a line each: file, line, column, code, what is wrong.
    problems: Vec<String>,
}
