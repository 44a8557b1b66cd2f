//! What the values of each model look like: everything that does not is a mistake of the file.

use serde_json::Value;
use temblor_history::{
    Completion, History, HistoryError, HistoryErrors, Operation, ValueId, ValueView,
};

use crate::objects::shape::Shape as Simple;

/// The shape of an argument or a result.
#[derive(Clone, Copy)]
enum Shape {
    Of(Simple),
    /// `{"from": …, "to": …, "amount": n}`.
    Transfer,
    /// `{account: balance}`.
    Balances,
    /// A list of micro-operations of registers.
    Registers,
}

const ANY: Shape = Shape::Of(Simple::Anything);
const ELEMENT: Shape = Shape::Of(Simple::Element);
const INTEGER: Shape = Shape::Of(Simple::Integer);

/// Function, argument, result.
type Function = (&'static str, Shape, Shape);

fn functions(model: &str) -> &'static [Function] {
    match model {
        "set" => &[
            ("add", ELEMENT, ANY),
            ("remove", ELEMENT, ANY),
            ("contains", ELEMENT, Shape::Of(Simple::Membership)),
            ("read", ANY, Shape::Of(Simple::Elements)),
        ],
        "queue" => &[("enqueue", ELEMENT, ANY), ("dequeue", ANY, Shape::Of(Simple::Simple))],
        "counter" => &[("add", INTEGER, ANY), ("read", ANY, INTEGER)],
        "lock" => &[("acquire", ANY, Shape::Of(Simple::NumberOrNull)), ("release", ANY, ANY)],
        "semaphore" => &[
            ("acquire", Shape::Of(Simple::Count), ANY),
            ("release", Shape::Of(Simple::Count), ANY),
        ],
        "bank" => &[("transfer", Shape::Transfer, ANY), ("read", ANY, Shape::Balances)],
        "unique-ids" => &[("generate", ANY, ELEMENT)],
        "log" => &[
            ("send", Shape::Of(Simple::Simple), Shape::Of(Simple::Record)),
            ("poll", ANY, Shape::Of(Simple::Records)),
        ],
        "register" => {
            &[("read", ANY, Shape::Of(Simple::Simple)), ("write", Shape::Of(Simple::Simple), ANY)]
        }
        "rw-register" => &[("txn", Shape::Registers, Shape::Registers)],
        other => unreachable!("no invariant is about the model {other}"),
    }
}

/// Every operation that is none of the model's.
pub(super) fn mistakes(history: &History, model: &str) -> HistoryErrors {
    let functions = functions(model);
    let mut errors = HistoryErrors::default();
    for operation in history.operations() {
        let name = history.function_name(operation.f);
        let Some(&(_, argument, result)) = functions.iter().find(|(f, ..)| *f == name) else {
            let known: Vec<String> = functions.iter().map(|(f, ..)| format!("`{f}`")).collect();
            let what =
                format!("`{name}` is no function of the model `{model}` ({})", known.join(", "));
            errors.push(at(history, operation.invoke_index, what));
            continue;
        };
        if let Some(error) = mistake(history, operation, name, argument, result) {
            errors.push(error);
        }
    }
    errors
}

fn mistake(
    history: &History,
    operation: &Operation,
    name: &str,
    argument: Shape,
    result: Shape,
) -> Option<HistoryError> {
    let line = operation.invoke_index;
    if !argument.fits(history, operation.argument) {
        let value = history.value(operation.argument);
        let shape = argument.describe();
        return Some(at(history, line, format!("`{name}` takes {shape}, not {value}")));
    }
    let wrong = operation.outcome == Completion::Ok && !result.fits(history, operation.result);
    wrong.then(|| {
        let value = history.value(operation.result);
        let shape = result.describe();
        let line = operation.complete_index.unwrap_or(line);
        at(history, line, format!("`{name}` returns {shape}, not {value}"))
    })
}

fn at(history: &History, event: u32, what: String) -> HistoryError {
    HistoryError { line: Some(history.line_of(event)), what }
}

impl Shape {
    fn fits(self, history: &History, id: ValueId) -> bool {
        let object = match history.view(id) {
            ValueView::Other(Value::Object(object)) => Some(object),
            _ => None,
        };
        match self {
            Self::Of(shape) => shape.fits(history, id),
            Self::Transfer => object.is_some_and(|object| {
                let names = ["from", "to"].iter().all(|name| object.contains_key(*name));
                names && object.get("amount").is_some_and(Value::is_i64)
            }),
            Self::Balances => object.is_some_and(|object| {
                object.values().all(|balance| balance.is_i64() || balance.is_null())
            }),
            Self::Registers => Simple::Transaction.fits(history, id),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Of(shape) => shape.describe(),
            Self::Transfer => "{\"from\": account, \"to\": account, \"amount\": n}",
            Self::Balances => "{account: balance} with whole numbers",
            Self::Registers => Simple::Transaction.describe(),
        }
    }
}
