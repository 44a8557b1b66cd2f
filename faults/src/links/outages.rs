//! Times that are bad and good in turn: bursts of losses, and links that flap.
//!
//! They depend on the seed and on when they began alone, so that whoever looks at what a link did
//! can know when it was bad.

use super::{Burst, Flap, dice::Dice};

/// How long the times are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    /// Exponential.
    Exponential,
    /// Uniform between half and one and a half of the mean.
    Around,
}

/// Bad and good times from a moment on; the first is bad.
#[derive(Debug, Clone, PartialEq)]
pub struct Outages {
    length: Length,
    /// Means of bad and good times, nanoseconds.
    bad_ns: f64,
    good_ns: f64,
    dice: Dice,
    /// The current time.
    bad: bool,
    began_ns: i64,
    ends_ns: i64,
}

impl Outages {
    /// Of a link that flaps from `since_ns` on.
    pub fn of_flap(flap: &Flap, seed: u64, since_ns: i64) -> Self {
        let (bad, good) = (flap.down.as_nanos() as f64, flap.up.as_nanos() as f64);
        Self::new(Length::Around, bad, good, seed, since_ns)
    }

    /// Of bursts that make up `loss` of all packets on average.
    pub fn of_bursts(burst: &Burst, loss: f64, seed: u64, since_ns: i64) -> Self {
        let bad = burst.lasts.as_nanos() as f64;
        // The share of bad time that makes the loss.
        let share = (loss / burst.loss).min(1.0);
        Self::new(Length::Exponential, bad, bad * (1.0 - share) / share, seed, since_ns)
    }

    fn new(length: Length, bad_ns: f64, good_ns: f64, seed: u64, since_ns: i64) -> Self {
        let dice = Dice::new(seed);
        let mut outages = Self {
            length,
            bad_ns,
            good_ns,
            dice,
            bad: false,
            began_ns: since_ns,
            ends_ns: since_ns,
        };
        outages.turn();
        outages
    }

    /// Whether a moment is in a bad time; moments are asked for in order, and one before the
    /// current time counts to it.
    pub fn is_bad(&mut self, at_ns: i64) -> bool {
        while at_ns >= self.ends_ns {
            self.turn();
        }
        self.bad
    }

    /// The current time and all later ones, each as whether it is bad, its begin and its end.
    pub fn times(mut self) -> impl Iterator<Item = (bool, i64, i64)> {
        std::iter::from_fn(move || {
            let time = (self.bad, self.began_ns, self.ends_ns);
            self.turn();
            Some(time)
        })
    }

    fn turn(&mut self) {
        self.bad = !self.bad;
        let mean = if self.bad { self.bad_ns } else { self.good_ns };
        let times = match self.length {
            Length::Exponential => self.dice.exponential(),
            Length::Around => 0.5 + self.dice.unit(),
        };
        self.began_ns = self.ends_ns;
        // At least one, so that time goes on.
        self.ends_ns += ((mean * times) as i64).max(1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn bursts_make_up_their_share_and_are_as_long_as_they_should_be() {
        let burst = Burst { lasts: Duration::from_millis(20), loss: 0.8 };
        let mut outages = Outages::of_bursts(&burst, 0.08, 7, 0);
        let times = outages.clone().times();
        let bad: Vec<i64> = times.take(20_000).filter(|time| time.0).map(|t| t.2 - t.1).collect();
        let mean = bad.iter().sum::<i64>() as f64 / bad.len() as f64 / MS as f64;
        assert!((19.0..21.0).contains(&mean), "{mean} ms: the sd of the mean is 0.2");
        let sampled = 1_000_000;
        let hits = (0..sampled).filter(|at| outages.is_bad(at * MS)).count() as f64;
        let share = hits / sampled as f64;
        assert!((0.09..0.11).contains(&share), "{share} of the time is bad, and loses 80 %");
    }

    #[test]
    fn flaps_begin_with_down_and_keep_their_bounds() {
        let flap = Flap { down: Duration::from_millis(100), up: Duration::from_millis(300) };
        let outages = Outages::of_flap(&flap, 3, 5 * MS);
        let times: Vec<_> = outages.clone().times().take(1000).collect();
        assert!(times[0].0 && times[0].1 == 5 * MS);
        for (pair, (bad, began, ends)) in times.windows(2).zip(&times) {
            let mean = if *bad { 100 * MS } else { 300 * MS };
            assert!(pair[0].0 != pair[1].0 && pair[0].2 == pair[1].1);
            assert!((mean / 2..=mean * 3 / 2).contains(&(ends - began)));
        }
        assert_eq!(outages, Outages::of_flap(&flap, 3, 5 * MS), "the same for the same seed");
        let mut walked = outages;
        for (bad, began, ends) in times {
            assert!(walked.is_bad(began) == bad && walked.is_bad(ends - 1) == bad);
        }
    }
}
