//! Objects other than registers: sets, queues, stacks, counters, locks and the like.
//!
//! A history is split into independent objects ([`split`]), each object's operations are reduced
//! to what they say of it ([`extract`]), and judged: by the model's own fast path where it has one
//! ([`model::Model::fast`]), else by the general engine.

mod containers;
mod counter;
mod extract;
mod lock;
mod log;
mod model;
mod multi_register;
mod numbers;
mod priority_queue;
mod queue;
mod replay;
mod semaphore;
mod set;
mod shape;
mod split;
mod stack;
mod string_kv;
mod sweep;
mod timed;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod random;

pub(crate) use timed::{NEVER, Timed};
