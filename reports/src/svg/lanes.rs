//! Lanes: a few operations, one lane a client, with what happened around them.
//!
//! Operations of a millisecond stand seconds apart, so the time axis here is no ruler: the order of
//! all ends is exact, long waits are drawn short. Each end's time stands at the foot.

use super::band::{Band, draw_bands, text_width};
use super::{Anchor, Svg, axis};
use crate::escape::Markup;
use crate::words;

const LEFT: f64 = 128.0;
const RIGHT: f64 = axis::RIGHT;
/// Room at both ends, for what began before and for what lasts on.
const MARGIN: f64 = 44.0;
const ROW: f64 = 28.0;
const BAR: f64 = 18.0;
/// The longest wait is drawn at most so many times as wide as the shortest.
const WIDEST: f64 = 7.0;

/// One client's operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Who: `client 4 · n2`.
    pub(crate) label: String,
    /// What it did, in order.
    pub(crate) bars: Vec<Bar>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// As the proof quotes it.
    pub(crate) number: u32,
    /// What was asked and answered.
    pub(crate) text: String,
    /// How it ended, as a class of the style sheet.
    pub(crate) class: &'static str,
    /// Whether it is the one that cannot be explained.
    pub(crate) culprit: bool,
    /// When it was invoked.
    pub(crate) from: i64,
    /// When it was completed; none: it may take effect for ever.
    pub(crate) to: Option<i64>,
}

/// Draws lanes with fault bands behind and marked moments across.
pub(crate) fn draw_lanes(lanes: &[Lane], bands: &[Band], marks: &[(i64, String)]) -> Markup {
    let order = OrderAxis::of(lanes, bands, marks);
    let laid: Vec<Vec<Placed<'_>>> = lanes.iter().map(|lane| lay(lane, &order)).collect();
    let rows = |placed: &Vec<Placed<'_>>| placed.iter().map(|p| p.row + 1).max().unwrap_or(1);
    let foot = 26.0 + laid.iter().map(|lane| rows(lane) as f64 * ROW + 6.0).sum::<f64>();
    let mut svg = Svg::new(axis::WIDTH, foot + 24.0, "The operations, one lane a client");
    draw_bands(&mut svg, bands, |time| order.x(time), (16.0, foot));
    draw_names(&mut svg, bands, &order);
    draw_marks(&mut svg, marks, &order, foot);
    let mut top = 26.0;
    for (lane, placed) in lanes.iter().zip(&laid) {
        let height = rows(placed) as f64 * ROW;
        svg.text("lane", (4.0, top + 15.0), Anchor::Start, &lane.label);
        for place in placed {
            draw_bar(&mut svg, place, top + place.row as f64 * ROW);
        }
        top += height + 6.0;
        svg.line("grid", (LEFT, top - 5.0), (RIGHT, top - 5.0));
    }
    order.draw(&mut svg, foot);
    svg.finish()
}

/// Time by order: every moment that matters gets room, however close the next one is.
struct OrderAxis {
    places: Vec<(i64, f64)>,
    /// Ends of operations; only these are labelled.
    ends: Vec<i64>,
}

impl OrderAxis {
    fn of(lanes: &[Lane], bands: &[Band], marks: &[(i64, String)]) -> Self {
        let bars = || lanes.iter().flat_map(|lane| &lane.bars);
        let mut ends: Vec<i64> =
            bars().flat_map(|bar| [Some(bar.from), bar.to]).flatten().collect();
        ends.sort_unstable();
        ends.dedup();
        let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else {
            return Self { places: Vec::new(), ends };
        };
        let edges = bands.iter().flat_map(|band| [band.inner.from, band.inner.to]);
        let around = edges.chain(marks.iter().map(|(time, _)| *time));
        let mut times: Vec<i64> = around.filter(|time| (first..last).contains(time)).collect();
        times.extend(&ends);
        times.sort_unstable();
        times.dedup();
        Self { places: spread(&times), ends }
    }

