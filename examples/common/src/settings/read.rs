//! Reads the values of options.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::InvalidSettings;

/// Returns the value of an option, by its variable.
pub(crate) type Get<'a> = &'a dyn Fn(&str) -> Result<Option<String>, InvalidSettings>;

pub(crate) fn invalid<T>(reason: impl Into<String>) -> Result<T, InvalidSettings> {
    Err(InvalidSettings::new(reason))
}

/// An option that has one of two values, for false and true.
pub(crate) fn choice(
    get: Get<'_>,
    name: &str,
    [no, yes]: [&str; 2],
    default: bool,
) -> Result<bool, InvalidSettings> {
    match get(name)?.as_deref() {
        None => Ok(default),
        Some(value) if value == no => Ok(false),
        Some(value) if value == yes => Ok(true),
        Some(other) => invalid(format!("{name} must be {no} or {yes}, not `{other}`")),
    }
}

/// An option that is a number within a range.
pub(crate) fn number<T>(
    get: Get<'_>,
    name: &str,
    range: RangeInclusive<T>,
    default: T,
) -> Result<T, InvalidSettings>
where
    T: FromStr + PartialOrd + Display,
{
    let Some(value) = get(name)? else { return Ok(default) };
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => invalid(format!(
            "{name} must be a number from {} to {}, not `{value}`",
            range.start(),
            range.end()
        )),
    }
}

/// An option that is a number of seconds.
pub(crate) fn seconds(get: Get<'_>, name: &str, default: u64) -> Result<Duration, InvalidSettings> {
    number(get, name, 1..=86_400, default).map(Duration::from_secs)
}

/// An option that is an address and a port.
pub(crate) fn address(get: Get<'_>, name: &str) -> Result<Option<SocketAddr>, InvalidSettings> {
    let Some(value) = get(name)? else { return Ok(None) };
    match value.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()) {
        Some(address) => Ok(Some(address)),
        None => {
            invalid(format!("{name} must be an address and a port, such as 127.0.0.1:8080, not `{value}`"))
        }
    }
}

/// An option that is a list of networks, with commas between them. A single address is a network of its own.
pub(crate) fn networks(get: Get<'_>, name: &str) -> Result<Option<Vec<IpNet>>, InvalidSettings> {
    let Some(value) = get(name)? else { return Ok(None) };
    let network = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let networks: Option<Vec<IpNet>> = value.split(',').map(|text| network(text.trim())).collect();
    match networks {
        Some(networks) => Ok(Some(networks)),
        None => invalid(format!(
            "{name} must be networks with commas between them, such as 192.0.2.0/24,2001:db8::/32, not `{value}`"
        )),
    }
}
