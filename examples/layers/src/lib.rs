//! Rempart's layers in services that are written in Rust and need no proxy: one short runnable file per question.
//!
//! | question | `cargo run -p rempart-example-layers --example …` |
//! |---|---|
//! | only the rate limit, in axum | `rate_limit_axum` |
//! | passwords that nobody guesses, on one machine or on several | `login_guard_axum` |
//! | one tenant's flood that is not the other's outage | `concurrency_shares_axum` |
//! | more people than there is room for | `waiting_room_axum` |
//! | one axum service for three tenants | `three_tenants_axum` |
//! | strict TLS on hyper | `strict_tls_hyper` |
//! | only the cookies, in axum | `cookies_axum` |
//! | sealed cookies of a handler's own | `sealed_jar_axum` |
//! | sessions with an end | `sessions_axum` |
//! | only the headers, in axum | `headers_axum` |
//!
//! Each says in its first lines which `curl` to try and what that shows. They listen on a free port and print which;
//! `--listen 127.0.0.1:3000` asks for a certain one. That is all this library does for them.

use std::collections::BTreeMap;
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
    Options::read(&[])?.listen(scheme).await
}

/// What an example was started with.
#[derive(Debug)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Reads `--listen ADDRESS` and the example's own options, each with a value.
    ///
    /// # Errors
    ///
    /// Another option, or one without a value.
    pub fn read(own: &[&str]) -> io::Result<Self> {
        Self::of(own, std::env::args().skip(1))
    }

    /// The value of an option, when it was given.
    #[must_use]
    pub fn value(&self, option: &str) -> Option<&str> {
        self.0.get(option).map(String::as_str)
    }

    /// Listens where `--listen` says, or on a free port of `127.0.0.1`, and prints where.
    ///
    /// # Errors
    ///
    /// What is no address, or an address that cannot be had.
    pub async fn listen(&self, scheme: &str) -> io::Result<TcpListener> {
        let listener = TcpListener::bind(self.address()?).await?;
        say(&format_args!("listening on {scheme}://{}", listener.local_addr()?));
        Ok(listener)
    }

    fn of(own: &[&str], mut arguments: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut values = BTreeMap::new();
        while let Some(option) = arguments.next() {
            let is_known = option == LISTEN || own.contains(&option.as_str());
            let Some(value) = arguments.next().filter(|_| is_known) else {
                let known = [&[LISTEN], own].concat().join(", ");
                return Err(wrong(format!("the options are {known}, each with a value")));
            };
            values.insert(option, value);
        }
        Ok(Self(values))
    }

    fn address(&self) -> io::Result<SocketAddr> {
        match self.value(LISTEN) {
            None => Ok(SocketAddr::from(([127, 0, 0, 1], 0))),
            Some(text) => text
                .parse()
                .map_err(|_| wrong(format!("{text:?} is no address such as 127.0.0.1:3000"))),
        }
    }
}

/// Prints a line for whoever started the example.
#[expect(clippy::print_stdout, reason = "that is what a person at a terminal waits for")]
pub fn say(line: &dyn Display) {
    println!("{line}");
}

const LISTEN: &str = "--listen";

fn wrong(what: String) -> Error {
    Error::new(ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> io::Result<Options> {
        Options::of(&["--redis"], words.iter().map(ToString::to_string))
    }

    fn asked(words: &[&str]) -> io::Result<SocketAddr> {
        read(words)?.address()
    }

    #[test]
    fn an_address_is_taken_and_without_one_a_free_port_is() {
        assert_eq!(asked(&[]).unwrap().port(), 0);
        assert_eq!(
            asked(&["--redis", "redis://127.0.0.1:6379", "--listen", "[::1]:3000"]).unwrap(),
            "[::1]:3000".parse().unwrap()
        );
    }

    #[test]
    fn an_option_of_the_example_has_its_value() {
        let options = read(&["--redis", "redis://127.0.0.1:6379"]).unwrap();
        assert_eq!(options.value("--redis"), Some("redis://127.0.0.1:6379"));
        assert_eq!(read(&[]).unwrap().value("--redis"), None);
    }

    #[test]
    fn what_is_no_address_is_refused_and_so_is_what_nobody_knows() {
        for words in [
            &["--listen"][..],
            &["--listen", "3000"],
            &["--port", "3000"],
            &["--redis"],
        ] {
            assert_eq!(asked(words).unwrap_err().kind(), ErrorKind::InvalidInput, "{words:?}");
        }
    }
}
