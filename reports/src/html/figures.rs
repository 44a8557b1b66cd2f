//! The run on one time axis: rate, leaders, latency and availability, with measured faults behind.

use temblor_history::Completion;

use crate::digest::Digest;
use crate::escape::Markup;
use crate::measure::{
    LatencyOver, Quantile, Rates, Timing, Window, bin_width, latency_over_time, rates,
};
use crate::svg::{
    Anchor, Band, LEFT, LevelAxis, LogAxis, RIGHT, Svg, TimeAxis, WIDTH, area, censored, dots,
    draw_bands, draw_strip, round_step, steps, thinned,
};
use crate::words;

use super::leaders;

/// All figures of the run, one below the other.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) figures: Vec<Figure>,
    /// Swatches: class and meaning.
    pub(crate) legend: Vec<(&'static str, &'static str)>,
}

/// A figure with its heading and a note.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) title: &'static str,
    pub(crate) drawing: Markup,
    pub(crate) note: String,
}

const SECOND: i64 = 1_000_000_000;
/// Shares of a percentage axis.
const HALVES: [f64; 3] = [0.0, 0.5, 1.0];

pub(crate) fn figures(digest: &Digest<'_>) -> Figures {
    if digest.timings.operations.is_empty() && digest.run.faults.is_empty() {
        return Figures { figures: Vec::new(), legend: Vec::new() };
    }
    let plot = Plot::of(digest);
    let phases: Vec<(String, Window)> =
        digest.phases.iter().map(|phase| (phase.name.clone(), phase.window)).collect();
    let mut figures = vec![Figure {
        title: "Phases and faults",
        drawing: draw_strip(&plot.bands, &phases, digest.shown),
        note: String::new(),
    }];
    if !digest.timings.operations.is_empty() {
        figures.push(plot.rate());
    }
    figures.extend(leaders::leaders(digest, &plot.axis));
    if !digest.timings.operations.is_empty() {
        figures.push(plot.latency());
        figures.push(plot.availability());
    }
    Figures { figures, legend: legend(&plot.bands) }
}

fn legend(bands: &[Band]) -> Vec<(&'static str, &'static str)> {
    let mut legend =
        vec![("ok", "ok"), ("refused", "refused"), ("fail", "failed"), ("unknown", "unknown")];
    legend.push(("shed", "shed: no client could take it"));
    let classes = [
        ("link", "link fault, as measured"),
        ("process", "process fault, as measured"),
        ("clock", "clock fault, as measured"),
        ("disk", "disk fault, as measured"),
        ("resource", "resource fault, as measured"),
        ("membership", "membership change, as measured"),
        ("custom", "custom fault, as measured"),
    ];
    let seen = |class: &&(&str, &str)| bands.iter().any(|band| band.class == class.0);
    legend.extend(classes.iter().filter(seen));
    legend
}

/// What every figure shares.
struct Plot<'a> {
    digest: &'a Digest<'a>,
    axis: TimeAxis,
    bands: Vec<Band>,
}

impl<'a> Plot<'a> {
    fn of(digest: &'a Digest<'a>) -> Self {
        let bands = Band::all(&digest.run.faults, digest.shown.to);
        Self { digest, axis: TimeAxis::new(digest.shown), bands }
    }

    /// A figure with bands and phases behind, and time below.
    fn start(&self, bottom: f64, label: &str) -> Svg {
        let mut svg = Svg::new(WIDTH, bottom + 22.0, label);
        draw_bands(&mut svg, &self.bands, |time| self.axis.x(time), (0.0, bottom));
        for phase in &self.digest.phases {
            let x = self.axis.x(phase.window.from);
            svg.line("phase", (x, 0.0), (x, bottom));
        }
        svg
    }

    fn rates(&self, least: i64) -> Rates {
        let width = bin_width(self.digest.shown, least);
        rates(&self.digest.timings, &self.digest.shed, self.digest.shown, width)
    }

    /// A series as points, its last bin left out where the run ended within it.
    fn points(&self, rates: &Rates, y: impl Fn(usize) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
        let whole = (self.digest.shown.length() / rates.width) as usize;
        let point = |bin: usize| y(bin).map(|y| (self.axis.x(rates.middle(bin)), y));
        let points: Vec<Option<(f64, f64)>> = (0..whole).map(point).collect();
        let stretches = points.split(Option::is_none).filter(|stretch| !stretch.is_empty());
        stretches
            .map(|stretch| thinned(&stretch.iter().copied().flatten().collect::<Vec<_>>()))
            .collect()
    }

