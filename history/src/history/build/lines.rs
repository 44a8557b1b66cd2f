//! JSON Lines, parsed by as many threads as the machine has for us; the one that called reads and
//! pairs, in the order of the file, so that what comes out is the same for any number of threads.

use std::{
    collections::VecDeque,
    io::BufRead,
    num::NonZero,
    sync::{
        Mutex,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
};

use super::{
    super::{
        History,
        blocks::{Blocks, Lines},
        sheet::Sheet,
    },
    Builder,
};

/// Bytes that a thread parses at a time: they and what they become stay in its cache, and memory is
/// used again without asking the system.
const BLOCK: u64 = 1 << 16;

/// More threads than this wait for the one that pairs events.
const THREADS_MAX: usize = 8;

impl Builder {
    /// Takes JSON Lines; long files are parsed on several threads.
    pub(in crate::history) fn lines(&mut self, reader: impl BufRead) {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        self.lines_by(threads.min(THREADS_MAX), BLOCK, reader);
    }

    /// The same by so many threads, blocks of so many bytes at a time.
    fn lines_by(&mut self, threads: usize, block: u64, mut reader: impl BufRead) {
        let mut blocks = Blocks::of(&mut reader, block);
        let mut number = 1;
        // The first line may be a header, and short files are not worth a thread.
        while threads == 1 || !self.seen_content {
            let Some(block) = blocks.next() else { break };
            for line in Lines(&block) {
                self.line(number, line);
                number += 1;
            }
        }
        if !blocks.ended() {
            self.side_by_side(&mut blocks, threads, &mut number);
        }
        if let Some(error) = blocks.error {
            self.fault(number, format!("cannot be read: {error}"));
        }
    }

    /// Takes blocks of lines that so many threads parse; this one reads and pairs meanwhile.
    fn side_by_side(
        &mut self,
        blocks: &mut Blocks<'_, impl BufRead>,
        threads: usize,
        number: &mut u64,
    ) {
        let (hand_out, handed) = mpsc::sync_channel::<(Vec<u8>, SyncSender<Sheet>)>(threads);
        let handed = Mutex::new(handed);
        let parse = || {
            loop {
                let next = handed.lock().ok().and_then(|handed| handed.recv().ok());
                let Some((block, answer)) = next else { return };
                // Nobody waits any more only if the reader's thread is gone.
                let _gone = answer.send(Sheet::of(&block));
            }
        };
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(parse);
            }
            let mut waiting: VecDeque<Receiver<Sheet>> = VecDeque::new();
            loop {
                while waiting.len() <= threads
                    && let Some(block) = blocks.next()
                {
                    let (answer, sheet) = mpsc::sync_channel(1);
                    waiting.push_back(sheet);
                    hand_out.send((block, answer)).expect("the threads wait for blocks");
                }
                // A thread that panicked leaves no answer; leaving the scope passes the panic on.
                let Some(Ok(sheet)) = waiting.pop_front().map(|sheet| sheet.recv()) else { break };
                self.sheet(sheet, number);
            }
            drop(hand_out);
        });
    }

    /// Takes what a thread made of a block whose first line has this number.
    fn sheet(&mut self, sheet: Sheet, number: &mut u64) {
        let (first, count) = (*number, sheet.count);
        let History { names, values, .. } = &mut self.history;
        for (line, said) in sheet.told_in(names, values) {
            self.said(first + line, said);
        }
        *number += count;
    }
}

#[cfg(test)]
mod tests;
