//! Whether a small history of one register is linearizable, by trying every order: the definition of
//! Herlihy and Wing, with no cleverness that could be wrong.

use std::collections::HashSet;

/// One operation that was not certainly without effect. Times are steps of the simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) invoked: u64,
    /// None: it may take effect at any time from its invocation on, or never.
    pub(super) completed: Option<u64>,
    pub(super) action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Saw this value; 0 is the initial one.
    Read(u64),
    Write(u64),
}

/// At most 64 operations.
pub(super) fn is_linearizable(operations: &[Interval]) -> bool {
    assert!(operations.len() <= 64, "too many operations to try every order");
    let mut dead_ends = HashSet::new();
    extend(operations, 0, 0, &mut dead_ends)
}

/// Whether the operations outside `done` can follow when the register holds `value`.
fn extend(
    operations: &[Interval],
    done: u64,
    value: u64,
    dead_ends: &mut HashSet<(u64, u64)>,
) -> bool {
    let open = || (0..operations.len()).filter(|place| done & (1 << place) == 0);
    let Some(first_end) = open().filter_map(|place| operations[place].completed).min() else {
        return true;
    };
    if !dead_ends.insert((done, value)) {
        return false;
    }
    let next = open().filter(|place| operations[*place].invoked < first_end);
    next.filter_map(|place| match operations[place].action {
        Action::Write(new) => Some((place, new)),
        Action::Read(seen) => (seen == value).then_some((place, value)),
    })
    .any(|(place, value)| extend(operations, done | (1 << place), value, dead_ends))
}

#[test]
fn the_oracle_knows_right_from_wrong() {
    use Action::{Read, Write};
    let history = |operations: &[(u64, u64, Action)]| {
        let interval = |(invoked, completed, action): &(u64, u64, Action)| Interval {
            invoked: *invoked,
            completed: (*completed > 0).then_some(*completed),
            action: *action,
        };
        is_linearizable(&operations.iter().map(interval).collect::<Vec<_>>())
    };
    for (expected, operations) in [
        (true, &[(1, 2, Write(1)), (3, 4, Read(1))][..]),
        (false, &[(1, 2, Write(1)), (3, 4, Read(0))]),
        (true, &[(1, 0, Write(1)), (3, 4, Read(0)), (5, 6, Read(1))]),
        (false, &[(1, 0, Write(1)), (3, 4, Read(1)), (5, 6, Read(0))]),
        (true, &[(1, 9, Write(1)), (2, 8, Write(2)), (3, 4, Read(2)), (5, 6, Read(1))]),
        (false, &[(1, 2, Write(1)), (3, 4, Write(2)), (5, 6, Read(1))]),
        (false, &[(1, 2, Read(7))]),
    ] {
        assert_eq!(history(operations), expected, "{operations:?}");
    }
}
