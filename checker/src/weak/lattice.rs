//! Which levels follow from which: what else is broken when one is.

use temblor_history::CheckReport;

/// A level, the levels that it directly contains, and whether it is about transactions.
struct Row {
    name: &'static str,
    contains: &'static [&'static str],
}

const fn row(name: &'static str, contains: &'static [&'static str]) -> Row {
    Row { name, contains }
}

/// Single registers; weaker levels first. Sources: Bouajjani et al., POPL 2017, figure 4, for the
/// causal levels; Brzeziński, Sobaniec and Wawrzyniak, PDP 2004, for the guarantees. The rest
/// follows from the definitions, and all of it is tested.
const SINGLE: &[Row] = &[
    row("read-your-writes", &[]),
    row("monotonic-reads", &[]),
    row("monotonic-writes", &["monotonic-reads"]),
    row("writes-follow-reads", &["monotonic-reads"]),
    row("pram", &["read-your-writes", "monotonic-writes"]),
    row("causal", &["read-your-writes"]),
    row("causal-convergence", &["causal", "monotonic-writes", "writes-follow-reads"]),
    row("causal-memory", &["causal", "pram", "writes-follow-reads"]),
    row("sequential", &["causal-memory", "causal-convergence"]),
    row("linearizable", &["sequential"]),
];

/// Transactions; weaker levels first: Biswas and Enea, OOPSLA 2019, section 2; Cerone, Bernardi
/// and Gotsman, CONCUR 2015, for snapshot isolation with sessions.
const TRANSACTIONS: &[Row] = &[
    row("read-committed-be", &[]),
    row("read-atomic", &["read-committed-be"]),
    row("causal", &["read-atomic"]),
    row("strong-session-snapshot-isolation", &["causal"]),
    row("strong-session-serializable", &["strong-session-snapshot-isolation"]),
    row("strict-serializable", &["strong-session-serializable"]),
];

/// Fills in the weakest broken levels and what follows; `broken` decides a level below the one that
/// was asked for.
pub(super) fn fill(report: &mut CheckReport, broken: impl Fn(&str) -> bool) {
    let rows = if report.model == "register" { SINGLE } else { TRANSACTIONS };
    let asked = report.consistency.clone();
    let mut wrong: Vec<&str> = Vec::new();
    report.not.clear();
    for row in rows {
        let follows = row.contains.iter().any(|weaker| wrong.contains(weaker));
        if follows {
            wrong.push(row.name);
            report.also_not.push(row.name.to_owned());
        } else if row.name == asked || below(rows, row.name, &asked) && broken(row.name) {
            wrong.push(row.name);
            report.not.push(row.name.to_owned());
        }
    }
}

/// Whether one level is contained in another.
fn below(rows: &[Row], weaker: &str, stronger: &str) -> bool {
    let row = rows.iter().find(|row| row.name == stronger);
    row.is_some_and(|row| {
        row.contains.iter().any(|&name| name == weaker || below(rows, weaker, name))
    })
}
