//! Which datagrams it takes to see what a link does: so many that the absence of each clause would
//! show but once in a million.

use std::time::Duration;

use temblor_faults::{Hop, Outages};

use crate::cluster::{
    message::Aim,
    prober::{HEADERS, LENGTH, LONGEST},
};

/// Datagrams that show whether a link passes anything at all.
pub(in crate::cluster) const FEW: u32 = 5;
/// Datagrams that show a distribution.
const MANY: u32 = 200;
/// The least expected number of hits: none of them but once in ten millions.
const HITS: f64 = 17.0;
/// The most datagrams of a kind; plans don't ask for what would need more.
const MOST: u32 = 17_000;
/// The time that datagrams share, unless they take longer.
const WINDOW: Duration = Duration::from_millis(200);
/// Between two datagrams of a few.
const APART_US: u64 = 1000;
/// What one datagram costs the machine, all in all.
const EACH_US: u64 = 50;
/// From a datagram's leaving to its fate, at most: within this of a change nothing is certain.
pub(in crate::cluster) const UNSURE_NS: i64 = 5_000_000;
/// Certain time, bad or good, that datagrams have to fall into.
const CERTAIN_NS: i64 = 40_000_000;
/// How far ahead times are looked for.
const AHEAD_NS: i64 = 30_000_000_000;
/// How long a flood takes at the rate that it is to show, and how much is in it.
const FLOOD_SECONDS: f64 = 0.15;
const FLOOD: u32 = 300;
/// On a link with a rate, single datagrams take at most half of it, and at most so long.
const LIMITED: Duration = Duration::from_secs(2);

impl Aim {
    /// Sees whether anything passes.
    pub(in crate::cluster) fn few() -> Self {
        Self { single: FEW, spacing_us: APART_US, ..Self::default() }
    }

    /// Sees what each of these hops does, or no longer does.
    pub(in crate::cluster) fn at(hops: &[Hop], now_ns: i64) -> Self {
        if hops.is_empty() || hops.iter().all(|hop| hop.policy.drop) {
            return Self::few();
        }
        let single = hops.iter().map(single).max().unwrap_or(FEW);
        let mut window_us = WINDOW.as_micros() as u64;
        for outages in hops.iter().flat_map(|hop| [hop.flaps(), hop.bursts()]).flatten() {
            window_us = window_us.max((certain_at_ns(outages, now_ns) - now_ns) as u64 / 1000);
        }
        // One a millisecond, where times are to be seen.
        let timed = hops.iter().any(|hop| hop.policy.flap.is_some() || hop.policy.burst.is_some());
        let single = if timed { single.max((window_us / APART_US) as u32) } else { single };
        let spacing_us = match single {
            FEW => APART_US,
            _ => (window_us / u64::from(single)).max(EACH_US),
        };
        let reorder = hops.iter().map(|hop| hop.policy.reorder).fold(0.0, f64::max);
        let stream = if reorder > 0.0 { needed(reorder).max(100) } else { 0 };
        let aim = Self { single, spacing_us, stream, ..Self::default() };
        let rate = hops.iter().filter_map(|hop| hop.policy.rate).map(|rate| rate.bits).min();
        rate.map_or(aim, |bits| aim.limited(bits))
    }

    /// Slow enough for a link with a rate, and a flood that shows it.
    fn limited(self, bits: u64) -> Self {
        let one_us = ((HEADERS + LENGTH) * 8) as u64 * 1_000_000 / bits.max(1);
        let spacing_us = self.spacing_us.max(2 * one_us);
        let room = (LIMITED.as_micros() as u64 / spacing_us.max(1)) as u32;
        let bytes = bits as f64 * FLOOD_SECONDS / 8.0;
        let length = (bytes / f64::from(FLOOD)) as usize;
        let length = length.clamp(HEADERS + LENGTH, HEADERS + LONGEST) - HEADERS;
        Self {
            single: self.single.min(room.max(30)),
            spacing_us,
            flood: (bytes / (length + HEADERS) as f64).clamp(10.0, f64::from(FLOOD)) as u32,
            flood_bytes: length as u32,
            ..self
        }
    }

    /// The same with more time between single datagrams.
    pub(in crate::cluster) fn stretched(self, factor: f64) -> Self {
        Self { spacing_us: (self.spacing_us as f64 * factor) as u64, ..self }
    }

    /// When the last datagram leaves, after the first.
    pub(in crate::cluster) fn lasts(&self) -> Duration {
        Duration::from_micros(self.leaves_us(self.count().saturating_sub(1)))
    }

    /// Whether more than a few are sent, to see more than whether anything passes.
    pub(in crate::cluster) fn is_close(&self) -> bool {
        self.single > FEW || self.stream > 0 || self.flood > 0
    }
}

