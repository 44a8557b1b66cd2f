//! From a history to one list of operations for each register.

use std::{collections::HashMap, hash::BuildHasherDefault};

use rayon::prelude::*;
use serde_json::Value;
use temblor_history::{
    Completion, FunctionId, History, HistoryError, HistoryErrors, KeyId, Operation, ValueId,
    ValueView,
};

use super::{Effect, NEVER, RegisterOp, ValueNumber, operations::INITIAL};
use crate::{hashing::Quick, meter::Meter};

/// Which functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// `read` and `write`.
    Register,
    /// The same, and `cas`.
    CasRegister,
}

impl Model {
    fn describe(self) -> &'static str {
        match self {
            Self::Register => "`register` (`read`, `write`)",
            Self::CasRegister => "`cas-register` (`read`, `write`, `cas`)",
        }
    }
}

/// A write or cas that certainly did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    /// What it would have written.
    pub(crate) value: ValueNumber,
    /// Its place among the history's operations.
    pub(crate) source: u32,
}

/// One register's share of a history.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    /// Which one; none where operations have no key.
    pub(crate) key: Option<KeyId>,
    /// What was done to it, in the order of invocations.
    pub(crate) ops: Vec<RegisterOp>,
    /// What was certainly not done to it.
    pub(crate) failed: Vec<Failed>,
    /// The values by their numbers; the first stands for the initial one.
    values: Vec<ValueId>,
    initial: Value,
}

