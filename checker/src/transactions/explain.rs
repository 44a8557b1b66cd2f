//! Puts what was found into words.

mod cycles;
mod no_order;
mod reads;
mod versions;

use temblor_history::History;

use super::{
    extract::{Kind, Model, NOBODY, Transactions},
    graph::Edge,
    lists::{self, Why},
    registers,
    story::{Story, Told},
    tally::Found,
};
use crate::findings::Finding;

/// What explanations look things up in.
pub(crate) struct Context<'a> {
    pub(crate) history: &'a History,
    pub(crate) all: &'a Transactions,
    pub(crate) orders: Orders<'a>,
}

/// The orders of versions, by model.
#[derive(Clone, Copy)]
pub(crate) enum Orders<'a> {
    Lists(&'a lists::Orders<'a>),
    Registers(&'a registers::Orders<'a>),
}

impl Orders<'_> {
    fn why(self, from: u32, to: u32, edge: Edge) -> Option<Why> {
        match self {
            Self::Lists(orders) => orders.why(from, to, edge),
            Self::Registers(orders) => orders.why(from, to, edge),
        }
    }
}

impl<'a> Context<'a> {
    /// A finding with its witness.
    pub(crate) fn explain(&self, kind: &'static str, found: &Found) -> Finding {
        let (story, told) = match found {
            Found::Cycle(cycle) => self.cycle(kind, cycle),
            Found::NoOrder { question, core } => self.no_order(*question, core),
            Found::CyclicVersions { key, versions } => self.cyclic_versions(*key, versions),
            other => self.read(other),
        };
        Finding {
            kind,
            definite: story.is_definite(),
            moments: story.moments(),
            witness: story.witness(told),
        }
    }

    fn story(&self, sources: Vec<u32>) -> Story<'a> {
        Story::new(self.history, self.all, sources)
    }

    fn source(&self, transaction: u32) -> u32 {
        self.all.all[transaction as usize].source
    }

    /// The transaction of a micro-operation.
    fn transaction_of(&self, op: u32) -> u32 {
        self.all.starts.partition_point(|&start| start <= op) as u32 - 1
    }

    /// Who wrote a version, or failed to; none for thin air.
    fn writer(&self, version: u32) -> Option<u32> {
        match self.all.writers[version as usize].transaction {
            NOBODY => self.all.failed_writer(version).map(|failed| failed.source),
            transaction => Some(self.source(transaction)),
        }
    }

    /// The read that shows the longest list of a key, by place.
    fn longest_read(&self, key: u32) -> Option<u32> {
        let length = self.all.order(key).len();
        let shows = |op: &super::extract::MicroOp| {
            op.kind == Kind::Read
                && op.key == key
                && self.all.model == Model::ListAppend
                && self.all.list(op.value).len() == length
                && self.all.is_prefix(op.value, key)
        };
        self.all.ops.iter().position(shows).map(|place| place as u32)
    }
}
