//! What becomes of the packets of one directed link, as one fault wants it.

use std::time::Duration;

/// How the random part of a delay is spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Distribution {
    /// No random part: every packet is late by `delay`.
    Fixed,
    /// Uniform in `delay ± jitter`.
    #[default]
    Uniform,
    /// Normal with mean `delay` and standard deviation `jitter`, never less than nothing.
    Normal,
    /// Never less than `delay`, and `jitter` later on average, with a heavy tail (Lomax with
    /// shape 3: one packet of a thousand is 18 jitters late).
    Pareto,
}

/// Losses that come in bursts: the channel of Gilbert and Elliott in continuous time. It is bad
/// for a while, good for a while, both exponentially long, and loses packets only while bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// How long a burst lasts on average.
    pub lasts: Duration,
    /// Share of packets lost while one lasts.
    pub loss: f64,
}

/// So many bits pass a second; what comes faster waits, and what would wait too long is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Bits a second, Ethernet headers included.
    pub bits: u64,
    /// The longest that a packet waits for its turn.
    pub queue: Duration,
}

/// A link that goes down and comes up again. Each time lasts between half and one and a half of
/// its mean, as the seed says. It begins with the link down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flap {
    /// How long it is down on average.
    pub down: Duration,
    /// How long it is up on average.
    pub up: Duration,
}

/// What one fault does to the packets of one directed link. The default passes everything at once.
///
/// The clauses act in the order of the fields: what is dropped can't be damaged, and of a packet
/// that comes twice each copy has its own delay. Faults on one link act like wires joined end to
/// end, in the order in which they began ([`Path`](crate::Path)): any cut cuts, losses are
/// independent, delays add up, of two rates the lower decides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LinkPolicy {
    /// Nothing passes.
    pub drop: bool,
    /// Nothing passes for a while, everything for a while, and so on.
    pub flap: Option<Flap>,
    /// Share of packets lost, 0 to 1, each by its own lot unless there are bursts.
    pub loss: f64,
    /// Losses come in bursts; `loss` is then their share on average.
    pub burst: Option<Burst>,
    /// Share of packets with a flipped bit, which the receiver's checksum finds.
    pub corrupt: f64,
    /// Share of packets with a flipped bit of their payload and a checksum that is right again.
    pub corrupt_silently: f64,
    /// Share of packets that come twice.
    pub duplicate: f64,
    /// So much passes a second.
    pub rate: Option<RateLimit>,
    /// How much later every packet arrives.
    pub delay: Duration,
    /// The random part of the delay; order is kept within a flow.
    pub jitter: Duration,
    /// How the random part is spread.
    pub distribution: Distribution,
    /// Share of packets that are held back by `reorder_by`, so that later ones of their flow
    /// overtake them.
    pub reorder: f64,
    /// How long these are held back.
    pub reorder_by: Duration,
}

impl LinkPolicy {
    /// A link that is cut.
    pub fn cut() -> Self {
        Self { drop: true, ..Self::default() }
    }

    /// Whether single packets fare differently, so that the switch has to see each one.
    pub fn is_per_packet(&self) -> bool {
        let Self { drop: _, flap: _, delay, jitter, distribution: _, reorder_by: _, .. } = self;
        let shares = [self.loss, self.corrupt, self.corrupt_silently, self.duplicate, self.reorder];
        shares.iter().any(|share| *share > 0.0)
            || self.rate.is_some()
            || !delay.is_zero()
            || !jitter.is_zero()
    }

    /// Whether packets are late by it.
    pub fn delays(&self) -> bool {
        !self.delay.is_zero() || !self.jitter.is_zero()
    }

    /// Whether some packets are held back by it.
    pub fn held_back(&self) -> bool {
        self.reorder > 0.0
    }

    /// The longest delay that is likely: one packet in ten thousand is later.
    pub fn slowest(&self) -> Duration {
        let tail = match self.distribution {
            Distribution::Fixed => 0.0,
            Distribution::Uniform => 1.0,
            Distribution::Normal => 4.0,
            Distribution::Pareto => 42.0,
        };
        let held = if self.reorder > 0.0 { self.reorder_by } else { Duration::ZERO };
        let queue = self.rate.map_or(Duration::ZERO, |rate| rate.queue);
        self.delay + self.jitter.mul_f64(tail) + held + queue
    }
}

