use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::accept::{self, AcceptError, Accepted, Greeted};

/// Which name is served with which configuration, and a value of the caller's beside it. Immutable: a reload makes another.
pub struct Sites<T> {
    exact: HashMap<Box<str>, Entry<T>>,
    one_below: HashMap<Box<str>, Entry<T>>,
}

struct Entry<T> {
    config: Arc<ServerConfig>,
    value: T,
}

impl<T: Clone> Sites<T> {
    /// No site yet.
    #[must_use]
    pub fn builder() -> SitesBuilder<T> {
        SitesBuilder(Self {
            exact: HashMap::new(),
            one_below: HashMap::new(),
        })
    }

    /// Shakes hands on a new connection: reads the ClientHello, chooses the configuration by its server name, and does the
    /// rest of the handshake with it. All of it within `deadline`.
    ///
    /// # Errors
    ///
    /// A name that is missing or nobody's (the client is told by an alert and sees no certificate), a handshake that fails
    /// or takes too long. A client that is refused is listened to for up to a second, so that it hears why.
    pub async fn accept<IO>(&self, stream: IO, deadline: Duration) -> Result<Accepted<IO, T>, AcceptError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.greet(stream, deadline).await?.accept(|| {}).await
    }

    /// The first half of [`accept`](Self::accept): reads the ClientHello and finds out whose it is, which costs next to
    /// nothing. `deadline` is for both halves, and for what is between them.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub async fn greet<IO>(&self, stream: IO, deadline: Duration) -> Result<Greeted<IO, T>, AcceptError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let choose = |name: &str| {
            let entry = self.of(name)?;
            Some((Arc::clone(&entry.config), entry.value.clone()))
        };
        accept::greet(stream, deadline, choose).await
    }

    /// Exact names go before wildcards. A trailing dot means the same name (RFC 6066 section 3 has none, clients do); case
    /// is rustls', which hands names over in lower case.
    fn of(&self, name: &str) -> Option<&Entry<T>> {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.exact
            .get(name)
            .or_else(|| self.one_below.get(name.split_once('.')?.1))
    }
}

impl<T> fmt::Debug for Sites<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sites")
            .field("exact", &self.exact.len())
            .field("one_below", &self.one_below.len())
            .finish()
    }
}

/// Collects the sites of a [`Sites`].
#[derive(Debug)]
pub struct SitesBuilder<T>(Sites<T>);

impl<T: Clone> SitesBuilder<T> {
    /// Adds a site under these names, each a host name or `*.example.org` for one label below. A later site takes a name
    /// from an earlier one: whoever claims names checks that before.
    #[must_use]
    pub fn site<H: AsRef<str>>(
        mut self,
        names: impl IntoIterator<Item = H>,
        config: Arc<ServerConfig>,
        value: T,
    ) -> Self {
        for name in names {
            let name = name.as_ref().to_ascii_lowercase();
            let name = name.strip_suffix('.').unwrap_or(&name);
            let (map, name) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.0.one_below, parent),
                None => (&mut self.0.exact, name),
            };
            map.insert(
                name.into(),
                Entry {
                    config: Arc::clone(&config),
                    value: value.clone(),
                },
            );
        }
        self
    }

    /// The finished map.
    #[must_use]
    pub fn build(self) -> Sites<T> {
        self.0
    }
}
