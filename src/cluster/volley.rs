//! Volleys of datagrams over many links at once, and what became of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use temblor_faults::LinkPolicy;
use tokio::time::sleep;

use super::{
    ClusterError,
    clients::ClientsProber,
    evidence::{self, FEW, Seen},
    links::Link,
    message::{Answer, Arrival, Ask, Burst, PortAddress, Volley},
    node::Node,
    switch::Policies,
};
use crate::clock::monotonic_ns;

/// Between two datagrams of a few; many share this time among them.
const APART: Duration = Duration::from_millis(1);
const MANY: Duration = Duration::from_millis(200);
/// What one datagram costs the machine, all in all: no volley shall be a load of its own.
const EACH: Duration = Duration::from_micros(50);
/// After the last datagram left, how long one may still come where none should.
const SETTLE: Duration = Duration::from_millis(30);
/// How long a datagram may be late on a link that passes, on a busy machine.
const LATE: Duration = Duration::from_secs(1);
/// Between two questions for arrivals.
const ASK: Duration = Duration::from_millis(5);

/// What was seen of each link.
pub(super) type Shots = BTreeMap<Link, Seen>;

/// The ends of all links.
#[derive(Debug)]
pub(super) struct Volleys {
    nodes: Vec<Arc<Node>>,
    clients: ClientsProber,
    addresses: Vec<PortAddress>,
    next: AtomicU64,
}

/// What one port says of a volley.
struct Told {
    sent: BTreeMap<u8, u32>,
    pending: u32,
    arrivals: Vec<Arrival>,
}

impl Volleys {
    pub(super) fn new(nodes: Vec<Arc<Node>>, addresses: Vec<PortAddress>) -> io::Result<Self> {
        let clients = addresses.last().ok_or(io::ErrorKind::InvalidInput)?;
        let clients = ClientsProber::start(*clients)?;
        Ok(Self { nodes, clients, addresses, next: AtomicU64::new(1) })
    }

    /// Fires over `links`, so many datagrams on those `closely` watched as their policy needs to
    /// show; returns when all that can come has come.
    pub(super) async fn fire(
        &self,
        policies: &Policies,
        links: &BTreeSet<Link>,
        closely: &BTreeSet<Link>,
    ) -> Result<Shots, ClusterError> {
        let count = |link: &Link| {
            if closely.contains(link) { evidence::needed(&policies[link.0][link.1]) } else { FEW }
        };
        let most = links.iter().map(count).max().unwrap_or(FEW);
        let spacing = spacing(most, links.iter().map(count).sum());
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        for from in 0..self.addresses.len() {
            let bursts = links.iter().filter(|link| link.0 == from);
            let bursts =
                bursts.map(|link| Burst { to: self.addresses[link.1], count: count(link) });
            let spacing_us = spacing.as_micros() as u64;
            let volley = Volley { number, bursts: bursts.collect(), spacing_us };
            self.fire_from(from, volley).await?;
        }
        let left_ns = monotonic_ns() + (spacing * most).as_nanos() as i64;
        sleep(spacing * most).await;
        self.collect(number, policies, links, left_ns).await
    }

    async fn fire_from(&self, from: usize, volley: Volley) -> Result<(), ClusterError> {
        if volley.bursts.is_empty() {
            return Ok(());
        }
        match self.nodes.get(from) {
            Some(node) => node.ask(Ask::Probe(volley)).await.map(drop),
            None => self.clients.fire(volley).map_err(clients_failed),
        }
    }

    async fn collect(
        &self,
        number: u64,
        policies: &Policies,
        links: &BTreeSet<Link>,
        left_ns: i64,
    ) -> Result<Shots, ClusterError> {
        let slowest = links.iter().map(|link| slowness(&policies[link.0][link.1])).max();
        let slowest = slowest.unwrap_or_default();
        let ns = |duration: Duration| duration.as_nanos() as i64;
        loop {
            sleep(ASK).await;
            let asked_ns = monotonic_ns();
            let told = self.ask_all(number).await?;
            let shots: Shots = links.iter().map(|link| (*link, seen(*link, &told))).collect();
            let settled = asked_ns > left_ns + ns(slowest + SETTLE);
            let gone = told.iter().all(|port| port.pending == 0);
            let complete = shots.iter().all(|((from, to), seen)| {
                let policy = &policies[*from][*to];
                if policy.drop || policy.loss > 0.0 {
                    return settled;
                }
                seen.sent as usize <= seen.delays_ns.len()
            });
            if gone && complete || asked_ns > left_ns + ns(slowest + LATE) {
                return Ok(shots);
            }
        }
    }

    async fn ask_all(&self, number: u64) -> Result<Vec<Told>, ClusterError> {
        let mut told = Vec::new();
        for node in &self.nodes {
            told.push(node.ask(Ask::Arrivals { volley: number }).await?);
        }
        told.push(self.clients.arrivals(number).await.map_err(clients_failed)?);
        told.into_iter()
            .map(|answer| match answer {
                Answer::Arrived { sent, pending, arrivals } => Ok(Told { sent, pending, arrivals }),
                other => Err(clients_failed(io::Error::other(format!("an odd answer: {other:?}")))),
            })
            .collect()
    }
}

/// Between two datagrams of a link, when the busiest has `most` and all links `total`.
fn spacing(most: u32, total: u32) -> Duration {
    let even = if most <= FEW { APART } else { MANY / most };
    even.max(EACH * total / most)
}

fn slowness(policy: &LinkPolicy) -> Duration {
    if policy.drop { Duration::ZERO } else { policy.delay + policy.jitter }
}

fn seen((from, to): Link, told: &[Told]) -> Seen {
    let sent = told[from].sent.get(&(to as u8)).copied().unwrap_or(0);
    let arrived = || told[to].arrivals.iter().filter(|arrival| usize::from(arrival.from) == from);
    Seen {
        sent,
        delays_ns: arrived().map(|arrival| arrival.received_ns - arrival.sent_ns).collect(),
        first_ns: arrived().map(|arrival| arrival.received_ns).min(),
    }
}

fn clients_failed(why: io::Error) -> ClusterError {
    ClusterError::new("the clients' network", "probe links", why)
}
