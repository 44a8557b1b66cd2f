//! Fault bands: when a fault was measured to act, with what is uncertain about its edges.

use temblor_history::{Fault, FaultClass};

use super::{Anchor, Svg, TimeAxis, axis};
use crate::escape::Markup;
use crate::measure::Window;
use crate::words;

/// A fault's time, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Band {
    /// What kind of thing it acts on; the class in the style sheet.
    pub(crate) class: &'static str,
    /// What a reader calls it.
    pub(crate) label: String,
    /// The same with its measured times.
    pub(crate) title: String,
    /// When it may have acted.
    pub(crate) outer: Window,
    /// When it certainly acted.
    pub(crate) inner: Window,
    /// Whether all its evidence agreed.
    pub(crate) verified: bool,
}

impl Band {
    /// The band of a fault that began; one without a measured end lasts to `end`.
    pub(crate) fn of(fault: &Fault, end: i64) -> Option<Self> {
        let began = fault.began?;
        let healed = fault.healed;
        let outer = Window { from: began.earliest, to: healed.map_or(end, |at| at.latest) };
        let inner = Window { from: began.latest, to: healed.map_or(end, |at| at.earliest) };
        let until = healed.map_or("no measured end".to_owned(), |at| words::moment(at.earliest));
        let label = fault.label();
        let doubt = if fault.verified() { "" } else { ", not verified" };
        let from = words::moment(began.latest);
        Some(Self {
            class: class_of(fault.class),
            title: format!("{label}: measured {from} to {until}{doubt}"),
            label,
            outer,
            inner: Window { to: inner.to.max(inner.from), ..inner },
            verified: fault.verified(),
        })
    }

    /// The bands of all faults that began.
    pub(crate) fn all(faults: &[Fault], end: i64) -> Vec<Self> {
        faults.iter().filter_map(|fault| Self::of(fault, end)).collect()
    }
}

/// The style sheet's word for what a fault acts on.
fn class_of(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Link => "link",
        FaultClass::Process => "process",
        FaultClass::Clock => "clock",
        FaultClass::Disk => "disk",
        FaultClass::Resource => "resource",
        FaultClass::Membership => "membership",
        FaultClass::Custom => "custom",
    }
}

/// Draws bands behind a plot: the certain part over the possible one, so that edges fade.
/// `x` says where a moment lies.
pub(crate) fn draw_bands(
    svg: &mut Svg,
    bands: &[Band],
    x: impl Fn(i64) -> f64,
    (top, bottom): (f64, f64),
) {
    for band in bands {
        let doubt = if band.verified { "" } else { " doubted" };
        for (part, window) in [("edge", band.outer), ("band", band.inner)] {
            let (from, to) = (x(window.from), x(window.to));
            if to > from || part == "band" {
                let class = format!("{part} {}{doubt}", band.class);
                let size = ((to - from).max(1.0), bottom - top);
                svg.rect(&class, (from, top), size, &band.title);
            }
        }
    }
}

const ROW: f64 = 22.0;
/// Rows of the strip; what does not fit shares the last one.
const ROWS_MOST: usize = 12;

/// The strip above a run's plots: each fault with its name, those at the same time in rows of their
/// own, and the phases over them.
pub(crate) fn draw_strip(bands: &[Band], phases: &[(String, Window)], window: Window) -> Markup {
    let axis = TimeAxis::new(window);
    let (rows, used) = rows(bands, &axis);
    let height = 26.0 + ROW * used as f64;
    let mut svg = Svg::new(axis::WIDTH, height, "Phases, and faults as measured");
    for (name, phase) in phases {
        draw_phase(&mut svg, name, axis.x(phase.from), axis.x(phase.to), height);
    }
    for (band, row) in bands.iter().zip(rows) {
        let top = 20.0 + ROW * row as f64;
        draw_span(&mut svg, band, &axis, top);
        let room = free_after(bands, band, &axis) - 3.0;
        let label = fitting(&band.label, room);
        svg.text("fl", (axis.x(band.inner.from), top + 11.0), Anchor::Start, &label);
    }
    svg.finish()
}

/// A fault's time as a bar under its name.
fn draw_span(svg: &mut Svg, band: &Band, axis: &TimeAxis, top: f64) {
    let (from, to) = (axis.x(band.outer.from), axis.x(band.outer.to));
    let doubt = if band.verified { "" } else { " doubted" };
    let class = format!("span {}{doubt}", band.class);
    svg.rect(&class, (from, top + 14.0), ((to - from).max(1.5), 4.0), &band.title);
}

/// A phase's begin with its name; a name that has no room in its phase stands before it.
fn draw_phase(svg: &mut Svg, name: &str, from: f64, to: f64, height: f64) {
    svg.line("phase", (from, 0.0), (from, height));
    let room = text_width(name) + 8.0;
    if to - from >= room || from - axis::LEFT < room {
        svg.text("bl", (from + 4.0, 11.0), Anchor::Start, &fitting(name, to - from - 4.0));
    } else {
        svg.text("bl", (from - 4.0, 11.0), Anchor::End, name);
    }
}

