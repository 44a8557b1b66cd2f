//! The controller's handle on one node: its guard, its lifeline, and its agent's channel.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::{mpsc::UnboundedSender, oneshot},
    time::timeout,
};

use super::{
    ClusterError, ClusterEvent, channel,
    channel::Lines,
    guard::Charge,
    message::{Answer, Ask, Request, Say, Setup},
    spawn,
};
use crate::clock::monotonic_ns;

/// How long a node may take to come up.
const UP: Duration = Duration::from_secs(10);
/// How long an agent may take over one request: longer than any fault's own bound.
const ANSWER: Duration = Duration::from_secs(30);

/// A node that was made: its agent has answered.
pub(super) struct Made {
    guard: Child,
    lifeline: ChildStdin,
    channel: UnixStream,
    lines: Lines,
    /// The cable of its interface.
    pub(super) cable: Option<OwnedFd>,
}

/// Makes a node. Blocks until its agent is set up; on an error nothing is left of it.
pub(super) fn make(charge: &Charge, setup: Setup) -> Result<Made, ClusterError> {
    let node = charge.node.clone();
    let failed = |act: &'static str| {
        let node = node.clone();
        move |why: io::Error| ClusterError::new(node, act, why)
    };
    let (here, there) = UnixStream::pair().map_err(failed("make its channel"))?;
    let log = setup.logs.join("agent.log");
    let mut guard = start_guard(charge, &setup, there).map_err(failed("start its guard"))?;
    let lifeline = guard.stdin.take().ok_or_else(|| {
        ClusterError::new(charge.node.clone(), "hold its lifeline", "the pipe is missing")
    })?;
    let mut made = Made { guard, lifeline, channel: here, lines: Lines::default(), cable: None };
    let Err(error) = made.set_up(setup) else {
        return Ok(made);
    };
    made.abandon();
    let error = ClusterError { place: charge.node.clone(), ..error };
    if error.advice.is_empty() {
        return Err(error.advise(format!("see {}", log.display())));
    }
    Err(error)
}

fn start_guard(charge: &Charge, setup: &Setup, channel: UnixStream) -> io::Result<Child> {
    fs::create_dir_all(&setup.logs)?;
    let log = OpenOptions::new().create(true).append(true).open(setup.logs.join("agent.log"))?;
    let mut command = Command::new(spawn::THIS_PROGRAM);
    command
        .arg("guard")
        .arg(serde_json::to_string(charge)?)
        .stdin(Stdio::piped())
        .stdout(OwnedFd::from(channel))
        .stderr(log);
    spawn::in_own_session(&mut command);
    command.spawn()
}

impl Made {
    fn set_up(&mut self, setup: Setup) -> Result<(), ClusterError> {
        match self.ask_for_setup(setup) {
            Ok(Say::Answer { answer: Answer::Ready, .. }) => Ok(()),
            Ok(
                Say::NoNode { act, why, advice }
                | Say::Answer { answer: Answer::Failed { act, why, advice }, .. },
            ) => Err(ClusterError { place: String::new(), act, why, advice }),
            Ok(other) => {
                let why = format!("an unexpected answer: {other:?}");
                Err(ClusterError::new("", "set it up", why))
            }
            Err(why) => Err(ClusterError::new("", "set it up", why)),
        }
    }

    fn ask_for_setup(&mut self, setup: Setup) -> io::Result<Say> {
        self.channel.set_read_timeout(Some(UP))?;
        let request = Request { id: 0, ask: Ask::Setup(Box::new(setup)) };
        // A guard that has failed has closed the channel, and said why before.
        let written = channel::write_line(&self.channel, &request);
        loop {
            if let Some(say) = self.lines.next()? {
                return Ok(say);
            }
            let mut bytes = [0; 4096];
            let (count, cable) =
                channel::receive(self.channel.as_fd(), &mut bytes).map_err(|why| {
                    if why.kind() == io::ErrorKind::WouldBlock { late() } else { why }
                })?;
            self.cable = cable.or(self.cable.take());
            if count == 0 {
                written?;
                return Err(io::Error::other("its guard or its agent has ended"));
            }
            self.lines.feed(&bytes[..count]);
        }
    }

    /// Lets go of it and waits until it is gone.
    pub(super) fn abandon(self) {
        let Self { mut guard, lifeline, channel, .. } = self;
        drop((lifeline, channel));
        let _ = wait_for_exit(&mut guard, Duration::from_secs(5));
    }
}

fn late() -> io::Error {
    io::Error::other(format!("no answer within {} s", UP.as_secs()))
}

/// Waits for a guard to end, by force at last; its exit code, if it ended by itself.
fn wait_for_exit(guard: &mut Child, at_most: Duration) -> Option<i32> {
    let deadline = monotonic_ns() + at_most.as_nanos() as i64;
    while monotonic_ns() < deadline {
        if let Ok(Some(status)) = guard.try_wait() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = guard.kill();
    let _ = guard.wait();
    None
}

/// A node that is up.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    guard: Mutex<Option<(Child, ChildStdin)>>,
    writing: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Arc<Waiting>,
    next_id: AtomicU64,
}

