//! What was seen of a link, held against what acts on it: one clause for each thing to see.
//!
//! Each clause fails by chance but once in a million, and a link without the effect passes it as
//! seldom. A busy machine makes packets late, so lateness has a tolerance upwards and nearly none
//! downwards.

use std::collections::BTreeMap;

use temblor_faults::{Hop, LinkPolicy, Outages, RateLimit, sampled_delays_ns};

use super::{
    Acting, FEW, Seen,
    aim::UNSURE_NS,
    chance::{band, is_plausible, stray},
};
use crate::cluster::{message::STREAM_US, prober::HEADERS};

/// Of how many simulated packets the expected delays are taken.
const SAMPLES: usize = 20_000;
/// A datagram's time of leaving is read before it leaves, and that of its arrival may be read by
/// another clock: by so much it may seem too early.
const EARLY_NS: i64 = 50_000;
/// What a busy machine may add to most delays, and to a part of them in a hundred.
const LATE_NS: f64 = 5e6;
const LATE_SHARE: f64 = 0.05;
/// Fewer delays show no distribution.
const LEAST: usize = 20;
/// A flood is measured to within this, and so is what the machine adds between its ends.
const RATE_TOLERANCE: f64 = 1.1;
const FLOOD_NS: f64 = 500_000.0;
/// A link's own traffic takes its share of a rate; less than this is left to nobody.
const RATE_LEFT: f64 = 0.1;

/// One thing to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) expected: String,
    pub(super) observed: String,
    pub(super) holds: bool,
}

fn clause(expected: impl Into<String>, observed: impl Into<String>, holds: bool) -> Clause {
    Clause { expected: expected.into(), observed: observed.into(), holds }
}

/// All clauses on one link.
pub(super) fn clauses(acting: Acting<'_>, seen: &Seen) -> Vec<Clause> {
    let sent = seen.sent.iter().filter(|sent_ns| **sent_ns > 0).count();
    if sent < FEW as usize {
        return vec![clause("datagrams are sent", format!("{sent} were sent"), false)];
    }
    if acting.hops.iter().any(|hop| hop.policy.drop) {
        let came = seen.came.len();
        return vec![clause(
            format!("none of {sent} arrives"),
            format!("{came} of {sent} arrived"),
            came == 0,
        )];
    }
    let mut clauses = arrivals(acting, seen);
    clauses.push(delays(acting, seen));
    clauses.extend(damage(acting, seen));
    clauses.extend(copies(acting, seen));
    clauses.extend(order(acting, seen));
    clauses.extend(speed(acting, seen));
    clauses
}

/// The share of packets that a link loses or throws away, all hops together.
fn total(hops: &[Hop], share: impl Fn(&LinkPolicy) -> f64) -> f64 {
    1.0 - hops.iter().map(|hop| 1.0 - share(&hop.policy)).product::<f64>()
}

/// Whether a packet may come several times, so that it is lost only with all its copies.
fn most_copies(hops: &[Hop]) -> i32 {
    1 << hops.iter().filter(|hop| hop.policy.duplicate > 0.0).count().min(4)
}

/// How likely each single datagram is lost; none where its time is too near a change of a link
/// that is bad and good in turn.
fn losses(hops: &[Hop], sent: &[i64]) -> Vec<Option<f64>> {
    let mut passing = vec![Some(1.0); sent.len()];
    for hop in hops {
        let steady = if hop.policy.burst.is_some() { 0.0 } else { hop.policy.loss };
        let steady = (1.0 - steady) * (1.0 - hop.policy.corrupt);
        passing.iter_mut().flatten().for_each(|passes| *passes *= steady);
        let bad_loss = hop.policy.burst.map_or(1.0, |burst| burst.loss);
        let times = [(hop.flaps(), 1.0), (hop.bursts(), bad_loss)];
        for (outages, loss) in times.into_iter().filter_map(|(times, loss)| Some((times?, loss))) {
            for (passes, bad) in passing.iter_mut().zip(certain(outages, sent)) {
                let factor = bad.map(|bad| if bad { 1.0 - loss } else { 1.0 });
                *passes = passes.zip(factor).map(|(passes, factor)| passes * factor);
            }
        }
    }
    passing.into_iter().map(|passes| Some(1.0 - passes?)).collect()
}

/// Whether each moment, in order, is in a bad time; none near a change.
fn certain(outages: Outages, moments: &[i64]) -> Vec<Option<bool>> {
    let mut times = outages.times().peekable();
    let bad = moments.iter().map(|at_ns| {
        while times.peek().is_some_and(|(.., ends)| ends <= at_ns) {
            times.next();
        }
        let (bad, began, ends) = *times.peek()?;
        (began <= *at_ns && at_ns + UNSURE_NS < ends).then_some(bad)
    });
    bad.collect()
}

