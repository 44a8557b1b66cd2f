//! Clocks: the wall clock of a node's servers goes wrong, and is right again after the heal.
//!
//! Only what servers are told changes: the machine's clock does not, and CLOCK_MONOTONIC is left
//! alone, since no real clock that is set or drifts moves it. What a skewed clock shows at each
//! moment is pure and stands here; how a process comes to see it is the machine's business.

use std::{fmt, io};

use serde::{Deserialize, Serialize};
use temblor_history::Evidence;

use crate::{Effect, NodeOps};

const SECOND: i64 = 1_000_000_000;
/// Rounding of rates, and of the machine's own two clocks against each other, nanoseconds.
const TOLERANCE: i64 = 50_000;
/// More processes than this are told in figures alone.
const TOLD: usize = 6;

/// How a wall clock is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skew {
    /// It is off by so much, from one moment to the next.
    Jump {
        /// Nanoseconds; less than zero: it is slow.
        by_ns: i64,
    },
    /// It goes too fast, or (less than zero) too slow.
    Drift {
        /// Parts per billion: 500 ppm are 500,000.
        ppb: i64,
    },
    /// By turns it is off and right.
    Strobe {
        /// Nanoseconds.
        by_ns: i64,
        /// How long each turn lasts, nanoseconds, more than zero.
        every_ns: i64,
    },
    /// It stands still.
    Freeze,
}

impl Skew {
    /// What it shows more than the true time, so long after the skew began. Both nanoseconds.
    pub fn offset_ns(self, elapsed_ns: i64) -> i64 {
        match self {
            Self::Jump { by_ns } => by_ns,
            Self::Drift { ppb } => {
                (i128::from(elapsed_ns) * i128::from(ppb) / i128::from(SECOND)) as i64
            }
            Self::Strobe { by_ns, every_ns } if elapsed_ns / every_ns % 2 == 0 => by_ns,
            Self::Strobe { .. } => 0,
            Self::Freeze => -elapsed_ns,
        }
    }

    /// Whether a reading is one that it may show.
    pub fn allows(self, reading: &ClockReading) -> bool {
        let (from, to) = reading.elapsed_ns;
        let ends = [self.offset_ns(from), self.offset_ns(to)];
        match self {
            // One turn after another may have begun within the reading.
            Self::Strobe { by_ns, every_ns } if from / every_ns != to / every_ns => {
                reading.shows(by_ns, by_ns) || reading.is_right()
            }
            _ => reading.shows(ends[0].min(ends[1]), ends[0].max(ends[1])),
        }
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump { by_ns } => write!(f, "{}", seconds(*by_ns)),
            Self::Drift { ppb } => write!(f, "{:+} ppm", *ppb as f64 / 1e3),
            Self::Strobe { by_ns, every_ns } => {
                write!(f, "{} and right by turns of {} ms", seconds(*by_ns), *every_ns as f64 / 1e6)
            }
            Self::Freeze => f.write_str("stands still"),
        }
    }
}

/// What a process's clocks showed when one of its own threads asked, as its libraries would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// Its wall clock less the machine's, nanoseconds: between these two.
    pub offset_ns: (i64, i64),
    /// How long the skew had lasted then, nanoseconds: between these two.
    pub elapsed_ns: (i64, i64),
    /// Whether its other ways to ask (gettimeofday, time) gave the same.
    pub others_agree: bool,
    /// Whether its CLOCK_MONOTONIC was the machine's.
    pub monotonic_agrees: bool,
}

impl ClockReading {
    fn shows(&self, least: i64, most: i64) -> bool {
        self.offset_ns.0 <= most + TOLERANCE && self.offset_ns.1 >= least - TOLERANCE
    }

    /// Whether it may be that of a right clock.
    pub fn is_right(&self) -> bool {
        self.shows(0, 0)
    }

    /// Its middle, nanoseconds.
    pub fn middle_ns(&self) -> i64 {
        self.offset_ns.0 + (self.offset_ns.1 - self.offset_ns.0) / 2
    }
}

