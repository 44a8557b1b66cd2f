//! One running program: its pipes, what it owes, and its end.
//!
//! It ends when it is told to (at once), when nobody holds it any more (its stdin closes, and it has a
//! moment to go), or with this program, even one that is killed. Which processes it serves is not
//! decided here.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write},
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    super::{Endpoint, Outcome},
    protocol::{Line, Message},
};
use crate::Invocation;

/// Longest line that a program may write, bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Most of a line that is quoted in a note, characters.
const QUOTED_CHARS_MAX: usize = 120;

/// Most notes on one program's output: a program that babbles must not fill the disk.
const NOTES_MAX: u32 = 100;

/// How long a program may take to end once its stdin is closed.
const GOODBYE: Duration = Duration::from_secs(1);

/// A program that was started.
#[derive(Debug)]
pub(super) struct Program {
    /// Lines for its stdin.
    outbox: mpsc::UnboundedSender<String>,
    /// Dropped or used: the program is to end.
    end: Mutex<Option<oneshot::Sender<()>>>,
    owed: std::sync::Arc<Mutex<Owed>>,
}

/// What a program still has to say.
#[derive(Debug, Default)]
struct Owed {
    /// Lines heard so far: whether a program answers at all shows here.
    heard: u64,
    /// Processes that are not ready yet.
    ready: HashMap<u64, oneshot::Sender<()>>,
    /// Operations by process, which has one open at a time.
    answers: HashMap<u64, Waiting>,
    /// How it ended; then it owes nothing any more.
    ended: Option<String>,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    argument: Value,
    outcome: oneshot::Sender<Outcome>,
}

impl Program {
    /// Starts a program: `exec` is the program and its arguments, no shell in between. Its stderr,
    /// and notes on what it wrote that makes no sense, go to the end of `stderr`.
    pub(super) fn start(exec: &[String], stderr: &File) -> io::Result<Self> {
        let (name, arguments) = exec.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(name);
        command.args(arguments).kill_on_drop(true);
        // A group of its own: Ctrl-C is meant for the harness, which still wants its final reads.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(stderr.try_clone()?);
        end_with_this_program(&mut command);
        let mut child = command.spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let (outbox, lines) = mpsc::unbounded_channel();
        let (end, ending) = oneshot::channel();
        let owed = std::sync::Arc::new(Mutex::new(Owed::default()));
        let listener = Listener { child, owed: owed.clone(), notes: stderr.try_clone()?, noted: 0 };
        tokio::spawn(write_lines(stdin, lines));
        tokio::spawn(listener.run(stdout, ending));
        Ok(Self { outbox, end: Mutex::new(Some(end)), owed })
    }

    /// How it ended, if it did.
    pub(super) fn ended(&self) -> Option<String> {
        self.owed().ended.clone()
    }

    /// Lines heard so far.
    pub(super) fn heard(&self) -> u64 {
        self.owed().heard
    }

    /// Announces a process; what is returned resolves when the program is ready for it, and fails
    /// when the program ends first.
    pub(super) fn open(&self, process: u64, endpoint: &Endpoint) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut owed = self.owed();
        if owed.ended.is_none() {
            owed.ready.insert(process, sender);
            self.send(&Message::open(process, endpoint));
        }
        receiver
    }

    /// Hands an operation over, unless the program has ended (then nothing was sent). What is
    /// returned fails when the program ends first.
    pub(super) fn ask(
        &self,
        process: u64,
        id: u64,
        operation: &Invocation,
    ) -> Result<oneshot::Receiver<Outcome>, String> {
        let (outcome, receiver) = oneshot::channel();
        let mut owed = self.owed();
        if let Some(ended) = &owed.ended {
            return Err(ended.clone());
        }
        let waiting = Waiting { id, argument: operation.value.clone(), outcome };
        owed.answers.insert(process, waiting);
        self.send(&Message::operation(process, id, operation));
        Ok(receiver)
    }

    /// A process is over; whatever it still owes is dropped when it comes.
    pub(super) fn close(&self, process: u64) {
        let mut owed = self.owed();
        owed.ready.remove(&process);
        owed.answers.remove(&process);
        if owed.ended.is_none() {
            self.send(&Message::close(process));
        }
    }

    /// Ends it at once.
    pub(super) fn end(&self) {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(end) = end {
            // It has ended already, if nobody listens.
            let _ = end.send(());
        }
    }

    fn send(&self, message: &Message<'_>) {
        // These messages hold nothing that JSON cannot; and a writer that is gone means a program
        // that is gone, which its listener says.
        if let Ok(line) = serde_json::to_string(message) {
            let _ = self.outbox.send(line + "\n");
        }
    }

    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task of its own, because a program that doesn't read blocks it.
