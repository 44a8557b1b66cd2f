//! The keeper: one thread that owns the replica and its log, and answers nothing that isn't on
//! disk. What has come in while it synced shares the next sync.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use super::{
    log::Log,
    message::{Answer, Question, Record},
    replica::Replica,
};

/// Questions that share one sync, at most: a bound on how long the first of them waits.
const BATCH_MAX: usize = 512;

/// A question and where its answer goes.
pub(super) struct Task {
    /// The question.
    pub(super) question: Question,
    /// Called on the keeper's thread, once the answer may leave. Must not block.
    pub(super) answer: Box<dyn FnOnce(Answer) + Send>,
}

/// The registers of a node, in memory and on disk.
pub(super) struct Keeper {
    /// What is held.
    pub(super) replica: Replica,
    /// Where it is kept; none: nowhere, which is the seeded bug `forgetful`.
    pub(super) log: Option<Log>,
}

impl Keeper {
    /// Starts the thread. It ends when all senders are gone, or with an error that `failed` gets.
    pub(super) fn start(
        mut self,
        failed: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Sender<Task>> {
        let (tasks, inbox) = channel();
        let keep = move || {
            if let Err(error) = self.keep(&inbox) {
                failed(error);
            }
        };
        thread::Builder::new().name("keeper".into()).spawn(keep)?;
        Ok(tasks)
    }

    fn keep(&mut self, inbox: &Receiver<Task>) -> io::Result<()> {
        while let Ok(first) = inbox.recv() {
            let more = inbox.try_iter().take(BATCH_MAX - 1);
            self.serve(std::iter::once(first).chain(more))?;
        }
        Ok(())
    }

    /// Takes a batch in, syncs, answers: in this order.
    fn serve(&mut self, batch: impl Iterator<Item = Task>) -> io::Result<()> {
        let mut records = Vec::new();
        let mut answers = Vec::new();
        for Task { question, answer } in batch {
            let (said, record) = self.replica.answer(question);
            records.extend(record);
            answers.push((answer, said));
        }
        self.sync(&records)?;
        for (answer, said) in answers {
            answer(said);
        }
        Ok(())
    }

    fn sync(&mut self, records: &[Record]) -> io::Result<()> {
        match &mut self.log {
            Some(log) if !records.is_empty() => {
                log.append(records)?;
                log.compact(&self.replica)
            }
            _ => Ok(()),
        }
    }
}
