//! A node: its parts put together, and the one task that drives the coordinator.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::mpsc::Sender,
    time::Duration,
};

use temblor_workloads::client::abd::wire::{Ask, Reply};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    super::say,
    arguments::{Peer, ServeArguments},
    bug::Bug,
    coordinator::{Coordinator, Member, Operation, Step},
    keeper::{Keeper, Task},
    link::{self, Link, Outgoing},
    log::{Log, Recovered},
    message::{Answer, Question, RoundId},
    replica::Replica,
    server::{self, Server},
};

/// What reaches the coordinator.
pub(super) enum Event {
    /// A client asks.
    Asked {
        /// What.
        ask: Ask,
        /// Where the reply goes; a client that has gone no longer takes it.
        reply: oneshot::Sender<Reply>,
    },
    /// A replica answers.
    Answered {
        /// Which.
        from: Member,
        /// What.
        answer: Answer,
    },
    /// The keeper cannot keep: this life must end.
    Failed(io::Error),
}

/// Runs a node until SIGTERM or SIGINT.
///
/// The port is taken before the log is opened, so that two lives of a node never overlap.
pub(super) async fn run(arguments: ServeArguments) -> Result<(), String> {
    let ServeArguments { node, listen, peers, data, bug, round_timeout_ms } = arguments;
    let known = peers.iter().position(|peer| peer.name == node);
    let me = known.ok_or_else(|| format!("--node {node} is not among --peers"))?;
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| format!("listening on {listen}: {error}"))?;
    let (log, recovered) = match bug {
        // Seeded bug: nothing on disk, neither registers nor the count of lives.
        Bug::Forgetful => (None, Recovered::default()),
        _ => Log::open(&data, bug != Bug::NoFsync)
            .map(|(log, recovered)| (Some(log), recovered))
            .map_err(|error| format!("{}: {error}", data.display()))?,
    };
    let epoch = log.as_ref().map_or(1, Log::epoch);
    say(&started(&node, listen, epoch, &recovered));
    let Recovered { replica, .. } = recovered;
    let parts = Parts { peers, me, epoch, bug, round_timeout: round_timeout_ms };
    tokio::select! {
        result = parts.serve(listener, replica, log) => result,
        name = ended() => {
            say(&format!("{node}: ends by {name}"));
            Ok(())
        }
    }
}

fn started(node: &str, listen: std::net::SocketAddr, epoch: u64, recovered: &Recovered) -> String {
    let registers = recovered.replica.len();
    let torn = match recovered.torn_bytes {
        0 => String::new(),
        bytes => format!(", {bytes} bytes of a torn end dropped"),
    };
    format!("{node}: life {epoch}, {registers} registers{torn}, listening on {listen}")
}

/// Which signal asks this node to end.
async fn ended() -> &'static str {
    let wait = async |kind| match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        // Without a handler the signal's own way is to end us.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => "SIGTERM",
        () = wait(SignalKind::interrupt()) => "SIGINT",
    }
}

struct Parts {
    peers: Vec<Peer>,
    me: Member,
    epoch: u64,
    bug: Bug,
    round_timeout: Duration,
}

impl Parts {
    async fn serve(
        self,
        listener: TcpListener,
        replica: Replica,
        log: Option<Log>,
    ) -> Result<(), String> {
        let (events, inbox) = mpsc::unbounded_channel();
        let failed = events.clone();
        let keeper = Keeper { replica, log }.start(move |error| {
            // The node has ended already, if nobody listens.
            let _ = failed.send(Event::Failed(error));
        });
        let keeper = keeper.map_err(|error| format!("starting the keeper: {error}"))?;
        let names: Vec<String> = self.peers.iter().map(|peer| peer.name.clone()).collect();
        let links = self.links(&events);
        let server = Server {
            names: names.clone().into(),
            me: self.me,
            keeper: keeper.clone(),
            events: events.clone(),
        };
        let driver = Driver {
            coordinator: Coordinator::new(names, self.me, self.epoch, self.bug),
            me: self.me,
            round_timeout: self.round_timeout,
            keeper,
            links,
            events,
            open: HashMap::new(),
            deadlines: VecDeque::new(),
            last_operation: 0,
        };
        tokio::select! {
            result = driver.run(inbox) => result,
            result = server::accept(listener, server) => result,
        }
    }

    /// The links to each peer; none to this node itself.
    fn links(&self, events: &mpsc::UnboundedSender<Event>) -> Vec<Option<PeerLinks>> {
        let link = |member: Member| Link {
            from: self.peers[self.me].name.clone(),
            to: self.peers[member].clone(),
            member,
            events: events.clone(),
        };
        let links = |member: Member| {
            (member != self.me).then(|| PeerLinks {
                asks: link::start(link(member)),
                stores: link::start(link(member)),
            })
        };
        (0..self.peers.len()).map(links).collect()
    }
}

/// The two links to a peer: what waits for its disk must not hold up what does not.
struct PeerLinks {
    /// For questions that store nothing.
    asks: mpsc::Sender<Outgoing>,
    /// For questions that store a version.
    stores: mpsc::Sender<Outgoing>,
}