/// Single datagrams by how likely each was to be lost: how many, and how many were.
fn arrivals(acting: Acting<'_>, seen: &Seen) -> Vec<Clause> {
    let single = &seen.sent[..(seen.aim.single as usize).min(seen.sent.len())];
    let mut came = vec![false; single.len()];
    for arrival in &seen.came {
        if let Some(came) = came.get_mut(arrival.number as usize) {
            *came = true;
        }
    }
    let mut groups = BTreeMap::<u64, (u32, u32)>::new();
    let judged = losses(acting.hops, single).into_iter().zip(single).zip(&came);
    for ((loss, _), came) in judged.filter(|((_, sent_ns), _)| **sent_ns > 0) {
        if let Some(loss) = loss {
            // In billionths: equal shares are one group.
            let group = groups.entry((loss.max(0.0) * 1e9).round() as u64).or_default();
            group.0 += 1;
            group.1 += u32::from(!came);
        }
    }
    let copies = most_copies(acting.hops);
    let timed = groups.len() > 1;
    let unseen = seen.aim.is_close().then(|| unseen(acting, single)).flatten();
    let judged = groups.into_iter().map(|(loss, (sent, lost))| {
        let loss = loss as f64 / 1e9;
        let overflowed = u32::try_from(seen.overflowed).unwrap_or(u32::MAX);
        // What overflowed was not lost by lot, as far as that explains it.
        let by_lot = (loss * f64::from(sent)).round() as u32;
        let by_lot = by_lot.clamp(lost.saturating_sub(overflowed), lost);
        let holds = is_plausible(sent, by_lot, loss.powi(copies), loss);
        let when = if timed && loss > 0.0 { " while it is bad" } else { "" };
        let expected = match (loss, sent) {
            (loss, _) if loss <= 0.0 => {
                format!("all {sent} arrive{}", if timed { " while it is good" } else { "" })
            }
            (loss, _) if loss >= 1.0 => format!("none of {sent} arrives{when}"),
            _ => {
                let (least, most) = band(sent, loss.powi(copies), loss);
                format!("{:.3}% of {sent} are lost{when} ({least} to {most})", loss * 100.0)
            }
        };
        clause(expected, format!("{} of {sent} arrived", sent - lost), holds)
    });
    judged.chain(unseen).collect()
}

/// Where a link is bad and good in turn, or was: that no datagram was sent in a bad time, which
/// then shows nothing.
fn unseen(acting: Acting<'_>, sent: &[i64]) -> Option<Clause> {
    let hops = acting.hops.iter().chain(acting.gone);
    let mut times = hops.flat_map(|hop| [hop.flaps(), hop.bursts()]).flatten();
    let in_bad = |outages: Outages| {
        certain(outages, sent).into_iter().filter(|bad| *bad == Some(true)).count()
    };
    let few =
        times.find_map(|outages| Some(in_bad(outages)).filter(|count| *count < FEW as usize))?;
    let expected = format!("{FEW} or more are sent while it is, or would be, bad");
    Some(clause(expected, format!("{few} were"), false))
}

/// How late datagrams are, against a simulation of what acts; and that what is gone delays no more.
fn delays(acting: Acting<'_>, seen: &Seen) -> Clause {
    let delaying =
        |hops: &[Hop]| hops.iter().any(|hop| hop.policy.delays() || hop.policy.held_back());
    let mut late_ns = seen.late_ns();
    late_ns.sort_unstable();
    let observed = spread(&late_ns);
    if !delaying(acting.hops) && !delaying(acting.gone) {
        return clause("", observed.unwrap_or_default(), true);
    }
    let queue = acting.hops.iter().filter_map(|hop| hop.policy.rate);
    let queue_ns = queue.map(|rate| rate.queue.as_nanos() as i64).sum::<i64>();
    let expected = sampled_delays_ns(acting.hops, SAMPLES, 1);
    let mut words = spread(&expected).unwrap_or_default();
    let mut holds =
        !is_too_early(&late_ns, &expected) && !is_too_late(&late_ns, &expected, queue_ns);
    if delaying(acting.gone) {
        let all: Vec<Hop> = acting.hops.iter().chain(acting.gone).copied().collect();
        let before = sampled_delays_ns(&all, SAMPLES, 1);
        // What is left may be spread so wide that nobody can tell.
        let strays = 2.0 * (stray(late_ns.len()) + stray(before.len()));
        if excess(&expected, &before, |late_ns| late_ns + EARLY_NS) > strays {
            holds &= is_too_early(&late_ns, &before);
            words = format!("{words}, no more {}", spread(&before).unwrap_or_default());
        }
    }
    holds &= !seen.aim.is_close() || late_ns.len() >= LEAST;
    clause(words, observed.unwrap_or_default(), holds)
}