async fn write_lines(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Hears what a program says, until it ends.
struct Listener {
    child: Child,
    owed: std::sync::Arc<Mutex<Owed>>,
    notes: File,
    /// Notes so far.
    noted: u32,
}

impl Listener {
    async fn run(mut self, stdout: ChildStdout, ending: oneshot::Receiver<()>) {
        let mut lines = BufReader::new(stdout);
        tokio::select! {
            () = self.hear(&mut lines) => {}
            told = ending => if told.is_err() {
                // Nobody holds it any more, so that its stdin is closed: it may finish by itself.
                let _ = timeout(GOODBYE, self.child.wait()).await;
            },
        }
        self.kill_group();
        let ended = match self.child.wait().await {
            Ok(status) => format!("the client program has ended: {status}"),
            Err(error) => format!("the client program is lost: {error}"),
        };
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        *owed = Owed { heard: owed.heard, ended: Some(ended), ..Owed::default() };
    }

    /// Whatever the program has started in its group ends with it.
    fn kill_group(&self) {
        use nix::{
            sys::signal::{Signal, killpg},
            unistd::Pid,
        };
        if let Some(pid) = self.child.id() {
            // Not yet reaped, so that its number is still its own; a group that is empty is gone.
            let _ = killpg(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }

    async fn hear(&mut self, lines: &mut BufReader<ChildStdout>) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut *lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
            if read.is_err() || line.last() != Some(&b'\n') {
                return;
            }
            self.route(&line);
        }
    }

    fn route(&mut self, line: &[u8]) {
        let parsed = serde_json::from_slice(line);
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        owed.heard += 1;
        match parsed {
            Ok(Line::Ready { ready }) => {
                if let Some(waiting) = owed.ready.remove(&ready.process) {
                    // Whoever opened may have given up.
                    let _ = waiting.send(());
                }
            }
            Ok(Line::Answer(answer)) => {
                let expected = owed.answers.get(&answer.process);
                if expected.is_some_and(|waiting| waiting.id == answer.id)
                    && let Some(waiting) = owed.answers.remove(&answer.process)
                {
                    let _ = waiting.outcome.send(answer.outcome(&waiting.argument));
                }
            }
            Err(error) => {
                let note = senseless(line, &error);
                owed.blame_the_only_one(&note);
                self.noted += 1;
                if self.noted <= NOTES_MAX {
                    // The note helps; a file that takes no more is no reason to stop.
                    let _ = writeln!(self.notes, "temblor: {note}");
                }
            }
        }
    }
}

impl Owed {
    /// A line that makes no sense is the answer to the only operation that is open, if there is
    /// only one: whoever waits for it should not wait for the time-out.
    fn blame_the_only_one(&mut self, note: &str) {
        if self.answers.len() == 1 {
            for (_, waiting) in self.answers.drain() {
                let _ = waiting.outcome.send(Outcome::Info(note.to_owned()));
            }
        }
    }
}

fn senseless(line: &[u8], error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(line);
    let quoted: String = text.trim_end().chars().take(QUOTED_CHARS_MAX).collect();
    format!("the client program wrote a line that is no answer ({error}): {quoted}")
}

/// Has the kernel kill the program when the thread that started it ends, so that it doesn't outlive
/// a harness that is killed. A runtime's worker threads live as long as the runtime.
#[expect(unsafe_code, reason = "code between fork and exec is unsafe to promise")]
pub fn end_with_this_program(command: &mut Command) {
    use nix::{
        sys::{prctl::set_pdeathsig, signal::Signal},
        unistd::{Pid, getppid},
    };
    let parent = Pid::this();
    let bind = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have ended before that.
        if getppid() == parent { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
    };
    // SAFETY: between fork and exec, `bind` makes two system calls and touches no memory but its
    // own: no allocation, no lock.
    unsafe {
        command.pre_exec(bind);
    }
}