    /// A series as steps: each bin's level over its whole width.
    fn steps(&self, rates: &Rates, y: impl Fn(usize) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
        let edge = |bin: usize| self.axis.x(rates.from + rates.width * bin as i64);
        let step = |bin: usize| Some([(edge(bin), y(bin)?), (edge(bin + 1), y(bin)?)]);
        let bins: Vec<Option<[(f64, f64); 2]>> = (0..rates.intended.len()).map(step).collect();
        let stretches = bins.split(Option::is_none).filter(|stretch| !stretch.is_empty());
        stretches
            .map(|stretch| {
                thinned(&stretch.iter().copied().flatten().flatten().collect::<Vec<_>>())
            })
            .collect()
    }

    fn rate(&self) -> Figure {
        const BOTTOM: f64 = 110.0;
        let (fine, seconds) = (self.rates(1), self.rates(SECOND));
        let ended = |place: usize| fine.ended.iter().map(move |bin| bin[place]);
        let most = (0..4).flat_map(ended).map(|count| fine.per_second(count));
        let shed = seconds.shed.iter().map(|count| seconds.per_second(*count));
        let most = most.chain(shed).fold(1.0, f64::max);
        let level = LevelAxis::new(8.0, BOTTOM, most);
        let mut svg = self.start(BOTTOM, "Operations per second by outcome");
        level.draw(&mut svg, &rate_levels(most));
        let series = |place: usize| {
            let y = |bin: usize| Some(level.y(fine.per_second(fine.ended[bin][place])));
            self.points(&fine, y)
        };
        let shed = |bin: usize| Some(level.y(seconds.per_second(seconds.shed[bin])));
        if seconds.shed.iter().any(|count| *count > 0) {
            draw_area(&mut svg, "shed", &self.steps(&seconds, shed), BOTTOM);
        }
        draw_area(&mut svg, "ok", &series(0), BOTTOM);
        for (place, class) in [(1, "refused"), (2, "fail"), (3, "unknown")] {
            if ended(place).any(|count| count > 0) {
                draw_line(&mut svg, class, &series(place));
            }
        }
        self.axis.draw(&mut svg, BOTTOM, true);
        let note = format!(
            "Counted where they ended, in steps of {}; shed load by the second.",
            words::duration(fine.width)
        );
        Figure { title: "Operations per second", drawing: svg.finish(), note }
    }

    fn latency(&self) -> Figure {
        const BOTTOM: f64 = 160.0;
        let load: Vec<&Timing> = self.digest.timings.load().collect();
        let times = || load.iter().map(|timing| timing.response());
        let timeout = self.digest.run.manifest.op_timeout_ns;
        let least = times().min().unwrap_or(1_000_000);
        let most = times().max().unwrap_or(1).max(timeout);
        let level = LogAxis::new(8.0, BOTTOM, least, most);
        let mut svg =
            self.start(BOTTOM, "Response time of each operation, from its intended start");
        level.draw(&mut svg);
        let timeout_y = level.y(timeout);
        svg.line("limit", (LEFT, timeout_y), (RIGHT, timeout_y));
        svg.text("bl", (RIGHT, timeout_y - 4.0), Anchor::End, "time-out");
        for completion in [Completion::Ok, Completion::Refused, Completion::Fail] {
            let class = format!("pt {}", words::completion(completion));
            svg.path(&class, &dots(self.places(&load, &level, completion)), "");
        }
        let open = censored(self.places(&load, &level, Completion::Info));
        svg.path("pt unknown", &open, "no answer: at least so long");
        self.draw_percentiles(&mut svg, &level);
        self.axis.draw(&mut svg, BOTTOM, true);
        let note = "Each point stands at an operation's intended start; points that would cover \
            each other are drawn once. Lines: the median (thin) and the 99th percentile (bold; \
            dotted where operations without an answer leave it open). Upward marks are operations \
            that were given up: they would have taken at least so long.";
        Figure {
            title: "Response time, from the intended start",
            drawing: svg.finish(),
            note: note.into(),
        }
    }

