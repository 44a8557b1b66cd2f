//! Links are simulated: those that do what they should must be believed, all others not.

use std::time::Duration;

use temblor_faults::{Burst, Distribution, Fate, Flap, LinkPolicy, Path, Port};

use super::*;
use crate::cluster::{evidence::Came, message::Aim, prober::LENGTH};

const BEGINS_NS: i64 = 1_000_000_000;
/// What a link takes by itself.
const LATENCY_NS: i64 = 60_000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What would be seen of a link on which `hops` act.
fn simulated(hops: &[Hop], aim: Aim) -> Seen {
    let mut path = Path::new(hops);
    let mut seen = Seen { aim, ..Seen::default() };
    let mut last_due_ns = 0;
    for number in 0..aim.count() {
        let sent_ns = BEGINS_NS + 4_000_000 + aim.leaves_us(number) as i64 * 1000;
        // A flood leaves as fast as it can.
        let sent_ns = sent_ns + i64::from(number.saturating_sub(aim.single + aim.stream)) * 3_000;
        let flood = number >= aim.single + aim.stream;
        let length = if flood { aim.flood_bytes as usize } else { LENGTH };
        seen.sent.push(sent_ns);
        path.pass(length + HEADERS, sent_ns + LATENCY_NS, &mut |fate| {
            let Fate::Arrives(passage) = fate else { return };
            let mut due_ns = passage.due_ns;
            if number >= aim.single {
                last_due_ns = last_due_ns.max(due_ns - passage.held_ns);
                due_ns = last_due_ns + passage.held_ns;
            }
            if passage.corrupt.is_none() {
                let whole = passage.corrupt_silently.is_none();
                seen.came.push(Came { number, at_ns: due_ns + LATENCY_NS, whole });
            }
        });
    }
    seen.came.sort_by_key(|came| came.at_ns);
    seen
}

fn hop(policy: LinkPolicy, seed: u64) -> Hop {
    Hop { policy, seed, since_ns: BEGINS_NS }
}

/// Every clause by itself, at an amount that plans allow.
fn clauses_of_plans() -> Vec<(&'static str, LinkPolicy)> {
    let base = LinkPolicy::default();
    let delayed = LinkPolicy { delay: ms(50), jitter: ms(10), ..base };
    vec![
        ("cut", LinkPolicy::cut()),
        ("delay", LinkPolicy { delay: ms(1), distribution: Distribution::Fixed, ..base }),
        ("uniform", delayed),
        ("normal", LinkPolicy { distribution: Distribution::Normal, ..delayed }),
        ("pareto", LinkPolicy { distribution: Distribution::Pareto, ..delayed }),
        ("loss", LinkPolicy { loss: 0.1, ..base }),
        ("rare loss", LinkPolicy { loss: 0.01, ..base }),
        (
            "burst",
            LinkPolicy { loss: 0.1, burst: Some(Burst { lasts: ms(40), loss: 1.0 }), ..base },
        ),
        (
            "half a burst",
            LinkPolicy { loss: 0.1, burst: Some(Burst { lasts: ms(40), loss: 0.5 }), ..base },
        ),
        ("duplicate", LinkPolicy { duplicate: 0.1, ..base }),
        ("reorder", LinkPolicy { reorder: 0.1, reorder_by: ms(10), ..base }),
        ("corrupt", LinkPolicy { corrupt: 0.1, ..base }),
        ("corrupt silently", LinkPolicy { corrupt_silently: 0.1, ..base }),
        ("rate", LinkPolicy { rate: Some(RateLimit { bits: 1_000_000, queue: ms(200) }), ..base }),
        (
            "high rate",
            LinkPolicy { rate: Some(RateLimit { bits: 300_000_000, queue: ms(200) }), ..base },
        ),
        ("flap", LinkPolicy { flap: Some(Flap { down: ms(200), up: ms(200) }), ..base }),
    ]
}

fn words(acting: Acting<'_>, seen: &Seen) -> String {
    let line = super::super::of_link("a → b", acting, seen);
    format!("expected: {}; seen: {}", line.expected, line.observed)
}

