//! What a fault needs of the links between machines.

use std::time::Duration;

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// A node, by name.
    Node(String),
    /// All clients, wherever they are pinned.
    Clients,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Clients => f.write_str("clients"),
        }
    }
}

/// What becomes of the packets of one directed link. The default passes everything at once.
///
/// Policies of several faults on one link compose: any `drop` drops, losses are independent,
/// delays add up, and so do jitters.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LinkPolicy {
    /// Nothing passes.
    pub drop: bool,
    /// Fixed part of the delay.
    pub delay: Duration,
    /// Random part: the delay is uniform in `delay ± jitter`; order is kept within a flow.
    pub jitter: Duration,
    /// Share of packets lost, 0 to 1.
    pub loss: f64,
}

impl LinkPolicy {
    /// What two faults on one link make of it.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            drop: self.drop || other.drop,
            delay: self.delay + other.delay,
            jitter: self.jitter + other.jitter,
            loss: 1.0 - (1.0 - self.loss) * (1.0 - other.loss),
        }
    }

    /// In a few words each; a reader's durations.
    pub fn details(&self) -> Vec<String> {
        let delayed = self.delay > Duration::ZERO || self.jitter > Duration::ZERO;
        let jitter = match self.jitter {
            Duration::ZERO => String::new(),
            jitter => format!(" ± {jitter:?}"),
        };
        let loss = (self.loss * 1e4).round() / 1e2;
        [
            self.drop.then(|| "nothing passes".to_owned()),
            delayed.then(|| format!("delay {:?}{jitter}", self.delay)),
            (loss > 0.0).then(|| format!("loss {loss}%")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether single packets fare differently, so that the switch has to see each one.
    pub fn is_per_packet(&self) -> bool {
        self.loss > 0.0 || !self.delay.is_zero() || !self.jitter.is_zero()
    }
}

/// The links of a cluster, as a fault changes them. Implemented by the harness.
pub trait Links {
    /// Puts a policy on the directed link, in the name of `occurrence`.
    fn set(&mut self, occurrence: &str, from: &Port, to: &Port, policy: LinkPolicy);
    /// Takes away every policy that was put in the name of `occurrence`.
    fn clear(&mut self, occurrence: &str);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_read_well() {
        let ms = Duration::from_millis;
        let policy =
            LinkPolicy { delay: ms(50), jitter: ms(20), loss: 0.125, ..LinkPolicy::default() };
        assert_eq!(policy.details(), ["delay 50ms ± 20ms", "loss 12.5%"]);
    }

    #[test]
    fn policies_compose() {
        let ms = Duration::from_millis;
        let slow = LinkPolicy { delay: ms(50), jitter: ms(10), loss: 0.5, ..LinkPolicy::default() };
        let cut = LinkPolicy { drop: true, delay: ms(2), loss: 0.5, ..LinkPolicy::default() };
        let both = LinkPolicy { drop: true, delay: ms(52), jitter: ms(10), loss: 0.75 };
        assert_eq!(slow.and(cut), both);
        assert_eq!(slow.and(LinkPolicy::default()), slow);
        assert!(!LinkPolicy { drop: true, ..LinkPolicy::default() }.is_per_packet());
    }
}
