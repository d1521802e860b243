//! Commands that ask a running edge: `rempart reload`, `rempart tenant list`, `rempart session list` and `kill`.

mod reload;
mod sessions;
mod tenants;

use std::io;
use std::process::ExitCode;

use rempart_config::state_directory;
use rempart_control::{Client, ClientError, Reply, socket_path};
use serde_json::Value;

use crate::cli::Asked;

pub(crate) use reload::reload;
pub(crate) use sessions::{kill, list as list_sessions};
pub(crate) use tenants::list;

/// The way to the edge that is meant.
fn client(asked: &Asked) -> Client {
    let found = || socket_path(&state_directory(&asked.config, std::env::vars()));
    Client::new(asked.socket.clone().unwrap_or_else(found))
}

/// What was asked, when it was answered with one of these statuses; else the exit status, once the reason was said.
fn answered(asked: &Asked, reply: Result<Reply, ClientError>, statuses: &[u16]) -> Result<Value, ExitCode> {
    match reply {
        Ok(reply) if statuses.contains(&reply.status) => Ok(reply.body),
        Ok(reply) => Err(refused(&reply.body)),
        Err(error) => Err(unanswered(asked, &error)),
    }
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn refused(problem: &Value) -> ExitCode {
    let detail = problem["detail"].as_str();
    eprintln!(
        "error: {}",
        detail.unwrap_or("the edge answered with something that this version does not know")
    );
    ExitCode::from(2)
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn unanswered(asked: &Asked, error: &ClientError) -> ExitCode {
    let help = match error {
        ClientError::Unreachable { error, .. } => match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "run this as root, or as the account that the edge runs as (sudo -u rempart …)".to_owned()
            }
            io::ErrorKind::ConnectionRefused => "the edge that made it was killed: start it again".to_owned(),
            _ => format!(
                "is it running? `rempart run --config {}` makes this socket in the state directory; --socket names another",
                asked.config.display()
            ),
        },
        ClientError::Broken { .. } => "its log may say why".to_owned(),
    };
    eprintln!("error: {error}\n  = help: {help}");
    ExitCode::from(2)
}

/// For programs: without what is only for people.
#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn print_json(mut value: Value) {
    let people = |value: &mut Value| {
        if let Value::Object(fields) = value {
            fields.retain(|name, _| !matches!(name.as_str(), "summary" | "problems"));
        }
    };
    people(&mut value);
    value.as_array_mut().into_iter().flatten().for_each(people);
    println!("{value:#}");
}
