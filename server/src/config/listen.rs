//! Where the configuration says to listen, as written, then validated; and what must hold so that nothing crosses a network in the clear.

use super::auth::GateChoice;
use super::raw::RawConfig;
use super::text::{ConfigError, ConfigText};
use crate::http::listen::{Listen, TlsFiles};
use ipnet::IpNet;
use muxboard_core::limits::{CONNECTIONS, CONNECTIONS_MAX, CONNECTIONS_MIN, UNIX_PATH_BYTES_MAX};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use toml::Spanned;

/// Where we listen without a configuration.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8088";
/// The mode of a Unix socket: the owner and the group, which the proxy is in.
const MODE_DEFAULT: u32 = 0o660;

/// Where to listen, and the files of the certificate.
pub(super) fn validate(text: &ConfigText<'_>, written: &RawConfig, gate: &GateChoice) -> Result<(Listen, Option<TlsFiles>), ConfigError> {
    let tls = match &written.tls {
        None => None,
        Some(tls) => {
            let tls = tls.get_ref();
            Some(TlsFiles { cert: absolute(text, &tls.cert, "cert")?, key: absolute(text, &tls.key, "key")? })
        }
    };
    if let Some(table) = &written.tls {
        if written.origins.is_empty() {
            return Err(text.at(table, "with [tls] the board must know by which name it is reached: origins = [\"https://NAME:PORT\"]"));
        }
        if let Some(clear) = written.origins.iter().find(|origin| !origin.get_ref().to_ascii_lowercase().starts_with("https://")) {
            return Err(text.at(clear, "with [tls] this board is reached by https alone: an origin is \"https://NAME:PORT\""));
        }
    }
    let listen = match &written.listen {
        Some(listen) if listen.get_ref().starts_with("unix:") => unix(text, written, listen)?,
        listen => tcp(text, written, listen.as_ref(), gate)?,
    };
    Ok((listen, tls))
}

fn tcp(text: &ConfigText<'_>, written: &RawConfig, listen: Option<&Spanned<String>>, gate: &GateChoice) -> Result<Listen, ConfigError> {
    if let Some(mode) = &written.listen_mode {
        return Err(text.at(mode, "listen_mode is for a Unix socket: listen = \"unix:/run/muxboard/http.sock\""));
    }
    let address = listen.map_or(LISTEN_DEFAULT, |listen| listen.get_ref().as_str());
    let says = |says: &str| listen.map_or_else(|| ConfigError { line: None, says: says.to_owned() }, |listen| text.at(listen, says));
    let address: SocketAddr = address.parse().map_err(|_| says("listen must be ADDRESS:PORT, for example \"127.0.0.1:8088\", or \"unix:/PATH\""))?;
    let listen = Listen::Tcp(address);
    let proxied = written.behind_proxy.as_ref().is_some_and(|b| *b.get_ref());
    if !listen.is_local() && written.tls.is_none() && !proxied {
        return Err(says(
            "this address is open to the network, and every key press would cross it in the clear. Give it a certificate ([tls] cert, key), or put a TLS proxy in front and say behind_proxy = true, or listen on 127.0.0.1",
        ));
    }
    if let Some(why) = exposure_error(&listen, gate) {
        return Err(match (gate, &written.auth) {
            (GateChoice::Proxy(_), Some(auth)) => text.at(&auth.gate, why),
            _ => says(why),
        });
    }
    if proxied && written.origins.is_empty() {
        return Err(says("behind a proxy the board must know its public address: origins = [\"https://..\"]"));
    }
    Ok(listen)
}

/// Why this gate would expose the board at this address, or `None` when it may listen there.
pub(crate) fn exposure_error(listen: &Listen, gate: &GateChoice) -> Option<&'static str> {
    if matches!(gate, GateChoice::Open) && !listen.is_local() {
        return Some(
            "this address is open to the network, and the gate \"open\" lets in whoever reaches it: choose the gate \"token\" or \"proxy\", or listen on 127.0.0.1 or a Unix socket",
        );
    }
    if let (GateChoice::Proxy(gate), Listen::Tcp(_)) = (gate, listen)
        && gate.secret.is_none()
        && gate.trusted.iter().any(of_this_machine)
    {
        return Some(
            "every account of this machine can connect to this port and be anybody: trusted names the loopback address, and no secret tells the proxy from them. Give it one (secret_header, secret_file), or listen = \"unix:/run/muxboard/http.sock\"",
        );
    }
    None
}

