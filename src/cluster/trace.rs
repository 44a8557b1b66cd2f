//! Packet traces: what crossed the links of a fault, from a few seconds before it to a few after.
//!
//! The switch shows a [`Witness`] every frame twice, as it was sent and as it arrived; what was
//! lost on the way arrives nowhere. The witness keeps the first bytes of each and hands them on in
//! batches. A thread of its own remembers the last seconds and writes the files, so that no disk
//! ever holds the switch up: what the thread can't keep up with is left out, and counted.
//! No frame is judged or decoded here.

mod pcap;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use self::pcap::Frame;
use super::{links::Link, tap::HEADER};
use crate::clock::{monotonic_ns, wall_offset_ns};

/// How long before a fault and after it its file reaches.
const AROUND_NS: i64 = 3_000_000_000;
/// The first bytes of a frame, Ethernet header included, that are kept.
const SNAP: usize = 160;
/// A batch is handed on when it is so large or so old.
const BATCH_BYTES: usize = 128 << 10;
const BATCH_NS: i64 = 50_000_000;
/// Batches that may wait for the thread.
const WAITING: usize = 256;
/// What is remembered for faults that have not begun yet, at most.
const PAST_BYTES: usize = 32 << 20;
/// The largest file.
const FILE_BYTES: usize = 64 << 20;

/// Frames as they were seen, in the order of time.
#[derive(Debug, Default)]
struct Batch {
    seen: Vec<Seen>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at_ns: i64,
    /// At which port.
    port: usize,
    /// The other end of the link; none: all other ports.
    other: Option<usize>,
    arrived: bool,
    /// Its length on the link.
    length: usize,
    /// Where its first bytes are.
    begins: usize,
}

enum Message {
    Batch(Batch),
    Begin { occurrence: String, links: BTreeSet<Link> },
    End { occurrence: String, at_ns: i64 },
    EndAll { at_ns: i64 },
    Stop,
}

/// The switch's end: sees every frame.
#[derive(Debug)]
pub(super) struct Witness {
    batch: Batch,
    messages: SyncSender<Message>,
    left_out: Arc<AtomicU64>,
}

impl Witness {
    /// A frame (with the TAP's header) left a port for another one, or for all.
    pub(super) fn sent(&mut self, from: usize, to: Option<usize>, frame: &[u8], at_ns: i64) {
        self.keep(from, to, false, frame, at_ns);
    }

    /// A frame was handed to the receiver of a link.
    pub(super) fn arrived(&mut self, (from, to): Link, frame: &[u8], at_ns: i64) {
        self.keep(to, Some(from), true, frame, at_ns);
    }

    /// When it wants its turn.
    pub(super) fn due_ns(&self) -> Option<i64> {
        Some(self.batch.seen.first()?.at_ns + BATCH_NS)
    }

    /// Hands on what is due.
    pub(super) fn turn(&mut self, now_ns: i64) {
        if self.due_ns().is_some_and(|due_ns| due_ns <= now_ns) {
            self.hand_on();
        }
    }