/// One process whose clock was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSeen {
    /// Its number.
    pub pid: i32,
    /// Its command name.
    pub name: String,
    /// Its clock just before the change.
    pub before: ClockReading,
    /// Just after.
    pub after: ClockReading,
    /// How long all of its threads stood still for the change, nanoseconds.
    pub stopped_ns: i64,
}

/// What a change of the clocks of a machine's servers came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockChange {
    /// Every process whose clock was changed.
    pub seen: Vec<ClockSeen>,
    /// Processes that could not be changed, and why; those too that came while the last skew acted.
    pub failed: Vec<String>,
    /// Processes that came while the last skew acted and were put on it, and the longest that one
    /// of them had run before, nanoseconds.
    pub came_later: (usize, i64),
    /// Processes whose clock functions differ from the kernel's own in any byte, after the change.
    pub changed_code: usize,
}

/// Puts every server process on the skewed clock, and those that come later too; `was`, if it is
/// on another one.
pub fn inject(node: &mut dyn NodeOps, was: Option<Skew>, skew: Skew) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let change = node.set_clock(Some(skew))?;
    let as_it_was = |before: &ClockReading| match was {
        Some(was) => was.allows(before),
        None => before.is_right(),
    };
    let fresh = change.seen.iter().all(|one| as_it_was(&one.before));
    let skewed = change.seen.iter().all(|one| skew.allows(&one.after));
    let holds = !change.seen.is_empty() && fresh && skewed && change.failed.is_empty();
    let before = was.map_or("right".into(), |was| was.to_string());
    let expected = format!("{before} before, then {skew}");
    let evidence = vec![wall(&change, &expected, holds), monotonic(&change)];
    Ok(Effect::between(earliest, node.now_ns(), evidence))
}

/// Puts every server process back on the true clock.
pub fn heal(node: &mut dyn NodeOps, skew: Option<Skew>) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let change = node.set_clock(None)?;
    let until_then = change.seen.iter().all(|one| skew.is_none_or(|skew| skew.allows(&one.before)));
    let right = change.seen.iter().all(|one| one.after.is_right());
    let expected =
        skew.map_or("right at last".into(), |skew| format!("{skew} until then, right after"));
    let holds = until_then && right && change.failed.is_empty();
    let evidence =
        vec![wall(&change, &expected, holds), later(&change), code(&change), monotonic(&change)];
    Ok(Effect::between(earliest, node.now_ns(), evidence))
}

fn wall(change: &ClockChange, expected: &str, holds: bool) -> Evidence {
    let mut observed: Vec<String> = change.seen.iter().take(TOLD).map(words).collect();
    if change.seen.len() > TOLD {
        observed.push(format!("and {} processes more", change.seen.len() - TOLD));
    }
    if change.seen.is_empty() {
        observed.push("no process".into());
    }
    observed.extend(change.failed.iter().cloned());
    Evidence {
        what: "wall clocks (less the machine's) of server processes".into(),
        expected: expected.into(),
        observed: observed.join("; "),
        holds,
    }
}

fn words(seen: &ClockSeen) -> String {
    let [before, after] = [seen.before, seen.after].map(|reading| seconds(reading.middle_ns()));
    let others = if seen.after.others_agree { "" } else { ", but not by gettimeofday or time" };
    let stopped = seen.stopped_ns as f64 / 1e6;
    format!(
        "{} {}: {before}, then {after}{others} (still for {stopped:.1} ms)",
        seen.name, seen.pid
    )
}

fn later(change: &ClockChange) -> Evidence {
    let (count, longest) = change.came_later;
    Evidence {
        what: "server processes that came meanwhile".into(),
        expected: "each soon on the skewed clock".into(),
        observed: match count {
            0 => "none came".into(),
            1 => format!("1, after {} ms", longest / 1_000_000),
            _ => format!("{count}, each within {} ms", longest / 1_000_000),
        },
        holds: longest < SECOND,
    }
}

