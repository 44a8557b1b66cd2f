//! Several registers that transactions read and write together, each transaction at one moment.

use std::{collections::HashSet, sync::Arc};

use temblor_history::{Completion, History, ValueId};

use super::{
    model::{Call, Function, Model},
    numbers::{Numbers, ValueNumber},
    shape::{self, MicroOp, Shape},
    split::{self, Part},
    timed::Timed,
};

/// One part of a transaction, on the register with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Micro {
    /// Finds this value.
    Read(u32, ValueNumber),
    /// Replaces the value by this.
    Write(u32, ValueNumber),
}

/// A transaction: its parts, one after the other, at one moment. Of one with unknown outcome only
/// the writes are here.
pub(crate) type Effect = Arc<[Micro]>;

/// The initial value, which every register holds at first.
pub(crate) const INITIAL: ValueNumber = 0;

/// Registers that transactions connect.
#[derive(Debug, Clone)]
pub(crate) struct MultiRegister {
    /// Their keys, ascending by id; a register's number is its place here.
    pub(crate) keys: Vec<ValueId>,
}

impl MultiRegister {
    fn register(&self, key: ValueId) -> Option<u32> {
        self.keys.binary_search(&key).ok().map(|place| place as u32)
    }
}

impl Model for MultiRegister {
    type Effect = Effect;
    /// The value of each register.
    type State = Vec<ValueNumber>;

    const NAME: &'static str = "multi-register";
    const FUNCTIONS: &'static [Function] =
        &[Function { name: "txn", argument: Shape::Transaction, result: Shape::Transaction }];

    fn split(history: &History) -> Vec<Part> {
        split::by_connected_keys(history)
    }

    fn mistake(history: &History, call: &Call) -> Option<String> {
        if call.outcome != Completion::Ok {
            return None;
        }
        let parts = |id| {
            let parts = shape::elements(history, id).iter();
            parts
                .filter_map(|&part| shape::micro(history, part))
                .map(|(kind, key, value)| (kind, key, (kind == MicroOp::Write).then_some(value)))
        };
        let same = parts(call.argument).eq(parts(call.result));
        (!same).then(|| "a `txn` returns its own parts with the reads filled in".to_owned())
    }

    fn prepare(history: &History, calls: &[Call], numbers: &mut Numbers) -> Result<Self, String> {
        let initial = history.header().and_then(|header| header.params.get("initial"));
        let initial = initial.map_or(Some(ValueId::NULL), |initial| history.value_id(initial));
        numbers.initial(initial);
        let parts = calls.iter().flat_map(|call| shape::elements(history, call.argument));
        let keys = parts.filter_map(|&part| shape::micro(history, part)).map(|(_, key, _)| key);
        let mut keys: Vec<ValueId> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        Ok(Self { keys })
    }

    fn effect(&self, history: &History, call: &Call, numbers: &mut Numbers) -> Option<Effect> {
        let ok = call.outcome == Completion::Ok;
        let parts = shape::elements(history, if ok { call.result } else { call.argument }).iter();
        let parts = parts.filter_map(|&part| {
            let (kind, key, value) = shape::micro(history, part)?;
            let register = self.register(key)?;
            match kind {
                MicroOp::Write => Some(Micro::Write(register, numbers.number(value))),
                MicroOp::Read if ok => Some(Micro::Read(register, numbers.number(value))),
                MicroOp::Read => None,
            }
        });
        let parts: Vec<Micro> = parts.collect();
        (!parts.is_empty()).then(|| parts.into())
    }

    fn initial(&self) -> Self::State {
        vec![INITIAL; self.keys.len()]
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        let mut undo = Vec::new();
        for micro in effect.iter() {
            match *micro {
                Micro::Write(register, value) => {
                    let held = &mut state[register as usize];
                    undo.push((register, std::mem::replace(held, value)));
                }
                Micro::Read(register, value) => {
                    if state[register as usize] != value {
                        for (register, value) in undo.into_iter().rev() {
                            state[register as usize] = value;
                        }
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Only who finds a value is served by its write.
    fn serves(&self, ops: &[Timed<Effect>]) -> Vec<bool> {
        let parts = ops.iter().flat_map(|op| op.effect.iter());
        let found: HashSet<(u32, ValueNumber)> = parts
            .filter_map(|part| match *part {
                Micro::Read(register, value) => Some((register, value)),
                Micro::Write(..) => None,
            })
            .collect();
        let serves = |part: &Micro| match *part {
            Micro::Write(register, value) => found.contains(&(register, value)),
            Micro::Read(..) => true,
        };
        ops.iter().map(|op| op.effect.iter().any(serves)).collect()
    }

    fn bytes(state: &Self::State) -> usize {
        state.capacity() * size_of::<ValueNumber>()
    }

    fn observes(effect: &Effect) -> bool {
        effect.iter().all(|micro| matches!(micro, Micro::Read(..)))
    }
}
