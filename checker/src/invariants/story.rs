//! A few operations of one object, told: who, what, when.

use serde_json::Value;
use temblor_history::{ValueId, Witness, WitnessOp};

use super::object::Object;
use crate::{cast::Cast, findings::Finding};

/// The operations that show a violation, numbered from 1 in the order of their invocations.
pub(crate) struct Story<'a> {
    object: &'a Object<'a>,
    cast: Cast<'a>,
    /// Values around which long lists are cut.
    matter: Vec<ValueId>,
}

/// What is told of them.
pub(crate) struct Told {
    pub(crate) kind: &'static str,
    pub(crate) sentence: String,
    pub(crate) proof: Vec<String>,
    /// The operation that breaks the promise.
    pub(crate) culprit: u32,
    /// What it could have found.
    pub(crate) legal: Option<String>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(object: &'a Object<'a>, sources: &[u32], matter: &[ValueId]) -> Self {
        let cast = Cast::new(object.history, sources.iter().copied());
        Self { object, cast, matter: matter.to_vec() }
    }

    /// `(2)`.
    pub(crate) fn number(&self, source: u32) -> String {
        self.cast.number(source)
    }

    /// `client 4 on n2`.
    pub(crate) fn who(&self, source: u32) -> String {
        self.cast.who(source)
    }

    /// ` of k3`, or nothing where operations have no key.
    pub(crate) fn of_key(&self) -> String {
        let key = self.object.key.map(|key| self.object.history.key(key));
        key.map_or(String::new(), |key| format!(" of {key}"))
    }

    /// A value as a reader wants to see it.
    pub(crate) fn value(&self, id: ValueId) -> String {
        self.object.history.value(id).to_string()
    }

    /// ` at 2.104 s`, or nothing without times.
    pub(crate) fn invoked_at(&self, source: u32) -> String {
        self.cast.invoked_at(source)
    }

    /// The same, of its completion.
    pub(crate) fn completed_at(&self, source: u32) -> String {
        self.cast.returned_at(source)
    }

    /// `1.2 s `, from the completion of one to the invocation of the other; nothing without times.
    pub(crate) fn between(&self, earlier: u32, later: u32) -> String {
        self.cast.lead(earlier, later)
    }

    /// The finding. It is definite if no operation of unknown outcome is part of it.
    pub(crate) fn finding(&self, told: Told) -> Finding {
        let ops = (1..).zip(self.cast.sources()).map(|(number, &source)| {
            let operation = self.object.operation(source);
            WitnessOp {
                argument: self.shortened(operation.argument),
                result: self.shortened(operation.result),
                ..self.cast.witness_op(number, source, source == told.culprit)
            }
        });
        Finding {
            kind: told.kind,
            definite: self.cast.is_definite(),
            witness: Witness {
                sentence: told.sentence,
                key: self.object.key.map(|key| self.object.history.key(key).clone()),
                ops: ops.collect(),
                proof: told.proof,
                legal: told.legal,
                minimal: true,
                edges: Vec::new(),
            },
            moments: self.cast.moments(),
        }
    }

    /// A value whose long list is cut around the elements that matter: what is left out is counted.
    fn shortened(&self, id: ValueId) -> Value {
        const MOST: usize = 12;
        let elements = self.object.elements(id);
        if elements.len() <= MOST {
            return self.object.history.value(id);
        }
        let matters = |id: &ValueId| {
            self.matter.contains(id)
                || self.object.elements(*id).iter().any(|id| self.matter.contains(id))
        };
        let found = elements.iter().enumerate().filter(|(_, id)| matters(id)).take(2);
        let found: Vec<usize> = found.map(|(place, _)| place).collect();
        let last = elements.len() - 1;
        let shown = |place: usize| {
            place < 2 || place == last || found.iter().any(|other| place.abs_diff(*other) <= 1)
        };
        let mut list = Vec::new();
        let mut hidden = 0;
        for (place, &element) in elements.iter().enumerate() {
            if !shown(place) {
                hidden += 1;
                continue;
            }
            if hidden > 0 {
                list.push(Value::from(format!("… {hidden} more …")));
                hidden = 0;
            }
            list.push(self.object.history.value(element));
        }
        Value::from(list)
    }
}