    /// Where a moment lies; moments before the first and after the last lie at the plot's edges.
    fn x(&self, time: i64) -> f64 {
        let after = self.places.partition_point(|(at, _)| *at <= time);
        match (after.checked_sub(1).map(|before| self.places[before]), self.places.get(after)) {
            (None, _) => LEFT,
            (Some((at, x)), None) => {
                if time > at {
                    RIGHT
                } else {
                    x
                }
            }
            (Some((from, left)), Some((to, right))) => {
                left + (time - from) as f64 / (to - from) as f64 * (right - left)
            }
        }
    }

    fn draw(&self, svg: &mut Svg, y: f64) {
        svg.line("ax", (LEFT, y), (RIGHT, y));
        let mut free = LEFT - 60.0;
        let decimals = words::telling_decimals(&self.ends);
        for time in &self.ends {
            let x = self.x(*time);
            svg.line("ax", (x, y), (x, y + 4.0));
            let label = words::decimal_moment(*time, decimals);
            let half = text_width(&label) / 2.0;
            if x - half > free && x + half < axis::WIDTH {
                svg.text("tick", (x, y + 17.0), Anchor::Middle, &label);
                free = x + half + 4.0;
            }
        }
    }
}

/// Gives each gap between moments a width that grows with its logarithm.
fn spread(times: &[i64]) -> Vec<(i64, f64)> {
    let gaps = || times.windows(2).map(|pair| (pair[1] - pair[0]) as f64);
    let shortest = gaps().fold(f64::INFINITY, f64::min);
    let weights = gaps().map(|gap| (1.0 + (gap / shortest).ln()).min(WIDEST));
    let total: f64 = weights.clone().sum();
    let unit = if total > 0.0 { (RIGHT - LEFT - 2.0 * MARGIN) / total } else { 0.0 };
    let mut x = LEFT + MARGIN;
    let mut places = vec![(times[0], x)];
    for (time, weight) in times[1..].iter().zip(weights) {
        x += weight * unit;
        places.push((*time, x));
    }
    places
}

/// A bar with its row within the lane and the place of its label.
struct Placed<'a> {
    bar: &'a Bar,
    row: usize,
    from: f64,
    to: f64,
    label: (f64, Anchor),
    inside: bool,
}

fn lay<'a>(lane: &'a Lane, order: &OrderAxis) -> Vec<Placed<'a>> {
    let mut taken: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut placed = Vec::new();
    for bar in &lane.bars {
        let from = order.x(bar.from);
        let to = bar.to.map_or(RIGHT, |to| order.x(to)).max(from + 6.0);
        let width = text_width(&bar.text) + text_width(&bar.number.to_string()) + 14.0;
        let mut row = 0;
        let (label, inside) = loop {
            let spans = taken.get(row).map_or(&[][..], Vec::as_slice);
            if let Some((span, label, inside)) = place(from, to, width, spans) {
                taken.resize(taken.len().max(row + 1), Vec::new());
                taken[row].push(span);
                break (label, inside);
            }
            row += 1;
        };
        placed.push(Placed { bar, row, from, to, label, inside });
    }
    placed
}

type Span = (f64, f64);

/// Where the label goes in this row: inside the bar, right of it, left of it; none: no room here.
/// In an empty row there always is room.
fn place(from: f64, to: f64, width: f64, taken: &[Span]) -> Option<(Span, (f64, Anchor), bool)> {
    let choices = [
        ((from, to), (from + 6.0, Anchor::Start), true, to - from >= width),
        ((from, to + width), (to + 6.0, Anchor::Start), false, to + width <= RIGHT + 8.0),
        ((from - width, to), (from - 6.0, Anchor::End), false, from - width >= LEFT),
        ((LEFT, RIGHT), (to + 6.0, Anchor::Start), false, true),
    ];
    let free = |span: &Span| taken.iter().all(|other| span.1 < other.0 || span.0 > other.1);
    let fits = choices.into_iter().find(|(span, _, _, room)| *room && free(span));
    fits.map(|(span, label, inside, _)| (span, label, inside))
}

