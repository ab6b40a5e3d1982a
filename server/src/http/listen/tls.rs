//! TLS on a connection: the certificate and its key, read again while we run; the handshake. Versions 1.2 and 1.3, HTTP/1.1 inside.

use muxboard_core::limits::CERTIFICATE_BYTES_MAX;
use muxboard_fleet::{private_file, trust};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to its issuer, as PEM.
    pub cert: PathBuf,
    /// Its key, as PEM. Only we may read it.
    pub key: PathBuf,
}

/// The certificate in use.
pub(crate) struct Certificate(RwLock<Arc<ServerConfig>>);

impl Certificate {
    /// # Errors
    /// In words for the operator.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, String> {
        read(files).map(|config| Self(RwLock::new(config)))
    }

    /// Reads it again, for the connections that come from now on.
    ///
    /// # Errors
    /// In words for the operator; then the one before it stays in use.
    pub(crate) fn reload(&self, files: &TlsFiles) -> Result<(), String> {
        let next = read(files)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    fn now(&self) -> Arc<ServerConfig> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Performs the TLS handshake. A client that speaks plain HTTP gets one answer that says so.
    ///
    /// # Errors
    /// When the connection breaks or no handshake comes about.
    pub(super) async fn handshake(&self, mut tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        let seen = tcp.peek(&mut first).await?;
        // A request begins with a letter, a handshake with the number 22.
        if seen == 1 && first.iter().all(u8::is_ascii_uppercase) {
            return Err(reply_plain_http(&mut tcp).await?);
        }
        TlsAcceptor::from(self.now()).accept(tcp).await
    }
}

/// Answers a client that speaks HTTP without TLS (a wrong `http://` in a browser or a proxy), and returns the error to log. A sentence helps where a
/// broken connection would not.
async fn reply_plain_http(tcp: &mut TcpStream) -> io::Result<io::Error> {
    const ANSWER: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nThis port speaks https. Nothing was done.\n";
    tcp.write_all(ANSWER).await?;
    tcp.shutdown().await?;
    // What was sent and not read would make the kernel reset the connection, and the answer would be lost with it.
    let mut rest = [0; 4096];
    while tcp.read(&mut rest).await? > 0 {}
    Ok(io::Error::new(io::ErrorKind::InvalidData, "http was spoken where https is"))
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let TlsFiles { cert, key } = files;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes(cert)?)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{} is no certificate in the form of PEM: {error}", cert.display()))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate in the form of PEM", cert.display()));
    }
    let secret = PrivateKeyDer::from_pem_slice(private_file(key, CERTIFICATE_BYTES_MAX)?.as_bytes())
        .map_err(|_| format!("{} holds no private key in the form of PEM, or one under a passphrase", key.display()))?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| format!("the certificate {} and the key {} do not belong together, or cannot be used: {error}", cert.display(), key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let says = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let mut bytes = Vec::new();
    trust::check_file(path)?;
    File::open(path).map_err(says)?.take(CERTIFICATE_BYTES_MAX as u64).read_to_end(&mut bytes).map_err(says)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[expect(clippy::disallowed_methods, reason = "tests run real programs")]
    fn make(folder: &Path) -> TlsFiles {
        let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -out";
        let mut openssl = std::process::Command::new("openssl");
        let made = openssl.args(words.split(' ')).arg(&files.cert).arg("-keyout").arg(&files.key).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
        files
    }

    #[test]
    fn a_bad_pair_keeps_the_one_before_it() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [files, other] = folders.each_ref().map(|folder| make(folder.path()));
        let certificate = Certificate::read(&files).unwrap();
        let first = certificate.now();
        let mixed = TlsFiles { cert: files.cert.clone(), key: other.key.clone() };
        assert!(certificate.reload(&mixed).unwrap_err().contains("do not belong together"));
        fs::write(folders[1].path().join("empty"), "").unwrap();
        for (cert, want) in [("/not/there", "cannot be read"), (folders[1].path().join("empty").to_str().unwrap(), "holds no certificate")] {
            let says = certificate.reload(&TlsFiles { cert: cert.into(), ..files.clone() }).unwrap_err();
            assert!(says.contains(want) && !says.contains('\n'), "{says}");
        }
        assert!(certificate.reload(&TlsFiles { key: files.cert.clone(), ..files.clone() }).is_err());
        assert!(Arc::ptr_eq(&first, &certificate.now()));
        certificate.reload(&other).unwrap();
        assert!(!Arc::ptr_eq(&first, &certificate.now()));
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_line_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = make(folder.path());
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
        let says = Certificate::read(&files).err().unwrap();
        assert_eq!(says, format!("others may read {key}: chmod 600 {key}", key = files.key.display()));
    }
}