fn code(change: &ClockChange) -> Evidence {
    Evidence {
        what: "clock functions that are not the kernel's own, byte for byte, of server processes"
            .into(),
        expected: "0".into(),
        observed: change.changed_code.to_string(),
        holds: change.changed_code == 0,
    }
}

fn monotonic(change: &ClockChange) -> Evidence {
    let all = change.seen.iter().flat_map(|one| [one.before, one.after]);
    let (right, others) = all.fold((true, true), |(right, others), reading| {
        (right && reading.monotonic_agrees, others && reading.others_agree)
    });
    Evidence {
        what: "CLOCK_MONOTONIC, and gettimeofday and time, of server processes".into(),
        expected: "the machine's, and as their wall clock".into(),
        observed: match (right, others) {
            (true, true) => "so it is".into(),
            (false, _) => "CLOCK_MONOTONIC differs".into(),
            (true, false) => "gettimeofday or time differs".into(),
        },
        holds: right && others,
    }
}

/// `+30.000 s`, and smaller offsets to the microsecond.
fn seconds(ns: i64) -> String {
    let digits = if ns.abs() < SECOND { 6 } else { 3 };
    format!("{:+.digits$} s", ns as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn reading(offset: i64, elapsed: (i64, i64)) -> ClockReading {
        ClockReading {
            offset_ns: (offset - 100, offset + 100),
            elapsed_ns: elapsed,
            others_agree: true,
            monotonic_agrees: true,
        }
    }

    #[test]
    fn offsets_are_what_the_plan_says_at_each_moment() {
        let strobe = Skew::Strobe { by_ns: 7, every_ns: 10 };
        let cases = [
            (Skew::Jump { by_ns: -5 }, vec![(0, -5), (SECOND, -5)]),
            (
                Skew::Drift { ppb: 500_000 },
                vec![(0, 0), (SECOND, 500_000), (7200 * SECOND, 3600 * MS)],
            ),
            (Skew::Drift { ppb: -1_000 }, vec![(SECOND, -1_000)]),
            (strobe, vec![(0, 7), (9, 7), (10, 0), (19, 0), (20, 7)]),
            (Skew::Freeze, vec![(0, 0), (SECOND, -SECOND)]),
        ];
        for (skew, expected) in cases {
            for (elapsed, offset) in expected {
                assert_eq!(skew.offset_ns(elapsed), offset, "{skew} after {elapsed}");
            }
        }
    }

    #[test]
    fn a_reading_is_held_to_what_was_commanded() {
        let (jump, freeze) = (Skew::Jump { by_ns: SECOND }, Skew::Freeze);
        let strobe = Skew::Strobe { by_ns: SECOND, every_ns: MS };
        let cases = [
            (jump, SECOND, (0, 9), true),
            (jump, SECOND + MS, (0, 9), false),
            (jump, 0, (0, 9), false),
            (freeze, -5 * MS, (4 * MS, 6 * MS), true),
            (freeze, -5 * MS, (6 * MS, 7 * MS), false),
            (strobe, SECOND, (0, 9), true),
            (strobe, 0, (0, 9), false),
            // The turn changes while the clock is read.
            (strobe, 0, (MS - 1, MS + 1), true),
            (strobe, SECOND, (MS - 1, MS + 1), true),
            (strobe, SECOND / 2, (MS - 1, MS + 1), false),
        ];
        for (skew, offset, elapsed, allowed) in cases {
            assert_eq!(skew.allows(&reading(offset, elapsed)), allowed, "{skew}: {offset}");
        }
    }

    #[test]
    fn words_carry_signs_and_units() {
        let words = |skew: Skew| skew.to_string();
        assert_eq!(words(Skew::Jump { by_ns: 30 * SECOND }), "+30.000 s");
        assert_eq!(words(Skew::Drift { ppb: -500_500 }), "-500.5 ppm");
        let strobe = Skew::Strobe { by_ns: -200 * MS, every_ns: 10 * MS };
        assert_eq!(words(strobe), "-0.200000 s and right by turns of 10 ms");
    }
}
