//! `rempart reload`.

use std::process::ExitCode;

use serde_json::Value;

use super::{answered, client, print_json};
use crate::cli::{Format, Reload};

/// Waits for a reload, or for what one would do; status 0 when everything is right, 1 when something is wrong, 2 when no
/// edge could be asked.
pub(crate) fn reload(arguments: &Reload) -> ExitCode {
    let client = client(&arguments.edge);
    let reply = if arguments.plan {
        client.plan(&arguments.tenants)
    } else {
        client.reload(&arguments.tenants)
    };
    let body = match answered(&arguments.edge, reply, &[200, REFUSED]) {
        Ok(body) => body,
        Err(status) => return status,
    };
    let is_clean = body["outcome"] == "clean";
    match arguments.format {
        Format::Human => human(&body),
        Format::Json => print_json(body),
    }
    ExitCode::from(u8::from(!is_clean))
}

/// Unprocessable Content: the vendor's part of the configuration is wrong.
const REFUSED: u16 = 422;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the answer to a question on the command line"
)]
fn human(body: &Value) {
    if let Some(problems) = body["problems"].as_str() {
        eprintln!("{problems}");
    }
    match (body["summary"].as_str(), body["detail"].as_str()) {
        (Some(summary), _) => println!("{summary}"),
        (None, Some(detail)) => eprintln!("error: {detail}"),
        (None, None) => {}
    }
}
