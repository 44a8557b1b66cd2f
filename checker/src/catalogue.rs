//! The names that can be asked for, with what they mean and where that comes from.

mod weak;

use std::sync::LazyLock;

use crate::{invariants, transactions};

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

/// Whether a promise is judged from reads after everything has settled: of a history that still
/// grows nothing can be said. All other violations of a prefix are violations of the whole.
pub fn judged_from_final_reads(consistency: &str) -> bool {
    matches!(consistency, "no-lost-writes" | "eventual")
}

/// The models, in the order of the documentation.
pub fn models() -> &'static [ModelEntry] {
    MODELS
}

const MODELS: &[ModelEntry] = &[
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
        name: "string-kv",
        functions: &["get → string", "put s", "append s"],
        doc: "One string a key, empty at first (`params.initial`), that is replaced, appended \
                  to and read whole.",
    },
    ModelEntry {
        name: "multi-register",
        functions: &["txn [[\"r\", k, null], [\"w\", k, v], …] → the same with reads filled"],
        doc: "Several registers; a transaction reads and writes some of them at one moment. \
                  Registers that no transaction connects are judged apart.",
    },
    ModelEntry {
        name: "set",
        functions: &["add v", "remove v", "contains v → [v, true/false]", "read → [v, …]"],
        doc: "A set of values, empty at first. To remove an absent value does nothing.",
    },
    ModelEntry {
        name: "queue",
        functions: &["enqueue v", "dequeue → v, null = empty"],
        doc: "First in, first out; empty at first.",
    },
    ModelEntry {
        name: "stack",
        functions: &["push v", "pop → v, null = empty"],
        doc: "Last in, first out; empty at first.",
    },
    ModelEntry {
        name: "priority-queue",
        functions: &["insert v", "poll → the greatest v, null = empty"],
        doc: "The greatest number first; empty at first.",
    },
    ModelEntry {
        name: "counter",
        functions: &["add n", "read → n"],
        doc: "A whole number, 0 at first (`params.initial`), that is added to; what is added \
                  may be negative.",
    },
    ModelEntry {
        name: "lock",
        functions: &["acquire → null or a fencing token", "release"],
        doc: "A lock that one client holds at a time, free at first. Only who holds it can \
                  release it. Each fencing token is greater than every one before. A refused \
                  acquire says that at a moment between its invocation and its completion the \
                  lock was held.",
    },
    ModelEntry {
        name: "semaphore",
        functions: &["acquire n", "release n"],
        doc: "`params.permits` permits, all there at first. Whose permits are released is \
                  not asked, but never more than were taken. A refused acquire says that at a \
                  moment between its invocation and its completion fewer were there.",
    },
    ModelEntry {
        name: "bank",
        functions: &["transfer {\"from\", \"to\", \"amount\"}", "read → {account: balance}"],
        doc: "Accounts between which money is moved. `params.total` says what they hold \
                  together; `params.accounts` and `params.negative-balances` may say more.",
    },
    ModelEntry {
        name: "unique-ids",
        functions: &["generate → id"],
        doc: "A service that gives out identifiers, each of them once, to whoever asks and \
                  whichever node is asked.",
    },
    ModelEntry {
        name: "log",
        functions: &["send v → [offset, v]", "poll → [[offset, v], …]"],
        doc: "A log for each key: offsets grow, with gaps or without. A poll shows records \
                  that stand next to each other in the log at that moment; an empty one says \
                  nothing.",
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
    ModelEntry {
        name: "rw-register",
        functions: &[
            "txn [[\"w\", k, v], [\"r\", k, null], …] → the same, reads filled with values",
        ],
        doc: "Transactions over single values. Which value came first has to be inferred, from \
                  what is assumed of the keys; a pass says whether that was enough to be complete. \
                  Each value is written to a key only once.",
    },
];

const REGISTERS: &[&str] = &["register", "cas-register"];

/// Everything that is one object, or several that are judged apart.
const OBJECTS: &[&str] = &[
    "register",
    "cas-register",
    "string-kv",
    "multi-register",
    "set",
    "queue",
    "stack",
    "priority-queue",
    "counter",
    "lock",
    "semaphore",
    "log",
];

const ABORTED_READ: (&str, &str) = ("G1a", "a read of a value whose write certainly failed");
const THIN_AIR: (&str, &str) = ("thin-air", "a read of a value that nobody ever wrote");
const LOST_WRITE: (&str, &str) = (
    "lost-write",
    "an acknowledged write that no final read shows, nor anything that may have come after it",
);

/// The consistency models and invariants, in the order of the documentation.
pub fn consistencies() -> &'static [ConsistencyEntry] {
    static ALL: LazyLock<Vec<ConsistencyEntry>> = LazyLock::new(|| {
        let objects = objects().iter().copied();
        objects.chain(invariants::entries()).chain(transactions::entries()).collect()
    });
    &ALL
}

fn objects() -> &'static [ConsistencyEntry] {
    &[
        ConsistencyEntry {
            name: "linearizable",
            models: OBJECTS,
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
                ("duplicate", "a value is taken more often than it was put in"),
                ABORTED_READ,
                THIN_AIR,
                ("non-linearizable", "no legal order, and none of the plainer names fits"),
            ],
            source: "Herlihy and Wing, Linearizability: A Correctness Condition for Concurrent \
                     Objects, TOPLAS 1990",
        },
        ConsistencyEntry {
            name: "no-lost-writes",
            models: &["register", "cas-register", "set", "queue"],
            doc: "What was acknowledged survives. In a register, a write is lost if the final reads of its key \
                  that began after it was acknowledged all return values whose writes were \
                  certainly in effect before it was invoked. A value that may have been written \
                  later, or at the same time, counts as an overwrite: it is no evidence. In a set, an \
                  element is lost if the last read that began after it was acknowledged, or read, \
                  lacks it, and nobody removed it. In a queue, values are lost if they did not \
                  come out although the queue was found empty later, and no dequeue of unknown \
                  outcome may have taken them. What is not read after it was acknowledged stays \
                  undecided.",
            anomalies: &[LOST_WRITE, ABORTED_READ, THIN_AIR],
            source: "The invariant behind durability (Gray and Reuter, Transaction Processing, \
                     1992), judged from final reads as Jepsen's set checker does",
        },
        weak::READ_COMMITTED,
        weak::READ_ATOMIC,
        weak::CAUSAL,
        weak::CAUSAL_CONVERGENCE,
        weak::CAUSAL_MEMORY,
        weak::PRAM,
        weak::READ_YOUR_WRITES,
        weak::MONOTONIC_READS,
        weak::MONOTONIC_WRITES,
        weak::WRITES_FOLLOW_READS,
        weak::SEQUENTIAL,
        weak::EVENTUAL,
    ]
}
