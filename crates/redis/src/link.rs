//! The connection to the store, whatever kind of store it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, TlsCertificates, Value,
};
use tokio::time::timeout;

use crate::address::{Address, at};
use crate::policy::{Place, RedisPolicy};

/// A connection that many calls share.
#[derive(Clone)]
pub(crate) enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{} holds no {what}", path.display())]
    Empty { path: PathBuf, what: &'static str },
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("no connection within {} ms", CONNECT.as_millis())]
    Late,
    #[error("no Sentinel knows a master {master:?}: {last}")]
    NoMaster { master: String, last: String },
    #[error("the server that the Sentinels name as the master is none")]
    NotMaster,
}

impl Link {
    pub(crate) async fn connect(policy: &RedisPolicy) -> Result<Self, LinkError> {
        let secrets = Secrets::read(policy)?;
        let connecting = async {
            match &policy.place {
                Place::One(address) => {
                    let address = (address.connection(policy.place.port()), address.database);
                    Ok(Self::One(secrets.to_redis(address).await?))
                }
                Place::Sentinel { sentinels, master } => secrets.to_master(policy, sentinels, master).await,
                Place::Cluster(addresses) => secrets.to_cluster(policy, addresses).await,
            }
        };
        timeout(CONNECT, connecting).await.unwrap_or(Err(LinkError::Late))
    }

    pub(crate) async fn call(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::One(connection) => connection.req_packed_command(command).await?,
            Self::Cluster(connection) => connection.req_packed_command(command).await?,
        };
        answer.extract_error()
    }
}

/// What is read from files, for each connection anew.
pub(crate) struct Secrets {
    user: Option<String>,
    password: Option<String>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
    authorities: Option<Vec<u8>>,
}

impl Secrets {
    pub(crate) fn read(policy: &RedisPolicy) -> Result<Self, LinkError> {
        let password = |path: &Option<PathBuf>| path.as_deref().map(password).transpose();
        let authorities = policy.ca_file.as_deref().map(authorities).transpose()?;
        Ok(Self {
            user: policy.user.clone(),
            password: password(&policy.password_file)?,
            sentinel_user: policy.sentinel_user.clone(),
            sentinel_password: password(&policy.sentinel_password_file)?,
            authorities,
        })
    }

    async fn to_redis(&self, (address, database): (ConnectionAddr, u32)) -> Result<MultiplexedConnection, LinkError> {
        let login = login(&self.user, &self.password).set_db(database.into());
        self.to(address, login).await
    }

    /// Asks one Sentinel after the other, and believes the one that names a server that says of itself that it is a master.
    async fn to_master(&self, policy: &RedisPolicy, sentinels: &[Address], master: &str) -> Result<Link, LinkError> {
        let mut last = LinkError::Late;
        for sentinel in sentinels {
            let asking = self.master_of(policy, sentinel, master);
            match asking.await {
                Ok(connection) => return Ok(Link::One(connection)),
                Err(error) => last = error,
            }
        }
        Err(LinkError::NoMaster {
            master: master.to_owned(),
            last: last.to_string(),
        })
    }

    async fn master_of(
        &self,
        policy: &RedisPolicy,
        sentinel: &Address,
        master: &str,
    ) -> Result<MultiplexedConnection, LinkError> {
        let asking = self.ask_sentinel(sentinel.connection(policy.place.port()), master);
        let (host, port) = timeout(ASK_SENTINEL, asking).await.unwrap_or(Err(LinkError::Late))?;
        let mut connection = self.to_redis((at(host, port, policy.place.is_tls()), 0)).await?;
        match is_master(&mut connection).await? {
            true => Ok(connection),
            false => Err(LinkError::NotMaster),
        }
    }

    async fn ask_sentinel(&self, sentinel: ConnectionAddr, master: &str) -> Result<(String, u16), LinkError> {
        let mut connection = self
            .to(sentinel, login(&self.sentinel_user, &self.sentinel_password))
            .await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let answer = connection.req_packed_command(&command).await?;
        Ok(redis::from_redis_value(answer).map_err(RedisError::from)?)
    }

    async fn to_cluster(&self, policy: &RedisPolicy, addresses: &[Address]) -> Result<Link, LinkError> {
        let nodes = addresses.iter().map(|address| {
            let address = address.connection(policy.place.port()).into_connection_info()?;
            Ok(address.set_redis_settings(login(&self.user, &self.password)))
        });
        let nodes = nodes.collect::<RedisResult<Vec<_>>>()?;
        let mut builder = ClusterClientBuilder::new(nodes)
            .retries(CLUSTER_RETRIES)
            .connection_timeout(CONNECT)
            .response_timeout(CONNECT);
        if let Some(certificates) = self.certificates() {
            builder = builder.certs(certificates);
        }
        Ok(Link::Cluster(builder.build()?.get_async_connection().await?))
    }

    async fn to(
        &self,
        address: ConnectionAddr,
        login: RedisConnectionInfo,
    ) -> Result<MultiplexedConnection, LinkError> {
        let info = address.clone().into_connection_info()?.set_redis_settings(login);
        let client = match (self.certificates(), address) {
            (Some(certificates), ConnectionAddr::TcpTls { .. }) => Client::build_with_tls(info, certificates)?,
            _ => Client::open(info)?,
        };
        // Whoever calls has a deadline that is shorter.
        let patience = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        Ok(client.get_multiplexed_async_connection_with_config(&patience).await?)
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        Some(TlsCertificates {
            client_tls: None,
            root_cert: Some(self.authorities.clone()?),
        })
    }
}

/// Says who we are, and nothing of what library we use: that would be one more command to allow.
fn login(user: &Option<String>, password: &Option<String>) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(user) = user {
        login = login.set_username(user);
    }
    if let Some(password) = password {
        login = login.set_password(password);
    }
    login
}

async fn is_master(connection: &mut MultiplexedConnection) -> Result<bool, LinkError> {
    match connection.req_packed_command(&redis::cmd("ROLE")).await? {
        Value::Array(role) => Ok(matches!(role.first(), Some(Value::BulkString(name)) if name == b"master")),
        _ => Ok(false),
    }
}

fn password(path: &Path) -> Result<String, LinkError> {
    let text = String::from_utf8(bytes(path)?).map_err(|_| LinkError::File {
        path: path.to_owned(),
        error: io::Error::new(io::ErrorKind::InvalidData, "a password is text"),
    })?;
    match text.lines().next() {
        None | Some("") => Err(LinkError::Empty {
            path: path.to_owned(),
            what: "password",
        }),
        Some(line) => Ok(line.to_owned()),
    }
}

fn authorities(path: &Path) -> Result<Vec<u8>, LinkError> {
    const BEGINNING: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let pem = bytes(path)?;
    if pem.windows(BEGINNING.len()).any(|window| window == BEGINNING) {
        return Ok(pem);
    }
    Err(LinkError::Empty {
        path: path.to_owned(),
        what: "certificate in PEM",
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>, LinkError> {
    fs::read(path).map_err(|error| LinkError::File {
        path: path.to_owned(),
        error,
    })
}

/// A connection with its handshakes takes no longer.
const CONNECT: Duration = Duration::from_secs(2);

/// One Sentinel that is silent does not keep us from the others.
const ASK_SENTINEL: Duration = Duration::from_millis(500);

/// After a part of a cluster has moved. More would take longer than anybody waits.
const CLUSTER_RETRIES: u32 = 3;
