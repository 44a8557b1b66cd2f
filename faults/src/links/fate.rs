//! From policies and a seed to the fate of each packet.
//!
//! Several faults on one link are hops in a row: a packet passes each in turn, in the order in
//! which they began, and each decides by its own dice. A packet's whole way is decided when it
//! comes, so that nothing has to be looked at again on the way.

use super::{Distribution, LinkPolicy, Outages, dice::Dice};

/// The shape of the pareto distribution: the least whole one whose variance is finite.
const PARETO_SHAPE: f64 = 3.0;

/// What one fault does to one link, from when on, and with which dice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hop {
    /// What it does.
    pub policy: LinkPolicy,
    /// The seed of its dice; also what tells hops of a link apart.
    pub seed: u64,
    /// When it began, nanoseconds of the clock that packets are stamped by.
    pub since_ns: i64,
}

impl Hop {
    /// When it is down, if it flaps.
    pub fn flaps(&self) -> Option<Outages> {
        let flap = self.policy.flap.as_ref()?;
        Some(Outages::of_flap(flap, self.seed ^ 1, self.since_ns))
    }

    /// When packets are lost, if they are lost in bursts.
    pub fn bursts(&self) -> Option<Outages> {
        let burst = self.policy.burst.as_ref()?;
        Some(Outages::of_bursts(burst, self.policy.loss, self.seed ^ 2, self.since_ns))
    }
}

/// A packet that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// When it has passed every hop.
    pub due_ns: i64,
    /// A bit is to be flipped; the number says which.
    pub corrupt: Option<u64>,
    /// A bit of the payload is to be flipped and the checksum made right; the number says which.
    pub corrupt_silently: Option<u64>,
    /// For so long of that it is held back, and others of its flow may overtake it.
    pub held_ns: i64,
    /// When it has waited for every rate: random delays don't make those behind it wait.
    turn_ns: i64,
}

impl Passage {
    /// Whether it is to be handed on as it came.
    pub fn is_whole(&self) -> bool {
        self.corrupt.is_none() && self.corrupt_silently.is_none()
    }
}

/// What becomes of a packet, or of one of its copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrives(Passage),
    /// The link is cut or down.
    Cut,
    /// Lost by the dice.
    Lost,
    /// Too much waits for a rate.
    Overflowed,
}

/// A hop and what it remembers.
#[derive(Debug, Clone)]
struct Walked {
    hop: Hop,
    dice: Dice,
    flaps: Option<Outages>,
    bursts: Option<Outages>,
    /// When everything that waits for the rate has gone.
    free_ns: i64,
}

/// All hops of one directed link.
#[derive(Debug, Clone, Default)]
pub struct Path {
    hops: Vec<Walked>,
}

impl Path {
    /// A way over these hops.
    pub fn new(hops: &[Hop]) -> Self {
        let mut path = Self::default();
        path.update(hops);
        path
    }

    /// Takes other hops; those that stay go on where they were.
    pub fn update(&mut self, hops: &[Hop]) {
        let mut old = std::mem::take(&mut self.hops);
        self.hops = hops
            .iter()
            .map(|hop| match old.iter().position(|walked| walked.hop == *hop) {
                Some(place) => old.swap_remove(place),
                None => Walked {
                    hop: *hop,
                    dice: Dice::new(hop.seed),
                    flaps: hop.flaps(),
                    bursts: hop.bursts(),
                    free_ns: hop.since_ns,
                },
            })
            .collect();
    }

    /// Whether every packet passes at once.
    pub fn is_clear(&self) -> bool {
        self.hops.is_empty()
    }

    /// Whether nothing passes now, whatever it is.
    pub fn is_cut(&self) -> bool {
        self.hops.iter().any(|walked| walked.hop.policy.drop)
    }

    /// Whether single packets fare differently.
    pub fn is_per_packet(&self) -> bool {
        self.hops.iter().any(|walked| walked.hop.policy.is_per_packet())
    }

    /// Decides what becomes of a packet of so many bytes that comes now: says it once, or once for
    /// each copy. Moments must not go back.
    pub fn pass(&mut self, bytes: usize, now_ns: i64, said: &mut impl FnMut(Fate)) {
        let passage = Passage {
            due_ns: now_ns,
            corrupt: None,
            corrupt_silently: None,
            held_ns: 0,
            turn_ns: now_ns,
        };
        walk(&mut self.hops, bytes, now_ns, passage, said);
    }
}

