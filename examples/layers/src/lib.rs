//! Rempart's layers in services that are written in Rust and need no proxy: one short runnable file per question.
//!
//! | question | `cargo run -p rempart-example-layers --example …` |
//! |---|---|
//! | only the rate limit, in axum | `rate_limit_axum` |
//! | one axum service for three tenants | `three_tenants_axum` |
//! | strict TLS on hyper | `strict_tls_hyper` |
//! | only the cookies, in axum | `cookies_axum` |
//! | only the headers, in axum | `headers_axum` |
//!
//! Each says in its first lines which `curl` to try and what that shows. They listen on a free port and print which;
//! `--listen 127.0.0.1:3000` asks for a certain one. That is all this library does for them.

use std::fmt::Display;
use std::io::{self, Error, ErrorKind};
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Listens where `--listen ADDRESS` says, or on a free port of `127.0.0.1`, and prints where.
///
/// # Errors
///
/// An argument that is no address, or an address that cannot be had.
pub async fn listen(scheme: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address(std::env::args().skip(1))?).await?;
    say(&format_args!("listening on {scheme}://{}", listener.local_addr()?));
    Ok(listener)
}

/// Prints a line for whoever started the example.
#[expect(clippy::print_stdout, reason = "that is what a person at a terminal waits for")]
pub fn say(line: &dyn Display) {
    println!("{line}");
}

fn address(mut arguments: impl Iterator<Item = String>) -> io::Result<SocketAddr> {
    let wrong = |what: String| Error::new(ErrorKind::InvalidInput, what);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(SocketAddr::from(([127, 0, 0, 1], 0))),
        (Some("--listen"), Some(text)) => text.parse().map_err(|_| wrong(format!("{text:?} is no address"))),
        _ => Err(wrong(
            "the only option is --listen ADDRESS, such as 127.0.0.1:3000".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> io::Result<SocketAddr> {
        address(words.iter().map(ToString::to_string))
    }

    #[test]
    fn an_address_is_taken_and_without_one_a_free_port_is() {
        assert_eq!(asked(&[]).unwrap().port(), 0);
        assert_eq!(
            asked(&["--listen", "[::1]:3000"]).unwrap(),
            "[::1]:3000".parse().unwrap()
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for words in [&["--listen"][..], &["--listen", "3000"], &["--port", "3000"]] {
            assert_eq!(asked(words).unwrap_err().kind(), ErrorKind::InvalidInput, "{words:?}");
        }
    }
}
