//! What a plan says of bad links: `link` and its short forms, resolved into a policy.
//!
//! Bounds are those within which an effect can be shown to be there: what is rarer, shorter or
//! faster than they say could pass for nothing.

use std::time::Duration;

use temblor_faults::{Burst, Distribution, Flap, LinkPolicy, RateLimit};

use crate::plan::{diagnostic::Diagnostic, form::Fields, scalar::written, source::Span};

/// The shortest delay that differs from what a busy machine does by itself.
const LEAST_DELAY: Duration = Duration::from_millis(1);
/// Rarer things would take too many packets to be seen.
const LEAST_SHARE: f64 = 0.001;
const REORDER: (f64, f64) = (0.01, 0.5);
const REORDER_BY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));
const BURST: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// From burst to burst, on average.
const BETWEEN_BURSTS: Duration = Duration::from_secs(3);
const LEAST_BURST_LOSS: f64 = 0.3;
const RATE: (u64, u64) = (64_000, 500_000_000);
const QUEUE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(10));
/// So many bits a second let one packet pass that shows a share, in the time that there is.
const RATE_FOR_A_PACKET: f64 = 1_200.0;
/// So many packets show a share of one.
const PACKETS: f64 = 17.0;
const FLAP: (Duration, Duration) = (Duration::from_millis(400), Duration::from_secs(5));
const FLAP_DOWN: (f64, f64) = (0.1, 0.9);

/// Resolves the policy of a fault called `name`; what is wrong with it is reported.
pub(super) fn policy(
    name: &str,
    name_span: &Span,
    fields: &Fields,
    diagnostics: &mut Vec<Diagnostic>,
) -> LinkPolicy {
    let mut resolver = Resolver { name_span, fields, diagnostics };
    let mut policy = resolver.lateness(name == "slow");
    resolver.losses(&mut policy);
    resolver.damage(&mut policy);
    resolver.order(&mut policy);
    resolver.rate(&mut policy);
    resolver.flaps(&mut policy);
    if fields.whole() && policy == LinkPolicy::default() {
        let help = match name {
            "flaky" => "give it a `flap`",
            _ => "give it, for example, a `delay` or a `loss`",
        };
        resolver.error(name_span, format!("this `{name}` does nothing"), help);
    }
    policy
}

