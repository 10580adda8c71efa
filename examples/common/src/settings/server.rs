//! The settings of the server: its address, and TLS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::read::{Get, address, choice, invalid};
use crate::InvalidSettings;

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// With a new certificate that nobody trusts.
    Development,
    /// With the certificate and the key in these files.
    Files {
        /// The certificate chain, PEM.
        certificate: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
}

impl Tls {
    pub(super) fn read(get: Get<'_>) -> Result<Self, InvalidSettings> {
        let development = choice(get, "SCIM_TLS", ["off", "dev"], false)?;
        match (get("SCIM_TLS_CERT")?, get("SCIM_TLS_KEY")?) {
            (None, None) if development => Ok(Self::Development),
            (None, None) => Ok(Self::Off),
            (Some(_), Some(_)) if development => invalid(
                "SCIM_TLS=dev makes a certificate of its own; leave out SCIM_TLS_CERT and SCIM_TLS_KEY",
            ),
            (Some(certificate), Some(key)) => {
                Ok(Self::Files { certificate: certificate.into(), key: key.into() })
            }
            (Some(_), None) => {
                invalid("SCIM_TLS_KEY is missing; SCIM_TLS_CERT needs the private key of the certificate")
            }
            (None, Some(_)) => invalid("SCIM_TLS_CERT is missing; SCIM_TLS_KEY needs its certificate"),
        }
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_on(&self) -> bool {
        *self != Self::Off
    }
}

pub(super) fn listen(get: Get<'_>, tls: &Tls) -> Result<SocketAddr, InvalidSettings> {
    let default = SocketAddr::from(([127, 0, 0, 1], 8080));
    let address = address(get, "SCIM_LISTEN")?.unwrap_or(default);
    // Tokens and personal data must not cross a network unencrypted (RFC 7644 section 7.2).
    let behind_tls_proxy = choice(get, "SCIM_BEHIND_TLS_PROXY", ["0", "1"], false)?;
    if !address.ip().is_loopback() && !behind_tls_proxy && !tls.is_on() {
        return invalid(format!(
            "SCIM_LISTEN is {address}, which other machines can reach, without TLS; set SCIM_TLS_CERT and SCIM_TLS_KEY, \
             listen on 127.0.0.1, or put a TLS proxy in front of the host and set SCIM_BEHIND_TLS_PROXY=1"
        ));
    }
    Ok(address)
}

/// The address by which this machine reaches a host that listens on this address.
pub(crate) fn local_address(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}
