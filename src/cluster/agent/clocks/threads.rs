//! Stopping all threads of a process for a moment, at places where its clock functions can be
//! changed under them.

use std::{fs, io, ops::Range, time::Duration};

use super::{
    Refusal, machine,
    memory::Memory,
    trace::{self, Status},
};
use crate::clock::monotonic_ns;

/// Threads that wait for a disk, or for a child to begin its program, do not stop before that is
/// over; meanwhile all others stand still. Not longer than this.
const PATIENCE_NS: i64 = 200_000_000;
/// How much of a thread's stack is searched for interrupted code.
const STACK: usize = 64 * 1024;
/// A thread leaves a clock function after so many instructions, or not at all.
const STEPS: u32 = 20_000;

/// A process all of whose threads stand still. Dropping it lets them go.
#[derive(Debug)]
pub(super) struct Stopped {
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    number: i32,
    /// What it was stopped for, to be delivered when it goes on.
    signal: i32,
    stopped: bool,
}

impl Stopped {
    /// Stops every thread, those too that are made meanwhile.
    pub(super) fn stop(pid: i32) -> Result<Self, Refusal> {
        let deadline = monotonic_ns() + PATIENCE_NS;
        let mut stopped = Self { threads: Vec::new() };
        loop {
            if !stopped.seize_more(pid)? {
                return Ok(stopped);
            }
            stopped.wait_until(deadline)?;
        }
    }

    /// Asks those that are not stopped yet to stop, all before the first is waited for.
    fn seize_more(&mut self, pid: i32) -> Result<bool, Refusal> {
        let mut more = false;
        for number in threads_of(pid)? {
            if self.threads.iter().any(|thread| thread.number == number) || is_dead(pid, number) {
                continue;
            }
            match trace::seize(number) {
                Ok(()) => {}
                // It ended between the two looks.
                Err(_) if is_dead(pid, number) => continue,
                Err(why) => return Err(Refusal::Never(format!("it can't be traced: {why}"))),
            }
            self.threads.push(Thread { number, signal: 0, stopped: false });
            let _ = trace::interrupt(number);
            more = true;
        }
        Ok(more)
    }

    fn wait_until(&mut self, deadline: i64) -> Result<(), Refusal> {
        loop {
            for thread in self.threads.iter_mut().filter(|thread| !thread.stopped) {
                match trace::look(thread.number) {
                    Status::Runs => {}
                    Status::Stopped { signal } => (thread.stopped, thread.signal) = (true, signal),
                    // As good as stopped; letting go of it fails, and nobody minds.
                    Status::Gone => (thread.stopped, thread.number) = (true, 0),
                }
            }
            let Some(running) = self.threads.iter().find(|thread| !thread.stopped) else {
                self.threads.retain(|thread| thread.number != 0);
                return Ok(());
            };
            if monotonic_ns() > deadline {
                let number = running.number;
                return Err(Refusal::NotNow(format!("its thread {number} does not stop")));
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// A thread that can make a detour; one that was stopped within a system call where there is
    /// one, and never one that is about to take a signal.
    pub(super) fn guide(&self) -> Result<i32, Refusal> {
        let free = || self.threads.iter().filter(|thread| thread.signal == 0);
        free()
            .find(|thread| machine::is_in_system_call(thread.number))
            .or_else(|| free().next())
            .map(|thread| thread.number)
            .ok_or_else(|| Refusal::NotNow("each of its threads takes a signal".into()))
    }

    /// Has every thread leave these places, by as many single steps as that takes, and sees that no
    /// signal handler will return into one.
    pub(super) fn leave(&self, places: &[Range<u64>], memory: &Memory) -> Result<(), Refusal> {
        let inside = |at: u64| places.iter().any(|place| place.contains(&at));
        for thread in &self.threads {
            let mut steps = 0;
            let mut depth;
            loop {
                let (at, stack) = machine::place_of(thread.number)?;
                depth = stack;
                if !inside(at) {
                    break;
                }
                steps += 1;
                trace::step(thread.number)?;
                if trace::wait(thread.number) == Status::Gone || steps > STEPS {
                    return Err(Refusal::NotNow("a thread does not leave a clock function".into()));
                }
            }
            if interrupted(&memory.read_up_to(depth & !7, STACK)).any(inside) {
                let why = "a signal interrupted one of its threads in a clock function";
                return Err(Refusal::NotNow(why.into()));
            }
        }
        Ok(())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for thread in self.threads.iter().filter(|thread| thread.stopped) {
            // One that was killed meanwhile is gone. One that has not stopped stays traced until
            // this program ends, which it does soon.
            let _ = trace::detach(thread.number, thread.signal);
        }
    }
}

/// Where signal handlers will return to whose frames are in this piece of a stack.
fn interrupted(stack: &[u8]) -> impl Iterator<Item = u64> {
    let words: Vec<u64> = stack
        .chunks_exact(8)
        .map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
        .collect();
    (0..words.len()).filter_map(move |place| machine::returns_to(&words[place..]))
}

fn threads_of(pid: i32) -> io::Result<Vec<i32>> {
    let names = fs::read_dir(format!("/proc/{pid}/task"))?;
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

fn is_dead(pid: i32, thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{thread}/stat"));
    stat.map_or(true, |stat| {
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        matches!(state, Some('Z' | 'X') | None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_signals_are_known_by_their_segments() {
        let words: [u64; 6] = [7, 0xbeef, 0x246, 0x002b_0000_0000_0033, 0xbeef, 1];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(interrupted(&bytes).collect::<Vec<_>>(), [0xbeef]);
    }
}
