//! The `exec` client: a program in any language, over its stdin and stdout.
//!
//! One program serves one logical client, or, multiplexed, all of them. A process that is closed
//! leaves its program to the next one; a program is ended only when it says nothing at all any more.
//!
//! **Outcomes** are decided by the program, read in [`protocol::Answer::outcome`] and here:
//!
//! | what happened | outcome |
//! | --- | --- |
//! | the program answers ok, fail (refused or not) or info | the same |
//! | it had ended before the operation was handed over | fail |
//! | it ends, or says something that makes no sense, while the operation is open | info |
//!
//! Answers to operations that are no longer open are dropped.

mod program;
mod protocol;

pub use program::end_with_this_program;

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;

use self::program::Program;
use super::{BoxFuture, Client, Connector, Endpoint, OpenError, Outcome};
use crate::Invocation;

/// How long a program may say nothing at all while it is asked to open a process.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Before its first word: interpreters and virtual machines take their time.
    first_word: Duration,
    /// Later.
    next_word: Duration,
}

const PATIENCE: Patience =
    Patience { first_word: Duration::from_secs(30), next_word: Duration::from_secs(2) };

/// Starts programs and opens processes on them.
#[derive(Debug)]
pub(super) struct ExecConnector(Arc<Programs>);

/// The programs of one run.
#[derive(Debug)]
struct Programs {
    exec: Vec<String>,
    multiplex: bool,
    stderr: File,
    patience: Patience,
    /// Programs that another process may use: those that serve nobody, or, multiplexed, the one.
    free: Mutex<Vec<Arc<Program>>>,
    last_id: AtomicU64,
}

impl ExecConnector {
    /// Nothing is started yet; `stderr` is made, or appended to.
    pub(super) fn new(exec: &[String], multiplex: bool, stderr: &Path) -> Result<Self, String> {
        Self::with_patience(exec, multiplex, stderr, PATIENCE)
    }

    fn with_patience(
        exec: &[String],
        multiplex: bool,
        stderr: &Path,
        patience: Patience,
    ) -> Result<Self, String> {
        if exec.is_empty() {
            return Err("client `exec` needs a program, as in [\"python3\", \"client.py\"]".into());
        }
        let file = File::options().create(true).append(true).open(stderr);
        let stderr = file.map_err(|error| format!("{}: {error}", stderr.display()))?;
        Ok(Self(Arc::new(Programs {
            exec: exec.to_vec(),
            multiplex,
            stderr,
            patience,
            free: Mutex::default(),
            last_id: AtomicU64::new(0),
        })))
    }
}

impl Connector for ExecConnector {
    fn open<'a>(
        &'a self,
        process: u64,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Box<dyn Client>, OpenError>> {
        Box::pin(async move {
            let programs = self.0.clone();
            let client = ExecClient::open(programs, process, endpoint.clone()).await?;
            Ok(Box::new(client) as Box<dyn Client>)
        })
    }
}

impl Programs {
    /// A program that is free, or a new one.
    fn take(&self) -> Result<Arc<Program>, OpenError> {
        let mut free = self.free();
        free.retain(|program| program.ended().is_none());
        if let Some(program) = free.last().cloned() {
            if !self.multiplex {
                free.pop();
            }
            return Ok(program);
        }
        let started = Program::start(&self.exec, &self.stderr);
        let program = Arc::new(started.map_err(|error| self.not_started(&error))?);
        if self.multiplex {
            free.push(program.clone());
        }
        Ok(program)
    }

    fn give_back(&self, program: Arc<Program>) {
        if !self.multiplex {
            self.free().push(program);
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Arc<Program>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn not_started(&self, error: &io::Error) -> OpenError {
        OpenError(format!("starting {}: {error}", self.exec.join(" ")))
    }
}

/// One process on one program.
#[derive(Debug)]
struct ExecClient {
    programs: Arc<Programs>,
    process: u64,
    endpoint: Endpoint,
    program: Arc<Program>,
}

impl ExecClient {
    /// Finds a program that is ready for the process. One that was there before and no longer
    /// answers is ended, and the next one asked.
    async fn open(
        programs: Arc<Programs>,
        process: u64,
        endpoint: Endpoint,
    ) -> Result<Self, OpenError> {
        loop {
            let program = programs.take()?;
            let is_new = program.heard() == 0;
            // A client from here on: if the caller gives up, the process is closed properly.
            let client =
                Self { programs: programs.clone(), process, endpoint: endpoint.clone(), program };
            match client.ready().await {
                Ok(()) => return Ok(client),
                Err(error) if is_new => return Err(OpenError(error)),
                Err(_) => {}
            }
        }
    }

    /// Waits until the program is ready, as long as it says anything at all.
    async fn ready(&self) -> Result<(), String> {
        let mut ready = self.program.open(self.process, &self.endpoint);
        loop {
            let heard = self.program.heard();
            let Patience { first_word, next_word } = self.programs.patience;
            let patience = if heard == 0 { first_word } else { next_word };
            match timeout(patience, &mut ready).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(_)) => return Err(self.program.ended().unwrap_or_default()),
                Err(_) if self.program.heard() == heard => {
                    self.program.end();
                    return Err(format!("the client program has said nothing for {patience:?}"));
                }
                Err(_) => {}
            }
        }
    }

    /// A program that ended between two operations is replaced: nothing is open on it.
    async fn reopen(&mut self) -> Result<(), OpenError> {
        if self.program.ended().is_some() {
            let (programs, endpoint) = (self.programs.clone(), self.endpoint.clone());
            *self = Self::open(programs, self.process, endpoint).await?;
        }
        Ok(())
    }
}

impl Drop for ExecClient {
    fn drop(&mut self) {
        self.program.close(self.process);
        self.programs.give_back(self.program.clone());
    }
}

impl Client for ExecClient {
    fn invoke<'a>(&'a mut self, operation: &'a Invocation) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(OpenError(error)) = self.reopen().await {
                return Outcome::Fail(error);
            }
            let id = self.programs.last_id.fetch_add(1, Ordering::Relaxed) + 1;
            match self.program.ask(self.process, id, operation) {
                Err(ended) => Outcome::Fail(ended),
                Ok(answer) => answer.await.unwrap_or_else(|_| {
                    let ended = self.program.ended();
                    Outcome::Info(ended.unwrap_or_else(|| "the client program is ending".into()))
                }),
            }
        })
    }
}

#[cfg(test)]
mod tests;
