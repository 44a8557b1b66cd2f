//! Questions of one node to one peer, over a connection of their own.
//!
//! TCP alone takes as long again as a cut lasted to come back after it. So a connection that owes
//! answers and says nothing for a while is dropped, with all that is on it, and a new one opened.
//! Nothing is sent twice. A link with nothing to say does nothing, connected or not.

use std::{collections::VecDeque, io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    arguments::Peer,
    coordinator::Member,
    message::{Hello, Question, Welcome},
    node::Event,
};

/// Longest that a peer may owe an answer and say nothing; also longest that connecting may take.
/// Longer than a round trip over any link on which a round can succeed.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Between two attempts to connect: a peer that is down refuses at once.
const PAUSE: Duration = Duration::from_millis(50);

/// Questions that may wait. They live as long as their rounds, so that this is far more than a node
/// can have open.
const OUTBOX_MAX: usize = 8192;

/// A question on its way.
pub(super) struct Outgoing {
    /// What is asked.
    pub(super) question: Question,
    /// When its round is abandoned; from then on it is not sent any more.
    pub(super) deadline: Instant,
}

/// Who asks whom, and who gets the answers.
pub(super) struct Link {
    /// This node's name.
    pub(super) from: String,
    /// The peer.
    pub(super) to: Peer,
    /// Its place among the members.
    pub(super) member: Member,
    /// Where its answers go.
    pub(super) events: mpsc::UnboundedSender<Event>,
}

/// Starts a link; it ends when its sender is dropped.
pub(super) fn start(link: Link) -> mpsc::Sender<Outgoing> {
    let (outbox, inbox) = mpsc::channel(OUTBOX_MAX);
    tokio::spawn(link.run(inbox));
    outbox
}

type Waiting = VecDeque<Outgoing>;

impl Link {
    async fn run(self, mut inbox: mpsc::Receiver<Outgoing>) {
        let mut waiting = Waiting::new();
        while let Some(first) = next(&mut waiting, &mut inbox).await {
            waiting.push_front(first);
            let connected = gather(&mut waiting, &mut inbox, self.connect()).await;
            let Ok(mut connection) = connected else {
                gather(&mut waiting, &mut inbox, sleep(PAUSE)).await;
                continue;
            };
            // Why it ended changes nothing: what is on it is lost, and the next one begins.
            let _ = self.talk(&mut connection, &mut waiting, &mut inbox).await;
        }
    }

    /// Opens a connection on which the peer has said that it is there.
    async fn connect(&self) -> io::Result<Connection> {
        let connect = async {
            let stream = TcpStream::connect(self.to.address).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = stream.into_split();
            let lines = BufReader::new(reader).lines();
            let mut connection = Connection { lines, writer, owed: 0, quiet_since: Instant::now() };
            connection.greet(&self.from, &self.to.name).await?;
            Ok(connection)
        };
        timeout(SILENCE_MAX, connect).await?
    }

    /// Asks and hears until the connection ends or falls silent.
    async fn talk(
        &self,
        connection: &mut Connection,
        waiting: &mut Waiting,
        inbox: &mut mpsc::Receiver<Outgoing>,
    ) -> io::Result<()> {
        loop {
            let silent_at = connection.silent_at();
            tokio::select! {
                outgoing = next(waiting, inbox) => match outgoing {
                    Some(outgoing) => connection.ask(&outgoing.question).await?,
                    None => return Ok(()),
                },
                line = connection.lines.next_line() => {
                    let line = line?.ok_or(io::ErrorKind::UnexpectedEof)?;
                    connection.heard();
                    let answer = serde_json::from_str(&line)?;
                    // The node has ended already, if nobody listens.
                    let _ = self.events.send(Event::Answered { from: self.member, answer });
                }
                () = super::node::at(silent_at) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }
}

/// The next question whose round is still open; none when there will never be one.
async fn next(waiting: &mut Waiting, inbox: &mut mpsc::Receiver<Outgoing>) -> Option<Outgoing> {
    loop {
        let outgoing = match waiting.pop_front() {
            Some(outgoing) => outgoing,
            None => inbox.recv().await?,
        };
        if outgoing.deadline > Instant::now() {
            return Some(outgoing);
        }
    }
}

/// Takes questions in while something else goes on, and lets go of those whose time is over.
async fn gather<T>(
    waiting: &mut Waiting,
    inbox: &mut mpsc::Receiver<Outgoing>,
    until: impl Future<Output = T>,
) -> T {
    tokio::pin!(until);
    loop {
        tokio::select! {
            done = &mut until => return done,
            Some(outgoing) = inbox.recv() => waiting.push_back(outgoing),
        }
        while waiting.front().is_some_and(|first| first.deadline <= Instant::now()) {
            waiting.pop_front();
        }
    }
}

struct Connection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    /// Questions without an answer.
    owed: u64,
    /// When it last said something, or was first asked after it had answered everything.
    quiet_since: Instant,
}

impl Connection {
    async fn greet(&mut self, from: &str, to: &str) -> io::Result<()> {
        let hello = Hello { hello: from.to_owned(), to: to.to_owned() };
        self.write(&hello).await?;
        let line = self.lines.next_line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let Welcome { welcome } = serde_json::from_str(&line)?;
        if welcome == to { Ok(()) } else { Err(io::Error::other("somebody else")) }
    }

    async fn ask(&mut self, question: &Question) -> io::Result<()> {
        if self.owed == 0 {
            self.quiet_since = Instant::now();
        }
        self.owed += 1;
        // A peer that reads nothing fills its buffer: that is silence too.
        let deadline = self.quiet_since + SILENCE_MAX;
        timeout_at(deadline, self.write(question)).await?
    }

    async fn write(&mut self, message: &impl serde::Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.writer.write_all(&line).await
    }

    fn heard(&mut self) {
        self.owed = self.owed.saturating_sub(1);
        self.quiet_since = Instant::now();
    }

    fn silent_at(&self) -> Option<Instant> {
        (self.owed > 0).then(|| self.quiet_since + SILENCE_MAX)
    }
}
