//! The first screen: what was found, in words, before anything else. Every report opens with it.

use temblor_history::{CheckReport, Outcome, Verdict};

use crate::digest::Digest;
use crate::{rfc3339, words};

/// What the first screen says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FirstScreen {
    /// `pass`, `violation`, `inconclusive` or `error`: class and icon.
    pub(crate) outcome: String,
    pub(crate) title: String,
    /// The plan expected this violation.
    pub(crate) expected: bool,
    /// Plan, start and length.
    pub(crate) subtitle: String,
    pub(crate) sentence: String,
    /// Why a run is inconclusive or an error, one reason a line.
    pub(crate) reasons: Vec<String>,
    /// `Claimed`, `Found` and `Certainty` with their words.
    pub(crate) claims: Vec<(&'static str, String)>,
    pub(crate) strip: Vec<Sign>,
    pub(crate) command: String,
    /// Versions and fingerprints beside the command.
    pub(crate) versions: String,
}

/// One statement on the run's validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sign {
    pub(crate) good: bool,
    pub(crate) text: String,
}

impl Sign {
    fn new(good: bool, text: impl Into<String>) -> Self {
        Self { good, text: text.into() }
    }
}

pub(crate) fn first_screen(digest: &Digest<'_>) -> FirstScreen {
    let (manifest, verdict) = (&digest.run.manifest, &digest.run.verdict);
    FirstScreen {
        outcome: verdict.verdict.to_string(),
        title: verdict.title.clone(),
        expected: verdict.expected,
        subtitle: subtitle(digest),
        sentence: digest.sentence(&verdict.sentence),
        reasons: reasons(verdict),
        claims: claims(verdict),
        strip: strip(digest),
        command: manifest.command.clone(),
        versions: format!(
            "temblor {} · {} · plan {} · seed {}",
            manifest.version,
            format!("{} {}", manifest.system.name, manifest.system.version).trim_end(),
            manifest.plan.fingerprint,
            manifest.seed
        ),
    }
}

fn subtitle(digest: &Digest<'_>) -> String {
    let manifest = &digest.run.manifest;
    let length = match manifest.duration_ns {
        Some(length) => words::duration(length),
        None => "cut short".to_owned(),
    };
    let started = rfc3339::readable(&manifest.started);
    format!("{} · {started} · {length}", manifest.plan.name)
}

fn reasons(verdict: &Verdict) -> Vec<String> {
    let undecided = verdict.checks.iter().filter(|check| check.verdict == Outcome::Inconclusive);
    let undecided = undecided.filter_map(|check| {
        check.reason.as_ref().map(|reason| format!("{}: {reason}", check.consistency))
    });
    let gates = verdict.gates.iter().filter(|gate| !gate.holds);
    let gates = gates.map(|gate| format!("{}: {}", gate.name, gate.detail));
    let errors = verdict.errors.iter().cloned();
    match verdict.verdict {
        Outcome::Pass => Vec::new(),
        Outcome::Inconclusive => undecided.chain(gates).collect(),
        // A violation stands by itself; what else went wrong is shown with it.
        Outcome::Error | Outcome::Violation => errors.collect(),
    }
}

fn claims(verdict: &Verdict) -> Vec<(&'static str, String)> {
    let mut claims = Vec::new();
    if !verdict.claimed.is_empty() {
        claims.push(("Claimed", words::listed(&verdict.claimed)));
    }
    let found = match (verdict.found.as_slice(), verdict.verdict) {
        ([], Outcome::Pass) => "nothing against it".to_owned(),
        ([], Outcome::Error) => "nothing: the harness failed".to_owned(),
        ([], _) => "nothing, which proves little here".to_owned(),
        (found, _) => words::listed(found),
    };
    claims.push(("Found", found));
    claims.extend(certainty(&verdict.checks).map(|words| ("Certainty", words.to_owned())));
    claims
}

fn certainty(checks: &[CheckReport]) -> Option<&'static str> {
    let anomalies = || checks.iter().flat_map(|check| &check.anomalies);
    anomalies().next()?;
    Some(if anomalies().any(|anomaly| anomaly.definite) {
        "definite: it rests on answers alone"
    } else {
        "possible: it rests on operations whose outcome nobody knows"
    })
}

fn strip(digest: &Digest<'_>) -> Vec<Sign> {
    let mut strip = vec![operations(digest)];
    strip.extend(faults(digest));
    strip.push(checked(&digest.run.verdict));
    strip.extend(gates(&digest.run.verdict));
    let kept = |held: bool| {
        digest.run.verdict.expectations.iter().filter(move |expected| expected.holds == held)
    };
    let broken: Vec<String> = kept(false).map(|expected| expected.name.clone()).collect();
    if !broken.is_empty() {
        strip.push(Sign::new(false, format!("not kept: {}", broken.join(", "))));
    } else if kept(true).next().is_some() {
        strip.push(Sign::new(true, "every other expectation kept"));
    }
    let failures = digest.server_failures().len() as u64;
    if failures > 0 {
        strip.push(Sign::new(false, words::counted(failures, "server failure")));
    }
    strip
}

fn operations(digest: &Digest<'_>) -> Sign {
    let counts = &digest.run.verdict.counts;
    let all = counts.ok + counts.refused + counts.fail + counts.info;
    let text = format!(
        "{}: {} ok · {} refused · {} failed · {} unknown · {} shed",
        words::counted(all, "operation"),
        words::count(counts.ok),
        words::count(counts.refused),
        words::count(counts.fail),
        words::count(counts.info),
        words::count(counts.shed)
    );
    Sign::new(counts.ok > 0, text)
}

fn faults(digest: &Digest<'_>) -> Vec<Sign> {
    let counts = digest.fault_counts();
    if counts.due == 0 {
        return vec![Sign::new(true, "no faults planned")];
    }
    let verified =
        format!("{} of {} verified", counts.verified, words::counted(counts.due, "fault"));
    let clean = if counts.clean == counts.began {
        "all healed, verified clean".to_owned()
    } else {
        format!("{} of {} not verified clean", counts.began - counts.clean, counts.began)
    };
    vec![
        Sign::new(counts.verified == counts.due, verified),
        Sign::new(counts.clean == counts.began, clean),
    ]
}

fn checked(verdict: &Verdict) -> Sign {
    if verdict.checks.is_empty() {
        return Sign::new(false, "nothing was checked");
    }
    let seconds: f64 = verdict.checks.iter().map(|check| check.seconds).sum();
    let time = words::duration((seconds * 1e9) as i64);
    let decided = |check: &CheckReport| match check.verdict {
        Outcome::Pass => check.complete,
        Outcome::Violation => true,
        Outcome::Inconclusive | Outcome::Error => false,
    };
    let open = verdict.checks.iter().filter(|check| !decided(check)).count();
    match open {
        0 => Sign::new(true, format!("checked completely in {time}")),
        _ => Sign::new(false, format!("not decided: {open} of {} checks", verdict.checks.len())),
    }
}

fn gates(verdict: &Verdict) -> Option<Sign> {
    let all = verdict.gates.len();
    let failed: Vec<String> =
        verdict.gates.iter().filter(|gate| !gate.holds).map(|gate| gate.name.clone()).collect();
    match (all, failed.as_slice()) {
        (0, _) => None,
        (_, []) => Some(Sign::new(true, format!("all {all} validity gates hold"))),
        _ => Some(Sign::new(false, format!("validity gates failed: {}", failed.join(", ")))),
    }
}