/// Requests that have no answer yet.
#[derive(Debug, Default)]
struct Waiting {
    answers: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    /// The agent is gone: nothing will be answered.
    lost: AtomicBool,
    /// It goes because it is told to.
    ending: AtomicBool,
}

impl Waiting {
    fn answers(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Takes a made node over; what its agent says by itself goes to `events`, and `lost` is
    /// called when it is gone. Must be called in a runtime.
    pub(super) fn adopt(
        name: String,
        made: Made,
        events: UnboundedSender<ClusterEvent>,
        lost: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let Made { guard, lifeline, channel, lines, .. } = made;
        channel.set_nonblocking(true)?;
        let (reading, writing) = tokio::net::UnixStream::from_std(channel)?.into_split();
        let waiting = Arc::new(Waiting::default());
        let listener =
            Listener { node: name.clone(), events, waiting: Arc::clone(&waiting), lines };
        tokio::spawn(listener.listen(reading, lost));
        Ok(Self {
            name,
            guard: Mutex::new(Some((guard, lifeline))),
            writing: tokio::sync::Mutex::new(writing),
            waiting,
            next_id: AtomicU64::new(1),
        })
    }

    /// Asks the agent and waits for its answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Answer, ClusterError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        self.waiting.answers().insert(id, answered);
        let sent = self.send(&Request { id, ask }).await;
        if sent.is_err() || self.waiting.lost.load(Ordering::SeqCst) {
            self.waiting.answers().remove(&id);
            return Err(self.gone());
        }
        match timeout(ANSWER, answer).await {
            Ok(Ok(Answer::Failed { act, why, advice })) => {
                Err(ClusterError { place: self.name.clone(), act, why, advice })
            }
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(self.gone()),
            Err(_) => {
                self.waiting.answers().remove(&id);
                let why = format!("no answer within {} s", ANSWER.as_secs());
                Err(ClusterError::new(self.name.clone(), "ask its agent", why))
            }
        }
    }

    /// Sees that the agent stamps by the same clock as this process, which every time that it
    /// reports relies on.
    pub(super) async fn check_clock(&self) -> Result<(), ClusterError> {
        let before = monotonic_ns();
        let answer = self.ask(Ask::Ping).await?;
        let after = monotonic_ns();
        match answer {
            Answer::Clock { at_ns } if (before..=after).contains(&at_ns) => Ok(()),
            other => {
                let why = format!("{other:?} is not between {before} and {after} ns");
                Err(ClusterError::new(self.name.clone(), "read its clock", why))
            }
        }
    }

    async fn send(&self, request: &Request) -> io::Result<()> {
        let line = channel::line(request)?;
        self.writing.lock().await.write_all(&line).await
    }

    fn gone(&self) -> ClusterError {
        ClusterError::new(
            self.name.clone(),
            "ask its agent",
            "the agent is gone, and the node with it",
        )
        .advise("was its guard or its agent killed? Run again")
    }

    /// Lets go of the lifeline and waits for the guard to end the node. Blocks. What is left, if
    /// anything is.
    pub(super) fn end(&self) -> Result<(), String> {
        self.waiting.ending.store(true, Ordering::SeqCst);
        let held = self.guard.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((mut guard, lifeline)) = held else {
            return Ok(());
        };
        drop(lifeline);
        match wait_for_exit(&mut guard, Duration::from_secs(10)) {
            Some(0) => Ok(()),
            Some(code) => Err(format!(
                "{}: its guard ended with code {code}, so its data folder may be left: `temblor recover`",
                self.name
            )),
            None => Err(format!("{}: its guard was killed: `temblor recover`", self.name)),
        }
    }
}

struct Listener {
    node: String,
    events: UnboundedSender<ClusterEvent>,
    waiting: Arc<Waiting>,
    lines: Lines,
}

impl Listener {
    async fn listen(mut self, mut reading: OwnedReadHalf, lost: impl FnOnce() + Send) {
        let mut bytes = vec![0; 64 * 1024];
        while self.take_lines().is_ok() {
            match reading.read(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(count) => self.lines.feed(&bytes[..count]),
            }
        }
        let at_ns = monotonic_ns();
        self.waiting.lost.store(true, Ordering::SeqCst);
        self.waiting.answers().clear();
        if !self.waiting.ending.load(Ordering::SeqCst) {
            lost();
            self.tell(ClusterEvent::AgentLost { node: self.node.clone(), at_ns });
        }
    }

    fn take_lines(&mut self) -> io::Result<()> {
        while let Some(say) = self.lines.next()? {
            let node = self.node.clone();
            match say {
                Say::Answer { id, answer } => {
                    if let Some(waiting) = self.waiting.answers().remove(&id) {
                        let _ = waiting.send(answer);
                    }
                }
                Say::Exit { server, status, caused_by, at_ns } => {
                    self.tell(ClusterEvent::ServerExit { node, server, status, caused_by, at_ns });
                }
                Say::Never { pattern, line, at_ns } => {
                    self.tell(ClusterEvent::NeverLine { node, pattern, line, at_ns });
                }
                Say::NoNode { .. } => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Ok(())
    }

    /// When nobody listens to events any more, nobody needs them.
    fn tell(&self, event: ClusterEvent) {
        let _ = self.events.send(event);
    }
}
