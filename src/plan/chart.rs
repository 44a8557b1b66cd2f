//! The faults of a phase along its time, drawn for a terminal.

use std::{fmt::Write, time::Duration};

use temblor_faults::{FaultSpec, Planned};

use super::scalar::written;

/// How many characters a phase is wide: with names it fits into 80 columns.
const WIDTH: usize = 60;
/// More rows say less than the list below them.
const MOST_ROWS: usize = 24;

/// One row a fault of the plan, `█` where it acts, `▪` where it is over at once, and `·` elsewhere;
/// what waits for something has no times and stands as `?`. Empty for a phase without faults.
pub(super) fn chart(faults: &[FaultSpec], planned: &[Planned], length: Duration) -> String {
    let rows = rows(faults);
    if rows.is_empty() || rows.len() > MOST_ROWS {
        return String::new();
    }
    let mut out = String::new();
    for (name, places) in &rows {
        let of_row = planned.iter().filter(|one| places.contains(&one.place.as_str()));
        let bar = bar(of_row, length);
        let _ = writeln!(out, "  {name:<16.16} {bar}");
    }
    let end = written(length);
    let _ = writeln!(out, "  {:<16} 0{end:>width$}\n", "", width = WIDTH - 1);
    out
}

/// Faults by name and, unless they were dealt at random, by place: `kill`, `kill`, `isolate`.
fn rows(faults: &[FaultSpec]) -> Vec<(String, Vec<&str>)> {
    let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
    for spec in faults {
        let dealt = is_dealt(faults, spec);
        let same = rows.iter_mut().find(|(name, _)| dealt && *name == spec.name);
        match same {
            Some((_, places)) => places.push(&spec.place),
            None => rows.push((spec.name.clone(), vec![&spec.place])),
        }
    }
    rows
}

/// Whether the seed dealt it as one of many: then its place has a fellow of the same name.
fn is_dealt(faults: &[FaultSpec], spec: &FaultSpec) -> bool {
    let parent = |place: &str| place.rsplit_once('.').map(|(parent, _)| parent.to_owned());
    let own = parent(&spec.place).filter(|parent| parent.contains('.'));
    let fellows = faults.iter().filter(|other| other.name == spec.name && !other.grouped);
    own.is_some() && fellows.filter(|other| parent(&other.place) == own).count() > 1
}

fn bar<'a>(planned: impl Iterator<Item = &'a Planned>, length: Duration) -> String {
    let mut cells = vec!['·'; WIDTH];
    let cell = |moment: Duration| {
        let part = moment.as_secs_f64() / length.as_secs_f64().max(1e-9);
        ((part * WIDTH as f64) as usize).min(WIDTH - 1)
    };
    let mut waits = false;
    for one in planned {
        let Some(begins) = one.begins else {
            waits = true;
            continue;
        };
        match one.lasts {
            // Up to its end, and not beyond: bars that touch stay apart.
            Some(lasts) => {
                let (from, to) = (cell(begins), cell(begins + lasts));
                cells[from..to.max(from + 1)].fill('█');
            }
            None => cells[cell(begins)] = '▪',
        }
    }
    let idle = cells.iter().all(|cell| *cell == '·');
    if waits && idle {
        return "?".repeat(3);
    }
    cells.into_iter().collect()
}