/// Whether so many datagrams came earlier than they should that it is no chance.
fn is_too_early(late_ns: &[i64], expected: &[i64]) -> bool {
    let strays = stray(late_ns.len()) + stray(expected.len());
    excess(late_ns, expected, |late_ns| late_ns + EARLY_NS) > strays
}

/// Whether so many came later than even a busy machine explains.
fn is_too_late(late_ns: &[i64], expected: &[i64], queue_ns: i64) -> bool {
    let strays = stray(late_ns.len()) + stray(expected.len());
    let busy = |due_ns: i64| due_ns + queue_ns + (LATE_NS + LATE_SHARE * due_ns as f64) as i64;
    excess(expected, late_ns, busy) > strays
}

/// By how much the share of `lower` below a value exceeds that of `upper` below the moved value,
/// where it does so most; both sorted.
fn excess(lower: &[i64], upper: &[i64], moved: impl Fn(i64) -> i64) -> f64 {
    if lower.is_empty() || upper.is_empty() {
        return 0.0;
    }
    let mut most = 0.0_f64;
    for (place, value) in lower.iter().enumerate() {
        let below = (place + 1) as f64 / lower.len() as f64;
        let moved = moved(*value);
        let other = upper.partition_point(|other| *other <= moved) as f64 / upper.len() as f64;
        most = most.max(below - other);
    }
    most
}

/// Datagrams that came with other bytes than they left with.
fn damage(acting: Acting<'_>, seen: &Seen) -> Option<Clause> {
    let share = total(acting.hops, |policy| policy.corrupt_silently);
    let (came, damaged) = (seen.came.len() as u32, seen.came.iter().filter(|came| !came.whole));
    let damaged = damaged.count() as u32;
    let was =
        acting.gone.iter().any(|hop| hop.policy.corrupt_silently > 0.0 || hop.policy.corrupt > 0.0);
    let visible = acting.hops.iter().any(|hop| hop.policy.corrupt > 0.0);
    if share <= 0.0 && damaged == 0 && !was && !visible {
        return None;
    }
    let (least, most) = band(came, share, share);
    let expected = match most {
        0 => "none comes damaged".to_owned(),
        _ => format!("{:.3}% come damaged ({least} to {most})", share * 100.0),
    };
    let close = !seen.aim.is_close() || came >= FEW;
    // Copies of a damaged datagram are damaged alike, so they are no lots of their own.
    let lots =
        is_plausible(came, damaged, share, share) || most_copies(acting.hops) > 1 && damaged > 0;
    Some(clause(expected, format!("{damaged} damaged"), lots && close))
}

/// Datagrams that came more than once.
fn copies(acting: Acting<'_>, seen: &Seen) -> Option<Clause> {
    let mut times = BTreeMap::<u32, u32>::new();
    for came in seen.came.iter().filter(|came| came.number < seen.aim.single) {
        *times.entry(came.number).or_default() += 1;
    }
    let (came, doubled) = (times.len() as u32, times.values().filter(|times| **times > 1).count());
    let doubled = doubled as u32;
    let share = total(acting.hops, |policy| policy.duplicate);
    let was = acting.gone.iter().any(|hop| hop.policy.duplicate > 0.0);
    if share <= 0.0 && doubled == 0 && !was {
        return None;
    }
    // A copy may be lost by a fault that comes after the one that made it.
    let lost = total(acting.hops, |policy| policy.loss.max(policy.corrupt));
    let least = if acting.hops.len() > 1 { share * (1.0 - lost) / (1.0 + lost) } else { share };
    let (fewest, most) = band(came, least, share);
    let expected = match most {
        0 => "none comes twice".to_owned(),
        _ => format!("{:.3}% come twice ({fewest} to {most})", share * 100.0),
    };
    Some(clause(
        expected,
        format!("{doubled} came twice"),
        is_plausible(came, doubled, least, share),
    ))
}

