//! Volleys of datagrams over many links at once, and what became of them.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use temblor_faults::Hop;
use tokio::time::sleep;

use super::{
    ClusterError,
    clients::ClientsProber,
    evidence::{self, Came, Seen},
    links::{Link, only_delays},
    message::{Aim, Answer, Arrival, Ask, Burst, PortAddress, Volley},
    node::Node,
    switch::Policies,
};
use crate::clock::monotonic_ns;

/// After the last datagram left, how long one may still come where none should.
const SETTLE: Duration = Duration::from_millis(30);
/// How long a datagram may be late on a link that passes, on a busy machine.
const LATE: Duration = Duration::from_secs(1);
/// Between two questions for arrivals, at first.
const ASK: Duration = Duration::from_millis(5);

/// What is aimed at each link.
pub(super) type Aims = BTreeMap<Link, Aim>;

/// What was seen: of each link, and how many wrong checksums at each port.
#[derive(Debug, Default)]
pub(super) struct Shots {
    pub(super) links: BTreeMap<Link, Seen>,
    pub(super) wrong_checksums: Vec<u64>,
}

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
    sent: BTreeMap<u8, Vec<i64>>,
    pending: u32,
    arrivals: Vec<Arrival>,
    wrong_checksums: u64,
}

impl Volleys {
    pub(super) fn new(nodes: Vec<Arc<Node>>, addresses: Vec<PortAddress>) -> io::Result<Self> {
        let clients = addresses.last().ok_or(io::ErrorKind::InvalidInput)?;
        let clients = ClientsProber::start(*clients)?;
        Ok(Self { nodes, clients, addresses, next: AtomicU64::new(1) })
    }

    /// Fires, and returns when all that can come has come.
    pub(super) async fn fire(
        &self,
        policies: &Policies,
        aims: &Aims,
    ) -> Result<Shots, ClusterError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let before = self.ask_all(number).await?;
        let stretch = evidence::stretch(aims.values());
        let aims: Aims = aims.iter().map(|(link, aim)| (*link, aim.stretched(stretch))).collect();
        for from in 0..self.addresses.len() {
            let bursts = aims.iter().filter(|(link, _)| link.0 == from);
            let bursts = bursts.map(|(link, aim)| Burst { to: self.addresses[link.1], aim: *aim });
            self.fire_from(from, Volley { number, bursts: bursts.collect() }).await?;
        }
        let lasts = aims.values().map(Aim::lasts).max().unwrap_or_default();
        let left_ns = monotonic_ns() + lasts.as_nanos() as i64;
        sleep(lasts).await;
        let told = self.collect(number, policies, &aims, left_ns).await?;
        let counted = told.iter().zip(&before);
        Ok(Shots {
            links: aims.iter().map(|(link, aim)| (*link, seen(*link, *aim, &told))).collect(),
            wrong_checksums: counted
                .map(|(now, before)| now.wrong_checksums.saturating_sub(before.wrong_checksums))
                .collect(),
        })
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
        aims: &Aims,
        left_ns: i64,
    ) -> Result<Vec<Told>, ClusterError> {
        let hops = |link: &Link| &policies[link.0][link.1];
        let slowest = aims.keys().map(|link| slowness(hops(link))).max().unwrap_or_default();
        let ns = |duration: Duration| duration.as_nanos() as i64;
        let mut pause = ASK;
        loop {
            sleep(pause).await;
            let asked_ns = monotonic_ns();
            let told = self.ask_all(number).await?;
            let settled = asked_ns > left_ns + ns(slowest + SETTLE);
            let gone = told.iter().all(|port| port.pending == 0);
            let complete = aims.iter().all(|(link, aim)| {
                let loses_none = hops(link).iter().all(only_delays);
                settled || (loses_none && arrived(*link, &told) >= aim.count() as usize)
            });
            if gone && complete || asked_ns > left_ns + ns(slowest + LATE) {
                return Ok(told);
            }
            // Long answers are not asked for all the time.
            pause = pause.max(Duration::from_nanos((monotonic_ns() - asked_ns) as u64));
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
                Answer::Arrived { sent, pending, arrivals, wrong_checksums } => {
                    Ok(Told { sent, pending, arrivals, wrong_checksums })
                }
                other => Err(clients_failed(io::Error::other(format!("an odd answer: {other:?}")))),
            })
            .collect()
    }
}

/// How late a packet may be that passes these hops.
fn slowness(hops: &[Hop]) -> Duration {
    hops.iter().map(|hop| hop.policy.slowest()).sum()
}

fn arrivals((from, to): Link, told: &[Told]) -> impl Iterator<Item = &Arrival> {
    told[to].arrivals.iter().filter(move |arrival| usize::from(arrival.0) == from)
}

fn arrived(link: Link, told: &[Told]) -> usize {
    arrivals(link, told).count()
}

fn seen(link: Link, aim: Aim, told: &[Told]) -> Seen {
    let sent = told[link.0].sent.get(&(link.1 as u8)).cloned().unwrap_or_default();
    let came = arrivals(link, told).map(|Arrival(_, number, at_ns, whole)| Came {
        number: *number,
        at_ns: *at_ns,
        whole: *whole,
    });
    Seen { aim, sent, came: came.collect(), overflowed: 0 }
}

fn clients_failed(why: io::Error) -> ClusterError {
    ClusterError::new("the clients' network", "probe links", why)
}
