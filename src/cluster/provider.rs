//! What makes nodes on this machine, and which addresses they get.

use std::net::Ipv4Addr;

use super::namespaces::trial;

/// What makes the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Each node has its own PID, mount, UTS, IPC and network namespace.
    Namespaces {
        /// Inside a user namespace, because the run has no root.
        rootless: bool,
    },
    /// Nodes are addresses of this machine, 127.x.y.n: kill and pause only, cleared away by best
    /// effort.
    Loopback,
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Namespaces { rootless: false } => "namespaces",
            Self::Namespaces { rootless: true } => "namespaces (rootless)",
            Self::Loopback => "loopback",
        })
    }
}

/// The best provider that this machine can do, tried in a short-lived child; with `Loopback`, one
/// line on what is missing.
pub fn choose_provider() -> (Provider, Option<String>) {
    let rootless = !nix::unistd::geteuid().is_root();
    match trial::namespaces(rootless) {
        Ok(()) => (Provider::Namespaces { rootless }, None),
        Err(lack) => {
            let line = format!(
                "no namespaces on this machine ({lack}): nodes are loopback addresses, with kill and pause only"
            );
            (Provider::Loopback, Some(line))
        }
    }
}

/// Addresses for `n` nodes: 10.x.y.1… in namespaces, 127.x.y.1… in loopback. x and y come from
/// the run's identity, so that runs at the same time do not collide.
pub fn addresses(provider: &Provider, run: &str, n: usize) -> Vec<Ipv4Addr> {
    let [x, y] = subnet(run);
    let first = match provider {
        Provider::Namespaces { .. } => 10,
        Provider::Loopback => 127,
    };
    (1..=n).map(|node| Ipv4Addr::new(first, x, y, node as u8)).collect()
}

/// Two octets from 1 to 254.
fn subnet(run: &str) -> [u8; 2] {
    // FNV-1a: stable over versions, unlike the standard library's hasher.
    let hash = run.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    [hash >> 40, hash >> 20].map(|bits| (bits % 254 + 1) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_by_run_and_count_from_one() {
        let loopback = addresses(&Provider::Loopback, "demo/1", 2);
        let namespaces = addresses(&Provider::Namespaces { rootless: true }, "demo/1", 2);
        assert_eq!(loopback[0].octets()[1..], namespaces[0].octets()[1..]);
        assert_eq!((loopback[0].octets()[0], namespaces[1].octets()[0]), (127, 10));
        assert_eq!((loopback[0].octets()[3], loopback[1].octets()[3]), (1, 2));
        assert_ne!(subnet("demo/1"), subnet("demo/2"));
    }
}