/// Datagrams of one flow that were overtaken.
fn order(acting: Acting<'_>, seen: &Seen) -> Option<Clause> {
    let stream = seen.aim.single..seen.aim.single + seen.aim.stream;
    let share = total(acting.hops, |policy| policy.reorder);
    if stream.is_empty() {
        return None;
    }
    let mut arrived = std::collections::BTreeSet::new();
    let (mut highest, mut overtaken) = (0, 0);
    for came in seen.came.iter().filter(|came| stream.contains(&came.number)) {
        // A copy is no other datagram.
        if arrived.insert(came.number) {
            overtaken += u32::from(came.number < highest);
            highest = highest.max(came.number);
        }
    }
    let came = arrived.len() as u32;
    let holding = acting.hops.iter().map(|hop| hop.policy).filter(LinkPolicy::held_back);
    let behind = holding.map(|policy| policy.reorder_by.as_micros() as u64 / STREAM_US).min();
    // Those of the end are overtaken by nobody, nor are those behind which all are held back. What
    // the sender's own pauses take from the share is less than a fifth.
    let least = 0.8 * share * (1.0 - share.powi(behind.unwrap_or(1).saturating_sub(1) as i32));
    let judged = came.saturating_sub(behind.unwrap_or(0) as u32);
    let expected = match share {
        share if share <= 0.0 => "none is overtaken".to_owned(),
        _ => {
            let (fewest, most) = (band(judged, least, share).0, band(came, least, share).1);
            format!("{:.3}% of {came} are overtaken ({fewest} to {most})", share * 100.0)
        }
    };
    let holds = is_plausible(judged, overtaken.min(judged), least, 1.0)
        && is_plausible(came, overtaken, 0.0, share);
    Some(clause(expected, format!("{overtaken} overtaken"), holds && came >= FEW))
}

/// How fast a flood came: no faster than the rate; or faster, once it is gone.
fn speed(acting: Acting<'_>, seen: &Seen) -> Option<Clause> {
    if seen.aim.flood == 0 {
        return None;
    }
    let first = seen.aim.single + seen.aim.stream;
    let bits = (seen.aim.flood_bytes as usize + HEADERS) as f64 * 8.0;
    let came: Vec<i64> =
        seen.came.iter().filter(|came| came.number >= first).map(|came| came.at_ns).collect();
    let left = seen.sent.get(first as usize..).unwrap_or(&[]);
    // The first has waited its turn already: what passes between the ends are the others.
    let rate = |times: &[i64], slack_ns: f64| {
        let took = times.iter().max().unwrap_or(&0) - times.iter().min().unwrap_or(&0);
        (times.len().saturating_sub(1)) as f64 * bits * 1e9 / (took as f64 + slack_ns).max(1.0)
    };
    let (measured, offered) = (rate(&came, 0.0), rate(left, FLOOD_NS));
    let limit = |hops: &[Hop]| {
        hops.iter()
            .filter_map(|hop| hop.policy.rate)
            .map(|rate: RateLimit| rate.bits as f64)
            .reduce(f64::min)
    };
    let observed = format!("{} came at {}", came.len(), mbit(measured));
    let enough = came.len() >= FEW as usize;
    Some(match (limit(acting.hops), limit(acting.gone)) {
        (Some(limit), _) => {
            let slowest = rate(&came, FLOOD_NS);
            let holds = enough
                && slowest <= limit * RATE_TOLERANCE
                && measured >= limit * RATE_LEFT
                && offered >= limit * RATE_TOLERANCE * 1.2;
            let words = format!("a flood of {} passes at {}", seen.aim.flood, mbit(limit));
            clause(words, format!("{observed}, sent at {}", mbit(offered)), holds)
        }
        (None, Some(gone)) => {
            let words = format!("a flood passes faster than {}", mbit(gone));
            clause(words, observed, enough && rate(&came, FLOOD_NS) > gone * RATE_TOLERANCE)
        }
        (None, None) => clause("", observed, true),
    })
}

fn mbit(bits: f64) -> String {
    format!("{:.3} Mbit/s", bits / 1e6)
}

/// Mean, standard deviation, least and most in words.
fn spread(delays_ns: &[i64]) -> Option<String> {
    let ms = |ns: i64| ns as f64 / 1e6;
    let (least, most) = (ms(*delays_ns.iter().min()?), ms(*delays_ns.iter().max()?));
    let count = delays_ns.len() as f64;
    let mean = delays_ns.iter().map(|ns| ms(*ns)).sum::<f64>() / count;
    let variance = delays_ns.iter().map(|ns| (ms(*ns) - mean).powi(2)).sum::<f64>() / count;
    let sd = variance.sqrt();
    Some(format!("{mean:.2} ms late on average, sd {sd:.2} ({least:.2} to {most:.2} ms)"))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