fn walk(
    hops: &mut [Walked],
    bytes: usize,
    now_ns: i64,
    mut passage: Passage,
    said: &mut impl FnMut(Fate),
) {
    let Some((hop, rest)) = hops.split_first_mut() else {
        return said(Fate::Arrives(passage));
    };
    if let Some(end) = hop.ends_here(now_ns) {
        return said(end);
    }
    let policy = hop.hop.policy;
    if hop.dice.hits(policy.corrupt) {
        passage.corrupt = Some(hop.dice.draw());
    }
    if hop.dice.hits(policy.corrupt_silently) {
        passage.corrupt_silently = Some(hop.dice.draw());
    }
    let copies = if hop.dice.hits(policy.duplicate) { 2 } else { 1 };
    for _ in 0..copies {
        match hop.carry(bytes, passage) {
            Some(carried) => walk(rest, bytes, now_ns, carried, said),
            None => said(Fate::Overflowed),
        }
    }
}

impl Walked {
    /// Whether a packet is cut off or lost here.
    fn ends_here(&mut self, now_ns: i64) -> Option<Fate> {
        let down = self.flaps.as_mut().is_some_and(|flaps| flaps.is_bad(now_ns));
        if self.hop.policy.drop || down {
            return Some(Fate::Cut);
        }
        let bad = self.bursts.as_mut().map(|bursts| bursts.is_bad(now_ns));
        let loss = match (bad, self.hop.policy.burst) {
            (Some(bad), Some(burst)) => {
                if bad {
                    burst.loss
                } else {
                    0.0
                }
            }
            _ => self.hop.policy.loss,
        };
        self.dice.hits(loss).then_some(Fate::Lost)
    }

    /// Waits for the rate, then is late; none: too much waits already.
    fn carry(&mut self, bytes: usize, mut passage: Passage) -> Option<Passage> {
        if let Some(rate) = self.hop.policy.rate {
            let begins_ns = passage.turn_ns.max(self.free_ns);
            if begins_ns - passage.turn_ns > rate.queue.as_nanos() as i64 {
                return None;
            }
            let takes_ns = bytes as u128 * 8 * 1_000_000_000 / u128::from(rate.bits.max(1));
            self.free_ns = begins_ns + takes_ns as i64;
            passage.due_ns += self.free_ns - passage.turn_ns;
            passage.turn_ns = self.free_ns;
        }
        passage.due_ns += delay_ns(&self.hop.policy, &mut self.dice);
        if self.dice.hits(self.hop.policy.reorder) {
            let held_ns = self.hop.policy.reorder_by.as_nanos() as i64;
            passage.due_ns += held_ns;
            passage.held_ns += held_ns;
        }
        Some(passage)
    }
}

/// A delay by the policy's distribution, never less than nothing.
fn delay_ns(policy: &LinkPolicy, dice: &mut Dice) -> i64 {
    let (delay, jitter) = (policy.delay.as_nanos() as i64, policy.jitter.as_nanos() as f64);
    if policy.jitter.is_zero() {
        return delay;
    }
    let offset = match policy.distribution {
        Distribution::Fixed => 0.0,
        Distribution::Uniform => jitter * (2.0 * dice.unit() - 1.0),
        Distribution::Normal => jitter * dice.normal(),
        // By inversion; scaled so that its mean is the jitter.
        Distribution::Pareto => {
            let tail = (1.0 - dice.unit()).powf(-1.0 / PARETO_SHAPE) - 1.0;
            jitter * (PARETO_SHAPE - 1.0) * tail
        }
    };
    (delay + offset as i64).max(0)
}

/// How late packets are that pass these hops, rates aside: so many samples, sorted, nanoseconds.
pub fn sampled_delays_ns(hops: &[Hop], samples: usize, seed: u64) -> Vec<i64> {
    let quiet = hops.iter().zip(1..).map(|(hop, place)| {
        let LinkPolicy { delay, jitter, distribution, reorder, reorder_by, .. } = hop.policy;
        let policy = LinkPolicy {
            delay,
            jitter,
            distribution,
            reorder,
            reorder_by,
            ..LinkPolicy::default()
        };
        Hop { policy, seed: seed ^ place, since_ns: 0 }
    });
    let mut path = Path::new(&quiet.collect::<Vec<_>>());
    let mut delays = Vec::with_capacity(samples);
    for _ in 0..samples {
        path.pass(0, 0, &mut |fate| {
            if let Fate::Arrives(passage) = fate {
                delays.push(passage.due_ns);
            }
        });
    }
    delays.sort_unstable();
    delays
}

#[cfg(test)]
#[path = "fate_tests.rs"]
mod tests;
