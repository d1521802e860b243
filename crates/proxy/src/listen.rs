//! Sockets that every worker can accept from.

use std::io;
use std::net::{SocketAddr, TcpListener};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, getrlimit};
use socket2::{Domain, Protocol, Socket, Type};

/// One listener per worker on one address, between which the kernel spreads the connections (`SO_REUSEPORT`).
///
/// The first one binds alone and only then lets the others join. Bound as one that shares, it would share with anybody of
/// the same user who shares too, such as a second edge that was started by mistake, and nobody would be told; and a port
/// that the system chooses could be one that another edge already has.
///
/// # Errors
///
/// Those of the system; an address that somebody else listens on is refused.
pub(crate) fn listeners(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    let first = socket(address)?;
    first.bind(&address.into())?;
    first.set_reuse_port(true)?;
    let bound = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        let socket = socket(address)?;
        socket.set_reuse_port(true)?;
        socket.bind(&bound)?;
        sockets.push(socket);
    }
    let listening = |socket: Socket| socket.listen(BACKLOG).map(|()| socket.into());
    sockets.into_iter().map(listening).collect()
}

/// Makes the table of the process' descriptors as large as it may become. The kernel doubles it as connections come, and each
/// time waits until no thread can be looking at the old one (`synchronize_rcu`): 8 ms at 512, 15 ms at 1,024, in the middle of
/// a rush. It never shrinks, so it is enough to have had one descriptor that is high enough.
pub(crate) fn grow_descriptors(of: &TcpListener) {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(MOST_DESCRIPTORS);
    let highest = most.min(MOST_DESCRIPTORS).saturating_sub(1);
    // When it cannot be had, the table grows as it would have.
    let _ = fcntl_dupfd_cloexec(of, i32::try_from(highest).unwrap_or(0));
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the last run to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Eight bytes each, and a bit: half a megabyte.
const MOST_DESCRIPTORS: u64 = 65_536;

/// Connections that wait to be accepted; the system caps it (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn an_address_is_shared_by_our_own_workers_and_nobody_else() {
        let ours = listeners("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = ours[0].local_addr().unwrap();
        assert_eq!(ours[1].local_addr().unwrap(), address);
        let theirs = listeners(address, 2).unwrap_err();
        assert_eq!(theirs.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn no_two_edges_are_given_the_same_port() {
        let edges: Vec<_> = (0..200)
            .map(|_| listeners("127.0.0.1:0".parse().unwrap(), 2).unwrap())
            .collect();
        let ports: std::collections::HashSet<_> = edges
            .iter()
            .map(|listeners| listeners[0].local_addr().unwrap().port())
            .collect();
        assert_eq!(ports.len(), 200);
    }

    #[test]
    fn connections_reach_every_worker() {
        let ours = listeners("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = ours[0].local_addr().unwrap();
        let clients: Vec<_> = (0..64).map(|_| TcpStream::connect(address).unwrap()).collect();
        let accepted = ours
            .iter()
            .map(|listener| std::iter::from_fn(|| listener.accept().ok()).count())
            .collect::<Vec<_>>();
        assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
        assert_eq!(accepted.iter().sum::<usize>(), clients.len());
    }
}