impl PeerLinks {
    fn of(&self, question: &Question) -> &mpsc::Sender<Outgoing> {
        if question.store.is_some() { &self.stores } else { &self.asks }
    }
}

/// Feeds the coordinator and does what it says.
struct Driver {
    coordinator: Coordinator,
    me: Member,
    round_timeout: Duration,
    keeper: Sender<Task>,
    links: Vec<Option<PeerLinks>>,
    events: mpsc::UnboundedSender<Event>,
    /// Clients that wait.
    open: HashMap<Operation, oneshot::Sender<Reply>>,
    /// When rounds are abandoned, soonest first: all have the same time. Those of rounds that have
    /// ended stay until they are due.
    deadlines: VecDeque<(Instant, RoundId)>,
    last_operation: Operation,
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Event>) -> Result<(), String> {
        loop {
            let due = self.deadlines.front().map(|(due, _)| *due);
            let step = tokio::select! {
                event = inbox.recv() => match event {
                    Some(event) => self.take(event)?,
                    None => return Ok(()),
                },
                () = at(due) => self.abandon_first(),
            };
            if let Some(step) = step {
                self.perform(step);
            }
        }
    }

    fn take(&mut self, event: Event) -> Result<Option<Step>, String> {
        match event {
            Event::Asked { ask, reply } => {
                self.last_operation += 1;
                self.open.insert(self.last_operation, reply);
                Ok(Some(self.coordinator.begin(self.last_operation, ask)))
            }
            Event::Answered { from, answer } => Ok(self.coordinator.answered(from, answer)),
            Event::Failed(error) => Err(format!("keeping registers: {error}")),
        }
    }

    fn abandon_first(&mut self) -> Option<Step> {
        let (_, round) = self.deadlines.pop_front()?;
        self.coordinator.abandon(round)
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Finish { operation, reply } => {
                if let Some(client) = self.open.remove(&operation) {
                    // A client that has given up doesn't take it any more.
                    let _ = client.send(reply);
                }
            }
            Step::Send { to, question } => {
                let deadline = Instant::now() + self.round_timeout;
                self.deadlines.push_back((deadline, question.round));
                for member in to {
                    self.send(member, &question, deadline);
                }
            }
        }
    }

    fn send(&self, member: Member, question: &Question, deadline: Instant) {
        if let Some(links) = &self.links[member] {
            // A link that is too far behind loses the question, as a network may.
            let _ = links.of(question).try_send(Outgoing { question: question.clone(), deadline });
            return;
        }
        let (events, from) = (self.events.clone(), self.me);
        let answer = Box::new(move |answer| {
            // The node has ended already, if nobody listens.
            let _ = events.send(Event::Answered { from, answer });
        });
        // A keeper that has ended has said so by an event of its own.
        let _ = self.keeper.send(Task { question: question.clone(), answer });
    }
}

/// Waits for a moment; for ever where there is none.
pub(super) async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, net::TcpListener as Port, path::PathBuf};

    use temblor_workloads::client::abd::status;
    use tokio::task::JoinHandle;

    use super::*;

    /// Three nodes in this program, on ports that were free a moment ago.
    struct Cluster {
        folder: PathBuf,
        peers: Vec<Peer>,
    }

    impl Cluster {
        fn new(test: &str) -> Self {
            let name = format!("temblor-abd-{test}-{}", std::process::id());
            let ports: Vec<Port> = (0..3).map(|_| Port::bind("127.0.0.1:0").unwrap()).collect();
            let peer = |(number, port): (usize, &Port)| Peer {
                name: format!("n{}", number + 1),
                address: port.local_addr().unwrap(),
            };
            let peers = ports.iter().enumerate().map(peer).collect();
            Self { folder: std::env::temp_dir().join(name), peers }
        }

        fn start(&self, member: Member) -> JoinHandle<Result<(), String>> {
            let Peer { name, address } = self.peers[member].clone();
            tokio::spawn(run(ServeArguments {
                data: self.folder.join(&name),
                node: name,
                listen: address,
                peers: self.peers.clone(),
                bug: Bug::None,
                round_timeout_ms: Duration::from_secs(5),
            }))
        }

        /// Asks again and again until the node reaches a majority.
        async fn ready(&self, member: Member) {
            while status(self.peers[member].address).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
    }

    impl Drop for Cluster {
        fn drop(&mut self) {
            // A leftover in the temporary folder harms nobody.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    async fn ended(node: JoinHandle<Result<(), String>>) {
        node.abort();
        assert!(node.await.unwrap_err().is_cancelled());
    }

    #[tokio::test]
    async fn a_majority_is_enough_and_a_node_comes_back_on_its_port() {
        let cluster = Cluster::new("majority");
        let (first, second) = (cluster.start(0), cluster.start(1));
        cluster.ready(0).await;
        cluster.ready(1).await;
        ended(first).await;
        assert!(status(cluster.peers[0].address).await.is_err());
        let third = cluster.start(2);
        cluster.ready(1).await;
        cluster.ready(2).await;
        ended(second).await;
        let first = cluster.start(0);
        cluster.ready(0).await;
        ended(first).await;
        ended(third).await;
    }
}
