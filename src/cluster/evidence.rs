//! What datagrams say of a link: whether its policy is in force.

use std::time::Duration;

use temblor_faults::LinkPolicy;
use temblor_history::Evidence;

/// Datagrams sent to see whether a link passes anything at all.
pub(super) const FEW: u32 = 5;
/// A result that chance alone would bring less often than this does not count as chance.
const CHANCE: f64 = 1e-6;

/// What was seen of one directed link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) sent: u32,
    /// How long each datagram took that arrived, nanoseconds.
    pub(super) delays_ns: Vec<i64>,
    /// When the first of them arrived, CLOCK_MONOTONIC.
    pub(super) first_ns: Option<i64>,
}

/// How many datagrams it takes to see a policy at work.
pub(super) fn needed(policy: &LinkPolicy) -> u32 {
    if policy.drop || !policy.is_per_packet() {
        return FEW;
    }
    if policy.loss > 0.0 {
        return (20.0 / policy.loss).round().clamp(200.0, 2000.0) as u32;
    }
    200
}

/// Whether a link that does what `policy` says would show this.
pub(super) fn holds(policy: &LinkPolicy, seen: &Seen) -> bool {
    let arrived = seen.delays_ns.len() as u32;
    if policy.drop {
        return seen.sent >= FEW && arrived == 0;
    }
    let lost = seen.sent.saturating_sub(arrived);
    let plausible = match policy.loss {
        loss if loss > 0.0 => is_plausible(seen.sent, lost, loss),
        _ => lost == 0,
    };
    let slow = !policy.delay.is_zero() || !policy.jitter.is_zero();
    seen.sent >= FEW && plausible && (!slow || arrived == 0 || is_slow_enough(policy, seen))
}

/// What the policy lets one expect, in words.
pub(super) fn expected(policy: &LinkPolicy, sent: u32) -> String {
    if policy.drop {
        return format!("none of {sent} arrives");
    }
    let share = match policy.loss {
        loss if loss > 0.0 => format!("{:.3}% of {sent} are lost", loss * 100.0),
        _ => format!("all {sent} arrive"),
    };
    match (policy.delay.is_zero(), policy.jitter.is_zero()) {
        (true, true) => share,
        (_, true) => format!("{share}, {} late", ms(policy.delay)),
        _ => format!("{share}, {} ± {} late", ms(policy.delay), ms(policy.jitter)),
    }
}

/// What was seen, in words.
pub(super) fn observed(seen: &Seen) -> String {
    let arrived = format!("{} of {} arrived", seen.delays_ns.len(), seen.sent);
    let Some((mean, least, most)) = spread(&seen.delays_ns) else {
        return arrived;
    };
    format!("{arrived}, {mean:.2} ms late on average ({least:.2} to {most:.2} ms)")
}

/// One line of evidence on one link.
pub(super) fn of_link(name: &str, policy: &LinkPolicy, seen: &Seen) -> Evidence {
    Evidence {
        what: format!("datagrams {name}"),
        expected: expected(policy, seen.sent),
        observed: observed(seen),
        holds: holds(policy, seen),
    }
}

/// One line on several links that are not the matter: those that do not hold are named.
pub(super) fn of_others(what: &str, links: &[(String, LinkPolicy, Seen)]) -> Option<Evidence> {
    let bad: Vec<String> = links
        .iter()
        .filter(|(_, policy, seen)| !holds(policy, seen))
        .map(|(name, policy, seen)| {
            format!("{name}: {}, expected: {}", observed(seen), expected(policy, seen.sent))
        })
        .collect();
    let (count, as_expected) = (links.len(), format!("all {} as expected", links.len()));
    let untouched = links.iter().all(|(_, policy, _)| *policy == LinkPolicy::default());
    let expected = if untouched {
        format!("all arrive, on each of {count}")
    } else {
        format!("each of {count} as the active faults leave it")
    };
    (!links.is_empty()).then(|| Evidence {
        what: format!("datagrams on {what}"),
        expected,
        holds: bad.is_empty(),
        observed: if bad.is_empty() { as_expected } else { bad.join("; ") },
    })
}

