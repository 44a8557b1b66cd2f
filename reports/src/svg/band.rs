//! Fault bands: when a fault was measured to act, with what is uncertain about its edges.

use temblor_history::{Fault, FaultClass};

use super::{Anchor, Markup, Svg, TimeAxis, axis};
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
        draw_bands(&mut svg, std::slice::from_ref(band), |time| axis.x(time), (top, top + 18.0));
        let room = free_after(bands, band, &axis) - 3.0;
        let label = fitting(&band.label, room);
        svg.text("fl", (axis.x(band.inner.from) + 4.0, top + 13.0), Anchor::Start, &label);
    }
    svg.finish()
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
