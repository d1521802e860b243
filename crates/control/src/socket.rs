use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rempart_config::VendorConfig;
use socket2::{Domain, SockAddr, Socket, Type};

/// Where the administration socket is, in a state directory.
#[must_use]
pub fn socket_path(state: &Path) -> PathBuf {
    state.join("control.sock")
}

/// What a running edge is asked through, bound and not yet answered: the socket in the state directory, and the address of
/// `[metrics]` when there is one.
///
/// Whoever holds this is the only edge on this state directory. The socket's file is removed when it is dropped.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) socket: ControlSocket,
    pub(crate) scrapers: Option<TcpListener>,
}

/// The administration socket, and the claim to its place.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    /// Locked for as long as it is open. The system unlocks it however the process ends.
    _claim: File,
}

impl Listeners {
    /// Binds what a configuration asks for. Its state directory must be there.
    ///
    /// # Errors
    ///
    /// Another edge that uses the same state directory; a path that is too long for a socket; an address that cannot be had.
    pub fn bind(vendor: &VendorConfig) -> Result<Self, BindError> {
        let socket = ControlSocket::bind(&vendor.state)?;
        let listen = |address| TcpListener::bind(address).map_err(|error| BindError::Metrics { address, error });
        let scrapers = vendor.metrics.map(listen).transpose()?;
        Ok(Self { socket, scrapers })
    }

    /// The path of the socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket.path
    }

    /// The address for scrapers, with the port that the system chose where the configuration says 0.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.scrapers.as_ref()?.local_addr().ok()
    }
}

impl ControlSocket {
    fn bind(state: &Path) -> Result<Self, BindError> {
        let path = socket_path(state);
        let length = path.as_os_str().as_bytes().len();
        if length > LONGEST_PATH {
            return Err(BindError::TooLong { path, length });
        }
        let claim = claim(state)?;
        match listen(&path) {
            Ok(listener) => Ok(Self {
                listener,
                path,
                _claim: claim,
            }),
            Err(error) => Err(BindError::Socket { path, error }),
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Whoever finds no file knows that nobody answers; a file that is left is replaced by the next edge.
        let _ = fs::remove_file(&self.path);
    }
}

/// Why an edge cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another edge runs on the same state directory.
    #[error(
        "another edge{} uses the state directory {}: stop it first, or give this one a [state] directory of its own",
        process.map(|id| format!(" (process {id})")).unwrap_or_default(),
        directory.display()
    )]
    Taken {
        /// The state directory.
        directory: PathBuf,
        /// The other's process, when that can be told.
        process: Option<u32>,
    },
    /// The path is longer than a socket's can be.
    #[error(
        "{}: the path of the administration socket has {length} bytes, and {LONGEST_PATH} are the most that the system \
         takes: choose a shorter [state] directory",
        path.display()
    )]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The socket cannot be made.
    #[error("the administration socket {}: {error}", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The address for scrapers cannot be had.
    #[error("[metrics] listen: cannot listen on {address}: {error}")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// `sun_path` has 108 bytes on Linux, and the last is zero: unix(7).
const LONGEST_PATH: usize = 107;

/// Claims a state directory. A lock, and not a look at the socket: of two that start at once, one must lose, and a lock
/// goes with its process while a file stays.
fn claim(state: &Path) -> Result<File, BindError> {
    let path = state.join("control.lock");
    let failed = |error| BindError::Socket {
        path: path.clone(),
        error,
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(BindError::Taken {
                directory: state.to_owned(),
                process: process(&mut file),
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(failed)?;
    Ok(file)
}

/// The number that the lock's holder wrote into it.
fn process(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Listens at a path that was claimed.
fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        // Left by an edge that was killed: nobody else has the claim.
        Ok(about) if about.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::other("there is something else in its place: move it away")),
        Err(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // A socket that does not listen yet refuses everybody, so nobody is in before the mode is right.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How many may wait for their turn.
const BACKLOG: i32 = 64;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn vendor(state: &Path) -> VendorConfig {
        VendorConfig {
            state: state.to_owned(),
            ..VendorConfig::default()
        }
    }

    #[test]
    fn nobody_else_may_enter_and_nothing_is_left_at_the_end() {
        let state = tempfile::tempdir().unwrap();
        let bound = Listeners::bind(&vendor(state.path())).unwrap();
        let mode = fs::metadata(bound.socket()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(bound.metrics(), None);
        drop(bound);
        assert!(!socket_path(state.path()).exists());
    }

    #[test]
    fn a_second_one_on_the_same_state_is_refused_and_does_no_harm() {
        let state = tempfile::tempdir().unwrap();
        let first = Listeners::bind(&vendor(state.path())).unwrap();
        let refused = Listeners::bind(&vendor(state.path())).unwrap_err();
        let said = refused.to_string();
        assert!(matches!(refused, BindError::Taken { process: Some(id), .. } if id == std::process::id()));
        assert!(
            said.contains("another edge (process ") && said.contains(state.path().to_str().unwrap()),
            "{said}"
        );
        UnixStream::connect(first.socket()).unwrap();
        drop(first);
        Listeners::bind(&vendor(state.path())).unwrap();
    }

    #[test]
    fn what_a_killed_edge_left_is_replaced() {
        let state = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(socket_path(state.path())).unwrap());
        fs::write(state.path().join("control.lock"), "1\n").unwrap();
        assert!(UnixStream::connect(socket_path(state.path())).is_err());
        let bound = Listeners::bind(&vendor(state.path())).unwrap();
        UnixStream::connect(bound.socket()).unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_is_not_removed() {
        let state = tempfile::tempdir().unwrap();
        fs::write(socket_path(state.path()), "precious").unwrap();
        let said = Listeners::bind(&vendor(state.path())).unwrap_err().to_string();
        assert!(said.contains("something else in its place"), "{said}");
        assert_eq!(fs::read_to_string(socket_path(state.path())).unwrap(), "precious");
    }

    #[test]
    fn a_path_that_is_too_long_is_said_to_be() {
        let state = tempfile::tempdir().unwrap();
        let long = state.path().join("x".repeat(100));
        fs::create_dir(&long).unwrap();
        let said = Listeners::bind(&vendor(&long)).unwrap_err().to_string();
        assert!(
            said.contains("107 are the most") && said.contains("shorter [state] directory"),
            "{said}"
        );
        assert!(!long.join("control.lock").exists());
    }

    #[test]
    fn an_address_that_is_taken_is_said_to_be() {
        let state = tempfile::tempdir().unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let vendor = VendorConfig {
            metrics: Some(other.local_addr().unwrap()),
            ..vendor(state.path())
        };
        let said = Listeners::bind(&vendor).unwrap_err().to_string();
        assert!(
            said.starts_with("[metrics] listen: cannot listen on 127.0.0.1:"),
            "{said}"
        );
    }
}
