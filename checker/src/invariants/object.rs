//! One object's operations, and their events in order.

use temblor_history::{Completion, History, KeyId, Operation, ValueId, ValueView};

/// What happened to one object.
pub(crate) struct Object<'h> {
    pub(crate) history: &'h History,
    /// Which one; none where operations have no key, or all of them are meant.
    pub(crate) key: Option<KeyId>,
    /// Places among the history's operations, in the order of invocations.
    pub(crate) sources: Vec<u32>,
}

/// An invocation, or a completion that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) index: u32,
    pub(crate) source: u32,
    pub(crate) completes: bool,
}

/// One object for each key.
pub(crate) fn by_key(history: &History) -> Vec<Object<'_>> {
    let mut sources = vec![Vec::new(); history.key_count() + 1];
    for (source, operation) in (0..).zip(history.operations()) {
        sources[operation.key.map_or(0, |key| key.index() + 1)].push(source);
    }
    let used = sources.into_iter().filter(|sources: &Vec<u32>| !sources.is_empty());
    used.map(|sources| {
        let key = history.operations()[sources[0] as usize].key;
        Object { history, key, sources }
    })
    .collect()
}

/// One object for the whole history.
pub(crate) fn whole(history: &History) -> Vec<Object<'_>> {
    let sources = (0..history.operations().len() as u32).collect();
    vec![Object { history, key: None, sources }]
}

impl<'h> Object<'h> {
    /// `key k3: `, or nothing where operations have no key.
    pub(crate) fn name(&self) -> String {
        let key = self.key.map(|key| self.history.key(key));
        key.map_or(String::new(), |key| format!("key {key}: "))
    }

    pub(crate) fn operation(&self, source: u32) -> &'h Operation {
        &self.history.operations()[source as usize]
    }

    /// The operations of one function, with their places.
    pub(crate) fn calls(&self, f: &str) -> impl DoubleEndedIterator<Item = (u32, &'h Operation)> {
        let f = self.history.function_id(f);
        self.sources
            .iter()
            .map(|&source| (source, self.operation(source)))
            .filter(move |(_, operation)| Some(operation.f) == f)
    }

    /// Those that succeeded.
    pub(crate) fn answered(
        &self,
        f: &str,
    ) -> impl DoubleEndedIterator<Item = (u32, &'h Operation)> {
        self.calls(f).filter(|(_, operation)| operation.outcome == Completion::Ok)
    }

    /// All events in their order.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = Vec::with_capacity(self.sources.len() * 2);
        for &source in &self.sources {
            let operation = self.operation(source);
            events.push(Event { index: operation.invoke_index, source, completes: false });
            let known = operation.complete_index.filter(|_| operation.outcome != Completion::Info);
            events.extend(known.map(|index| Event { index, source, completes: true }));
        }
        events.sort_unstable();
        events
    }

    /// The elements of an array; none of anything else.
    pub(crate) fn elements(&self, id: ValueId) -> &'h [ValueId] {
        match self.history.view(id) {
            ValueView::Array(elements) => elements,
            _ => &[],
        }
    }

    pub(crate) fn integer(&self, id: ValueId) -> Option<i64> {
        match self.history.view(id) {
            ValueView::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// What the header says of the model.
    pub(crate) fn param(&self, name: &str) -> Option<&'h serde_json::Value> {
        self.history.header().and_then(|header| header.params.get(name))
    }
}

/// Whether it took effect, or may have.
pub(crate) fn possible(operation: &Operation) -> bool {
    matches!(operation.outcome, Completion::Ok | Completion::Info)
}
