//! Where the binary listens: an address, or a Unix socket. How a connection is served is `serve`'s; what is said on it this folder does not know.

mod body;
mod connection_limiter;
mod serve;
mod tls;
mod unix;

use crate::access::peer::Peer;
use connection_limiter::ConnectionLimiter;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
pub(crate) use tls::Certificate;
pub use tls::TlsFiles;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use unix::UnixSocketListener;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// On this address.
    Tcp(SocketAddr),
    /// On a Unix socket. Whoever may open its file is trusted as a proxy.
    Unix {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl Listen {
    /// Whether nobody reaches it from another machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix { .. } => true,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An open listening socket. Connections that are not accepted yet wait in the kernel.
pub(crate) struct Listener {
    socket: ListenSocket,
    certificate: Option<Arc<Certificate>>,
    limiter: ConnectionLimiter,
}

enum ListenSocket {
    Tcp(TcpListener),
    Unix(UnixSocketListener),
}

/// A connection as it was accepted, before any handshake.
enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What HTTP is spoken over.
trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

impl Listener {
    /// Begins to listen. With files of a certificate, TLS is spoken, and nothing else.
    ///
    /// # Errors
    /// In words for the operator.
    pub(crate) async fn open(listen: &Listen, tls: Option<&TlsFiles>, connections: usize) -> Result<Self, String> {
        let certificate = tls.map(Certificate::read).transpose()?.map(Arc::new);
        let socket = match listen {
            Listen::Tcp(address) => ListenSocket::Tcp(TcpListener::bind(address).await.map_err(|error| match error.kind() {
                io::ErrorKind::AddrInUse => {
                    format!("{address} is in use by another program; choose another with --listen 127.0.0.1:PORT, or listen in the configuration")
                }
                _ => format!("cannot listen on {address}: {error}"),
            })?),
            Listen::Unix { path, mode } => ListenSocket::Unix(UnixSocketListener::open(path, *mode).await?),
        };
        Ok(Self { socket, certificate, limiter: ConnectionLimiter::new(connections) })
    }

    /// The address, if it is one: with the port that the kernel chose.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            ListenSocket::Tcp(listener) => listener.local_addr().ok(),
            ListenSocket::Unix(_) => None,
        }
    }

    /// The certificate, for reading it again.
    pub(crate) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.certificate.clone()
    }
}

impl ListenSocket {
    async fn accept(&self) -> io::Result<(Accepted, Peer)> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(tcp, from)| (Accepted::Tcp(tcp), Peer::Tcp(from))),
            Self::Unix(door) => door.accept().await.map(|unix| (Accepted::Unix(unix), Peer::Unix)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_machine_reaches_is_told_apart() {
        for (address, local) in [
            ("127.0.0.1:1", true),
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
        ] {
            assert_eq!(Listen::Tcp(address.parse().unwrap()).is_local(), local, "{address}");
        }
        let unix = Listen::Unix { path: "/run/muxboard/http.sock".into(), mode: 0o660 };
        assert_eq!((unix.is_local(), unix.to_string().as_str()), (true, "unix:/run/muxboard/http.sock"));
    }
}
