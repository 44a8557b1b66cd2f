//! Registers and compare-and-set registers: one object at a time.
//!
//! A history is split by key (linearizability is local: Herlihy and Wing 1990, theorem 1), each
//! key's operations are reduced to what they say of one register ([`operations`]), and judged:
//! in n·log n where written values are unique ([`zones`]), else by the general engine ([`sweep`]).

mod judge;
mod operations;
mod refusals;
mod replay;
mod sweep;
mod zones;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod random;

pub(crate) use operations::{Effect, NEVER, RegisterOp, ValueNumber};
