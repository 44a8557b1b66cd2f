//! What a terminal shows while a run goes on: one line that is written over, on stderr only.

use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use temblor_history::{FaultChange, Happening, RunCounts};

use super::{
    bus::{Said, Subscriber},
    process::Stage,
};
use crate::clock::RunClock;

const REDRAW_EVERY: Duration = Duration::from_millis(500);

/// What the line says besides the counts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Scene {
    phase: String,
    leader: Option<String>,
    active: Vec<(String, String)>,
}

/// Listens to the run for the progress line.
#[derive(Clone)]
pub(crate) struct Watcher(Arc<Mutex<Scene>>);

impl Watcher {
    /// Before the first phase the cluster comes up.
    pub(crate) fn new() -> Self {
        let scene = Scene { phase: "bring-up".into(), ..Scene::default() };
        Self(Arc::new(Mutex::new(scene)))
    }

    fn scene(&self) -> Scene {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Redraws until aborted; does nothing where stderr is no terminal.
    pub(crate) async fn draw(self, stage: Arc<Stage>, clock: RunClock) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let mut before = (clock.now_ns(), 0);
        loop {
            tokio::time::sleep(REDRAW_EVERY).await;
            let now = (clock.now_ns(), stage.recorder.tally.completions());
            let rate = (now.1 - before.1) as f64 * 1e9 / (now.0 - before.0).max(1) as f64;
            before = now;
            let line = line(&self.scene(), now.0, rate, &stage.recorder.tally.counts());
            let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
        }
    }
}

/// Clears the line, so that what follows starts on a fresh one.
pub(crate) fn clear() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

fn line(scene: &Scene, now_ns: i64, rate: f64, counts: &RunCounts) -> String {
    let seconds = now_ns / 1_000_000_000;
    let mut line = format!("{seconds:>4} s  {:<11} {rate:>6.0} op/s", scene.phase);
    let RunCounts { ok, refused, fail, info, shed } = counts;
    line += &format!("  ok {ok}  refused {refused}  fail {fail}  info {info}  shed {shed}");
    if let Some(leader) = &scene.leader {
        line += &format!("  leader {leader}");
    }
    if !scene.active.is_empty() {
        let active: Vec<_> = scene.active.iter().map(|(_, label)| label.as_str()).collect();
        line += &format!("  [{}]", active.join(", "));
    }
    line
}

impl Subscriber for Watcher {
    fn hear(&mut self, said: &Said<'_>) {
        let mut scene = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match said {
            Said::Event(event) => match &event.what {
                Happening::PhaseBegan { phase } => scene.phase.clone_from(phase),
                Happening::Leader { node, .. } => scene.leader.clone_from(node),
                _ => {}
            },
            Said::Fault(fault) => match &fault.change {
                FaultChange::Resolved { nodes, .. } => {
                    let label = format!("{} {}", fault.fault, nodes.join(", "));
                    scene.active.push((fault.occurrence.clone(), label));
                }
                FaultChange::Healed { .. }
                | FaultChange::Failed { .. }
                | FaultChange::Skipped { .. } => {
                    scene.active.retain(|(occurrence, _)| *occurrence != fault.occurrence);
                }
                FaultChange::Began { .. } => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_phase_counts_and_faults() {
        let scene = Scene {
            phase: "chaos".into(),
            leader: Some("n2".into()),
            active: vec![("chaos.0#0".into(), "isolate n1".into())],
        };
        let counts = RunCounts { ok: 5, refused: 1, fail: 2, info: 3, shed: 4 };
        assert_eq!(
            line(&scene, 12_400_000_000, 499.6, &counts),
            "  12 s  chaos          500 op/s  ok 5  refused 1  fail 2  info 3  shed 4  leader n2  [isolate n1]"
        );
    }
}
