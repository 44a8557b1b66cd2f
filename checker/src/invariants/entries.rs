//! The invariants as the catalogue lists them.

use crate::ConsistencyEntry;

/// All of them but `no-lost-writes`, which registers have too.
pub(crate) fn entries() -> impl Iterator<Item = ConsistencyEntry> {
    CONTAINERS.iter().chain(NUMBERS).chain(HOLDERS).copied()
}

const ABORTED: (&str, &str) = ("G1a", "a value was read whose every write certainly failed");
const THIN_AIR: (&str, &str) = ("thin-air", "a value was read that nobody ever wrote");

const CONTAINERS: &[ConsistencyEntry] = &[
    ConsistencyEntry {
        name: "no-duplicates",
        models: &["set", "queue"],
        doc: "Nothing comes twice: no read of a set holds an element twice, and no value comes out \
              of a queue more often than it may have been put in. Enqueues of unknown outcome \
              count as possible.",
        anomalies: &[("duplicate", "a value came more often than it went in"), ABORTED, THIN_AIR],
        source: "Jepsen's checkers `set-full` and `total-queue`",
    },
    ConsistencyEntry {
        name: "contiguous-log",
        models: &["log"],
        doc: "Each offset of a log has one value, and each value that is sent once one offset. A \
              poll shows growing offsets and passes over nothing that was certainly there before it \
              began. A process that sends again gets a greater offset. With `params.polls-advance`, \
              the polls of one process go on where the last one ended.",
        anomalies: &[
            ("inconsistent-offsets", "two values stand at one offset"),
            ("duplicate", "a value that was sent once stands at two offsets"),
            ("int-poll-skip", "a poll passes over a record"),
            ("int-nonmonotonic-poll", "the offsets within a poll do not grow"),
            ("poll-skip", "a process's next poll passes over a record"),
            ("nonmonotonic-poll", "a process's next poll goes back"),
            ("nonmonotonic-send", "a process's next send got a smaller offset"),
            ABORTED,
            THIN_AIR,
        ],
        source: "Jepsen's workload `kafka`, whose names these are",
    },
];

const NUMBERS: &[ConsistencyEntry] = &[
    ConsistencyEntry {
        name: "counter-bounds",
        models: &["counter"],
        doc: "Every read lies between the sum of what was certainly added before it began and the \
              sum of what may have been added before it ended; negative adds the other way round. \
              `linearizable` demands more.",
        anomalies: &[("out-of-bounds", "a read that no choice of adds explains")],
        source: "Jepsen's checker `counter`",
    },
    ConsistencyEntry {
        name: "total-conserved",
        models: &["bank"],
        doc: "Transfers move money and make none: every read of the balances has the sum \
              `params.total`, or, if nobody says the total, that of the read that completed first. \
              It shows the accounts of `params.accounts`, if that is given, and no negative balance \
              unless `params.negative-balances` is true.",
        anomalies: &[
            ("wrong-total", "the balances of a read have another sum"),
            ("negative-value", "a balance below zero, although the bank allows none"),
            ("nil-balance", "an account without a balance"),
            ("missing-account", "a read lacks an account"),
            ("unexpected-account", "a read shows an account that there is not"),
        ],
        source: "Jepsen's workload `bank`",
    },
    ConsistencyEntry {
        name: "unique",
        models: &["unique-ids"],
        doc: "No identifier is given out twice.",
        anomalies: &[("duplicate-id", "two answers are the same")],
        source: "Jepsen's checker `unique-ids`",
    },
    ConsistencyEntry {
        name: "monotonic",
        models: &["register", "counter", "unique-ids"],
        doc: "Whole numbers never go down: nobody finds less than what had been found before it \
              began, whoever found it. Identifiers have to grow. A register or a counter promises \
              this only if what is written to it never goes down: that is yours to know.",
        anomalies: &[("nonmonotonic", "a smaller number was found later")],
        source: "Jepsen's workload `monotonic`",
    },
    ConsistencyEntry {
        name: "monotonic-per-session",
        models: &["register", "counter", "unique-ids"],
        doc: "The same, for each process by itself.",
        anomalies: &[("nonmonotonic", "a process found a smaller number later")],
        source: "Jepsen's workload `monotonic`; Terry et al., Session Guarantees for Weakly \
                 Consistent Replicated Data, PDIS 1994",
    },
];

const HOLDERS: &[ConsistencyEntry] = &[
    ConsistencyEntry {
        name: "mutual-exclusion",
        models: &["lock", "semaphore"],
        doc: "Nobody gets a lock while another certainly holds it: from the acknowledgement of its \
              acquire until it begins to release. Fencing tokens, if there are any, grow. Of a \
              semaphore never more than `params.permits` are certainly taken.",
        anomalies: &[
            ("two-holders", "somebody got a lock while another held it"),
            ("token-not-increasing", "a later acquire got a token that is not greater"),
            ("too-many-permits", "more permits are taken than there are"),
        ],
        source: "Dijkstra, Cooperating Sequential Processes, 1965; for tokens Kleppmann, Designing \
                 Data-Intensive Applications, 2017, chapter 8",
    },
    ConsistencyEntry {
        name: "no-long-fork",
        models: &["rw-register"],
        doc: "Reads of several keys that are each written once see the writes in one order: of two \
              reads of the same keys, one shows everything that the other shows. Parallel snapshot \
              isolation allows long forks, snapshot isolation forbids them.",
        anomalies: &[("long-fork", "two reads see two writes in different orders")],
        source: "Sovran et al., Transactional Storage for Geo-Replicated Systems, SOSP 2011; Jepsen's \
                 workload `long-fork`",
    },
];