/// How much time all these datagrams need beyond what they take, so that the machine keeps up.
pub(in crate::cluster) fn stretch<'a>(aims: impl Iterator<Item = &'a Aim> + Clone) -> f64 {
    let total = aims.clone().map(|aim| u64::from(aim.single) * EACH_US).sum::<u64>();
    let longest = aims.map(|aim| u64::from(aim.single) * aim.spacing_us).max();
    (total as f64 / longest.unwrap_or(1).max(1) as f64).max(1.0)
}

/// How many single datagrams show a hop's clauses.
fn single(hop: &Hop) -> u32 {
    let policy = &hop.policy;
    let loss = if policy.burst.is_some() { 0.0 } else { policy.loss };
    let shares = [loss, policy.corrupt, policy.corrupt_silently, policy.duplicate];
    let shares = shares.into_iter().filter(|share| *share > 0.0);
    let by_share = shares.map(needed).max().unwrap_or(FEW);
    let by_delay = if policy.delays() || policy.held_back() { MANY } else { FEW };
    by_share.max(by_delay)
}

fn needed(share: f64) -> u32 {
    ((HITS / share).ceil() as u32).clamp(MANY, MOST)
}

/// The moment by which both bad and good times have been long enough to be seen.
fn certain_at_ns(outages: Outages, now_ns: i64) -> i64 {
    let (mut bad_ns, mut good_ns) = (0, 0);
    for (bad, began, ends) in outages.times() {
        let sum = if bad { &mut bad_ns } else { &mut good_ns };
        let began = began.max(now_ns + UNSURE_NS);
        let lacking = CERTAIN_NS - *sum;
        *sum += (ends - UNSURE_NS - began).max(0);
        if bad_ns >= CERTAIN_NS && good_ns >= CERTAIN_NS {
            return began + lacking.max(0) + 2 * UNSURE_NS;
        }
        if began > now_ns + AHEAD_NS {
            break;
        }
    }
    now_ns + AHEAD_NS
}

#[cfg(test)]
mod tests {
    use temblor_faults::{Flap, LinkPolicy, RateLimit};

    use super::*;

    fn aim(change: impl Fn(&mut LinkPolicy)) -> Aim {
        let mut policy = LinkPolicy::default();
        change(&mut policy);
        Aim::at(&[Hop { policy, seed: 1, since_ns: 0 }], 0)
    }

    #[test]
    fn rare_things_need_many_datagrams() {
        assert_eq!(Aim::at(&[], 0), Aim::few());
        assert_eq!(aim(|policy| policy.drop = true), Aim::few());
        assert_eq!(aim(|policy| policy.loss = 0.1).single, 200);
        assert_eq!(aim(|policy| policy.loss = 0.01).single, 1700);
        assert_eq!(aim(|policy| policy.delay = Duration::from_millis(1)).single, 200);
        let reorder = aim(|policy| {
            (policy.reorder, policy.reorder_by) = (0.05, Duration::from_millis(10));
        });
        assert_eq!((reorder.single, reorder.stream, reorder.flood), (200, 340, 0));
    }

    #[test]
    fn a_rate_is_flooded_for_a_while_and_else_left_half_free() {
        for bits in [64_000, 1_000_000, 10_000_000, 500_000_000] {
            let queue = Duration::from_millis(200);
            let aim = aim(|policy| {
                policy.rate = Some(RateLimit { bits, queue });
                policy.loss = 0.1;
            });
            let load = ((LENGTH + HEADERS) * 8) as f64 * 1e6 / aim.spacing_us as f64;
            assert!(load <= bits as f64 * 0.51, "{bits}: {load}");
            let flood = aim.flood * (aim.flood_bytes + HEADERS as u32) * 8;
            assert!(f64::from(flood) / bits as f64 >= 0.006, "{bits}: {aim:?}");
            assert!(aim.lasts() <= Duration::from_secs(3), "{bits}: {aim:?}");
        }
    }

    #[test]
    fn flapping_links_are_watched_down_and_up() {
        let flap = Flap { down: Duration::from_millis(300), up: Duration::from_millis(700) };
        let hop = Hop {
            policy: LinkPolicy { flap: Some(flap), ..LinkPolicy::default() },
            seed: 4,
            since_ns: 0,
        };
        let down_ends = hop.flaps().unwrap().times().next().unwrap().2;
        let lasts = Aim::at(&[hop], 0).lasts().as_nanos() as i64;
        assert!(lasts > down_ends + CERTAIN_NS && lasts < down_ends + 2 * CERTAIN_NS);
    }
}
