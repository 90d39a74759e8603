//! Ports on 127.0.0.1.

use std::net::{Ipv4Addr, TcpListener};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::running::Running;
use crate::{Error, ServerConfig};

/// Ports of one server, all on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) client: u16,
    pub(crate) monitoring: u16,
}

/// The ports asked for, else last time's if they are free, else any free ones.
pub(crate) fn choose(config: &ServerConfig, last: Option<&Running>) -> Result<Ports, Error> {
    if let Some(port) = config.port
        && !is_free(port)
    {
        return Err(Error::PortTaken { port });
    }
    let last = |url: fn(&Running) -> &str| last.and_then(|run| port_of(url(run)));
    let client = match config.port {
        Some(port) => port,
        None => free(last(|run| &run.url))?,
    };
    let monitoring = free(last(|run| &run.monitoring_url).filter(|port| *port != client))?;
    Ok(Ports { client, monitoring })
}

/// The wanted port if it is free, else another one.
///
/// Not one the kernel would give: those are also the local ends of outgoing connections. A client
/// that tries again and again to reach such a port while the server is down can end up connected
/// to itself and keep the server from coming back. 20000 to 30000 is below that range on Linux
/// and macOS.
pub(crate) fn free(wanted: Option<u16>) -> Result<u16, Error> {
    if let Some(port) = wanted.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let random = SystemRandom::new();
    for _ in 0..200 {
        let mut bytes = [0; 2];
        if random.fill(&mut bytes).is_err() {
            break;
        }
        let port = 20_000 + u16::from_le_bytes(bytes) % 10_000;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::Io {
        doing: "find a free port on 127.0.0.1".to_owned(),
        source: std::io::ErrorKind::AddrInUse.into(),
    })
}

pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn port_of(url: &str) -> Option<u16> {
    url.rsplit_once(':')?.1.parse().ok()
}
