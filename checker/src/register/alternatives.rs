//! What an operation that cannot be explained could have found instead.

use super::{
    Effect, RegisterOp, ValueNumber,
    judge::{Judgement, judge},
    operations::INITIAL,
};
use crate::meter::Meter;

/// The values that an observation could have found instead, in a history that is a violation only
/// because of it: of the values offered, those that make it legal.
pub(crate) fn legal_instead(
    ops: &[RegisterOp],
    culprit: &RegisterOp,
    offered: &[ValueNumber],
    meter: &Meter<'_>,
) -> Vec<ValueNumber> {
    let legal = |value: &ValueNumber| {
        let replaced = |op: &RegisterOp| {
            if op.source == culprit.source {
                RegisterOp { effect: Effect::Read(*value), ..*op }
            } else {
                *op
            }
        };
        let ops: Vec<RegisterOp> = ops.iter().map(replaced).collect();
        judge(&ops, meter) == Judgement::Linearizable
    };
    offered.iter().copied().filter(legal).collect()
}

/// The values that were written most lately, each once, and the initial one.
pub(crate) fn recent_values(ops: &[RegisterOp], most: usize) -> Vec<ValueNumber> {
    let mut values = Vec::new();
    for value in ops.iter().rev().filter_map(|op| op.effect.written()).chain([INITIAL]) {
        if !values.contains(&value) && (values.len() < most || value == INITIAL) {
            values.push(value);
        }
    }
    values
}