/// Whether it holds an address that every account of this machine connects from.
fn of_this_machine(net: &IpNet) -> bool {
    let loopback = [IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST)), IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST))];
    net.addr().is_loopback() || loopback.iter().any(|one| net.contains(one))
}

fn unix(text: &ConfigText<'_>, written: &RawConfig, listen: &Spanned<String>) -> Result<Listen, ConfigError> {
    let path = listen.get_ref().trim_start_matches("unix:");
    if !path.starts_with('/') || path.ends_with('/') || path.contains(char::is_control) || path.len() > UNIX_PATH_BYTES_MAX {
        let says = format!("a Unix socket is an absolute path of at most {UNIX_PATH_BYTES_MAX} bytes, for example \"unix:/run/muxboard/http.sock\"");
        return Err(text.at(listen, says));
    }
    if let Some(tls) = &written.tls {
        return Err(text.at(tls, "a Unix socket does not leave this machine: TLS is the business of the proxy that opens it. Take [tls] out"));
    }
    if written.origins.is_empty() {
        return Err(text.at(listen, "behind a Unix socket the board must know its public address: origins = [\"https://..\"]"));
    }
    let mode = match &written.listen_mode {
        None => MODE_DEFAULT,
        Some(mode) => {
            let bits = u32::from_str_radix(mode.get_ref(), 8).ok().filter(|bits| *bits <= 0o777);
            let bits = bits.ok_or_else(|| text.at(mode, "listen_mode is octal, for example \"0660\""))?;
            if bits & 0o002 != 0 {
                return Err(text.at(
                    mode,
                    "whoever may open the socket is trusted as a proxy and may speak for everybody, so it cannot be open to all: use \"0660\", and a group that the proxy is in",
                ));
            }
            bits
        }
    };
    Ok(Listen::Unix { path: PathBuf::from(path), mode })
}

fn absolute(text: &ConfigText<'_>, path: &Spanned<String>, what: &str) -> Result<PathBuf, ConfigError> {
    let plain = path.get_ref().starts_with('/') && !path.get_ref().contains(char::is_control);
    if plain { Ok(path.get_ref().into()) } else { Err(text.at(path, format!("{what} must be an absolute path"))) }
}

