//! Pairs invocations with completions, and says what is wrong with the file.

mod lines;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Completion, History, HistoryError, HistoryErrors, Operation, ValueView,
    ids::ValueId,
    import::{ImportOptions, event},
    line::{Line, Who},
    scan::Scanner,
    sheet::{Said, read_line},
    table::Spread,
};
use crate::{Event, EventType, Header, Key};

/// What a process is doing.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Nothing,
    /// The operation at this place is open since this line.
    Open {
        place: usize,
        line: u64,
    },
    /// It ended with `info` at this line and never acts again.
    Ended {
        line: u64,
    },
}

/// A history under construction.
#[derive(Debug, Default)]
pub(super) struct Builder {
    history: History,
    errors: HistoryErrors,
    doing: HashMap<u64, Doing, Spread>,
    last_time: Option<i64>,
    untimed: u64,
    /// How often times ran backwards, and the first line where they did.
    backwards: Option<(u64, u64)>,
    seen_content: bool,
    options: ImportOptions,
    scanner: Scanner,
}

/// An event of a client, complete.
struct Parsed {
    process: u64,
    kind: EventType,
    line: Line,
    number: u64,
}

impl Builder {
    pub(super) fn with(options: ImportOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Takes a line with its line break, if it has one.
    pub(super) fn line(&mut self, number: u64, bytes: &[u8]) {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let first = !std::mem::replace(&mut self.seen_content, true);
        if first && self.header(number, bytes) {
            return;
        }
        let History { names, values, .. } = &mut self.history;
        if let Some(said) = read_line(&mut self.scanner, bytes, names, values) {
            self.said(number, said);
        }
    }

    fn said(&mut self, number: u64, said: Said) {
        match said {
            Said::Event(line) => self.parsed(number, line),
            Said::Torn => self.torn(number),
            Said::Wrong(what) => self.fault(number, what),
        }
    }

    /// Takes a line of JSON that an importer made of a plain event, the first of a file excepted;
    /// whether it could.
    pub(super) fn plain(&mut self, number: u64, json: &[u8]) -> bool {
        if !self.seen_content {
            return false;
        }
        let History { names, values, .. } = &mut self.history;
        let scanned = self.scanner.scan(json, names, values);
        scanned.map(|line| self.parsed(number, line)).is_some()
    }

    /// Takes an event that is already in memory.
    pub(super) fn event(&mut self, number: u64, event: &Event) {
        let names = &mut self.history.names;
        let line = Line::of_event(event, names, &mut self.history.values);
        self.parsed(number, line);
    }

    /// Takes an event that an importer turned into JSON; the first may be a header.
    pub(super) fn imported(&mut self, number: u64, event: Value) {
        let first = !std::mem::replace(&mut self.seen_content, true);
        if first && self.header_value(number, &event) {
            return;
        }
        let History { names, values, .. } = &mut self.history;
        match event::line_of(event, names, values) {
            Ok(line) => self.parsed(number, line),
            Err(what) => self.fault(number, what),
        }
    }

    /// Drops a last line that stops short, and says so.
    pub(super) fn torn(&mut self, number: u64) {
        let words = format!("line {number}: the last line is torn and was dropped");
        self.history.warnings.push(words);
    }

    /// Records a mistake.
    pub(super) fn fault(&mut self, line: u64, what: String) {
        self.errors.push(HistoryError { line: Some(line), what });
    }

    /// Whether the line is a header (good or bad).
    fn header(&mut self, number: u64, bytes: &[u8]) -> bool {
        let value: Result<Value, _> = serde_json::from_slice(bytes);
        value.is_ok_and(|value| self.header_value(number, &value))
    }

    fn header_value(&mut self, number: u64, value: &Value) -> bool {
        let Value::Object(object) = value else {
            return false;
        };
        if !object.contains_key("history") || object.contains_key("process") {
            return false;
        }
        match Header::deserialize(value) {
            Ok(header) if header.history == 1 => self.history.header = Some(header),
            Ok(header) => self
                .fault(number, format!("format version {}; this reads version 1", header.history)),
            Err(error) => self.fault(number, format!("not a header: {error}")),
        }
        true
    }

    fn parsed(&mut self, number: u64, line: Line) {
        let what = match (line.process, line.kind, line.f) {
            (Some(Who::Other), ..) => return,
            (Some(Who::Client(process)), Some(kind), Some(_)) => {
                let mut event = Parsed { process, kind, line, number };
                self.as_asked(&mut event);
                return self.client_event(&event);
            }
            (None, ..) => "`process` is missing",
            (_, None, _) => "`type` is missing",
            (_, _, None) => "`f` is missing",
        };
        self.fault(number, what.to_owned());
    }

    /// Reads an event as the options say.
    fn as_asked(&mut self, event: &mut Parsed) {
        if self.options.cas_fail_refused && event.kind == EventType::Fail {
            let f = event.line.f.map(|f| self.history.names.function(f));
            event.line.refused |= f == Some("cas");
        }
        if self.options.independent {
            self.split_tuple(event);
        }
    }

    /// `[key, value]` becomes a key and a value. A completion without a value leaves its key to
    /// the invocation.
    fn split_tuple(&mut self, event: &mut Parsed) {
        let tuple = match self.history.values.view(event.line.value) {
            ValueView::Array(&[key, value]) => Some((key, value)),
            _ => None,
        };
        match tuple {
            Some((key, value)) => {
                let key = self.key_of(key);
                event.line.key = Some(self.history.names.intern_key(&key));
                event.line.value = value;
            }
            None if event.line.value == ValueId::NULL && event.kind != EventType::Invoke => {}
            None => self
                .fault(event.number, "with independent keys, a value is [key, value]".to_owned()),
        }
    }

    /// A key that is no string and no whole number is called by its JSON.
    fn key_of(&self, id: ValueId) -> Key {
        match self.history.values.view(id) {
            ValueView::Integer(number) => Key::Number(number),
            ValueView::Text(text) => Key::Text(text.to_owned()),
            _ => Key::Text(self.history.values.value(id).to_string()),
        }
    }

    fn client_event(&mut self, event: &Parsed) {
        let index = self.history.events;
        self.history.events += 1;
        self.place_line(index, event.number);
        self.time(event);
        if event.line.refused && event.kind != EventType::Fail {
            self.fault(event.number, "`refused` stands on a `fail` only".to_owned());
        }
        let doing = self.doing.get(&event.process).copied();
        match (event.kind, doing.unwrap_or(Doing::Nothing)) {
            (_, Doing::Ended { line }) => self.fault(
                event.number,
                format!("process {} acts again after its `info` on line {line}", event.process),
            ),
            (EventType::Invoke, Doing::Open { line, .. }) => self.fault(
                event.number,
                format!(
                    "process {} invokes again while its operation of line {line} is open",
                    event.process
                ),
            ),
            (EventType::Invoke, Doing::Nothing) => self.invoke(event, index),
            (_, Doing::Open { place, line }) => self.complete(event, index, place, line),
            (_, Doing::Nothing) => self.complete_uninvoked(event, index),
        }
    }

    fn place_line(&mut self, index: u32, line: u64) {
        let lines = &mut self.history.lines;
        let runs_on =
            lines.last().is_some_and(|&(first, start)| start + u64::from(index - first) == line);
        if !runs_on {
            lines.push((index, line));
        }
    }

    fn time(&mut self, event: &Parsed) {
        let Some(time) = event.line.time else {
            self.untimed += 1;
            return;
        };
        if self.last_time.is_some_and(|last| time < last) {
            let (count, first) = self.backwards.unwrap_or((0, event.number));
            self.backwards = Some((count + 1, first));
        }
        self.last_time = Some(time);
    }

    fn invoke(&mut self, event: &Parsed, index: u32) {
        let place = self.history.operations.len();
        let line = event.number;
        self.doing.insert(event.process, Doing::Open { place, line });
        self.history.operations.push(invoked(event, index));
    }

    fn complete(&mut self, event: &Parsed, index: u32, place: usize, invoked_at: u64) {
        let line = event.number;
        let after = match event.kind {
            EventType::Info => Doing::Ended { line },
            _ => Doing::Nothing,
        };
        self.doing.insert(event.process, after);
        let operation = &mut self.history.operations[place];
        let mismatch = if event.line.f != Some(operation.f) {
            Some("`f`")
        } else if event.line.key.is_some() && event.line.key != operation.key {
            Some("`key`")
        } else {
            None
        };
        finish(operation, event, index);
        if let Some(what) = mismatch {
            let what = format!("{what} differs from that of its invocation on line {invoked_at}");
            self.fault(line, what);
        }
    }

    /// Recorded test cases of transactions come as completions alone; elsewhere it is a mistake.
    fn complete_uninvoked(&mut self, event: &Parsed, index: u32) {
        let f = event.line.f.map(|f| self.history.names.function(f));
        if f != Some("txn") {
            let process = event.process;
            self.fault(
                event.number,
                format!("process {process} completes what it has not invoked"),
            );
            return;
        }
        self.history.warnings.push(format!(
            "line {}: a completion without an invocation counts as invoked at its own line",
            event.number
        ));
        let mut operation = invoked(event, index);
        finish(&mut operation, event, index);
        self.history.operations.push(operation);
        if event.kind == EventType::Info {
            let line = event.number;
            self.doing.insert(event.process, Doing::Ended { line });
        }
    }

    /// The history, or everything that is wrong with it.
    pub(super) fn finish(mut self) -> Result<History, HistoryErrors> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        if let Some((count, first)) = self.backwards {
            let lines = match count {
                1 => format!("line {first}"),
                _ => format!("{count} lines, the first is {first}"),
            };
            self.history
                .warnings
                .push(format!("times run backwards on {lines}; the order of lines rules"));
        }
        self.history.has_times = self.untimed == 0;
        if self.untimed > 0 {
            self.times_from_places();
        }
        self.history.operations.shrink_to_fit();
        Ok(self.history)
    }

