//! The tables: every level and every anomaly, with its source.

use super::{Implication, Level};

const ADYA: &str = "Adya, Weak Consistency: A Generalized Theory and Optimistic Implementations for \
                    Distributed Transactions, PhD thesis, MIT 1999";
const CERONE: &str = "Cerone, Bernardi and Gotsman, A Framework for Transactional Consistency Models \
                      with Atomic Visibility, CONCUR 2015";
const BAILIS: &str =
    "Bailis et al., Highly Available Transactions: Virtues and Limitations, VLDB 2013";
const DAUDJEE: &str =
    "Daudjee and Salem, Lazy Database Replication with Snapshot Isolation, VLDB 2006";
const ELLE: &str = "Kingsbury and Alvaro, Elle: Inferring Isolation Anomalies from Experimental \
                    Observations, VLDB 2020, and its consistency_model.clj: a generalization of Adya's \
                    level to the order of processes and to real time";

/// From the weakest to the strongest, as far as they can be compared.
pub(crate) const LEVELS: &[Level] = &[
    Level {
        name: "read-uncommitted",
        aliases: &["PL-1"],
        implies: &[],
        forbids: &["G0", "duplicate-elements", "cyclic-versions"],
        is_exact: true,
        doc: "Writes of different transactions do not interleave: there is one order of \
              transactions in which all their writes took effect. It says nothing of reads.",
        source: ADYA,
    },
    Level {
        name: "read-committed",
        aliases: &["PL-2"],
        implies: &["read-uncommitted"],
        forbids: &["G1"],
        is_exact: true,
        doc: "Nobody reads what was never committed, nor what its writer overwrote before it \
              committed, and information does not flow in a circle. Reads of one transaction may \
              come from different times; `internal` contradictions do not rule it out here.",
        source: ADYA,
    },
    Level {
        name: "monotonic-view",
        aliases: &["PL-2L"],
        implies: &["read-committed"],
        forbids: &["G1", "G-monotonic"],
        is_exact: false,
        doc: "Each read of a transaction sees at least what the reads before it saw.",
        source: ADYA,
    },
    Level {
        name: "monotonic-snapshot-read",
        aliases: &["PL-MSR"],
        implies: &["read-committed"],
        forbids: &["G1", "G-MSR"],
        is_exact: false,
        doc: "Each read sees a snapshot, and later reads of a transaction later snapshots.",
        source: ADYA,
    },
    Level {
        name: "monotonic-atomic-view",
        aliases: &[],
        implies: &["read-committed"],
        forbids: &[],
        is_exact: false,
        doc: "Once a transaction saw some of another one's effects, it sees all of them.",
        source: BAILIS,
    },
    Level {
        name: "cursor-stability",
        aliases: &["PL-CS"],
        implies: &["read-committed"],
        forbids: &["G1", "G-cursor", "lost-update"],
        is_exact: false,
        doc: "What a transaction reads and then writes was not overwritten by others in between: \
              no lost updates.",
        source: ADYA,
    },
    Level {
        name: "consistent-view",
        aliases: &["PL-2+"],
        implies: &["cursor-stability", "monotonic-view"],
        forbids: &["G1", "G-single"],
        is_exact: true,
        doc: "All reads of a transaction see one consistent state, and what it writes fits that \
              state: no read skew. States may be seen in different orders by different clients.",
        source: ADYA,
    },
    Level {
        name: "forward-consistent-view",
        aliases: &["PL-FCV"],
        implies: &["consistent-view"],
        forbids: &["G1", "G-SIb"],
        is_exact: false,
        doc: "A consistent view which may hold what committed after the transaction began.",
        source: ADYA,
    },
    Level {
        name: "read-atomic",
        aliases: &[],
        implies: &["monotonic-atomic-view"],
        forbids: &["internal", "G1a", "future-read"],
        is_exact: false,
        doc: "Either all of a transaction's effects are seen or none.",
        source: CERONE,
    },
    Level {
        name: "causal-cerone",
        aliases: &[],
        implies: &["read-atomic"],
        forbids: &["internal", "G1a"],
        is_exact: false,
        doc: "Read atomic, and whoever sees a transaction sees all that it had seen.",
        source: CERONE,
    },
    Level {
        name: "prefix",
        aliases: &[],
        implies: &["causal-cerone"],
        forbids: &["internal", "G1a"],
        is_exact: false,
        doc: "All clients see the effects of transactions in one order: whoever sees a transaction \
              sees all before it.",
        source: CERONE,
    },
    Level {
        name: "update-atomic",
        aliases: &[],
        implies: &["read-atomic"],
        forbids: &["lost-update"],
        is_exact: false,
        doc: "Read atomic, without lost updates.",
        source: "Liu, Ölveczky et al., ROLA: A New Distributed Transaction Protocol and Its Formal \
                 Analysis, FASE 2018",
    },
    Level {
        name: "parallel-snapshot-isolation",
        aliases: &[],
        implies: &["causal-cerone", "update-atomic"],
        forbids: &["internal", "G1a"],
        is_exact: false,
        doc: "Snapshots, and no two concurrent transactions write the same; but different clients \
              may see transactions in different orders (long forks).",
        source: CERONE,
    },
    Level {
        name: "snapshot-isolation",
        aliases: &["PL-SI"],
        implies: &[
            "forward-consistent-view",
            "monotonic-atomic-view",
            "monotonic-snapshot-read",
            "parallel-snapshot-isolation",
            "prefix",
        ],
        forbids: &["internal", "G1", "G-SI", "G-nonadjacent", "no-snapshots"],
        is_exact: true,
        doc: "Every transaction reads from a snapshot of the committed state, and of concurrent \
              transactions that write the same object only one commits. It forbids read skew, \
              lost updates and long forks: every cycle of dependencies has two anti-dependencies \
              in a row. It allows write skew. This is generalized snapshot isolation: the \
              snapshot may be old; `strong-snapshot-isolation` demands the newest one.",
        source: "Adya 1999; Elnikety, Pedone and Zwaenepoel, Generalized Snapshot Isolation and a \
                 Prefix-Consistent Implementation, 2004; Cerone and Gotsman, Analysing Snapshot \
                 Isolation, PODC 2016, theorem 10",
    },
    Level {
        name: "repeatable-read",
        aliases: &["PL-2.99"],
        implies: &["cursor-stability", "monotonic-atomic-view"],
        forbids: &["G1", "G2-item", "lost-update", "no-serial-order"],
        is_exact: true,
        doc: "Serializable as far as single objects are concerned; what a predicate selects may \
              change under a transaction. Micro-operations here name single objects only.",
        source: ADYA,
    },
    Level {
        name: "update-serializable",
        aliases: &["PL-3U"],
        implies: &["forward-consistent-view"],
        forbids: &["G1", "G-update"],
        is_exact: false,
        doc: "Transactions that write are serializable; each that only reads sees a state of such \
              an order, maybe of a different one.",
        source: ADYA,
    },
    Level {
        name: "serializable",
        aliases: &["PL-3", "conflict-serializable"],
        implies: &["repeatable-read", "update-serializable", "snapshot-isolation"],
        forbids: &["G1", "G2", "internal"],
        is_exact: true,
        doc: "All transactions seem to run one after another. The order need not be that of \
              real time, nor that of a process.",
        source: ADYA,
    },
    Level {
        name: "strong-session-read-uncommitted",
        aliases: &["strong-session-PL-1"],
        implies: &["read-uncommitted"],
        forbids: &["G0-process"],
        is_exact: true,
        doc: "Read uncommitted, and writes take effect in the order of each process.",
        source: ELLE,
    },
    Level {
        name: "strong-session-read-committed",
        aliases: &["strong-session-PL-2"],
        implies: &["read-committed", "strong-session-read-uncommitted"],
        forbids: &["G1c-process"],
        is_exact: true,
        doc: "Read committed, and what was written and read agrees with the order of each process.",
        source: ELLE,
    },
    Level {
        name: "strong-read-uncommitted",
        aliases: &["strong-PL-1"],
        implies: &["strong-session-read-uncommitted"],
        forbids: &["G0-realtime"],
        is_exact: true,
        doc: "Read uncommitted, and writes take effect in the order of real time.",
        source: ELLE,
    },
    Level {
        name: "strong-read-committed",
        aliases: &["strong-PL-2"],
        implies: &["strong-session-read-committed", "strong-read-uncommitted"],
        forbids: &["G1c-realtime"],
        is_exact: true,
        doc: "Read committed, and what was written and read agrees with real time.",
        source: ELLE,
    },
    Level {
        name: "strong-session-snapshot-isolation",
        aliases: &[],
        implies: &["snapshot-isolation", "strong-session-read-committed"],
        forbids: &["internal", "G1-process", "G-nonadjacent-process", "no-snapshots-process"],
        is_exact: true,
        doc: "Snapshot isolation, and each transaction's snapshot holds what its own process did \
              and saw before.",
        source: DAUDJEE,
    },
    Level {
        name: "strong-snapshot-isolation",
        aliases: &[],
        implies: &["strong-session-snapshot-isolation", "strong-read-committed"],
        forbids: &["internal", "G1-realtime", "G-nonadjacent-realtime", "no-snapshots-realtime"],
        is_exact: true,
        doc: "Snapshot isolation, and each transaction's snapshot holds all that had committed \
              before it began.",
        source: DAUDJEE,
    },
    Level {
        name: "strong-session-serializable",
        aliases: &[],
        implies: &["serializable", "strong-session-snapshot-isolation"],
        forbids: &["G1-process", "G2-process", "no-serial-order-process"],
        is_exact: true,
        doc: "Serializable in an order that agrees with that of each process.",
        source: "Daudjee and Salem, Lazy Database Replication with Ordering Guarantees, ICDE 2004",
    },
    Level {
        name: "strict-serializable",
        aliases: &["PL-SS", "strong-serializable"],
        implies: &["strong-snapshot-isolation", "strong-session-serializable"],
        forbids: &["G1", "G1c-realtime", "G2-realtime", "no-serial-order-realtime"],
        is_exact: true,
        doc: "All transactions seem to take effect one after another, each at a moment between its \
              invocation and its completion.",
        source: "Adya 1999 (PL-SS); Herlihy and Wing, Linearizability, TOPLAS 1990, section 3.3",
    },
];

