//! The scripts, by their text and by their hash.

use std::sync::LazyLock;

use redis::{Cmd, RedisError, ServerErrorKind, Value};

use crate::link::Link;

/// A script that the server runs.
pub(crate) struct Source {
    text: &'static str,
    hash: LazyLock<String>,
}

/// Measures and charges.
pub(crate) static TAKE: Source = Source {
    text: include_str!("take.lua"),
    hash: LazyLock::new(|| hash(include_str!("take.lua"))),
};

/// Tells other nodes.
pub(crate) static TELL: Source = Source {
    text: include_str!("tell.lua"),
    hash: LazyLock::new(|| hash(include_str!("tell.lua"))),
};

/// How a script is called.
#[derive(Clone, Copy)]
pub(crate) enum Script {
    /// By its hash, which the server knows since it has seen the text.
    Known(&'static Source),
    /// By its text, which the server then knows.
    Told(&'static Source),
}

impl Script {
    pub(crate) fn command(self, keys: usize) -> Cmd {
        let mut command = match self {
            Self::Known(_) => redis::cmd("EVALSHA"),
            Self::Told(_) => redis::cmd("EVAL"),
        };
        match self {
            Self::Known(source) => command.arg(source.hash.as_str()),
            Self::Told(source) => command.arg(source.text),
        };
        command.arg(keys);
        command
    }
}

impl Source {
    /// Calls it, in one round trip; in two when the server has forgotten it, or never knew.
    pub(crate) async fn call(
        &'static self,
        link: &mut Link,
        command: impl Fn(Script) -> Cmd,
    ) -> Result<Value, RedisError> {
        match link.call(&command(Script::Known(self))).await {
            Err(error) if is_unknown(&error) => link.call(&command(Script::Told(self))).await,
            answer => answer,
        }
    }
}

fn is_unknown(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript)
}

fn hash(text: &str) -> String {
    redis::Script::new(text).get_hash().to_owned()
}
