//! Listeners that several workers can hold on one address.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Opens a listener with `SO_REUSEPORT`: the kernel spreads new connections over all that hold the
/// same address, so that workers share neither a queue nor a lock.
pub(crate) fn reuse_port(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Connections the kernel completes before they are accepted.
const BACKLOG: i32 = 4096;
