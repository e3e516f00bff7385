//! Which addresses may be reached at all: what a customer names is never let into the network that
//! Crosswave runs in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses a transport reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Every address, through the proxy where one is named: for the services that an operator named.
    #[default]
    Anywhere,
    /// Addresses of the public internet only, and directly, since a proxy would look names up itself.
    /// The address that was looked at is the one that is connected to, so that a name cannot mean
    /// another one in between.
    PublicOnly,
}

impl Reach {
    /// Whether an address without a name may be reached; names are looked at when they are resolved.
    pub(crate) fn check(self, url: &Url) -> Result<(), String> {
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        if self == Self::Anywhere || is_public(address) { Ok(()) } else { Err(refusal(address)) }
    }
}

fn refusal(address: IpAddr) -> String {
    format!("{address} is not an address of the public internet; the installation must allow it")
}

/// Resolves names to public addresses, or not at all.
pub(crate) struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            // One that is not public among many is no accident.
            match found.iter().find(|address| !is_public(address.ip())) {
                Some(address) => Err(refusal(address.ip()).into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address belongs to the public internet (IANA's special-purpose address registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224 // multicast, reserved, broadcast
        || (a == 100 && (b & 0xC0) == 64) // shared by carriers
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // old 6to4 relays
        || (a == 198 && (b & 0xFE) == 18); // benchmarks
    !special
}

/// Global unicast, 2000::/3, without what is set apart there or leads to an IPv4 address. IPv4-mapped
/// and translated addresses, private and link-local ones, multicast and loopback lie outside it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let special = match a {
        0x2001 => b < 0x200 || b == 0xDB8, // protocol assignments with Teredo; documentation
        0x2002 => true,                    // 6to4
        0x3FFF => b < 0x1000,              // documentation
        _ => false,
    };
    (a & 0xE000) == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-3
    #[test]
    fn only_public_addresses_are_public() {
        for public in ["8.8.8.8", "172.15.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "198.51.100.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    /// NOT-3: however an address is written, it is looked at as the number that it is.
    #[test]
    fn an_address_in_disguise_is_seen() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
        ] {
            let url: Url = url.parse().unwrap();
            assert!(Reach::PublicOnly.check(&url).is_err(), "{url}");
            assert!(Reach::Anywhere.check(&url).is_ok(), "{url}");
        }
    }
}
