//! Waiting for something to happen: what was already there when the waiting began doesn't count.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    time::Duration,
};

use regex::bytes::Regex;
use temblor_faults::{Target, Trigger};

use super::{context::Context, probe::Answer};

/// How often counters, logs and nodes are looked at, where nobody can be woken by them.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often nodes are asked whether they are ready.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// Of a longer line the rest is not searched: a log without line ends must not fill the memory.
const LONGEST_LINE: usize = 64 * 1024;

/// Something that is waited for, and how things stood when the waiting began.
pub(super) struct Awaited<'a> {
    context: &'a Context,
    trigger: &'a Trigger,
    leader: Option<String>,
    errors: u64,
    /// How often faults of the name had begun or ended.
    times: u64,
    logs: Vec<(String, Log)>,
}

impl<'a> Awaited<'a> {
    /// Begins to wait.
    pub(super) fn from_now(context: &'a Context, trigger: &'a Trigger) -> Self {
        Self {
            context,
            trigger,
            leader: context.leader_now(),
            errors: context.errors(),
            times: context.named.times(trigger),
            logs: logs(context, trigger),
        }
    }

    /// Comes back when it has happened.
    pub(super) async fn happens(mut self) {
        match self.trigger {
            Trigger::LeaderChanged => {
                self.context.another_leader_than(self.leader.as_deref()).await;
            }
            Trigger::Ops(wanted) => self.context.operations_since_phase_began(*wanted).await,
            Trigger::NodeReady(on) => self.ready(on.as_ref()).await,
            Trigger::FirstError => {
                self.look(|awaited| awaited.context.errors() > awaited.errors).await;
            }
            Trigger::Began(_) | Trigger::Ended(_) => {
                self.look(|awaited| awaited.context.named.times(awaited.trigger) > awaited.times)
                    .await;
            }
            Trigger::Log { pattern, .. } => {
                // A plan's patterns were compiled when it was read.
                let Ok(pattern) = Regex::new(pattern) else { return std::future::pending().await };
                self.look(|awaited| awaited.in_logs(&pattern)).await;
            }
        }
    }

    async fn look(&mut self, mut happened: impl FnMut(&mut Self) -> bool) {
        while !happened(self) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether a log that counts has a new line that matches; a remembered node may be known late.
    fn in_logs(&mut self, pattern: &Regex) -> bool {
        let names = self.trigger.target().map(|target| self.context.named_nodes(target));
        let mut found = false;
        for (node, log) in &mut self.logs {
            let counts = names.as_ref().is_none_or(|names| names.contains(node));
            found |= log.has_new(pattern) && counts;
        }
        found
    }

    async fn ready(&self, on: Option<&Target>) {
        let readiness = &self.context.readiness;
        loop {
            let names = on.map(|target| self.context.named_nodes(target));
            let counts = |node: &String| names.as_ref().is_none_or(|names| names.contains(node));
            let asked = readiness.asked.iter().filter(|(endpoint, _)| counts(&endpoint.node));
            let asking = asked.map(|(endpoint, argv)| readiness.asker.ask(endpoint, argv));
            let answers = futures_util::future::join_all(asking).await;
            let yes = |answer: &Answer| matches!(answer, Answer::Yes { .. });
            if !answers.is_empty() && answers.iter().all(yes) {
                return;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

/// The servers' logs, if a trigger looks at them, from their present ends on.
fn logs(context: &Context, trigger: &Trigger) -> Vec<(String, Log)> {
    if !matches!(trigger, Trigger::Log { .. }) {
        return Vec::new();
    }
    let logs = context.logs.iter();
    logs.map(|(node, path)| (node.clone(), Log::from_its_end(path.clone()))).collect()
}

/// A growing file of lines.
struct Log {
    path: PathBuf,
    read: u64,
    /// The beginning of a line whose end was not there yet.
    begun: Vec<u8>,
}

impl Log {
    fn from_its_end(path: PathBuf) -> Self {
        let read = std::fs::metadata(&path).map_or(0, |file| file.len());
        Self { path, read, begun: Vec::new() }
    }

    /// Whether one of the lines that were added since the last look matches. A file that is not
    /// there yet has none.
    fn has_new(&mut self, pattern: &Regex) -> bool {
        let Ok(added) = self.added() else { return false };
        self.begun.extend_from_slice(&added);
        let whole = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let found =
            self.begun[..whole].split(|byte| *byte == b'\n').any(|line| pattern.is_match(line));
        self.begun.drain(..whole);
        self.begun.truncate(LONGEST_LINE);
        found
    }

    fn added(&mut self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut added = Vec::new();
        self.read += file.read_to_end(&mut added)? as u64;
        Ok(added)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_whole_new_lines_count() {
        let path = std::env::temp_dir().join(format!("temblor-awaited-{}", std::process::id()));
        std::fs::write(&path, "elected n1\n").unwrap();
        let mut log = Log::from_its_end(path.clone());
        let pattern = Regex::new("elected n[12]$").unwrap();
        let write = |text: &str| {
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        let mut seen = vec![log.has_new(&pattern)];
        for text in ["lost n1\nelected ", "n2", "\n", "more\n"] {
            write(text);
            seen.push(log.has_new(&pattern));
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(seen, [false, false, false, true, false]);
    }
}