    fn keep(&mut self, port: usize, other: Option<usize>, arrived: bool, frame: &[u8], at_ns: i64) {
        let frame = &frame[HEADER.min(frame.len())..];
        let begins = self.batch.bytes.len();
        self.batch.bytes.extend_from_slice(&frame[..frame.len().min(SNAP)]);
        self.batch.seen.push(Seen { at_ns, port, other, arrived, length: frame.len(), begins });
        if self.batch.bytes.len() >= BATCH_BYTES {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let count = batch.seen.len() as u64;
        if let Err(TrySendError::Full(_)) = self.messages.try_send(Message::Batch(batch)) {
            self.left_out.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.hand_on();
    }
}

/// The controller's end: says when faults begin and end. Dropping it closes every file.
#[derive(Debug)]
pub(super) struct Trace {
    messages: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
    left_out: Arc<AtomicU64>,
}

impl Trace {
    /// Begins to watch; files will stand in `folder`.
    pub(super) fn start(folder: &Path) -> io::Result<(Self, Witness)> {
        fs::create_dir_all(folder)?;
        let (messages, inbox) = sync_channel(WAITING);
        let left_out = Arc::<AtomicU64>::default();
        let writer = Writer {
            folder: folder.to_owned(),
            wall_offset_ns: wall_offset_ns(),
            past: VecDeque::new(),
            past_bytes: 0,
            open: BTreeMap::new(),
        };
        let thread =
            std::thread::Builder::new().name("traces".into()).spawn(move || writer.run(&inbox))?;
        let witness = Witness {
            batch: Batch::default(),
            messages: messages.clone(),
            left_out: Arc::clone(&left_out),
        };
        Ok((Self { messages, thread: Some(thread), left_out }, witness))
    }

    /// A fault is about to begin on these links; its file takes both directions of each.
    pub(super) fn begin(&self, occurrence: &str, links: &BTreeSet<Link>) {
        self.say(Message::Begin { occurrence: occurrence.into(), links: links.clone() });
    }

    /// A fault has ended.
    pub(super) fn end(&self, occurrence: &str) {
        self.say(Message::End { occurrence: occurrence.into(), at_ns: monotonic_ns() });
    }

    /// Every fault has ended.
    pub(super) fn end_all(&self) {
        self.say(Message::EndAll { at_ns: monotonic_ns() });
    }

    /// How many frames were left out because the disk was too slow.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    fn say(&self, message: Message) {
        // The thread ends only with this.
        let _ = self.messages.send(message);
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // The switch may outlive it, so that nobody hangs up.
        self.say(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The name of an occurrence's file: `chaos.0#2` is `chaos.0-2.pcap`.
pub(super) fn file_name(occurrence: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || c == '.' || c == '-' { c } else { '-' };
    format!("{}.pcap", occurrence.chars().map(plain).collect::<String>())
}

/// The thread's own.
struct Writer {
    folder: PathBuf,
    wall_offset_ns: i64,
    past: VecDeque<Batch>,
    past_bytes: usize,
    open: BTreeMap<String, Open>,
}

struct Open {
    file: BufWriter<File>,
    links: BTreeSet<Link>,
    bytes: usize,
    ends_ns: i64,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            match inbox.recv_timeout(Duration::from_millis(200)) {
                Ok(Message::Batch(batch)) => self.take(batch),
                // A file that can't be made is missed by whoever looks for it.
                Ok(Message::Begin { occurrence, links }) => drop(self.begin(&occurrence, links)),
                Ok(Message::End { occurrence, at_ns }) => {
                    if let Some(open) = self.open.get_mut(&occurrence) {
                        open.ends_ns = at_ns + AROUND_NS;
                    }
                }
                Ok(Message::EndAll { at_ns }) => {
                    let ends_ns = at_ns + AROUND_NS;
                    self.open
                        .values_mut()
                        .for_each(|open| open.ends_ns = open.ends_ns.min(ends_ns));
                }
                Err(RecvTimeoutError::Timeout) => {}
                // Dropping the files flushes them.
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            let now_ns = monotonic_ns();
            self.open.retain(|_, open| open.ends_ns > now_ns - BATCH_NS);
        }
    }

    fn begin(&mut self, occurrence: &str, links: BTreeSet<Link>) -> io::Result<()> {
        // A fault of nodes may cut links, too.
        if let Some(open) = self.open.get_mut(occurrence) {
            open.links.extend(links);
            return Ok(());
        }
        let mut file = BufWriter::new(File::create(self.folder.join(file_name(occurrence)))?);
        file.write_all(&pcap::header(SNAP))?;
        let mut open = Open { file, links, bytes: 0, ends_ns: i64::MAX };
        for batch in &self.past {
            open.write(batch, self.wall_offset_ns)?;
        }
        self.open.insert(occurrence.into(), open);
        Ok(())
    }

    fn take(&mut self, batch: Batch) {
        let offset_ns = self.wall_offset_ns;
        // A full disk ends a file early.
        self.open.retain(|_, open| open.write(&batch, offset_ns).is_ok());
        let oldest_ns = batch.seen.first().map_or(0, |seen| seen.at_ns) - AROUND_NS;
        self.past_bytes += batch.bytes.len();
        self.past.push_back(batch);
        while let Some(first) = self.past.front() {
            let over = first.seen.last().is_none_or(|seen| seen.at_ns < oldest_ns);
            if !over && self.past_bytes <= PAST_BYTES {
                break;
            }
            self.past_bytes -= first.bytes.len();
            self.past.pop_front();
        }
    }
}

impl Open {
    fn write(&mut self, batch: &Batch, wall_offset_ns: i64) -> io::Result<()> {
        for seen in &batch.seen {
            if !self.wants(seen) || seen.at_ns > self.ends_ns || self.bytes >= FILE_BYTES {
                continue;
            }
            let ends = seen.begins + seen.length.min(SNAP);
            let record = pcap::record(&Frame {
                at_ns: seen.at_ns + wall_offset_ns,
                port: seen.port,
                arrived: seen.arrived,
                length: seen.length,
                bytes: &batch.bytes[seen.begins..ends],
            });
            self.bytes += record.len();
            self.file.write_all(&record)?;
        }
        Ok(())
    }

    fn wants(&self, seen: &Seen) -> bool {
        match seen.other {
            Some(other) => {
                self.links.contains(&(seen.port, other)) || self.links.contains(&(other, seen.port))
            }
            None => self.links.iter().any(|(from, to)| *from == seen.port || *to == seen.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(last: u8) -> Vec<u8> {
        let mut frame = vec![0; HEADER];
        frame.extend([2, 0x54, 0, 0, 0, 1, 2, 0x54, 0, 0, 0, 0, 8, 0]);
        frame.extend([0x45; 300]);
        frame.push(last);
        frame
    }

    #[test]
    fn a_file_has_the_links_of_its_fault_before_and_after_it_and_no_others() {
        let folder = std::env::temp_dir().join(format!("temblor-trace-{}", std::process::id()));
        let (trace, mut witness) = Trace::start(&folder).unwrap();
        let begin = monotonic_ns();
        witness.sent(0, Some(1), &frame(1), begin - 2_000_000_000);
        witness.sent(0, Some(2), &frame(2), begin - 1_000_000_000);
        witness.turn(begin);
        trace.begin("chaos.0#1", &[(0, 1)].into());
        witness.arrived((0, 1), &frame(3), begin + 1_000);
        witness.sent(1, Some(0), &frame(4), begin + 2_000);
        trace.end("chaos.0#1");
        witness.sent(1, Some(0), &frame(5), begin + 3_000 + 2 * AROUND_NS);
        assert_eq!(trace.left_out(), 0);
        drop(witness);
        drop(trace);
        let bytes = fs::read(folder.join("chaos.0-1.pcap")).unwrap();
        let records = pcap::read(&bytes).unwrap();
        let seen: Vec<_> = records.iter().map(|record| (record.port, record.arrived)).collect();
        assert_eq!(seen, [(0, false), (1, true), (1, false)]);
        assert_eq!(records[1].at_ns - records[0].at_ns, 2_000_001_000);
        assert!(records.iter().all(|record| record.length == 301 && record.bytes == SNAP - 14));
        let _ = fs::remove_dir_all(folder);
    }
}
