//! Several registers that transactions read and write together, each transaction at one moment.

mod apart;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use temblor_history::{Completion, History, ValueId};

use crate::{Exhausted, meter::Meter};

use super::{
    model::{Call, Fast, Function, Model},
    numbers::{Numbers, ValueNumber},
    reduce::Unit,
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

    fn demands(&self, effect: &Effect, mut visit: impl FnMut(Unit)) {
        for (place, part) in effect.iter().enumerate() {
            if let Micro::Read(register, value) = *part {
                let own = effect[..place].contains(&Micro::Write(register, value));
                if value != INITIAL && !own {
                    visit(Unit::Cell(register, value));
                }
            }
        }
    }

    fn provides(&self, effect: &Effect, mut visit: impl FnMut(Unit)) {
        for part in effect.iter() {
            if let Micro::Write(register, value) = *part {
                visit(Unit::Cell(register, value));
            }
        }
    }

    fn units(&self, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
        let mut last: HashMap<Unit, u32> = HashMap::new();
        for op in ops {
            let mut touch = |unit| {
                let last = last.entry(unit).or_insert(0);
                *last = op.returned.max(*last);
            };
            for part in op.effect.iter() {
                let (Micro::Read(register, value) | Micro::Write(register, value)) = *part;
                touch(Unit::Register(register));
                touch(Unit::Cell(register, value));
                if matches!(part, Micro::Read(..)) {
                    touch(Unit::Reads(op.source));
                }
            }
        }
        last.into_iter().map(|(unit, last)| (last, unit)).collect()
    }

    /// Registers have nothing to do with each other but that transactions touch them at one
    /// moment. Without a value, its writes and all that found it, what follows it in a legal order
    /// is a write in any case. (A read of its own transaction's write is found with the value.)
    fn leave_out(
        &self,
        ops: Vec<Timed<Effect>>,
        gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Effect>>> {
        let kept = |op: Timed<Effect>| {
            let reads = !gone.contains(&Unit::Reads(op.source));
            let is_kept = |part: &&Micro| {
                let (Micro::Read(register, value) | Micro::Write(register, value)) = **part;
                !gone.contains(&Unit::Register(register))
                    && !gone.contains(&Unit::Cell(register, value))
                    && (reads || matches!(part, Micro::Write(..)))
            };
            let effect: Effect = op.effect.iter().filter(is_kept).copied().collect();
            (!effect.is_empty()).then_some(Timed { effect, ..op })
        };
        Some(ops.into_iter().filter_map(kept).collect())
    }

    fn unanswered(effect: &Effect) -> Option<Effect> {
        let writes = effect.iter().filter(|part| matches!(part, Micro::Write(..)));
        let writes: Effect = writes.copied().collect();
        (!writes.is_empty()).then_some(writes)
    }

    fn fast(
        &self,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Option<Fast<Effect>>, Exhausted> {
        apart::decide(self.keys.len(), ops, meter)
    }

    fn bytes(state: &Self::State) -> usize {
        state.capacity() * size_of::<ValueNumber>()
    }

    fn observes(effect: &Effect) -> bool {
        effect.iter().all(|micro| matches!(micro, Micro::Read(..)))
    }
}