/// How many connections there may be.
pub(super) fn connections(text: &ConfigText<'_>, written: Option<&Spanned<usize>>) -> Result<usize, ConfigError> {
    match written {
        None => Ok(CONNECTIONS),
        Some(count) if (CONNECTIONS_MIN..=CONNECTIONS_MAX).contains(count.get_ref()) => Ok(*count.get_ref()),
        Some(count) => Err(text.at(count, format!("connections must be between {CONNECTIONS_MIN} and {CONNECTIONS_MAX}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "[[host]]\nkey = \"local\"\nlocal = true\nusers = [\"ops\"]\n";
    const HTTPS: &str = "origins = [\"https://ops.example.com\"]\n";
    const PROXY: &str = "[auth]\ngate = \"proxy\"\n[auth.proxy]\nheader = \"X-User\"\n";
    const TLS: &str = "[tls]\ncert = \"/c.pem\"\nkey = \"/k.pem\"\n";

    fn read(source: &str) -> Result<super::super::Config, String> {
        super::super::read(&format!("{source}{HOST}"), &"ops".parse().unwrap()).map_err(|m| m.to_string())
    }

    #[test]
    fn where_to_listen_is_read() {
        let listen = |source: &str| read(source).map(|config| config.listen).unwrap();
        assert_eq!(listen(""), Listen::Tcp(LISTEN_DEFAULT.parse().unwrap()));
        assert_eq!(listen("listen = \"[::1]:1\"\n"), Listen::Tcp("[::1]:1".parse().unwrap()));
        let unix = |mode| Listen::Unix { path: "/run/x/http.sock".into(), mode };
        assert_eq!(listen(&format!("listen = \"unix:/run/x/http.sock\"\n{HTTPS}")), unix(0o660));
        assert_eq!(listen(&format!("listen = \"unix:/run/x/http.sock\"\nlisten_mode = \"600\"\n{HTTPS}")), unix(0o600));
        for open in [format!("{HTTPS}{TLS}"), format!("{HTTPS}behind_proxy = true\n")] {
            assert_eq!(listen(&format!("listen = \"0.0.0.0:443\"\n{open}")), Listen::Tcp("0.0.0.0:443".parse().unwrap()));
        }
        let tls = read(&format!("{HTTPS}{TLS}")).unwrap().tls.unwrap();
        assert_eq!((tls.cert, tls.key), ("/c.pem".into(), "/k.pem".into()));
        assert_eq!((read("").unwrap().connections, read("[limits]\nconnections = 8\n").unwrap().connections), (CONNECTIONS, 8));
    }

    #[test]
    fn each_refusal_says_why_and_where() {
        let open = "[auth]\ngate = \"open\"\n";
        let long = format!("listen = \"unix:/{}\"\n{HTTPS}", "x".repeat(UNIX_PATH_BYTES_MAX));
        for (source, want) in [
            ("\nlisten = \"0.0.0.0:80\"\n".into(), "2: this address is open to the network, and every key press"),
            ("listen = \"[::]:80\"\n".into(), "1: this address is open to the network, and every key press"),
            (format!("listen = \"0.0.0.0:80\"\n{HTTPS}{open}{TLS}"), "1: this address is open to the network, and the gate \"open\""),
            (format!("listen = \"0.0.0.0:80\"\nbehind_proxy = true\n{HTTPS}{open}"), "1: this address is open to the network, and the gate \"open\""),
            ("listen = \"127.0.0.1:80\"\nbehind_proxy = true\n".into(), "1: behind a proxy the board must know"),
            ("behind_proxy = true\n".into(), "behind a proxy the board must know"),
            (TLS.into(), "1: with [tls] the board must know by which name"),
            (format!("origins = [\"https://a\", \"http://b\"]\n{TLS}"), "1: with [tls] this board is reached by https alone"),
            (format!("{HTTPS}[tls]\ncert = \"c\"\nkey = \"/k\"\n"), "3: cert must be"),
            (format!("{HTTPS}[tls]\ncert = \"/c\"\nkey = \"k\"\n"), "4: key must be"),
            (format!("{HTTPS}[tls]\ncert = \"/c\"\n"), "2: missing field `key`"),
            (format!("listen = \"unix:/x\"\n{HTTPS}{TLS}"), "3: a Unix socket does not leave"),
            ("listen = \"unix:/x\"\n".into(), "1: behind a Unix socket"),
            (format!("listen = \"unix:x\"\n{HTTPS}"), "1: a Unix socket is an absolute path"),
            (format!("listen = \"unix:\"\n{HTTPS}"), "1: a Unix socket is an absolute path"),
            (format!("listen = \"unix:/x\\n\"\n{HTTPS}"), "1: a Unix socket is an absolute path"),
            (long, "1: a Unix socket is an absolute path"),
            // Any account of the machine could be anybody.
            (format!("\n{PROXY}trusted = [\"127.0.0.1\"]\n"), "3: every account of this machine"),
            (format!("{PROXY}trusted = [\"10.0.0.0/8\", \"::1\"]\n"), "2: every account of this machine"),
            (format!("{PROXY}trusted = [\"0.0.0.0/0\"]\n"), "2: every account of this machine"),
            (format!("{PROXY}trusted = [\"127.0.0.7\"]\n"), "2: every account of this machine"),
            (format!("listen = \"0.0.0.0:80\"\nbehind_proxy = true\n{HTTPS}{PROXY}trusted = [\"127.0.0.1\"]\n"), "5: every account of this machine"),
            ("listen_mode = \"0660\"\n".into(), "1: listen_mode is for a Unix socket"),
            (format!("listen = \"unix:/x\"\nlisten_mode = \"0666\"\n{HTTPS}"), "2: whoever may open the socket is trusted"),
            (format!("listen = \"unix:/x\"\nlisten_mode = \"0662\"\n{HTTPS}"), "2: whoever may open the socket is trusted"),
            (format!("listen = \"unix:/x\"\nlisten_mode = \"9\"\n{HTTPS}"), "2: listen_mode is octal"),
            (format!("listen = \"unix:/x\"\nlisten_mode = \"4660\"\n{HTTPS}"), "2: listen_mode is octal"),
            ("[limits]\n\nconnections = 7\n".into(), "3: connections must be between 8 and 65536"),
        ] {
            let says = read(&source).unwrap_err();
            assert!(says.starts_with(want) && !says.contains('\n'), "{source:?} gave {says:?}");
        }
        for fine in [
            format!("listen = \"127.0.0.1:1\"\n{open}"),
            format!("listen = \"unix:/x\"\n{HTTPS}{open}"),
            format!("listen = \"unix:/x\"\n{HTTPS}{PROXY}trusted = [\"127.0.0.1\"]\n"),
            format!("{PROXY}trusted = [\"10.0.0.1\"]\n"),
        ] {
            assert!(read(&fine).is_ok(), "{fine:?}");
        }
    }
}
