//! Objects other than registers: sets, queues, stacks, counters, locks and the like.
//!
//! A history is split into independent objects ([`split`]), each object's operations are reduced
//! to what they say of it ([`extract`]), and judged: by the model's own fast path where it has one
//! ([`model::Model::fast`]), else by the general engine.

mod containers;
mod counter;
mod depth;
mod engine;
mod extract;
mod holds;
mod judge;
mod linearizable;
mod lock;
mod log;
mod minimize;
mod model;
mod multi_register;
mod numbers;
mod possible;
mod reduce;
mod replay;
mod semaphore;
mod set;
pub(crate) mod shape;
mod split;
mod story;
mod string_kv;
mod sweep;
mod timed;
mod words;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod random;

use temblor_history::{CheckReport, History};

use crate::{Budget, Request, check::Span};
pub(crate) use timed::{NEVER, Timed, events};

/// The kinds of anomalies, the plainest first.
const KINDS: &[&str] = &[
    words::LOST_WRITE,
    words::STALE_READ,
    words::DUPLICATE,
    crate::register::ABORTED_READ,
    crate::register::THIN_AIR,
    story::NON_LINEARIZABLE,
];

/// Checks a history of one of these models and fills the report in.
pub(crate) fn check(
    history: &History,
    request: &Request,
    prefer: &[Span],
    budget: &dyn Budget,
    report: &mut CheckReport,
) {
    let check = match request.model.as_str() {
        "string-kv" => linearizable::check::<string_kv::StringKv>,
        "multi-register" => linearizable::check::<multi_register::MultiRegister>,
        "set" => linearizable::check::<set::Set>,
        "queue" => linearizable::check::<containers::Queue>,
        "stack" => linearizable::check::<containers::Stack>,
        "priority-queue" => linearizable::check::<containers::PriorityQueue>,
        "counter" => linearizable::check::<counter::Counter>,
        "lock" => linearizable::check::<lock::Lock>,
        "semaphore" => linearizable::check::<semaphore::Semaphore>,
        "log" => linearizable::check::<log::Log>,
        other => unreachable!("the model {other} has no objects"),
    };
    check(history, prefer, budget, report);
}