/// Never too early; on average late by what was asked, up to what a busy machine adds.
fn is_slow_enough(policy: &LinkPolicy, seen: &Seen) -> bool {
    let Some((mean, least, _)) = spread(&seen.delays_ns) else {
        return false;
    };
    let (delay, jitter) = (policy.delay.as_secs_f64() * 1e3, policy.jitter.as_secs_f64() * 1e3);
    let tolerance = 5.0 + 0.05 * delay + 0.2 * jitter;
    let few = jitter / f64::from(seen.sent).sqrt();
    // Clipped at nothing where the jitter is larger than the delay: the mean moves up.
    let clipped = ((jitter - delay).max(0.0)).powi(2) / (4.0 * jitter.max(1e-9));
    let wanted = delay + clipped;
    least >= delay - jitter - 0.1
        && mean >= wanted - 3.0 * few - 0.1
        && mean <= wanted + tolerance + 3.0 * few
}

/// Mean, least and most in milliseconds.
fn spread(delays_ns: &[i64]) -> Option<(f64, f64, f64)> {
    let to_ms = |ns: i64| ns as f64 / 1e6;
    let least = *delays_ns.iter().min()?;
    let most = *delays_ns.iter().max()?;
    let mean = delays_ns.iter().map(|ns| to_ms(*ns)).sum::<f64>() / delays_ns.len() as f64;
    Some((mean, to_ms(least), to_ms(most)))
}

/// Whether `lost` of `sent` is no surprise when each is lost with probability `loss`: both tails
/// of the binomial distribution, from its terms.
fn is_plausible(sent: u32, lost: u32, loss: f64) -> bool {
    if loss >= 1.0 {
        return lost == sent;
    }
    let odds = (loss / (1.0 - loss)).ln();
    let mut term = f64::from(sent) * (1.0 - loss).ln();
    let (mut at_most, mut at_least) = (0.0, 0.0);
    for count in 0..=sent {
        let probability = term.exp();
        at_most += if count <= lost { probability } else { 0.0 };
        at_least += if count >= lost { probability } else { 0.0 };
        term += (f64::from(sent - count) / f64::from(count + 1)).ln() + odds;
    }
    at_most > CHANCE && at_least > CHANCE
}

fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sent: u32, delays_ms: &[f64]) -> Seen {
        let delays_ns = delays_ms.iter().map(|ms| (ms * 1e6) as i64).collect();
        Seen { sent, delays_ns, first_ns: None }
    }

    #[test]
    fn losses_are_judged_by_chance() {
        let lossy = LinkPolicy { loss: 0.1, ..LinkPolicy::default() };
        let lost = |lost: usize| holds(&lossy, &seen(200, &vec![0.1; 200 - lost]));
        assert_eq!([0, 4, 20, 40, 60].map(lost), [false, true, true, true, false]);
        assert_eq!(needed(&lossy), 200);
        assert_eq!(needed(&LinkPolicy { loss: 0.001, ..lossy }), 2000);
    }

    #[test]
    fn delays_are_judged_by_mean_and_never_too_early() {
        let ms = Duration::from_millis;
        let slow = LinkPolicy { delay: ms(50), jitter: ms(10), ..LinkPolicy::default() };
        let judge = |delays: &[f64]| holds(&slow, &seen(delays.len() as u32, delays));
        assert!(judge(&[41.0, 45.0, 50.0, 55.0, 59.0]));
        assert!(!judge(&[39.0, 45.0, 50.0, 55.0, 59.0]));
        assert!(!judge(&[90.0; 200]));
        assert!(!judge(&[0.1; 200]));
        assert!(!holds(&slow, &seen(200, &[50.0; 199])));
    }

    #[test]
    fn cuts_and_passes_are_all_or_nothing() {
        let cut = LinkPolicy { drop: true, ..LinkPolicy::default() };
        assert!(holds(&cut, &seen(5, &[])));
        assert!(!holds(&cut, &seen(5, &[0.1])));
        assert!(!holds(&cut, &seen(0, &[])), "nothing sent is no evidence");
        assert!(holds(&LinkPolicy::default(), &seen(5, &[0.1; 5])));
        assert!(!holds(&LinkPolicy::default(), &seen(5, &[0.1; 4])));
    }

    #[test]
    fn the_words_say_what_was_expected_and_seen() {
        let ms = Duration::from_millis;
        let slow = LinkPolicy { delay: ms(50), jitter: ms(10), loss: 0.1, drop: false };
        let evidence = of_link("n1 → n2", &slow, &seen(5, &[45.0, 55.0]));
        assert_eq!(evidence.expected, "10.000% of 5 are lost, 50 ms ± 10 ms late");
        assert_eq!(
            evidence.observed,
            "2 of 5 arrived, 50.00 ms late on average (45.00 to 55.00 ms)"
        );
    }
}
