//! `rempart session list` and `rempart session kill`.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rempart_control::Which;
use serde::Deserialize;
use serde_json::Value;

use super::tenants::age_of;
use super::{answered, client, print_json, refused};
use crate::cli::{Format, SessionKill, SessionList};

/// Prints a line for each session.
pub(crate) fn list(arguments: &SessionList) -> ExitCode {
    let reply = client(&arguments.edge).sessions(&arguments.tenant);
    let mut body = match answered(&arguments.edge, reply, &[200]) {
        Ok(body) => body,
        Err(status) => return status,
    };
    if let (Some(account), Value::Array(sessions)) = (&arguments.account, &mut body["sessions"]) {
        sessions.retain(|session| session["account"] == account.as_str());
    }
    match arguments.format {
        Format::Human => human(body),
        Format::Json => {
            print_json(body["sessions"].take());
            ExitCode::SUCCESS
        }
    }
}

/// Ends sessions.
pub(crate) fn kill(arguments: &SessionKill) -> ExitCode {
    let which = match (&arguments.account, &arguments.id) {
        (Some(account), _) => Which::Account(account.clone()),
        (None, Some(id)) => Which::Number(id.clone()),
        (None, None) => Which::All,
    };
    let reply = client(&arguments.edge).kill_sessions(&arguments.tenant, &which);
    let body = match answered(&arguments.edge, reply, &[200]) {
        Ok(body) => body,
        Err(status) => return status,
    };
    match arguments.format {
        Format::Human => said(&body),
        Format::Json => print_json(body),
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn said(body: &Value) {
    println!("{}", body["summary"].as_str().unwrap_or_default());
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn human(body: Value) -> ExitCode {
    match serde_json::from_value::<Answer>(body) {
        Ok(answer) => {
            print!("{}", table(&answer, SystemTime::now()));
            ExitCode::SUCCESS
        }
        Err(_) => refused(&Value::Null),
    }
}

/// What is read of the edge's answer; a newer edge may say more.
#[derive(Deserialize)]
struct Answer {
    enforcement: String,
    sessions: Vec<Row>,
    more: usize,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    account: Option<String>,
    /// In seconds since 1970.
    began: u64,
    seen: u64,
}

fn table(answer: &Answer, now: SystemTime) -> String {
    let account = |row: &Row| row.account.as_deref().unwrap_or("-").escape_debug().to_string();
    let width = answer
        .sessions
        .iter()
        .map(|row| account(row).chars().count())
        .max()
        .unwrap_or(0);
    let ago = |at: u64| {
        age_of(
            now.duration_since(UNIX_EPOCH + Duration::from_secs(at))
                .unwrap_or_default(),
        )
    };
    let mut table = String::new();
    for row in &answer.sessions {
        let (began, seen) = (ago(row.began), ago(row.seen));
        let _ = writeln!(
            table,
            "{}  {:width$}  began {began} ago, last used {seen} ago",
            row.id,
            account(row)
        );
    }
    if answer.more > 0 {
        let _ = writeln!(table, "and {} more", answer.more);
    }
    match answer.enforcement.as_str() {
        "off" => table.push_str("[sessions] is off at this tenant: nobody watches\n"),
        _ if answer.sessions.is_empty() => table.push_str("no session is known\n"),
        _ => {}
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_a_line() {
        let row = |id: &str, account: Option<&str>| Row {
            id: id.into(),
            account: account.map(Into::into),
            began: 1_795_340_000,
            seen: 1_795_346_000,
        };
        let answer = Answer {
            enforcement: "enforce".into(),
            sessions: vec![row("3f9a01c2d4e5", Some("29001000000017")), row("00a1b2c3d4e5", None)],
            more: 2,
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_795_346_030);
        assert_eq!(
            table(&answer, now),
            "\
3f9a01c2d4e5  29001000000017  began 100 min ago, last used 30 s ago
00a1b2c3d4e5  -               began 100 min ago, last used 30 s ago
and 2 more
"
        );
    }

    #[test]
    fn nobody_is_said_in_words() {
        let answer = |enforcement: &str| Answer {
            enforcement: enforcement.into(),
            sessions: Vec::new(),
            more: 0,
        };
        assert_eq!(table(&answer("enforce"), UNIX_EPOCH), "no session is known\n");
        assert!(table(&answer("off"), UNIX_EPOCH).starts_with("[sessions] is off"));
    }
}