    fn places<'p>(
        &'p self,
        load: &'p [&Timing],
        level: &'p LogAxis,
        completion: Completion,
    ) -> impl Iterator<Item = (f64, f64)> + 'p {
        let ended = load.iter().filter(move |timing| timing.completion == completion);
        ended.map(|timing| (self.axis.x(timing.intended), level.y(timing.response())))
    }

    fn draw_percentiles(&self, svg: &mut Svg, level: &LogAxis) {
        let width = bin_width(self.digest.shown, 1);
        let over = latency_over_time(&self.digest.timings, self.digest.load, width);
        let stretches = || over.chunk_by(|a, b| b.middle - a.middle == width);
        let line = |quantile: fn(&LatencyOver) -> Quantile, stretch: &[LatencyOver]| {
            let point =
                |bin: &LatencyOver| (self.axis.x(bin.middle), level.y(quantile(bin).at_least));
            thinned(&stretch.iter().map(point).collect::<Vec<_>>())
        };
        let all = |quantile: fn(&LatencyOver) -> Quantile| -> Vec<Vec<(f64, f64)>> {
            stretches().map(|stretch| line(quantile, stretch)).collect()
        };
        draw_line(svg, "q50", &all(|bin| bin.median));
        draw_line(svg, "q99 open", &all(|bin| bin.p99));
        let exact =
            over.chunk_by(|a, b| b.middle - a.middle == width && a.p99.exact() && b.p99.exact());
        let exact: Vec<_> = exact.map(|stretch| line(|bin| bin.p99, stretch)).collect();
        draw_line(svg, "q99", &exact);
    }

    fn availability(&self) -> Figure {
        const BOTTOM: f64 = 64.0;
        let seconds = self.rates(SECOND);
        let level = LevelAxis::new(8.0, BOTTOM, 1.0);
        let mut svg = self.start(BOTTOM, "Share of the intended operations that ended ok");
        level.draw(&mut svg, &HALVES.map(|share| (share, format!("{:.0}%", share * 100.0))));
        let share = |counts: &[u64], bin: usize| {
            let intended = seconds.intended[bin];
            (intended > 0).then(|| level.y(counts[bin] as f64 / intended as f64))
        };
        let points = |counts: &[u64]| self.steps(&seconds, |bin| share(counts, bin));
        draw_area(&mut svg, "ok", &points(&seconds.served), BOTTOM);
        if seconds.answered != seconds.served {
            draw_line(&mut svg, "answered", &points(&seconds.answered));
        }
        self.axis.draw(&mut svg, BOTTOM, true);
        Figure { title: "Availability", drawing: svg.finish(), note: self.availability_note() }
    }

    fn availability_note(&self) -> String {
        let seen = self.digest.availability();
        let (Some(share), Some(answered)) = (seen.share(), seen.answered()) else {
            return "Nothing was intended.".to_owned();
        };
        let gap = self.digest.longest_gap();
        let refusals = match seen.refused {
            0 => String::new(),
            _ => format!(
                "; with refusals, which are answers too (dashed): {}",
                words::percent(answered)
            ),
        };
        format!(
            "Ok over intended, shed load included: {} of {} ({}){refusals}. Longest time without an \
             ok from any client: {}, from {} to {}.",
            words::count(seen.ok),
            words::count(seen.intended),
            words::percent(share),
            words::duration(gap.length()),
            words::moment(gap.from),
            words::moment(gap.to)
        )
    }
}

fn rate_levels(most: f64) -> Vec<(f64, String)> {
    let step = round_step(most / 3.0);
    let levels = (0..=3).map(|level| f64::from(level) * step).filter(|level| *level <= most);
    levels.map(|level| (level, format!("{}/s", words::count(level as u64)))).collect()
}

fn draw_line(svg: &mut Svg, class: &str, stretches: &[Vec<(f64, f64)>]) {
    let path: String = stretches.iter().map(|points| steps(points)).collect();
    svg.path(&format!("ln {class}"), &path, "");
}

fn draw_area(svg: &mut Svg, class: &str, stretches: &[Vec<(f64, f64)>], base: f64) {
    let filled: String = stretches.iter().map(|points| area(points, base)).collect();
    svg.path(&format!("ar {class}"), &filled, "");
    draw_line(svg, class, stretches);
}