struct Resolver<'r> {
    name_span: &'r Span,
    fields: &'r Fields,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn error(&mut self, at: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(at, message).help(help.into()));
    }

    /// Where a value stands; the fault's name for one that isn't there.
    fn at(&self, field: &str) -> Span {
        self.fields.given(field).map_or(self.name_span, |given| &given.span).clone()
    }

    /// A share that is nothing or large enough to be seen.
    fn share(&mut self, field: &str) -> f64 {
        let share = self.fields.share(field).unwrap_or_default();
        if share > 0.0 && share < LEAST_SHARE {
            let message = format!("`{field}` is too rare to be seen");
            let help = format!("give {}% or more", LEAST_SHARE * 100.0);
            self.error(&self.at(field), message, help);
        }
        share
    }

    /// A key that means nothing without another one.
    fn needs(&mut self, field: &str, other: &str, help: &str) {
        let is_there = self.fields.key(other).is_some() || self.fields.value(other).is_some();
        if let (Some(key), false) = (self.fields.key(field).cloned(), is_there)
            && !self.fields.unread.iter().any(|unread| unread == other)
        {
            self.error(&key, format!("`{field}` needs `{other}`"), help);
        }
    }

    fn bounded(&mut self, field: &str, value: Duration, (least, most): (Duration, Duration)) {
        if value < least || value > most {
            let message = format!("`{field}` can't be {}", written(value));
            let help = format!("give {} to {}", written(least), written(most));
            self.error(&self.at(field), message, help);
        }
    }

    fn lateness(&mut self, is_slow: bool) -> LinkPolicy {
        let delay = self.fields.duration("delay").unwrap_or_default();
        let usual = if is_slow { delay / 5 } else { Duration::ZERO };
        let jitter = self.fields.duration("jitter").unwrap_or(usual);
        let distribution = match self.fields.text("distribution") {
            Some("fixed") => Distribution::Fixed,
            Some("normal") => Distribution::Normal,
            Some("pareto") => Distribution::Pareto,
            _ => Distribution::Uniform,
        };
        let policy = LinkPolicy { delay, jitter, distribution, ..LinkPolicy::default() };
        self.check_lateness(&policy);
        match distribution {
            Distribution::Fixed => LinkPolicy { jitter: Duration::ZERO, ..policy },
            _ => policy,
        }
    }

    fn check_lateness(&mut self, policy: &LinkPolicy) {
        let LinkPolicy { delay, jitter, distribution, .. } = *policy;
        if !self.fields.whole() {
            return;
        }
        let jitter_given = self.fields.key("jitter").is_some();
        if !delay.is_zero() && delay < LEAST_DELAY {
            let message = format!("a delay of {} is too short to be seen", written(delay));
            self.error(
                &self.at("delay"),
                message,
                format!("give {} or more", written(LEAST_DELAY)),
            );
        }
        if distribution == Distribution::Fixed && jitter_given && !jitter.is_zero() {
            let help = "leave out the `jitter`, or choose `uniform`, `normal` or `pareto`";
            self.error(&self.at("jitter"), "a `fixed` delay has no jitter", help);
        } else if distribution == Distribution::Uniform && jitter > delay {
            let help = "the delay is uniform in delay ± jitter, and can't be less than nothing";
            self.error(&self.at("jitter"), "the jitter is larger than the delay", help);
        } else if distribution == Distribution::Normal && jitter > delay {
            let help = "half of the packets would not be late at all: give a `delay`, too";
            self.error(&self.at("jitter"), "the jitter is larger than the delay", help);
        } else if distribution == Distribution::Pareto
            && delay.is_zero()
            && jitter < 2 * LEAST_DELAY
        {
            let help =
                format!("give a `delay`, or a jitter of {} or more", written(2 * LEAST_DELAY));
            self.error(&self.at("distribution"), "this `pareto` is too short to be seen", help);
        }
        if self.fields.key("distribution").is_some()
            && distribution != Distribution::Fixed
            && jitter.is_zero()
        {
            let help = "say how far it is spread: `jitter: 10ms`";
            self.error(&self.at("distribution"), "a `distribution` needs a `jitter`", help);
        }
    }

    fn losses(&mut self, policy: &mut LinkPolicy) {
        policy.loss = self.share("loss");
        self.needs("burst", "loss", "say how many packets are lost in all: `loss: 10%`");
        self.needs("burst-loss", "burst", "say how long a burst lasts: `burst: 50ms`");
        let Some(lasts) = self.fields.duration("burst") else { return };
        self.bounded("burst", lasts, BURST);
        let loss = self.fields.share("burst-loss").unwrap_or(1.0);
        policy.burst = Some(Burst { lasts, loss });
        if loss < LEAST_BURST_LOSS {
            let help = format!("give {}% or more", LEAST_BURST_LOSS * 100.0);
            self.error(&self.at("burst-loss"), "so small a loss is no burst", help);
        } else if policy.loss >= loss {
            let help = format!("let `loss`, of all packets, be less than {}%", loss * 100.0);
            self.error(&self.at("loss"), "with so many losses there are no bursts", help);
        } else if policy.loss > 0.0 && lasts.mul_f64(loss / policy.loss) > BETWEEN_BURSTS {
            let most = BETWEEN_BURSTS.mul_f64(policy.loss / loss);
            let help = format!(
                "at this loss give a `burst` of {} or less",
                written(Duration::from_millis(most.as_millis() as u64))
            );
            self.error(&self.at("burst"), "the bursts are too rare to be seen", help);
        }
    }

    fn damage(&mut self, policy: &mut LinkPolicy) {
        policy.corrupt = self.share("corrupt");
        policy.corrupt_silently = self.share("corrupt-silently");
        policy.duplicate = self.share("duplicate");
    }

    fn order(&mut self, policy: &mut LinkPolicy) {
        let reorder = self.fields.share("reorder").unwrap_or_default();
        if self.fields.value("reorder").is_none() {
            return self.needs("reorder-by", "reorder", "say how many: `reorder: 10%`");
        }
        let by = self.fields.duration("reorder-by").unwrap_or_default();
        if reorder > 0.0 && (reorder < REORDER.0 || reorder > REORDER.1) {
            let help = format!("give {}% to {}%", REORDER.0 * 100.0, REORDER.1 * 100.0);
            self.error(
                &self.at("reorder"),
                "so few or so many can't be seen to be overtaken",
                help,
            );
        }
        if reorder > 0.0 {
            self.bounded("reorder-by", by, REORDER_BY);
            (policy.reorder, policy.reorder_by) = (reorder, by);
        }
    }

    fn rate(&mut self, policy: &mut LinkPolicy) {
        let Some(bits) = self.fields.count("rate") else {
            return self.needs("queue", "rate", "say how much passes: `rate: 10Mbit/s`");
        };
        if bits < RATE.0 || bits > RATE.1 {
            let help = "give 64kbit/s to 500Mbit/s";
            self.error(&self.at("rate"), "so low or so high a rate can't be seen", help);
        }
        let queue = self.fields.duration("queue").unwrap_or_default();
        self.bounded("queue", queue, QUEUE);
        policy.rate = Some(RateLimit { bits, queue });
        let loss = if policy.burst.is_some() { 0.0 } else { policy.loss };
        let shares = [loss, policy.corrupt, policy.corrupt_silently, policy.duplicate];
        let rarest = shares.into_iter().filter(|share| *share > 0.0).reduce(f64::min);
        let seen = |share: f64| bits as f64 / RATE_FOR_A_PACKET * share >= PACKETS;
        if let Some(rarest) = rarest.filter(|share| !seen(*share)) {
            let message =
                format!("at this rate {}% of the packets are too few to be seen", rarest * 100.0);
            let least = (PACKETS * RATE_FOR_A_PACKET / rarest / 1000.0).ceil();
            self.error(&self.at("rate"), message, format!("give a rate of {least}kbit/s or more"));
        }
    }

    fn flaps(&mut self, policy: &mut LinkPolicy) {
        let Some(cycle) = self.fields.duration("flap") else {
            return self.needs(
                "flap-down",
                "flap",
                "say how long down and up take together: `flap: 2s`",
            );
        };
        let share = self.fields.share("flap-down").unwrap_or_default();
        self.bounded("flap", cycle, FLAP);
        if share < FLAP_DOWN.0 || share > FLAP_DOWN.1 {
            let help = format!("give {}% to {}%", FLAP_DOWN.0 * 100.0, FLAP_DOWN.1 * 100.0);
            self.error(&self.at("flap-down"), "such a link hardly flaps", help);
        }
        let down = cycle.mul_f64(share);
        let least = Duration::from_millis(100);
        if down < least || cycle.saturating_sub(down) < least {
            let help = "let it be down, and up, for 100ms or more";
            self.error(&self.at("flap"), "the link flaps too fast to be seen", help);
        }
        policy.flap = Some(Flap { down, up: cycle.saturating_sub(down) });
    }
}
