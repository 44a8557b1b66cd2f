//! The checkers' deadline and memory limit, by the one clock.

use std::time::Duration;

use temblor_checker::{Budget, Exhausted};

use crate::clock::monotonic_ns;

/// How much a check may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) deadline: Duration,
    pub(crate) memory_bytes: usize,
}

/// Limits whose time has begun.
pub(crate) struct Running {
    until_ns: i64,
    memory_bytes: usize,
}

impl Limits {
    /// The time begins now.
    pub(crate) fn budget(self) -> Running {
        let lasts = i64::try_from(self.deadline.as_nanos()).unwrap_or(i64::MAX);
        Running { until_ns: monotonic_ns().saturating_add(lasts), memory_bytes: self.memory_bytes }
    }
}

impl Budget for Running {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        if bytes > self.memory_bytes {
            return Some(Exhausted::Memory);
        }
        (monotonic_ns() > self.until_ns).then_some(Exhausted::Deadline)
    }
}
