//! The weak and causal levels.

use super::{ABORTED_READ, ConsistencyEntry, LOST_WRITE, REGISTERS, THIN_AIR};

const TRANSACTIONS: &[&str] = &["rw-register"];
const BOTH: &[&str] = &["register", "rw-register"];
const SINGLE: &[&str] = &["register"];

type Named = (&'static str, &'static str);

const INTERMEDIATE: Named =
    ("G1b", "a read of a value that its own transaction overwrote before it ended");
const FUTURE: Named = ("future-read", "a read of what the reader itself wrote only later");
const INTERNAL: Named = ("internal", "a transaction that does not see its own last write");
const CYCLIC_CO: Named =
    ("CyclicCO", "operations that depend on one another in a circle, by session order and reads");
const INITIAL_READ: Named = (
    "WriteCOInitRead",
    "a read of the initial value although a write of the key was in its causal past",
);
const OVERWRITTEN_READ: Named = (
    "WriteCORead",
    "a read of a value although a write that causally follows it was in the causal past of the read",
);
const CYCLIC_CF: Named =
    ("CyclicCF", "reads that together allow no order of the writes that all agree on");

pub(super) const READ_COMMITTED: ConsistencyEntry = ConsistencyEntry {
    name: "read-committed-be",
    models: TRANSACTIONS,
    doc: "There is an order of all transactions that contains session order and who read from whom, \
          and in which a transaction never goes back: once it has read anything from T, what it \
          reads later is not older than what T wrote. This is Biswas and Enea's level; Adya's read \
          committed (`read-committed`) is another one. Transactions see their own writes at every \
          level of this family.",
    anomalies: &[
        THIN_AIR,
        ABORTED_READ,
        INTERMEDIATE,
        FUTURE,
        INTERNAL,
        CYCLIC_CO,
        ("NonMonoReadCO", "a transaction that reads from T and then what T causally replaced"),
        (
            "NonMonoReadAO",
            "transactions that read from T and then something older, in every possible order",
        ),
    ],
    source: "Biswas and Enea, On the Complexity of Checking Transactional Consistency, OOPSLA 2019, \
             figure 2; anomalies: Plume, OOPSLA 2024; algorithm: AWDIT, PLDI 2025",
};

pub(super) const READ_ATOMIC: ConsistencyEntry = ConsistencyEntry {
    name: "read-atomic",
    models: TRANSACTIONS,
    doc: "There is an order of all transactions that contains session order and who read from whom, \
          and in which nobody sees a part of a transaction: who reads anything from T, or comes \
          after T in its session, reads nothing older than what T wrote.",
    anomalies: &[
        THIN_AIR,
        ABORTED_READ,
        INTERMEDIATE,
        FUTURE,
        INTERNAL,
        CYCLIC_CO,
        ("NonRepeatableRead", "a transaction that reads two values of one key from others"),
        (
            "FracturedReadCO",
            "a transaction that reads one thing from T, and elsewhere what T causally replaced",
        ),
        (
            "FracturedReadAO",
            "transactions that read one thing from T, and elsewhere something older than T, in \
             every possible order",
        ),
    ],
    source: "Cerone, Bernardi and Gotsman, A Framework for Transactional Consistency Models with \
             Atomic Visibility, CONCUR 2015, with sessions; Biswas and Enea, OOPSLA 2019; \
             anomalies: Plume, OOPSLA 2024; algorithm: AWDIT, PLDI 2025",
};

