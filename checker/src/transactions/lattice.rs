//! Which level forbids what, and which follows from which: Adya's levels, Elle's names.
//!
//! The tables follow Elle's `consistency_model.clj`, which cites its sources row by row; where the
//! literature disagrees, that file decides here too. Three things are ours: `thin-air` counts as an
//! aborted read, anomalies of predicates are left out, since no micro-operation has any, and what
//! no order of versions explains at all (`no-serial-order`, `no-snapshots`) has names of its own.

mod table;

use table::SUFFICIENT;
pub(crate) use table::{ANOMALIES, LEVELS};

/// A consistency model of transactions.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) name: &'static str,
    /// Other names for it, which readers may look for.
    pub(crate) aliases: &'static [&'static str],
    /// What holds with it, as far as it does not follow.
    pub(crate) implies: &'static [&'static str],
    /// The anomalies that it forbids beyond those that the implied levels forbid.
    pub(crate) forbids: &'static [&'static str],
    /// Whether a history with none of the anomalies that it forbids satisfies it. Where not, the
    /// definition speaks of what a history of reads and writes does not show.
    pub(crate) is_exact: bool,
    /// What it promises and forbids.
    pub(crate) doc: &'static str,
    /// Where its definition comes from.
    pub(crate) source: &'static str,
}

/// A kind of anomaly: what else is there where it is.
#[derive(Debug)]
pub(crate) struct Implication {
    pub(crate) name: &'static str,
    pub(crate) implies: &'static [&'static str],
}

/// What follows from what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Boundary {
    /// The weakest levels that do not hold.
    pub(crate) not: Vec<&'static str>,
    /// The others that do not hold.
    pub(crate) also_not: Vec<&'static str>,
    /// The strongest levels that can be decided and do hold.
    pub(crate) consistent_with: Vec<&'static str>,
}

/// A level by its name.
pub(crate) fn level(name: &str) -> Option<&'static Level> {
    LEVELS.iter().find(|level| level.name == name)
}

/// Everything reachable by a relation, the beginning included.
fn closure<'n>(
    from: impl IntoIterator<Item = &'n str>,
    next: impl Fn(&str) -> Vec<&'static str>,
) -> Vec<&'n str> {
    let mut found: Vec<&'n str> = Vec::new();
    let mut open: Vec<&'n str> = from.into_iter().collect();
    while let Some(name) = open.pop() {
        if !found.contains(&name) {
            open.extend(next(name));
            found.push(name);
        }
    }
    found
}

fn implied_anomalies(name: &str) -> Vec<&'static str> {
    let row = ANOMALIES.iter().find(|row| row.name == name);
    row.map_or(Vec::new(), |row| row.implies.to_vec())
}

fn implied_levels(name: &str) -> Vec<&'static str> {
    level(name).map_or(Vec::new(), |level| level.implies.to_vec())
}

/// Whether one level holds wherever another does.
pub(crate) fn follows(weaker: &str, stronger: &str) -> bool {
    closure([stronger], implied_levels).contains(&weaker)
}

/// Whether a level forbids an anomaly, by itself or through what it implies.
pub(crate) fn forbids(level: &str, anomaly: &str) -> bool {
    let present = closure([anomaly], implied_anomalies);
    let levels = closure([level], implied_levels);
    LEVELS
        .iter()
        .filter(|level| levels.contains(&level.name))
        .any(|level| level.forbids.iter().any(|anomaly| present.contains(anomaly)))
}

/// Whether a level holds where no anomaly is found beyond these.
pub(crate) fn is_defined(level: &Level, anomalies: &[&'static str]) -> bool {
    let Some((_, excluded)) = SUFFICIENT.iter().find(|(name, _)| *name == level.name) else {
        return level.is_exact;
    };
    let present = closure(anomalies.iter().copied(), implied_anomalies);
    !excluded.iter().any(|anomaly| present.contains(anomaly))
}

/// What these anomalies rule out, and what they leave.
pub(crate) fn boundary(anomalies: &[&'static str]) -> Boundary {
    let broken: Vec<&'static str> = LEVELS
        .iter()
        .map(|level| level.name)
        .filter(|level| anomalies.iter().any(|anomaly| forbids(level, anomaly)))
        .collect();
    let is_weakest =
        |name: &&&'static str| !broken.iter().any(|other| other != *name && follows(other, name));
    let not: Vec<&'static str> = broken.iter().filter(is_weakest).copied().collect();
    let also_not = broken.iter().filter(|name| !not.contains(name)).copied().collect();
    let consistent_with = decided(anomalies, |level| is_defined(level, anomalies));
    Boundary { not, also_not, consistent_with }
}

/// The strongest levels that hold, among those that are decided when nothing they forbid is found.
pub(crate) fn decided(
    anomalies: &[&'static str],
    is_decided: impl Fn(&Level) -> bool,
) -> Vec<&'static str> {
    let holds: Vec<&'static str> = LEVELS
        .iter()
        .filter(|level| is_decided(level))
        .map(|level| level.name)
        .filter(|level| !anomalies.iter().any(|anomaly| forbids(level, anomaly)))
        .collect();
    let is_strongest =
        |name: &&&'static str| !holds.iter().any(|other| other != *name && follows(name, other));
    holds.iter().filter(is_strongest).copied().collect()
}

/// Whether a level is known to hold: it is decided, or it follows from one that is.
pub(crate) fn is_decided(name: &str, boundary: &Boundary) -> bool {
    boundary.consistent_with.iter().any(|stronger| follows(name, stronger))
}

#[cfg(test)]
mod tests;
