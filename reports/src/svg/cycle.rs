//! A cycle of transactions: each in a box, under it what forces the next one to come later, and an
//! arrow back from the last to the first, which is what cannot be.

use super::{Anchor, Svg, axis};
use crate::escape::{Markup, shortened};

const BOX_LEFT: f64 = 64.0;
const BOX_RIGHT: f64 = axis::RIGHT;
const BOX: f64 = 26.0;
const GAP: f64 = 38.0;
/// Where arrows run, and where their words begin.
const ARROW: f64 = BOX_LEFT + 22.0;
const WORDS: f64 = ARROW + 14.0;
/// Where the arrow back runs.
const BACK: f64 = 24.0;
/// Letters of a reason: what fits beside its arrow.
const LETTERS: usize = 150;

/// One transaction, and why the next one must come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// As the proof quotes it.
    pub(crate) number: u32,
    /// What it did.
    pub(crate) text: String,
    /// Whether it is the one that cannot be explained.
    pub(crate) culprit: bool,
    /// The dependency on to the next step: `ww`, `realtime`…
    pub(crate) kind: String,
    /// Why, in words.
    pub(crate) reason: String,
}

/// Draws a cycle; the last step leads back to the first.
pub(crate) fn draw_cycle(steps: &[Step]) -> Markup {
    let height = steps.len() as f64 * (BOX + GAP) + 6.0;
    let mut svg = Svg::new(axis::WIDTH, height, "What must come before what: a cycle");
    for (place, step) in (0_u32..).zip(steps) {
        draw_step(&mut svg, step, top(place), place as usize + 1 == steps.len());
    }
    if !steps.is_empty() {
        draw_back(&mut svg, top(steps.len() as u32 - 1));
    }
    svg.finish()
}

fn top(place: u32) -> f64 {
    4.0 + f64::from(place) * (BOX + GAP)
}

fn draw_step(svg: &mut Svg, step: &Step, y: f64, last: bool) {
    let kind = if step.culprit { "culprit" } else { "ok" };
    svg.rect(&format!("op {kind}"), (BOX_LEFT, y), (BOX_RIGHT - BOX_LEFT, BOX), &step.text);
    let text = shortened(&step.text, LETTERS);
    let class = if step.culprit { "opt on" } else { "opt" };
    svg.numbered(class, (BOX_LEFT + 8.0, y + 17.5), Anchor::Start, step.number, &text);
    let foot = y + BOX;
    if last {
        svg.line("cyc", (ARROW, foot), (ARROW, foot + GAP / 2.0));
    } else {
        svg.line("cyc", (ARROW, foot), (ARROW, foot + GAP - 6.0));
        tip(svg, (ARROW, foot + GAP), (0.0, -1.0));
    }
    let words = format!("{}: {}", step.kind, step.reason);
    svg.text("bl", (WORDS, foot + 22.0), Anchor::Start, &shortened(&words, LETTERS));
}

/// From under the last box, round its left side, to the first box.
fn draw_back(svg: &mut Svg, last: f64) {
    let (low, high) = (last + BOX + GAP / 2.0, top(0) + BOX / 2.0);
    svg.line("cyc", (ARROW, low), (BACK, low));
    svg.line("cyc", (BACK, low), (BACK, high));
    svg.line("cyc", (BACK, high), (BOX_LEFT - 6.0, high));
    tip(svg, (BOX_LEFT, high), (-1.0, 0.0));
}

/// An arrow's head at a place, seen from where it comes.
fn tip(svg: &mut Svg, (x, y): (f64, f64), (dx, dy): (f64, f64)) {
    let (back, aside) = (7.0, 4.0);
    let (bx, by) = (x + dx * back, y + dy * back);
    let left = (bx - dy * aside, by + dx * aside);
    let right = (bx + dy * aside, by - dx * aside);
    let path = format!("M{x} {y}L{} {}L{} {}Z", left.0, left.1, right.0, right.1);
    svg.path("tip", &path, "");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u32, kind: &str, reason: &str) -> Step {
        Step {
            number,
            text: format!("append x {number}"),
            culprit: number == 2,
            kind: kind.into(),
            reason: reason.into(),
        }
    }

    #[test]
    fn every_step_and_every_reason_is_there_and_escaped() {
        let steps = [step(1, "wr", "(2) read <1>"), step(2, "rw", "(1) overwrote it")];
        let drawn = draw_cycle(&steps).to_string();
        let has = |what: &str| drawn.contains(what);
        assert!(has("append x 1") && has("append x 2"), "{drawn}");
        assert!(has("wr: (2) read &lt;1&gt;") && has("rw: (1) overwrote it"), "{drawn}");
        assert_eq!(drawn.matches("class=\"tip\"").count(), 2, "{drawn}");
        assert_eq!(drawn.matches("op culprit").count(), 1, "{drawn}");
    }

    #[test]
    fn no_steps_are_no_trouble() {
        assert!(draw_cycle(&[]).to_string().starts_with("<svg"));
    }
}
