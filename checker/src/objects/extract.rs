//! From a history to one list of operations for each object of a model.

use rayon::prelude::*;
use serde_json::Value;
use temblor_history::{Completion, History, HistoryError, HistoryErrors, Key, Operation};

use super::{
    model::{Call, Function, Model},
    numbers::Numbers,
    shape::Shape,
    split::{Named, Part},
    timed::{NEVER, Timed},
};
use crate::meter::Meter;

/// One object's share of a history.
#[derive(Debug, Clone)]
pub(crate) struct Object<M: Model> {
    /// Which object.
    pub(crate) named: Named,
    /// Its specification.
    pub(crate) model: M,
    /// What was done to it, in the order of invocations.
    pub(crate) ops: Vec<Timed<M::Effect>>,
    /// What was certainly not done to it.
    pub(crate) failed: Vec<Timed<M::Effect>>,
    /// Its values.
    pub(crate) numbers: Numbers,
}

impl<M: Model> Object<M> {
    /// The key, where one names the object.
    pub(crate) fn key(&self, history: &History) -> Option<Key> {
        match &self.named {
            Named::Whole => None,
            Named::Key(key) => Some(history.key(*key).clone()),
            Named::Keys(keys) => match keys.as_slice() {
                [key] => match history.value(*key) {
                    Value::String(text) => Some(Key::Text(text)),
                    number => number.as_i64().map(Key::Number),
                },
                _ => None,
            },
        }
    }

    /// What a reader calls the object; none where there is but one.
    pub(crate) fn called(&self, history: &History) -> Option<String> {
        match &self.named {
            Named::Whole => None,
            Named::Key(key) => Some(history.key(*key).to_string()),
            Named::Keys(keys) => {
                const MOST: usize = 3;
                let mut told: Vec<String> =
                    keys.iter().take(MOST).map(|&key| plain(&history.value(key))).collect();
                if keys.len() > MOST {
                    told.push(format!("{} more", keys.len() - MOST));
                }
                Some(told.join(", "))
            }
        }
    }
}

/// A key without quotation marks.
pub(crate) fn plain(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// The functions of a model by the history's ids.
struct Functions {
    places: Vec<Option<usize>>,
}

impl Functions {
    fn of<M: Model>(history: &History) -> Self {
        let mut places = Vec::new();
        for (place, function) in M::FUNCTIONS.iter().enumerate() {
            if let Some(id) = history.function_id(function.name) {
                places.resize(places.len().max(id.index() + 1), None);
                places[id.index()] = Some(place);
            }
        }
        Self { places }
    }

    fn find(&self, operation: &Operation) -> Option<usize> {
        self.places.get(operation.f.index()).copied().flatten()
    }
}

/// Splits a history into the objects of a model; what is wrong with it comes all at once. The
/// objects are worth something if that was [in time](Meter::in_time).
pub(crate) fn objects<M: Model>(
    history: &History,
    meter: &Meter<'_>,
) -> Result<Vec<Object<M>>, HistoryErrors> {
    let functions = Functions::of::<M>(history);
    let mut errors = HistoryErrors::default();
    for operation in meter.paced(history.operations()) {
        if let Some(error) = mistake::<M>(history, &functions, operation) {
            errors.push(error);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if meter.in_time().is_err() {
        // Not every operation was looked at: nothing is known of their shapes.
        return Ok(Vec::new());
    }
    let parts = M::split(history);
    let objects: Result<Vec<Object<M>>, String> =
        parts.into_par_iter().map(|part| object(history, &functions, part, meter)).collect();
    objects.map_err(HistoryErrors::of_file)
}

fn mistake<M: Model>(
    history: &History,
    functions: &Functions,
    operation: &Operation,
) -> Option<HistoryError> {
    let at =
        |event: u32, what: String| Some(HistoryError { line: Some(history.line_of(event)), what });
    let (invoked, name) = (operation.invoke_index, history.function_name(operation.f));
    let Some(place) = functions.find(operation) else {
        return at(invoked, format!("`{name}` is no function of the model {}", described::<M>()));
    };
    let function: &Function = &M::FUNCTIONS[place];
    let wrong = |shape: Shape, id, does: &str| {
        let told = || format!("`{name}` {does} {}, not {}", shape.describe(), history.value(id));
        (!shape.fits(history, id)).then(told)
    };
    if let Some(what) = wrong(function.argument, operation.argument, "takes") {
        return at(invoked, what);
    }
    let completed = operation.complete_index.unwrap_or(invoked);
    if operation.outcome == Completion::Ok
        && let Some(what) = wrong(function.result, operation.result, "returns")
    {
        return at(completed, what);
    }
    M::mistake(history, &call(place, operation)).and_then(|what| at(completed, what))
}

/// `` `queue` (`enqueue`, `dequeue`) ``.
fn described<M: Model>() -> String {
    let functions: Vec<String> =
        M::FUNCTIONS.iter().map(|function| format!("`{}`", function.name)).collect();
    format!("`{}` ({})", M::NAME, functions.join(", "))
}

fn call(function: usize, operation: &Operation) -> Call {
    Call {
        function,
        argument: operation.argument,
        result: operation.result,
        outcome: operation.outcome,
        process: operation.process,
    }
}

fn object<M: Model>(
    history: &History,
    functions: &Functions,
    part: Part,
    meter: &Meter<'_>,
) -> Result<Object<M>, String> {
    let operations = part.places.iter().map(|&place| &history.operations()[place as usize]);
    let calls: Vec<Call> = operations
        .filter_map(|operation| Some(call(functions.find(operation)?, operation)))
        .collect();
    let mut numbers = Numbers::default();
    let model = M::prepare(history, &calls, &mut numbers)?;
    let (mut ops, mut failed) = (Vec::with_capacity(calls.len()), Vec::new());
    for (&source, call) in meter.paced(part.places.iter().zip(&calls)) {
        let Some(effect) = model.effect(history, call, &mut numbers) else { continue };
        let operation = &history.operations()[source as usize];
        let returned = match call.outcome {
            Completion::Info => NEVER,
            _ => operation.complete_index.unwrap_or(NEVER),
        };
        let op = Timed { effect, invoked: operation.invoke_index, returned, source };
        // A refused operation that changes nothing is an observation.
        let happened = match call.outcome {
            Completion::Ok | Completion::Info => true,
            Completion::Refused => M::observes(&op.effect),
            Completion::Fail => false,
        };
        if happened { ops.push(op) } else { failed.push(op) }
    }
    Ok(Object { named: part.named, model, ops, failed, numbers })
}
