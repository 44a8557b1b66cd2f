//! The names that can be asked for, with what they mean and where that comes from.

use std::sync::LazyLock;

use crate::transactions;

/// A model of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelEntry {
    /// Its name.
    pub name: &'static str,
    /// Its functions, as `f argument → result`.
    pub functions: &'static [&'static str],
    /// What it is.
    pub doc: &'static str,
}

/// Something to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsistencyEntry {
    /// Its name.
    pub name: &'static str,
    /// The models that it applies to.
    pub models: &'static [&'static str],
    /// What it promises and what it forbids, in words.
    pub doc: &'static str,
    /// The names of the anomalies that it reports, with what each means.
    pub anomalies: &'static [(&'static str, &'static str)],
    /// Where its definition comes from.
    pub source: &'static str,
}

/// The models, in the order of the documentation.
pub fn models() -> &'static [ModelEntry] {
    &[
        ModelEntry {
            name: "register",
            functions: &["read null → v (null = initial)", "write v"],
            doc: "One value that is read and overwritten; one register for each key.",
        },
        ModelEntry {
            name: "cas-register",
            functions: &["read null → v (null = initial)", "write v", "cas [old, new]"],
            doc: "A register with compare-and-set: `cas` replaces the value if it is `old`. A \
                  refused cas says that at a moment between its invocation and its completion the \
                  value was not `old`.",
        },
        ModelEntry {
            name: "list-append",
            functions: &[
                "txn [[\"append\", k, v], [\"r\", k, null], …] → the same, reads filled with lists",
            ],
            doc: "Transactions over lists that only grow. What a list holds says in which order \
                  its elements came, so that isolation can be judged completely. Each element is \
                  appended to a key only once.",
        },
    ]
}

const REGISTERS: &[&str] = &["register", "cas-register"];

const ABORTED_READ: (&str, &str) = ("G1a", "a read of a value whose write certainly failed");
const THIN_AIR: (&str, &str) = ("thin-air", "a read of a value that nobody ever wrote");
const LOST_WRITE: (&str, &str) = (
    "lost-write",
    "an acknowledged write that no final read shows, nor anything that may have come after it",
);

/// The consistency models and invariants, in the order of the documentation.
pub fn consistencies() -> &'static [ConsistencyEntry] {
    static ALL: LazyLock<Vec<ConsistencyEntry>> =
        LazyLock::new(|| objects().iter().copied().chain(transactions::entries()).collect());
    &ALL
}

fn objects() -> &'static [ConsistencyEntry] {
    &[
        ConsistencyEntry {
            name: "linearizable",
            models: REGISTERS,
            doc: "Every operation seems to take effect at one moment between its invocation and \
                  its completion. It forbids stale reads: once a write is acknowledged, or its \
                  value was read, nobody who begins later may find an older value. An operation \
                  with an unknown outcome may take effect at any time from its invocation on, or \
                  never. Each key is judged by itself, which is exact: linearizability is local.",
            anomalies: &[
                (
                    "stale-read",
                    "a read misses an acknowledged write that had completed before it began",
                ),
                LOST_WRITE,
                ABORTED_READ,
                THIN_AIR,
                ("non-linearizable", "no legal order, and none of the plainer names fits"),
            ],
            source: "Herlihy and Wing, Linearizability: A Correctness Condition for Concurrent \
                     Objects, TOPLAS 1990",
        },
        ConsistencyEntry {
            name: "no-lost-writes",
            models: REGISTERS,
            doc: "What was acknowledged survives. A write is lost if the final reads of its key \
                  that began after it was acknowledged all return values whose writes were \
                  certainly in effect before it was invoked. A value that may have been written \
                  later, or at the same time, counts as an overwrite: it is no evidence. Keys \
                  without such a final read stay undecided.",
            anomalies: &[LOST_WRITE, ABORTED_READ, THIN_AIR],
            source: "The invariant behind durability (Gray and Reuter, Transaction Processing, \
                     1992), judged from final reads as Jepsen's set checker does",
        },
    ]
}