impl Register {
    /// A value as JSON.
    pub(crate) fn value(&self, history: &History, number: ValueNumber) -> Value {
        if number == INITIAL {
            self.initial.clone()
        } else {
            history.value(self.values[number as usize])
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Read,
    Write,
    Cas,
}

/// The functions of a model by the history's ids.
struct Functions {
    model: Model,
    known: [(Option<FunctionId>, Function); 3],
}

impl Functions {
    fn of(history: &History, model: Model) -> Self {
        let id = |name| history.function_id(name);
        let cas = match model {
            Model::Register => None,
            Model::CasRegister => id("cas"),
        };
        Self {
            model,
            known: [
                (id("read"), Function::Read),
                (id("write"), Function::Write),
                (cas, Function::Cas),
            ],
        }
    }

    fn find(&self, id: FunctionId) -> Option<Function> {
        let found = self.known.iter().find(|(known, _)| *known == Some(id));
        found.map(|&(_, function)| function)
    }
}

/// Splits a history by key; what is wrong with its operations comes all at once. The registers are
/// worth something if that was [in time](Meter::in_time).
pub(crate) fn registers(
    history: &History,
    model: Model,
    meter: &Meter<'_>,
) -> Result<Vec<Register>, HistoryErrors> {
    let functions = Functions::of(history, model);
    let mut errors = HistoryErrors::default();
    for operation in meter.paced(history.operations()) {
        if let Some(error) = mistake(history, &functions, operation) {
            errors.push(error);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let initial = history.header().and_then(|header| header.params.get("initial"));
    let initial = initial.cloned().unwrap_or(Value::Null);
    let by_key = places_by_key(history);
    Ok(by_key
        .into_par_iter()
        .filter(|places| !places.is_empty())
        .map(|places| register(history, &functions, &places, &initial, meter))
        .collect())
}

fn places_by_key(history: &History) -> Vec<Vec<u32>> {
    let mut by_key = vec![Vec::new(); history.key_count() + 1];
    for (place, operation) in (0..).zip(history.operations()) {
        by_key[operation.key.map_or(0, |key| key.index() + 1)].push(place);
    }
    by_key
}

fn mistake(
    history: &History,
    functions: &Functions,
    operation: &Operation,
) -> Option<HistoryError> {
    let at =
        |event: u32, what: String| Some(HistoryError { line: Some(history.line_of(event)), what });
    let invoked = operation.invoke_index;
    let name = history.function_name(operation.f);
    let Some(function) = functions.find(operation.f) else {
        let model = functions.model.describe();
        return at(invoked, format!("`{name}` is no function of the model {model}"));
    };
    let argument = operation.argument;
    match function {
        Function::Read if operation.outcome == Completion::Ok => {
            let found = not_simple(history, operation.result)?;
            let line = operation.complete_index.unwrap_or(invoked);
            at(line, format!("a `read` returns a number, a string, a boolean or null, not {found}"))
        }
        Function::Read => None,
        Function::Write => {
            let found = not_simple(history, argument)?;
            at(
                invoked,
                format!("a `write` takes a number, a string, a boolean or null, not {found}"),
            )
        }
        Function::Cas => match pair(history, argument) {
            Some((old, new)) => {
                let found = not_simple(history, old).or_else(|| not_simple(history, new))?;
                at(invoked, format!("a `cas` takes [old, new], simple values, not {found}"))
            }
            None => at(invoked, "a `cas` takes [old, new]".to_owned()),
        },
    }
}

/// What a value is, if it is not one that a register holds.
fn not_simple(history: &History, id: ValueId) -> Option<&'static str> {
    match history.view(id) {
        ValueView::Array(_) => Some("an array"),
        ValueView::Other(Value::Object(_)) => Some("an object"),
        _ => None,
    }
}

fn pair(history: &History, id: ValueId) -> Option<(ValueId, ValueId)> {
    match history.view(id) {
        ValueView::Array(&[old, new]) => Some((old, new)),
        _ => None,
    }
}

/// A register under construction: values get their numbers as they come.
struct Collecting<'a> {
    history: &'a History,
    register: Register,
    numbers: HashMap<ValueId, ValueNumber, BuildHasherDefault<Quick>>,
}

fn register(
    history: &History,
    functions: &Functions,
    places: &[u32],
    initial: &Value,
    meter: &Meter<'_>,
) -> Register {
    let id = history.value_id(initial);
    let mut collecting = Collecting {
        history,
        register: Register {
            key: history.operations()[places[0] as usize].key,
            ops: Vec::with_capacity(places.len()),
            failed: Vec::new(),
            values: vec![id.unwrap_or(ValueId::NULL)],
            initial: initial.clone(),
        },
        numbers: id.into_iter().map(|id| (id, INITIAL)).collect(),
    };
    for &place in meter.paced(places) {
        let operation = &history.operations()[place as usize];
        if let Some(function) = functions.find(operation.f) {
            collecting.take(place, operation, function);
        }
    }
    collecting.register
}

impl Collecting<'_> {
    fn number(&mut self, id: ValueId) -> ValueNumber {
        let values = &mut self.register.values;
        *self.numbers.entry(id).or_insert_with(|| {
            values.push(id);
            values.len() as ValueNumber - 1
        })
    }

    fn take(&mut self, place: u32, operation: &Operation, function: Function) {
        match function {
            // A read without an answer says nothing.
            Function::Read if operation.outcome == Completion::Ok => {
                let seen = self.number(operation.result);
                self.add(place, operation, Effect::Read(seen));
            }
            Function::Read => {}
            Function::Write => {
                let value = self.number(operation.argument);
                self.change(place, operation, Effect::Write(value), value);
            }
            Function::Cas => {
                let Some((old, new)) = pair(self.history, operation.argument) else {
                    return;
                };
                let (old, new) = (self.number(old), self.number(new));
                self.cas(place, operation, old, new);
            }
        }
    }

    fn cas(&mut self, place: u32, operation: &Operation, old: ValueNumber, new: ValueNumber) {
        if operation.outcome == Completion::Refused {
            self.add(place, operation, Effect::Differs(old));
        }
        if old != new {
            self.change(place, operation, Effect::Cas { old, new }, new);
        } else if operation.outcome == Completion::Ok {
            // It changed nothing: it read.
            self.add(place, operation, Effect::Read(old));
        }
    }

    fn change(&mut self, place: u32, operation: &Operation, effect: Effect, value: ValueNumber) {
        match operation.outcome {
            Completion::Ok | Completion::Info => self.add(place, operation, effect),
            Completion::Fail | Completion::Refused => {
                self.register.failed.push(Failed { value, source: place });
            }
        }
    }

    fn add(&mut self, place: u32, operation: &Operation, effect: Effect) {
        let returned = match operation.outcome {
            Completion::Info => None,
            _ => operation.complete_index,
        };
        self.register.ops.push(RegisterOp {
            effect,
            invoked: operation.invoke_index,
            returned: returned.unwrap_or(NEVER),
            source: place,
        });
    }
}