#[test]
fn what_acts_is_believed_and_what_does_not_is_not() {
    for (name, policy) in clauses_of_plans() {
        for seed in 0..10 {
            let hops = [hop(policy, seed)];
            let aim = Aim::at(&hops, BEGINS_NS);
            let (acts, absent) = (simulated(&hops, aim), simulated(&[], aim));
            let (acting, gone) =
                (Acting { hops: &hops, gone: &[] }, Acting { hops: &[], gone: &hops });
            let all = |acting, seen| clauses(acting, seen).iter().all(|clause| clause.holds);
            assert!(all(acting, &acts), "{name}, seed {seed}: {}", words(acting, &acts));
            assert!(all(gone, &absent), "{name} healed, seed {seed}: {}", words(gone, &absent));
            // Damage that checksums catch is seen as loss; that it is damage is their counter's to say.
            assert!(
                !all(acting, &absent),
                "{name} without effect, seed {seed}: {}",
                words(acting, &absent)
            );
            assert!(!all(gone, &acts), "{name} not healed, seed {seed}: {}", words(gone, &acts));
        }
    }
}

#[test]
fn faults_on_one_link_are_judged_together() {
    let base = LinkPolicy::default();
    let several = [
        LinkPolicy { delay: ms(30), jitter: ms(5), duplicate: 0.2, ..base },
        LinkPolicy { loss: 0.2, reorder: 0.2, reorder_by: ms(20), ..base },
        LinkPolicy {
            delay: ms(10),
            corrupt_silently: 0.1,
            distribution: Distribution::Pareto,
            jitter: ms(4),
            ..base
        },
    ];
    for seed in 0..10 {
        let hops: Vec<Hop> =
            several.iter().zip(1..).map(|(policy, place)| hop(*policy, seed * 8 + place)).collect();
        let aim = Aim::at(&hops, BEGINS_NS);
        let seen = simulated(&hops, aim);
        let acting = Acting { hops: &hops, gone: &[] };
        assert!(
            clauses(acting, &seen).iter().all(|clause| clause.holds),
            "{}",
            words(acting, &seen)
        );
        for missing in 0..hops.len() {
            let mut fewer = hops.clone();
            let gone = [fewer.remove(missing)];
            let (seen, acts) = (simulated(&fewer, aim), Acting { hops: &fewer, gone: &gone });
            assert!(
                clauses(acts, &seen).iter().all(|clause| clause.holds),
                "{}",
                words(acts, &seen)
            );
            assert!(
                !clauses(acting, &seen).iter().all(|clause| clause.holds),
                "{}",
                words(acting, &seen)
            );
        }
    }
}

#[test]
fn a_busy_machine_is_no_fault() {
    let policy = LinkPolicy { delay: ms(50), jitter: ms(10), ..LinkPolicy::default() };
    let hops = [hop(policy, 1)];
    let mut seen = simulated(&hops, Aim::at(&hops, BEGINS_NS));
    seen.came.iter_mut().step_by(10).for_each(|came| came.at_ns += 80_000_000);
    seen.came.iter_mut().for_each(|came| came.at_ns += 3_000_000);
    let acting = Acting { hops: &hops, gone: &[] };
    assert!(clauses(acting, &seen).iter().all(|clause| clause.holds), "{}", words(acting, &seen));
    seen.came.iter_mut().for_each(|came| came.at_ns += 20_000_000);
    assert!(!clauses(acting, &seen).iter().all(|clause| clause.holds), "{}", words(acting, &seen));
}

#[test]
fn nothing_sent_is_no_evidence() {
    let cut = [hop(LinkPolicy::cut(), 1)];
    let seen = Seen { aim: Aim::few(), ..Seen::default() };
    assert!(!clauses(Acting { hops: &cut, gone: &[] }, &seen)[0].holds);
    assert!(!clauses(Acting { hops: &[], gone: &[] }, &seen)[0].holds);
}

#[test]
fn the_words_say_what_was_expected_and_seen() {
    let policy = LinkPolicy { delay: ms(50), loss: 0.1, ..LinkPolicy::default() };
    let hops = [hop(policy, 3)];
    let seen = simulated(&hops, Aim::at(&hops, BEGINS_NS));
    let line = super::super::of_link("n1 → n2", Acting { hops: &hops, gone: &[] }, &seen);
    assert_eq!(
        line.what,
        format!("datagrams {} → {}", Port::Node("n1".into()), Port::Node("n2".into()))
    );
    assert_eq!(
        line.expected,
        "10.000% of 200 are lost (3 to 43), 50.00 ms late on average, sd 0.00 (50.00 to 50.00 ms)"
    );
    assert!(
        line.observed
            .ends_with(" of 200 arrived, 50.12 ms late on average, sd 0.00 (50.12 to 50.12 ms)"),
        "{}",
        line.observed
    );
}
