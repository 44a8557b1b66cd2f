//! A process of its own, made for each change of clocks, that traces servers and ends at once.
//!
//! The agent itself traces nobody: it is PID 1, it has to reap and answer, and a thread that does
//! not stop would stay traced for as long as its tracer lives. Whatever becomes of this process,
//! killed in the middle included, the kernel lets go of whom it traced.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use temblor_faults::ClockSeen;

use super::{Order, Refusal, operate};
use crate::cluster::{agent::aside::aside, processes::Stat};

/// However many processes there are, so long at the least.
const BOUND: Duration = Duration::from_secs(1);
/// And so long more for each.
const BOUND_EACH: Duration = Duration::from_millis(300);

/// What became of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Operated {
    pub(super) pid: i32,
    pub(super) start: u64,
    /// None: it was as it should be.
    pub(super) result: Result<Option<ClockSeen>, Refusal>,
}

/// Does what is asked to each process, one after the other; those that it did not get to in time
/// are not in the answer.
pub(super) fn send(patients: &[Stat], order: Order) -> io::Result<Vec<Operated>> {
    let told = aside(BOUND + BOUND_EACH * patients.len() as u32, |mut out| {
        for patient in patients {
            let result = operate(patient.pid, &patient.name, order);
            let operated = Operated { pid: patient.pid, start: patient.start, result };
            let mut line = serde_json::to_vec(&operated)?;
            line.push(b'\n');
            out.write_all(&line)?;
        }
        Ok(())
    })?;
    let lines = told.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