/// How wide a label is, in a figure's units; system fonts differ by a tenth or so.
pub(crate) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.6
}

/// The text if there is room for it, its beginning if there is room for some of it, or nothing.
fn fitting(text: &str, room: f64) -> String {
    let most = (room / 6.6).max(0.0) as usize;
    match text.chars().count() {
        length if length <= most => text.to_owned(),
        _ if most < 4 => String::new(),
        _ => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// The row of each band: the first in which nothing is in its way, its name included as far as
/// the plot allows.
fn rows(bands: &[Band], axis: &TimeAxis) -> (Vec<usize>, usize) {
    let mut ends: Vec<f64> = Vec::new();
    let mut rows = Vec::new();
    for band in bands {
        let from = axis.x(band.outer.from);
        let named = (from + 10.0 + text_width(&band.label)).min(axis::RIGHT);
        let to = axis.x(band.outer.to).max(named);
        let free = ends.iter().position(|end| *end <= from);
        let row = free.unwrap_or(ends.len()).min(ROWS_MOST - 1);
        if row == ends.len() {
            ends.push(to);
        }
        ends[row] = ends[row].max(to);
        rows.push(row);
    }
    (rows, ends.len())
}

/// How much room a band's name has: to the plot's end where rows keep others out of its way; only
/// its own width once there are too many bands for that.
fn free_after(bands: &[Band], band: &Band, axis: &TimeAxis) -> f64 {
    let from = axis.x(band.inner.from);
    if rows(bands, axis).1 < ROWS_MOST { axis::RIGHT - from } else { axis.x(band.inner.to) - from }
}

#[cfg(test)]
mod tests {
    use temblor_history::{Evidence, Measured};

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn fault(name: &str, from: i64, to: i64, holds: bool) -> Fault {
        let seen = Evidence {
            what: "datagrams n1 → n2".into(),
            expected: "lost".into(),
            observed: "lost".into(),
            holds,
        };
        Fault {
            occurrence: format!("chaos.{name}#0"),
            fault: name.into(),
            class: FaultClass::Link,
            detail: String::new(),
            optional: false,
            nodes: vec!["n1".into()],
            links: Vec::new(),
            chosen: String::new(),
            began: Some(Measured { earliest: from * SECOND, latest: (from + 1) * SECOND }),
            healed: (to > 0).then(|| Measured { earliest: to * SECOND, latest: (to + 1) * SECOND }),
            because: String::new(),
            begin_evidence: vec![seen.clone()],
            heal_evidence: vec![seen],
            skipped: None,
            failed: None,
        }
    }

    fn drawn(fault: &Fault) -> String {
        let mut svg = Svg::new(10.0, 10.0, "bands");
        let bands = Band::all(std::slice::from_ref(fault), 20 * SECOND);
        draw_bands(&mut svg, &bands, |time| time as f64 / 1e9, (0.0, 10.0));
        svg.finish().to_string().replace(r#" fill="gray" fill-opacity=".2""#, "")
    }

    #[test]
    fn an_edge_is_as_wide_as_it_is_uncertain() {
        insta::assert_snapshot!(drawn(&fault("isolate", 3, 8, true)), @r#"<svg viewBox="0 0 10 10" role="img" aria-label="bands"><rect class="edge link" x="3" y="0" width="6" height="10"><title>isolate n1: measured 4.0 s to 8.0 s</title></rect><rect class="band link" x="4" y="0" width="4" height="10"><title>isolate n1: measured 4.0 s to 8.0 s</title></rect></svg>"#);
    }

    #[test]
    fn a_fault_without_an_end_lasts_and_one_without_evidence_is_doubted() {
        insta::assert_snapshot!(drawn(&fault("isolate", 3, 0, false)), @r#"<svg viewBox="0 0 10 10" role="img" aria-label="bands"><rect class="edge link doubted" x="3" y="0" width="17" height="10"><title>isolate n1: measured 4.0 s to no measured end, not verified</title></rect><rect class="band link doubted" x="4" y="0" width="16" height="10"><title>isolate n1: measured 4.0 s to no measured end, not verified</title></rect></svg>"#);
    }

    #[test]
    fn faults_at_the_same_time_have_rows_of_their_own() {
        let faults = [
            fault("isolate", 0, 50, true),
            fault("kill", 10, 20, true),
            fault("pause", 60, 70, true),
        ];
        let bands = Band::all(&faults, 100 * SECOND);
        let axis = TimeAxis::new(Window { from: 0, to: 100 * SECOND });
        assert_eq!(rows(&bands, &axis), (vec![0, 1, 0], 2));
    }

    #[test]
    fn a_fault_that_never_began_has_no_band() {
        let mut never = fault("kill", 1, 2, true);
        never.began = None;
        assert_eq!(Band::of(&never, 9), None);
    }
}
