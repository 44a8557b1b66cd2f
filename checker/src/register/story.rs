//! Speaks of a register's operations: who, what, when, in the words of a reader.

use temblor_history::{History, Witness, WitnessOp};

use super::{
    Effect, RegisterOp, ValueNumber,
    extract::{Failed, Register},
};
use crate::{
    cast::{Cast, shortened},
    moments::Moments,
};

/// A few operations of one register, numbered from 1 in the order of their invocations.
pub(crate) struct Story<'a> {
    register: &'a Register,
    ops: Vec<RegisterOp>,
    /// With writes that certainly failed, numbered among the others.
    cast: Cast<'a>,
}

/// What is told of a violation.
pub(crate) struct Told {
    /// One sentence.
    pub(crate) sentence: String,
    /// Step by step.
    pub(crate) proof: Vec<String>,
    /// The operation that cannot be explained.
    pub(crate) culprit: u32,
    /// What it could have found.
    pub(crate) legal: Option<String>,
    /// Whether nothing can be left out.
    pub(crate) minimal: bool,
}

impl<'a> Story<'a> {
    pub(crate) fn new(history: &'a History, register: &'a Register, ops: &[RegisterOp]) -> Self {
        let cast = Cast::new(history, ops.iter().map(|op| op.source));
        Self { register, ops: ops.to_vec(), cast }
    }

    pub(crate) fn with_failed(mut self, failed: Option<Failed>) -> Self {
        let sources = self.ops.iter().map(|op| op.source);
        let sources = sources.chain(failed.map(|failed| failed.source));
        self.cast = Cast::new(self.cast.history(), sources);
        self
    }

    /// Whether it rests on definite answers only.
    pub(crate) fn is_definite(&self) -> bool {
        self.cast.is_definite()
    }

    /// How times are written.
    pub(crate) fn moments(&self) -> Moments {
        self.cast.moments()
    }

    pub(crate) fn ops(&self) -> &[RegisterOp] {
        &self.ops
    }

    /// `(2)`.
    pub(crate) fn number(&self, source: u32) -> String {
        self.cast.number(source)
    }

    /// A value as a reader wants to see it.
    pub(crate) fn value(&self, value: ValueNumber) -> String {
        shortened(&self.register.value(self.cast.history(), value))
    }

    /// `client 4 on n2`.
    pub(crate) fn who(&self, source: u32) -> String {
        self.cast.who(source)
    }

    /// ` of k3`, or nothing where operations have no key.
    pub(crate) fn of_key(&self) -> String {
        let key = self.register.key.map(|key| self.cast.history().key(key));
        key.map_or(String::new(), |key| format!(" of {key}"))
    }

    /// What an operation found or did, as the subject of a sentence: `read of k3 by client 4 on n2
    /// returned 17`.
    pub(crate) fn deed(&self, op: &RegisterOp) -> String {
        let (key, who) = (self.of_key(), self.who(op.source));
        let last = if self.cast.operation(op.source).final_read { "final " } else { "" };
        match op.effect {
            Effect::Read(value) => {
                format!("{last}read{key} by {who} returned {}", self.value(value))
            }
            Effect::Write(value) => format!("write{key} to {} by {who}", self.value(value)),
            Effect::Cas { old, new } => format!(
                "cas{key} from {} to {} by {who} succeeded",
                self.value(old),
                self.value(new)
            ),
            Effect::Differs(value) => {
                format!("cas{key} from {} by {who} was refused", self.value(value))
            }
        }
    }

    /// `the write of 21 (client 0 on n1)`.
    pub(crate) fn change(&self, op: &RegisterOp) -> String {
        let who = self.who(op.source);
        match op.effect {
            Effect::Cas { old, new } => {
                format!("the cas from {} to {} ({who})", self.value(old), self.value(new))
            }
            effect => {
                let value = effect.written().or(effect.tested()).unwrap_or_default();
                format!("the write of {} ({who})", self.value(value))
            }
        }
    }

    /// What an operation shows once it has returned: `(1) wrote 17 and was acknowledged at 2.004 s`.
    pub(crate) fn shows(&self, op: &RegisterOp) -> String {
        let (number, at) = (self.number(op.source), self.returned_at(op));
        match op.effect {
            Effect::Read(value) => format!("{number} had returned {}{at}", self.value(value)),
            Effect::Write(value) => {
                format!("{number} wrote {} and was acknowledged{at}", self.value(value))
            }
            Effect::Cas { old, new } => format!(
                "{number} changed {} to {} and was acknowledged{at}",
                self.value(old),
                self.value(new)
            ),
            Effect::Differs(value) => {
                format!("{number} had found another value than {}{at}", self.value(value))
            }
        }
    }

    fn returned_at(&self, op: &RegisterOp) -> String {
        if op.certain() { self.cast.returned_at(op.source) } else { String::new() }
    }

    /// ` at 2.104 s`, or nothing without times.
    pub(crate) fn invoked_at(&self, op: &RegisterOp) -> String {
        self.cast.invoked_at(op.source)
    }

    /// How long before `later` was invoked `earlier` had returned: `1.2 s `, or nothing.
    pub(crate) fn lead(&self, earlier: &RegisterOp, later: &RegisterOp) -> String {
        self.cast.lead(earlier.source, later.source)
    }

    /// The witness with all that is told of it.
    pub(crate) fn witness(&self, told: Told) -> Witness {
        let ops = (1..).zip(self.cast.sources()).map(|(number, &source)| {
            let op = self.ops.iter().find(|op| op.source == source);
            self.witness_op(number, source, op, source == told.culprit)
        });
        let mut proof = told.proof;
        proof.extend(self.ops.iter().filter_map(|op| self.reduced(op)));
        Witness {
            sentence: told.sentence,
            key: self.register.key.map(|key| self.cast.history().key(key).clone()),
            ops: ops.collect(),
            proof,
            legal: told.legal,
            minimal: told.minimal,
            edges: Vec::new(),
        }
    }

    /// Says that of a cas only the write is used.
    fn reduced(&self, op: &RegisterOp) -> Option<String> {
        let argument = self.cast.history().value(self.cast.operation(op.source).argument);
        let is_reduced = matches!(op.effect, Effect::Write(_)) && argument.is_array();
        is_reduced.then(|| {
            format!(
                "{} was a cas of {argument}; only that it wrote matters here, not what it found.",
                self.number(op.source)
            )
        })
    }

    fn witness_op(
        &self,
        number: u32,
        source: u32,
        op: Option<&RegisterOp>,
        culprit: bool,
    ) -> WitnessOp {
        let mut shown = self.cast.witness_op(number, source, culprit);
        if let Some(Effect::Write(value)) = op.map(|op| op.effect) {
            "write".clone_into(&mut shown.f);
            shown.argument = self.register.value(self.cast.history(), value);
        }
        shown
    }
}
