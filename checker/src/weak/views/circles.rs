//! Circles and paths in the order that a view demands. Only walked where something is wrong, or
//! may be.

use std::collections::{HashMap, VecDeque};

use super::{
    super::order::{Step, Why},
    Viewing,
};

/// A circle, by depth-first search, then made short: a path back for each of its demanded steps.
pub(super) fn circle(viewing: &Viewing<'_>) -> Option<Vec<Step>> {
    let found = any_circle(viewing)?;
    let demanded = found.iter().filter(|step| step.why == Why::Demanded);
    let shorter = demanded.filter_map(|step| {
        let mut steps = path(viewing, step.to, step.from)?;
        steps.push(*step);
        Some(steps)
    });
    Some(shorter.min_by_key(Vec::len).unwrap_or(found))
}

fn any_circle(viewing: &Viewing<'_>) -> Option<Vec<Step>> {
    // 0: new, 1: on the path, 2: done.
    let mut state = vec![0_u8; viewing.op_count()];
    let mut stack: Vec<(u32, Vec<(u32, Why)>)> = Vec::new();
    for &root in viewing.touched() {
        if state[root as usize] != 0 {
            continue;
        }
        state[root as usize] = 1;
        stack.push((root, before(viewing, root)));
        while let Some((top, rest)) = stack.last_mut() {
            let top = *top;
            let Some((next, _)) = rest.last().copied() else {
                state[top as usize] = 2;
                stack.pop();
                if let Some((_, rest)) = stack.last_mut() {
                    rest.pop();
                }
                continue;
            };
            match state[next as usize] {
                0 => {
                    state[next as usize] = 1;
                    stack.push((next, before(viewing, next)));
                }
                1 => return Some(closed(&stack, next)),
                _ => {
                    rest.pop();
                }
            }
        }
    }
    None
}

fn before(viewing: &Viewing<'_>, op: u32) -> Vec<(u32, Why)> {
    let mut all = Vec::new();
    viewing.before(op, |before, why, _| all.push((before, why)));
    all
}

/// The end of the path, from `first` on, as a circle: each element waits for the one after it.
fn closed(stack: &[(u32, Vec<(u32, Why)>)], first: u32) -> Vec<Step> {
    let start = stack.iter().position(|(op, _)| *op == first).unwrap_or_default();
    let steps = stack[start..]
        .iter()
        .filter_map(|(op, rest)| rest.last().map(|&(from, why)| Step { from, to: *op, why }));
    let mut steps: Vec<Step> = steps.collect();
    steps.reverse();
    merged(steps)
}

/// How a write became visible to a read, by earlier conflicts than one.
pub(super) fn seeing(viewing: &Viewing<'_>, from: u32, to: u32, than: u32) -> Option<Vec<Step>> {
    search(from, to, |op, found| {
        viewing.seen_before(op, &mut |before, why, number| {
            if why != Why::Demanded || number < than {
                found(before, why);
            }
        });
    })
}

/// A path in the order.
fn path(viewing: &Viewing<'_>, from: u32, to: u32) -> Option<Vec<Step>> {
    search(from, to, |op, found| viewing.before(op, |before, why, _| found(before, why)))
}

/// A path with as few steps other than session order as possible, searched from its end on.
fn search(from: u32, to: u32, before: impl Fn(u32, &mut dyn FnMut(u32, Why))) -> Option<Vec<Step>> {
    let mut next: HashMap<u32, (u32, Why)> = HashMap::new();
    let mut cost: HashMap<u32, u32> = HashMap::from([(to, 0)]);
    let mut queue = VecDeque::from([(to, 0)]);
    while let Some((op, so_far)) = queue.pop_front() {
        if op == from {
            break;
        }
        if cost[&op] < so_far {
            continue;
        }
        before(op, &mut |before, why| {
            let sum = so_far + u32::from(why != Why::Session);
            if cost.get(&before).is_none_or(|&known| sum < known) {
                cost.insert(before, sum);
                next.insert(before, (op, why));
                if sum == so_far {
                    queue.push_front((before, sum));
                } else {
                    queue.push_back((before, sum));
                }
            }
        });
    }
    let mut steps = Vec::new();
    let mut at = from;
    while at != to {
        let &(towards, why) = next.get(&at)?;
        steps.push(Step { from: at, to: towards, why });
        at = towards;
    }
    Some(merged(steps))
}

/// Steps along one session as one step.
fn merged(steps: Vec<Step>) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::new();
    for step in steps {
        match merged.last_mut() {
            Some(last) if last.why == Why::Session && step.why == Why::Session => last.to = step.to,
            _ => merged.push(step),
        }
    }
    merged
}
