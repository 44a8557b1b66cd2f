//! What histories can be checked for, in names; what the checkers themselves can do is theirs.

/// A consistency model or invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consistency {
    /// Its name.
    pub name: &'static str,
    /// The models of operations that it applies to.
    pub models: &'static [&'static str],
    /// What it forbids, in words.
    pub about: &'static str,
    /// Where it is defined.
    pub origin: &'static str,
}

/// All that this version can check.
pub(crate) const CONSISTENCY: &[Consistency] = &[
    Consistency {
        name: "linearizable",
        models: &["register", "cas-register"],
        about: "Every operation seems to take effect at one moment between its invocation and its \
                completion. So once a write is acknowledged, every read that begins later returns \
                it or something newer, whoever reads and through whichever node; and once a read \
                has returned a value, no later read returns an older one.",
        origin: "Herlihy and Wing: \"Linearizability: a correctness condition for concurrent \
                 objects\", TOPLAS 12(3), 1990",
    },
    Consistency {
        name: "no-lost-writes",
        models: &["register", "cas-register"],
        about: "After the last heal, the final reads return for every key a value that was the \
                last one acknowledged, or one that may have come after it. An acknowledged write \
                that nothing overwrote is there.",
        origin: "durability of acknowledged writes, checked on the final reads alone",
    },
];
