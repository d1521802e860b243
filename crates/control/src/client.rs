use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rempart_sessions::Which;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Asks a running edge through its administration socket, and waits for the answer.
///
/// ```no_run
/// use rempart_control::{Client, socket_path};
///
/// let client = Client::new(socket_path("/var/lib/rempart".as_ref()));
/// let reply = client.reload(&["library".to_owned()]).unwrap();
/// println!("{}", reply.body["summary"]);
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// What an edge answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status: 200, or one of a problem (RFC 9457).
    pub status: u16,
    /// The answer, or the problem.
    pub body: Value,
}

impl Client {
    /// Asks the edge whose socket this is.
    #[must_use]
    pub const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Reloads these tenants, or all when none is named, and waits until that is done.
    ///
    /// # Errors
    ///
    /// No answer. That something is wrong with the configuration is an answer.
    pub fn reload(&self, tenants: &[String]) -> Result<Reply, ClientError> {
        let body = if tenants.is_empty() {
            json!({})
        } else {
            json!({ "tenants": tenants })
        };
        self.ask(Method::POST, "/v1/reload", &body.to_string())
    }

    /// What a reload of these tenants, or of all, would change.
    ///
    /// # Errors
    ///
    /// As of [`reload`](Self::reload).
    pub fn plan(&self, tenants: &[String]) -> Result<Reply, ClientError> {
        let names: Vec<_> = tenants.iter().map(|name| format!("tenant={}", plain(name))).collect();
        let mark = if names.is_empty() { "" } else { "?" };
        self.ask(Method::GET, &format!("/v1/plan{mark}{}", names.join("&")), "")
    }

    /// How the tenants stand.
    ///
    /// # Errors
    ///
    /// As of [`reload`](Self::reload).
    pub fn tenants(&self) -> Result<Reply, ClientError> {
        self.ask(Method::GET, "/v1/tenants", "")
    }

    /// Who is logged in at a tenant.
    ///
    /// # Errors
    ///
    /// As of [`reload`](Self::reload).
    pub fn sessions(&self, tenant: &str) -> Result<Reply, ClientError> {
        self.ask(Method::GET, &format!("/v1/sessions?tenant={}", plain(tenant)), "")
    }

    /// Ends sessions of a tenant.
    ///
    /// # Errors
    ///
    /// As of [`reload`](Self::reload).
    pub fn kill_sessions(&self, tenant: &str, which: &Which) -> Result<Reply, ClientError> {
        let body = match which {
            Which::All => json!({ "tenant": tenant, "all": true }),
            Which::Account(account) => json!({ "tenant": tenant, "account": account }),
            Which::Number(number) => json!({ "tenant": tenant, "id": number }),
        };
        self.ask(Method::POST, "/v1/sessions/kill", &body.to_string())
    }

    fn ask(&self, method: Method, path: &str, body: &str) -> Result<Reply, ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| self.unreachable(error))?;
        runtime.block_on(async {
            let stream = timeout(CONNECT, UnixStream::connect(&self.socket)).await;
            let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let stream = stream.map_err(|error| self.unreachable(error))?;
            timeout(PATIENCE, exchange(stream, method, path, body))
                .await
                .unwrap_or_else(|_| Err("nothing came for 11 minutes".into()))
                .map_err(|error| ClientError::Broken {
                    socket: self.socket.clone(),
                    error,
                })
        })
    }

    fn unreachable(&self, error: io::Error) -> ClientError {
        ClientError::Unreachable {
            socket: self.socket.clone(),
            error,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or not to us.
    #[error("no edge can be asked through {}: {error}", socket.display())]
    Unreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Whoever listens there went away, or does not speak as an edge does.
    #[error("the edge behind {} did not answer: {error}", socket.display())]
    Broken {
        /// The socket that was tried.
        socket: PathBuf,
        /// What went wrong.
        error: Box<dyn std::error::Error + Send + Sync>,
    },
}

type Exchanged = Result<Reply, Box<dyn std::error::Error + Send + Sync>>;

async fn exchange(stream: UnixStream, method: Method, path: &str, body: &str) -> Exchanged {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "rempart")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, LARGEST_REPLY).collect().await?.to_bytes();
    connection.abort();
    Ok(Reply {
        status: head.status.as_u16(),
        body: serde_json::from_slice(&body)?,
    })
}

/// A name as it can stand in a query; one that no tenant can have is refused by the edge.
fn plain(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().map(|c| if plain(c) { c } else { '?' }).collect()
}

const CONNECT: Duration = Duration::from_secs(5);
/// A little more than the edge takes at most.
const PATIENCE: Duration = Duration::from_secs(660);
/// Ten thousand tenants with everything wrong.
const LARGEST_REPLY: usize = 256 << 20;
