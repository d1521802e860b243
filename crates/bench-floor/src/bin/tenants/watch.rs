//! The moment at which something is served.

use std::io::Write as _;
use std::time::Duration;

use crate::client::{Asked, Client};
use crate::{BoxError, Server, now};

/// Prints `when outcome` for each change: microseconds since 1970 when the whole answer was here, and its
/// `Strict-Transport-Security`, or `error:` and what went wrong. Runs until it is ended.
pub(crate) async fn run(server: Server, tenant: usize) -> Result<(), BoxError> {
    let client = Client::new(&server)?;
    let mut last = String::new();
    loop {
        let answer = match once(&client, tenant).await {
            Ok(word) => word,
            Err(error) => format!("error:{}", error.to_string().replace(char::is_whitespace, "_")),
        };
        if answer != last {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{} {answer}", now())?;
            out.flush()?;
            last = answer;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn once(client: &Client, tenant: usize) -> Result<String, BoxError> {
    match client.open(tenant).await?.ask().await? {
        Asked::Answered(word) => Ok(word),
        Asked::NotSent => Err("closed before it was asked".into()),
    }
}

/// Between two questions: how exactly the moment is known, give or take a handshake.
const PAUSE: Duration = Duration::from_millis(2);