macro_rules! implications {
    ($($name:literal => [$($implied:literal),*];)*) => {
        &[$(Implication { name: $name, implies: &[$($implied),*] }),*]
    };
}

/// Which anomalies are special cases of others (Elle's `implied-anomalies`, with its reasons:
/// a kind with fewer edges allowed, or with a weaker order, is a case of one with more; a read that
/// contradicts all orders read what never was committed).
pub(crate) const ANOMALIES: &[Implication] = implications! {
    "G0" => ["G1c", "G0-process"];
    "G0-process" => ["G1c-process", "G0-realtime"];
    "G0-realtime" => ["G1c-realtime"];
    "G1a" => ["G1"];
    "G1b" => ["G1"];
    "G1c" => ["G1", "G1c-process"];
    "G1c-process" => ["G1c-realtime", "G1-process"];
    "G1c-realtime" => ["G1-realtime"];
    "G1" => ["G1-process"];
    "G1-process" => ["G1-realtime"];
    "G-single-item" => ["G-single", "G-single-item-process", "G-nonadjacent-item"];
    "G-single-item-process" =>
        ["G-single-process", "G-single-item-realtime", "G-nonadjacent-item-process"];
    "G-single-item-realtime" => ["G-single-realtime", "G-nonadjacent-item-realtime"];
    "G-single" => ["G-nonadjacent", "G-SIb", "G-single-process"];
    "G-single-process" => ["G-nonadjacent-process", "G-single-realtime"];
    "G-single-realtime" => ["G-nonadjacent-realtime"];
    "G-nonadjacent-item" => ["G-nonadjacent", "G2-item", "G-nonadjacent-item-process"];
    "G-nonadjacent-item-process" =>
        ["G-nonadjacent-process", "G2-item-process", "G-nonadjacent-item-realtime"];
    "G-nonadjacent-item-realtime" => ["G-nonadjacent-realtime", "G2-item-realtime"];
    "G-nonadjacent" => ["G2", "G-nonadjacent-process"];
    "G-nonadjacent-process" => ["G2-process", "G-nonadjacent-realtime"];
    "G-nonadjacent-realtime" => ["G2-realtime"];
    "G2-item" => ["G2", "G2-item-process"];
    "G2-item-process" => ["G2-process", "G2-item-realtime"];
    "G2-item-realtime" => ["G2-realtime"];
    "G2" => ["G2-process"];
    "G2-process" => ["G2-realtime"];
    "G-SIa" => ["G-SI"];
    "G-SIb" => ["G-SI"];
    "incompatible-order" => ["G1a"];
    "dirty-update" => ["G1a"];
    "thin-air" => ["G1a"];
    "future-read" => ["G1c"];
    "lost-update" => ["G2-item"];
    "no-snapshots" => ["no-serial-order", "no-snapshots-process"];
    "no-snapshots-process" => ["no-serial-order-process", "no-snapshots-realtime"];
    "no-snapshots-realtime" => ["no-serial-order-realtime"];
    "no-serial-order" => ["no-serial-order-process"];
    "no-serial-order-process" => ["no-serial-order-realtime"];
};

/// Levels that hold where none of these anomalies is there, though Elle's table does not forbid all
/// of them: the table says only what certainly breaks a level. Without circles of at most one `rw`
/// edge and without contradictions inside transactions there is parallel snapshot isolation, and
/// what follows from it (Cerone and Gotsman, Analysing Snapshot Isolation, PODC 2016, theorem 21);
/// monotonic snapshot reads are broken by circles with one `rw` edge alone (Adya 1999, section 4.2).
pub(crate) const SUFFICIENT: &[(&str, &[&str])] = &[
    ("parallel-snapshot-isolation", &["internal", "G1", "G-single"]),
    ("monotonic-snapshot-read", &["internal", "G1", "G-single"]),
];
