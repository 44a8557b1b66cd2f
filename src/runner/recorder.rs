//! The sequencer: numbers and stamps clients' events under one lock, and writes them to disk.
//!
//! An invocation is recorded before its bytes leave, a completion after they arrived, so the file
//! is at all times a prefix of what happened. The lock covers a clock reading and a copy; a thread
//! of its own carries the bytes to the file.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use temblor_history::{EventParts, EventType, Header, encode_body, stamp};
use temblor_workloads::{Invocation, Outcome};

use super::tally::Tally;
use crate::clock::RunClock;

/// How long an event may stay in memory.
const WRITE_EVERY: Duration = Duration::from_millis(5);
/// Past this many unwritten bytes, clients wait for the disk.
const UNWRITTEN_BYTES_MAX: usize = 64 << 20;

/// Records the history of a run.
pub(crate) struct Recorder {
    clock: RunClock,
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<io::Result<()>>>>,
    /// How operations ended so far.
    pub(crate) tally: Tally,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    written: Condvar,
    closing: Condvar,
}

#[derive(Default)]
struct Lines {
    next_index: u64,
    unwritten: Vec<u8>,
    closed: bool,
    failed: Option<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One event's parts that the recorder does not know by itself.
struct Parts<'a> {
    process: u64,
    node: usize,
    intended: Option<i64>,
    invocation: &'a Invocation,
}

impl Recorder {
    /// Makes the history file, with its header.
    pub(crate) fn create(
        path: &Path,
        header: &Header,
        clock: RunClock,
        nodes: &[String],
    ) -> io::Result<Self> {
        let mut file = File::create(path)?;
        writeln!(file, "{}", serde_json::to_string(header)?)?;
        let shared = Arc::new(Shared::default());
        let writer = std::thread::Builder::new().name("history".into()).spawn({
            let shared = Arc::clone(&shared);
            move || write_until_closed(&shared, file)
        })?;
        Ok(Self {
            clock,
            shared,
            writer: Mutex::new(Some(writer)),
            tally: Tally::new(nodes.to_vec()),
        })
    }

    /// Records that an operation is about to be sent.
    pub(crate) fn invoke(
        &self,
        process: u64,
        node: usize,
        intended: Option<i64>,
        invocation: &Invocation,
    ) {
        let parts = Parts { process, node, intended, invocation };
        self.record(&parts, EventType::Invoke, &invocation.value, false, None);
        self.tally.invoked();
    }

    /// Records how an operation ended.
    pub(crate) fn complete(
        &self,
        process: u64,
        node: usize,
        invocation: &Invocation,
        outcome: &Outcome,
    ) {
        let (kind, value, refused, error) = match outcome {
            Outcome::Ok(result) => (EventType::Ok, result, false, None),
            Outcome::Refused => (EventType::Fail, &invocation.value, true, None),
            Outcome::Fail(why) => (EventType::Fail, &invocation.value, false, Some(why.as_str())),
            Outcome::Info(why) => (EventType::Info, &invocation.value, false, Some(why.as_str())),
        };
        let parts = Parts { process, node, intended: None, invocation };
        self.record(&parts, kind, value, refused, error);
        self.tally.completed(kind, refused);
    }

    fn record(
        &self,
        parts: &Parts<'_>,
        kind: EventType,
        value: &serde_json::Value,
        refused: bool,
        error: Option<&str>,
    ) {
        thread_local!(static BODY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        BODY.with_borrow_mut(|body| {
            body.clear();
            encode_body(
                body,
                &EventParts {
                    process: parts.process,
                    kind,
                    f: parts.invocation.f,
                    key: parts.invocation.key.as_deref(),
                    value,
                    refused,
                    error,
                    final_read: parts.invocation.final_read,
                    node: Some(self.tally.node(parts.node)),
                    intended: parts.intended,
                },
            );
            self.append(body);
        });
    }

    /// Number and time are taken under one lock: lines are in the order of their times.
    fn append(&self, body: &[u8]) {
        let mut lines = self.shared.lock();
        while lines.unwritten.len() > UNWRITTEN_BYTES_MAX && lines.failed.is_none() {
            lines = self.shared.written.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
        let time = self.clock.now_ns();
        let index = lines.next_index;
        lines.next_index += 1;
        if lines.failed.is_none() {
            stamp(&mut lines.unwritten, index, time, body);
        }
    }

    /// Why the file can't be written any more, if so: the run must end.
    pub(crate) fn failure(&self) -> Option<String> {
        self.shared.lock().failed.clone()
    }

    /// Writes what is left. What comes afterwards is not recorded.
    pub(crate) fn close(&self) -> io::Result<()> {
        self.shared.lock().closed = true;
        self.shared.closing.notify_all();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return Ok(()) };
        writer.join().unwrap_or_else(|_| Err(io::Error::other("the history's writer crashed")))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

fn write_until_closed(shared: &Shared, mut file: File) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let closed = take_lines(shared, &mut bytes);
        if let Err(error) = file.write_all(&bytes) {
            shared.lock().failed = Some(format!("can't write the history: {error}"));
            shared.written.notify_all();
            return Err(error);
        }
        if closed {
            return Ok(());
        }
    }
}

fn take_lines(shared: &Shared, bytes: &mut Vec<u8>) -> bool {
    let lines = shared.lock();
    let (mut lines, _) = shared
        .closing
        .wait_timeout_while(lines, WRITE_EVERY, |lines| !lines.closed)
        .unwrap_or_else(PoisonError::into_inner);
    bytes.clear();
    std::mem::swap(bytes, &mut lines.unwritten);
    shared.written.notify_all();
    lines.closed
}