impl LinkPolicy {
    /// What it does, each clause in a few words: `delay 50ms ± 10ms`, `loss 5%`.
    pub fn details(&self) -> Vec<String> {
        let share = |name: &str, share: f64| {
            (share > 0.0).then(|| format!("{name} {}%", (share * 1e5).round() / 1e3))
        };
        let held = self.held_back().then(|| format!(" by {:?}", self.reorder_by));
        let clauses = [
            self.drop.then(|| "nothing passes".to_owned()),
            self.flap.map(|flap| format!("flapping: {:?} down, {:?} up", flap.down, flap.up)),
            self.delay_words(),
            share("loss", self.loss).map(|loss| loss + &self.burst_words()),
            share("corrupt", self.corrupt),
            share("corrupt silently", self.corrupt_silently),
            share("duplicate", self.duplicate),
            self.rate.map(|rate| format!("rate {}", bandwidth(rate.bits))),
            share("reorder", self.reorder).zip(held).map(|(share, held)| share + &held),
        ];
        clauses.into_iter().flatten().collect()
    }

    fn burst_words(&self) -> String {
        match self.burst {
            Some(Burst { lasts, loss }) if loss < 1.0 => {
                format!(" in bursts of {lasts:?} that lose {}%", loss * 100.0)
            }
            Some(Burst { lasts, .. }) => format!(" in bursts of {lasts:?}"),
            None => String::new(),
        }
    }

    fn delay_words(&self) -> Option<String> {
        let (delay, jitter) = (self.delay, self.jitter);
        self.delays().then(|| match self.distribution {
            _ if jitter.is_zero() => format!("delay {delay:?}"),
            Distribution::Fixed | Distribution::Uniform => format!("delay {delay:?} ± {jitter:?}"),
            Distribution::Normal => format!("delay {delay:?} ± {jitter:?} normal"),
            Distribution::Pareto => format!("delay {delay:?} + {jitter:?} pareto"),
        })
    }
}

/// Bits a second as a plan writes them.
fn bandwidth(bits: u64) -> String {
    let units = [(1_000_000_000, "Gbit/s"), (1_000_000, "Mbit/s"), (1_000, "kbit/s"), (1, "bit/s")];
    let (size, unit) = units.into_iter().find(|(size, _)| bits >= *size).unwrap_or((1, "bit/s"));
    format!("{}{unit}", bits as f64 / size as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_read_well() {
        let ms = Duration::from_millis;
        let base =
            LinkPolicy { delay: ms(50), jitter: ms(20), loss: 0.125, ..LinkPolicy::default() };
        assert_eq!(base.details(), ["delay 50ms ± 20ms", "loss 12.5%"]);
        let policy = LinkPolicy {
            distribution: Distribution::Pareto,
            burst: Some(Burst { lasts: ms(30), loss: 0.8 }),
            rate: Some(RateLimit { bits: 1_500_000, queue: ms(200) }),
            flap: Some(Flap { down: ms(500), up: ms(1500) }),
            reorder: 0.1,
            reorder_by: ms(10),
            ..base
        };
        let wanted = [
            "flapping: 500ms down, 1.5s up",
            "delay 50ms + 20ms pareto",
            "loss 12.5% in bursts of 30ms that lose 80%",
            "rate 1.5Mbit/s",
            "reorder 10% by 10ms",
        ];
        assert_eq!(policy.details(), wanted);
        assert_eq!(LinkPolicy::cut().details(), ["nothing passes"]);
    }

    #[test]
    fn cuts_and_flaps_leave_large_frames_alone() {
        let flap = Some(Flap { down: Duration::from_secs(1), up: Duration::from_secs(1) });
        assert!(!LinkPolicy { flap, ..LinkPolicy::cut() }.is_per_packet());
        assert!(LinkPolicy { corrupt: 0.1, ..LinkPolicy::default() }.is_per_packet());
        assert!(
            LinkPolicy { delay: Duration::from_millis(1), ..LinkPolicy::default() }.is_per_packet()
        );
    }
}