pub(super) const CAUSAL: ConsistencyEntry = ConsistencyEntry {
    name: "causal",
    models: BOTH,
    doc: "Whoever sees something also sees all that it rests on: what the writer had written or \
          read before, and so on. For transactions (transactional causal consistency) there is one \
          order of all of them that everybody's reads agree with. For single registers each read \
          may have an order of its own, so that two reads may disagree on which of two concurrent \
          writes came last (CC); `causal-convergence` asks for one order for all. As at all these levels written values \
          have to be unique for each key, a write with an unknown outcome counts where somebody saw \
          it, and real time plays no part.",
    anomalies: &[
        THIN_AIR,
        ABORTED_READ,
        INTERMEDIATE,
        FUTURE,
        INTERNAL,
        CYCLIC_CO,
        INITIAL_READ,
        OVERWRITTEN_READ,
        CYCLIC_CF,
    ],
    source: "Bouajjani, Enea, Guerraoui and Hamza, On Verifying Causal Consistency, POPL 2017, table \
             2; transactions: Biswas and Enea, OOPSLA 2019; algorithm: AWDIT, PLDI 2025",
};

pub(super) const CAUSAL_CONVERGENCE: ConsistencyEntry = ConsistencyEntry {
    name: "causal-convergence",
    models: SINGLE,
    doc: "Causal consistency (`causal`) with one order of all writes: of the writes in a read's \
          causal past, the last one by this order is found (CCv). So replicas that have seen the \
          same writes agree.",
    anomalies: &[THIN_AIR, ABORTED_READ, CYCLIC_CO, INITIAL_READ, OVERWRITTEN_READ, CYCLIC_CF],
    source: "Bouajjani, Enea, Guerraoui and Hamza, On Verifying Causal Consistency, POPL 2017, \
             section 3 and table 2",
};

const INITIAL_HB: Named = (
    "WriteHBInitRead",
    "a read of the initial value although, in the one sequence that the reading client has to see, \
     a write of the key came before it",
);
const CYCLIC_HB: Named =
    ("CyclicHB", "reads of one client that allow no sequence of what it causally knows");
const NOT_OWN: Named = (
    "read-your-writes",
    "a read that misses a write of its own client: the initial value, or an older own one",
);
const NOT_MONOTONIC: Named =
    ("monotonic-reads", "a client that found a value, and later what it had replaced");
const WRITES_SHUFFLED: Named = (
    "monotonic-writes",
    "a client that saw a write, and not what the same writer had written before",
);
const WRITES_AHEAD: Named =
    ("writes-follow-reads", "a client that saw a write, and not what its writer had found before");

pub(super) const CAUSAL_MEMORY: ConsistencyEntry = ConsistencyEntry {
    name: "causal-memory",
    models: SINGLE,
    doc: "Each client sees one sequence of all that is in its causal past, in which each of its own \
          reads finds the last write. Clients may see concurrent writes in different orders (CM). \
          It neither implies `causal-convergence` nor follows from it.",
    anomalies: &[
        THIN_AIR,
        ABORTED_READ,
        CYCLIC_CO,
        INITIAL_READ,
        OVERWRITTEN_READ,
        INITIAL_HB,
        CYCLIC_HB,
    ],
    source: "Ahamad, Neiger, Burns, Kohli and Hutto, Causal Memory, Distributed Computing 1995; \
             Bouajjani, Enea, Guerraoui and Hamza, POPL 2017, table 2",
};

pub(super) const PRAM: ConsistencyEntry = ConsistencyEntry {
    name: "pram",
    models: SINGLE,
    doc: "Each client sees one sequence of its own operations and all writes, in which every \
          client's writes are in the order of that client, and each of its own reads finds the last \
          write. It is read your writes, monotonic reads and monotonic writes in one sequence.",
    anomalies: &[
        THIN_AIR,
        ABORTED_READ,
        FUTURE,
        NOT_OWN,
        NOT_MONOTONIC,
        WRITES_SHUFFLED,
        ("CyclicPRAM", "reads of one client that allow no such sequence"),
    ],
    source: "Lipton and Sandberg, PRAM: A Scalable Shared Memory, Princeton 1988; Ahamad et al., \
             1995",
};

pub(super) const READ_YOUR_WRITES: ConsistencyEntry = ConsistencyEntry {
    name: "read-your-writes",
    models: SINGLE,
    doc: "A client sees its own writes: it never finds the initial value, or an own older value, of \
          a key that it wrote. Values of others are always possible: nothing says whether they are \
          older.",
    anomalies: &[THIN_AIR, ABORTED_READ, FUTURE, NOT_OWN],
    source: "Terry et al., Session Guarantees for Weakly Consistent Replicated Data, PDIS 1994",
};