    fn times_from_places(&mut self) {
        if self.last_time.is_some() {
            self.history.warnings.push(format!(
                "{} of {} events have no `time`; places in the file stand for all times",
                self.untimed, self.history.events
            ));
        }
        for operation in &mut self.history.operations {
            operation.invoked = i64::from(operation.invoke_index);
            operation.completed = operation.complete_index.map(i64::from);
        }
    }
}

fn invoked(event: &Parsed, index: u32) -> Operation {
    let line = &event.line;
    Operation {
        process: event.process,
        f: line.f.expect("checked with the process"),
        key: line.key,
        argument: line.value,
        result: ValueId::NULL,
        outcome: Completion::Info,
        final_read: line.final_read,
        node: line.node,
        error: line.error,
        invoke_index: index,
        complete_index: None,
        invoked: line.time.unwrap_or_default(),
        completed: None,
        intended: line.intended,
    }
}

fn finish(operation: &mut Operation, event: &Parsed, index: u32) {
    let line = &event.line;
    operation.outcome = match event.kind {
        EventType::Ok => Completion::Ok,
        EventType::Fail if line.refused => Completion::Refused,
        EventType::Fail => Completion::Fail,
        EventType::Info | EventType::Invoke => Completion::Info,
    };
    if operation.outcome == Completion::Ok {
        operation.result = line.value;
    }
    operation.complete_index = Some(index);
    operation.completed = Some(line.time.unwrap_or_default());
    operation.final_read |= line.final_read;
    operation.node = operation.node.or(line.node);
    operation.error = operation.error.or(line.error);
    operation.intended = operation.intended.or(line.intended);
}

/// The parser's words with the column alone: the line is said with every mistake.
pub(super) fn described(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let words = words.strip_suffix(&place).unwrap_or(&words);
    match error.column() {
        0 => words.to_owned(),
        column => format!("column {column}: {words}"),
    }
}
