//! What clients and peers ask of this node, on one port. The first line of a connection tells which
//! of the two it is.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
    time::Duration,
};

use serde::Serialize;
use temblor_workloads::client::abd::wire::{LINE_BYTES_MAX, Reply, Request, Response};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::sleep,
};

use super::{
    coordinator::Member,
    keeper::Task,
    message::{Answer, Hello, Question, Welcome},
    node::Event,
};

/// After an accept that failed (no descriptors left, most likely): time for some to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection needs of its node.
#[derive(Clone)]
pub(super) struct Server {
    /// The members' names.
    pub(super) names: Arc<[String]>,
    /// This node.
    pub(super) me: Member,
    /// Where peers' questions go.
    pub(super) keeper: Sender<Task>,
    /// Where clients' questions go.
    pub(super) events: mpsc::UnboundedSender<Event>,
}

/// The connection that each peer uses now. An older one is dead, even if TCP doesn't know yet: it
/// ends when its sender is dropped.
type Current = Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>;

/// Accepts connections for ever; when this ends, all of them do.
pub(super) async fn accept(listener: TcpListener, server: Server) -> Result<(), String> {
    let current = Current::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(server.clone().converse(stream, current.clone()));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            // Whoever was connected knows as well as we do that it ended, and why.
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Server {
    async fn converse(self, stream: TcpStream, current: Current) -> io::Result<()> {
        stream.set_nodelay(true)?;
        keep_alive(&stream)?;
        let (reader, writer) = stream.into_split();
        let mut lines = BufReader::new(reader);
        let Some(first) = read_line(&mut lines).await? else { return Ok(()) };
        match serde_json::from_slice::<Hello>(&first) {
            Ok(Hello { hello, to }) if to == self.names[self.me] => {
                let (latest, replaced) = oneshot::channel();
                current.lock().unwrap_or_else(PoisonError::into_inner).insert(hello, latest);
                tokio::select! {
                    ended = self.serve_peer(lines, writer) => ended,
                    _ = replaced => Ok(()),
                }
            }
            Ok(_) => Ok(()),
            Err(_) => self.serve_client(first, lines, writer).await,
        }
    }

    /// A peer's questions go to the keeper as they come, and its answers back as they come.
    async fn serve_peer(
        self,
        mut lines: BufReader<OwnedReadHalf>,
        mut writer: OwnedWriteHalf,
    ) -> io::Result<()> {
        let welcome = Welcome { welcome: self.names[self.me].clone() };
        write_line(&mut writer, &welcome).await?;
        let (answers, outbox) = mpsc::unbounded_channel();
        tokio::select! {
            ended = self.read_questions(&mut lines, answers) => ended,
            ended = write_answers(&mut writer, outbox) => ended,
        }
    }

    async fn read_questions(
        &self,
        lines: &mut BufReader<OwnedReadHalf>,
        answers: mpsc::UnboundedSender<Answer>,
    ) -> io::Result<()> {
        while let Some(line) = read_line(lines).await? {
            let question: Question = serde_json::from_slice(&line)?;
            let answers = answers.clone();
            let answer = Box::new(move |answer| {
                // The connection has ended already, if nobody listens.
                let _ = answers.send(answer);
            });
            self.keeper.send(Task { question, answer }).map_err(|_| gone())?;
        }
        Ok(())
    }

    /// One operation after another: a logical client has one open at a time.
    async fn serve_client(
        self,
        first: Vec<u8>,
        mut lines: BufReader<OwnedReadHalf>,
        mut writer: OwnedWriteHalf,
    ) -> io::Result<()> {
        let mut next = Some(first);
        while let Some(line) = next {
            let Request { id, ask } = serde_json::from_slice(&line)?;
            let (reply, replied) = oneshot::channel();
            self.events.send(Event::Asked { ask, reply }).map_err(|_| gone())?;
            let reply: Reply = replied.await.map_err(|_| gone())?;
            write_line(&mut writer, &Response { id, reply }).await?;
            next = read_line(&mut lines).await?;
        }
        Ok(())
    }
}

fn gone() -> io::Error {
    io::Error::other("the node has ended")
}

async fn write_answers(
    writer: &mut OwnedWriteHalf,
    mut outbox: mpsc::UnboundedReceiver<Answer>,
) -> io::Result<()> {
    while let Some(answer) = outbox.recv().await {
        write_line(writer, &answer).await?;
    }
    Ok(())
}

async fn write_line(writer: &mut OwnedWriteHalf, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

/// The next line; none at the end, or when the line breaks off.
async fn read_line(lines: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
    Ok((line.last() == Some(&b'\n')).then_some(line))
}

/// Connections whose other end went away behind a cut end by themselves within about a minute.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &30)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &10)?;
    setsockopt(stream, sockopt::TcpKeepCount, &3)?;
    Ok(())
}