pub(super) const MONOTONIC_READS: ConsistencyEntry = ConsistencyEntry {
    name: "monotonic-reads",
    models: SINGLE,
    doc: "What a client has found stays visible to it: for each client there is an order of the \
          writes, with the versions that one client wrote to a key as it wrote them, in which it \
          never goes back. (The causal consistency of POPL'17, `causal`, does not imply it: there \
          two reads may order concurrent writes differently.)",
    anomalies: &[THIN_AIR, ABORTED_READ, FUTURE, NOT_MONOTONIC],
    source: "Terry et al., PDIS 1994, with an order for each client as in Brzeziński, Sobaniec and \
             Wawrzyniak, From Session Causality to Causal Consistency, PDP 2004",
};

pub(super) const MONOTONIC_WRITES: ConsistencyEntry = ConsistencyEntry {
    name: "monotonic-writes",
    models: SINGLE,
    doc: "Monotonic reads, and who sees a write sees what its client had written before, in that \
          order. (One read shows only one write: a broken order of writes shows itself to a client \
          whose own reads are monotonic, so the level contains them.)",
    anomalies: &[THIN_AIR, ABORTED_READ, FUTURE, NOT_MONOTONIC, WRITES_SHUFFLED],
    source: "Terry et al., PDIS 1994; Brzeziński, Sobaniec and Wawrzyniak, PDP 2004",
};

pub(super) const WRITES_FOLLOW_READS: ConsistencyEntry = ConsistencyEntry {
    name: "writes-follow-reads",
    models: SINGLE,
    doc: "Monotonic reads, and who sees a write sees what its client had found before it wrote, in \
          that order: answers are not seen without their questions.",
    anomalies: &[THIN_AIR, ABORTED_READ, FUTURE, NOT_MONOTONIC, WRITES_AHEAD],
    source: "Terry et al., PDIS 1994; Brzeziński, Sobaniec and Wawrzyniak, PDP 2004",
};

pub(super) const SEQUENTIAL: ConsistencyEntry = ConsistencyEntry {
    name: "sequential",
    models: SINGLE,
    doc: "One order of all operations on all keys explains what was found, and keeps each client's \
          own order; real time plays no part. Unlike linearizability it cannot be judged key by key, \
          and deciding it is NP-complete: causal memory and causal convergence are decided first, \
          then an order is searched as long as the budget lasts.",
    anomalies: &[
        THIN_AIR,
        ABORTED_READ,
        CYCLIC_CO,
        INITIAL_READ,
        OVERWRITTEN_READ,
        CYCLIC_CF,
        INITIAL_HB,
        CYCLIC_HB,
        ("non-sequential", "no order, and none of the plainer names fits"),
    ],
    source: "Lamport, How to Make a Multiprocessor Computer That Correctly Executes Multiprocess \
             Programs, IEEE Transactions on Computers 1979; hardness: Gibbons and Korach, SIAM \
             Journal on Computing 1997",
};

pub(super) const EVENTUAL: ConsistencyEntry = ConsistencyEntry {
    name: "eventual",
    models: REGISTERS,
    doc: "Once faults are over and writes have stopped, all nodes agree, and hold every acknowledged \
          write that nothing overwrote. Judged from final reads through every node; a key that a \
          node was not asked for stays undecided. Writes that were still open, or whose outcome is \
          unknown, may change a value in between, but a replaced value stays away.",
    anomalies: &[
        LOST_WRITE,
        ("divergence", "final reads that found different values, for good"),
        ABORTED_READ,
        THIN_AIR,
    ],
    source: "Terry et al., Managing Update Conflicts in Bayou, SOSP 1995; Vogels, Eventually \
             Consistent, CACM 2009",
};
