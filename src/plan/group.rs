//! The grammar of faults that belong together: in turn, at once, one of several, or at random.

use super::{
    leaf::{DURATIONS, MOMENT},
    shape::{Key, Presence, Shape, Variant},
    trigger::TRIGGER,
};

/// Most faults at once, and most rounds.
const MOST: u64 = 1_000_000;

/// What may stand where a fault stands, beside the faults themselves.
pub(crate) fn variants(faults: &[Variant]) -> Vec<Variant> {
    let single = Shape::Variants("fault", faults.to_vec());
    let inner = [
        variant("parallel", "faults that begin at once", with_times(of(single.clone()))),
        variant("one-of", "one of several faults, dealt by the seed", one_of(&single)),
    ];
    let nested = faults.iter().chain(&inner).cloned().collect();
    let sequence = of(Shape::Variants("fault", nested));
    let about = "faults in turn: each begins when the one before has ended";
    let random = "faults at times and on nodes that the seed deals, all over the phase";
    let [parallel, one_of] = inner;
    vec![
        variant("sequence", about, with_times(sequence)),
        parallel,
        one_of,
        variant("random", random, self::random(&single)),
    ]
}

fn variant(name: &str, about: &str, keys: Vec<Key>) -> Variant {
    Variant { name: name.to_owned(), about: about.to_owned(), keys }
}

fn of(shape: Shape) -> Vec<Key> {
    vec![Key::needed("of", Shape::list(shape), "the faults, each as elsewhere")]
}

fn weights() -> Key {
    let about = "how likely each is beside the others, one number a fault; without it, all alike";
    Key::optional("weights", Shape::list(Shape::Count(0..=MOST)), about)
}

fn one_of(single: &Shape) -> Vec<Key> {
    let mut keys = of(single.clone());
    keys.push(weights());
    with_times(keys)
}

fn with_times(mut keys: Vec<Key>) -> Vec<Key> {
    let count = || Shape::Count(1..=MOST);
    keys.extend([
        Key::optional(
            "at",
            Shape::Leaf(&MOMENT),
            "how long after its phase began it begins; without it, at once",
        ),
        Key::optional(
            "after",
            Shape::Leaf(&TRIGGER),
            "what has to happen in its phase before it begins",
        ),
        Key::optional(
            "every",
            Shape::Leaf(&DURATIONS),
            "from the beginning of one round to that of the next, which also waits for the end of the last",
        ),
        Key::optional("times", count(), "with `every`: how many rounds at most"),
        Key::optional("repeat", count(), "so many rounds, one right after another"),
    ]);
    keys
}

fn random(single: &Shape) -> Vec<Key> {
    let default = |name: &str, shape, about: &str, value: &str| Key {
        name: name.to_owned(),
        about: about.to_owned(),
        shape,
        presence: Presence::Default(super::yaml::scalar(value)),
    };
    let mut keys = of(single.clone());
    keys.extend([
        weights(),
        default(
            "every",
            Shape::Leaf(&DURATIONS),
            "from the beginning of one fault to that of the next",
            "5s..20s",
        ),
        default(
            "for",
            Shape::Leaf(&DURATIONS),
            "how long each lasts that does not say so itself",
            "3s..10s",
        ),
        default("at-most", Shape::Count(1..=MOST), "how many may act at once", "1"),
        Key::optional(
            "keep",
            Shape::words(
                "thing to keep",
                &[(
                    "majority",
                    "at every moment a majority that no fault touches and that is not cut apart",
                )],
            ),
            "what the faults must leave alone",
        ),
    ]);
    keys
}