fn draw_bar(svg: &mut Svg, placed: &Placed<'_>, y: f64) {
    let Placed { bar, from, to, .. } = placed;
    let kind = if bar.culprit { "culprit" } else { bar.class };
    let open = if bar.to.is_none() { " open" } else { "" };
    let title = bar_title(bar);
    svg.rect(&format!("op {kind}{open}"), (*from, y), (to - from, BAR), &title);
    let class = if placed.inside && bar.culprit { "opt on" } else { "opt" };
    let (x, anchor) = placed.label;
    svg.numbered(class, (x, y + 13.5), anchor, bar.number, &bar.text);
}

fn bar_title(bar: &Bar) -> String {
    let from = words::exact_moment(bar.from);
    let end = match bar.to {
        Some(to) => format!("{from} to {}", words::exact_moment(to)),
        None => format!("from {from}, may take effect at any time since"),
    };
    format!("{}: {}, {end}", bar.number, bar.text)
}

fn draw_names(svg: &mut Svg, bands: &[Band], order: &OrderAxis) {
    let mut free = f64::NEG_INFINITY;
    for band in bands {
        let x = order.x(band.outer.from).max(LEFT) + 3.0;
        if x > free {
            svg.text("bl", (x, 11.0), Anchor::Start, &band.label);
            free = x + text_width(&band.label) + 6.0;
        }
    }
}

fn draw_marks(svg: &mut Svg, marks: &[(i64, String)], order: &OrderAxis, foot: f64) {
    for (time, label) in marks {
        let x = order.x(*time);
        svg.line("mark", (x, 16.0), (x, foot));
        let end = x + text_width(label) + 6.0 > RIGHT;
        let (x, anchor) = if end { (x - 4.0, Anchor::End) } else { (x + 4.0, Anchor::Start) };
        svg.text("bl", (x, foot - 3.0), anchor, label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(number: u32, text: &str, from: i64, to: Option<i64>) -> Bar {
        Bar { number, text: text.into(), class: "ok", culprit: false, from, to }
    }

    fn lane(bars: Vec<Bar>) -> Lane {
        Lane { label: "client 1 · n1".into(), bars }
    }

    #[test]
    fn order_is_exact_however_close_the_moments_are() {
        let lanes = [lane(vec![bar(1, "a", 0, Some(1)), bar(2, "b", 2, Some(10_000_000_000))])];
        let order = OrderAxis::of(&lanes, &[], &[]);
        let places: Vec<f64> = [-1, 0, 1, 2, 10_000_000_000, 10_000_000_001]
            .map(|time| order.x(time).round())
            .to_vec();
        assert_eq!(places, [128.0, 172.0, 271.0, 370.0, 1064.0, 1108.0]);
    }

    #[test]
    fn labels_don_t_cover_bars() {
        let long = "write 1, with a text that is a good deal wider than its bar";
        let crowded = lane(vec![
            bar(1, "write 1", 0, Some(10)),
            bar(2, long, 20, Some(30)),
            bar(3, long, 40, None),
        ]);
        let lanes = [crowded];
        let order = OrderAxis::of(&lanes, &[], &[]);
        let laid: Vec<(usize, bool, Anchor)> =
            lay(&lanes[0], &order).iter().map(|p| (p.row, p.inside, p.label.1)).collect();
        let expected = [(0, true, Anchor::Start), (1, false, Anchor::End), (0, false, Anchor::End)];
        assert_eq!(laid, expected);
    }

    #[test]
    fn no_operations_are_no_trouble() {
        assert!(draw_lanes(&[], &[], &[]).to_string().starts_with("<svg"));
    }
}
