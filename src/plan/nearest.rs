//! The nearest valid choice to what somebody wrote.

/// The choice most like `written`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(
    written: &str,
    choices: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_lowercase().replace('_', "-");
    let allowed = ((written.chars().count() + 1) / 3).max(1);
    choices
        .into_iter()
        .map(|choice| (distance(&written, &choice.to_lowercase()), choice))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, choice)| choice)
}

/// Edits from one to the other: insertions, deletions, substitutions and swaps of neighbours
/// (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let differs = usize::from(from[i - 1] != to[j - 1]);
            let mut best =
                (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let faults = ["isolate", "partition", "link", "kill", "pause", "restart"];
        let found = ["partiton", "KILL", "puase", "restrat", "op_timeout", "xyz"]
            .map(|written| nearest(written, faults.into_iter().chain(["op-timeout"])));
        let meant = ["partition", "kill", "pause", "restart", "op-timeout"];
        assert_eq!(found[..5], meant.map(Some));
        assert_eq!(found[5], None);
    }
}
