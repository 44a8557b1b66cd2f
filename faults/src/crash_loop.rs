//! A crash loop: every server process is killed (SIGKILL) and started again, over and over, each
//! life as long as the fault says; after the heal the servers stay up.

use std::io;

use serde::{Deserialize, Serialize};
use temblor_history::Evidence;

use crate::{Effect, NodeOps, kill};

/// How servers live while the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashLoop {
    /// How long each life lasts, nanoseconds.
    pub alive_ns: i64,
    /// How long they stay dead between two lives, nanoseconds.
    pub down_ns: i64,
}

/// A loop that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looping {
    with: CrashLoop,
    due_ns: i64,
    alive: bool,
    deaths: u32,
    /// The first thing that went wrong with it.
    trouble: Option<String>,
}

/// The first death.
pub fn inject(
    node: &mut dyn NodeOps,
    occurrence: &str,
    with: CrashLoop,
) -> io::Result<(Effect, Looping)> {
    let effect = kill::inject(node, occurrence)?;
    let due_ns = node.now_ns() + with.down_ns;
    Ok((effect, Looping { with, due_ns, alive: false, deaths: 1, trouble: None }))
}

impl Looping {
    /// When the next life or death is due, by the machine's monotonic clock, nanoseconds.
    pub fn due_ns(&self) -> i64 {
        self.due_ns
    }

    /// Starts or kills, if it is time.
    pub fn turn(&mut self, node: &mut dyn NodeOps, occurrence: &str) {
        if node.now_ns() < self.due_ns {
            return;
        }
        let done = if self.alive {
            self.deaths += 1;
            kill::inject(node, occurrence).map(drop)
        } else {
            node.start_servers()
        };
        if let Err(why) = done {
            self.trouble.get_or_insert(why.to_string());
        }
        self.alive = !self.alive;
        let lasts = if self.alive { self.with.alive_ns } else { self.with.down_ns };
        self.due_ns = node.now_ns() + lasts;
    }

    /// The last life: it stays.
    pub fn heal(self, node: &mut dyn NodeOps) -> io::Result<Effect> {
        let mut effect = kill::heal(node)?;
        let trouble = self.trouble.map_or(String::new(), |why| format!("; {why}"));
        effect.evidence.push(Evidence {
            what: "deaths in the loop".into(),
            expected: "at least one, nothing else amiss".into(),
            observed: format!("{}{trouble}", self.deaths),
            holds: self.deaths > 0 && trouble.is_empty(),
        });
        Ok(effect)
    }
}
