//! Reads of values that nobody wrote, or whose write certainly failed.

use super::{
    Effect, RegisterOp, ValueNumber,
    extract::{Failed, Register},
    operations::INITIAL,
};

/// An operation that found a value which cannot have been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unwritten {
    /// The operation that found it.
    pub(crate) op: RegisterOp,
    /// The value.
    pub(crate) value: ValueNumber,
    /// A write of it that certainly did nothing: Adya's G1a. Without one, the value came out of
    /// thin air.
    pub(crate) failed: Option<Failed>,
}

/// Finds them, and gives the operations that remain to be judged: such a read says nothing more,
/// and of such a cas only the write remains.
pub(crate) fn split(register: &Register) -> (Vec<Unwritten>, Vec<RegisterOp>) {
    let ops = &register.ops;
    let written = |op: &RegisterOp| op.effect.written();
    let highest = ops.iter().filter_map(|op| op.effect.tested().max(written(op))).max();
    let mut has_writer = vec![false; highest.unwrap_or(INITIAL) as usize + 1];
    has_writer[INITIAL as usize] = true;
    for value in ops.iter().filter_map(written) {
        has_writer[value as usize] = true;
    }
    let (mut found, mut remaining) = (Vec::new(), Vec::with_capacity(ops.len()));
    for &op in ops {
        match op.effect.demanded().filter(|_| op.certain()) {
            Some(value) if !has_writer[value as usize] => {
                let failed = register.failed.iter().find(|failed| failed.value == value);
                found.push(Unwritten { op, value, failed: failed.copied() });
                remaining.extend(
                    written(&op).map(|new| RegisterOp { effect: Effect::Write(new), ..op }),
                );
            }
            _ => remaining.push(op),
        }
    }
    (found, remaining)
}
