//! The address of the client, which may be behind proxies.

use std::net::IpAddr;

use http::request::Parts;
use ipnet::IpNet;

/// The address of the other end of a connection. The server puts it into the extensions of each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The address of the client: the other end of the connection, or, if that is a trusted proxy, the last address in
/// `X-Forwarded-For` that is not one. Everything before it may have been invented by the client.
pub(super) fn client_address(parts: &Parts, proxies: &[IpNet]) -> IpAddr {
    let unknown = IpAddr::from([0, 0, 0, 0]);
    let peer = parts.extensions.get::<Peer>().map_or(unknown, |Peer(address)| address.to_canonical());
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return peer;
    }
    let headers = parts.headers.get_all("x-forwarded-for").iter();
    let listed: Vec<&[u8]> = headers.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    let mut client = peer;
    for text in listed.into_iter().rev() {
        // What is no address was not written by a proxy that knows one.
        let Some(address) = std::str::from_utf8(text).ok().and_then(|text| parse(text.trim())) else { break };
        client = address;
        if !is_proxy(&address) {
            break;
        }
    }
    client
}

/// An address, perhaps with a port.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    Some(address.or_else(with_port).or_else(in_brackets)?.to_canonical())
}

/// The part of an address that one client has: an IPv6 client has a network of its own.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_name_the_client() {
        let proxies: Vec<IpNet> =
            ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap()).to_vec();
        for (peer, forwarded, expected) in [
            ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "192.0.2.1, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "192.0.2.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8::1", "[2001:0:0:1::5]", "2001:0:0:1::5"),
            ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let request = http::Request::get("/").header("x-forwarded-for", forwarded);
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(Peer(peer.parse().unwrap()));
            assert_eq!(
                client_address(&parts, &proxies),
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded}"
            );
        }
    }

    #[test]
    fn headers_of_several_lines_are_one_list() {
        let request = http::Request::get("/").header("x-forwarded-for", "192.0.2.1");
        let (mut parts, ()) = request.header("x-forwarded-for", "203.0.113.9").body(()).unwrap().into_parts();
        parts.extensions.insert(Peer("10.0.0.1".parse().unwrap()));
        let proxies = ["10.0.0.1/32".parse().unwrap()];
        assert_eq!(client_address(&parts, &proxies), "203.0.113.9".parse::<IpAddr>().unwrap());
        // What a client writes does not hide what the proxy writes behind it.
        let value = http::HeaderValue::from_bytes(b"\xff, 203.0.113.9").unwrap();
        parts.headers.insert("x-forwarded-for", value);
        assert_eq!(client_address(&parts, &proxies), "203.0.113.9".parse::<IpAddr>().unwrap());
    }
}
