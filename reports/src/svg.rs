//! Figures, drawn as SVG by hand: axes, lines, points, bands, lanes and cycles.
//!
//! Figures are static, styled by the page's style sheet through classes, and named for readers who
//! don't see them. They know times and numbers; what to draw is the pages' business.

mod axis;
mod band;
mod canvas;
mod cycle;
mod lanes;
mod line;
mod points;

pub(crate) use axis::{LEFT, LevelAxis, LogAxis, RIGHT, TimeAxis, WIDTH, round_step};
pub(crate) use band::{Band, draw_bands, draw_strip};
pub(crate) use canvas::{Anchor, Svg};
pub(crate) use cycle::{Step, draw_cycle};
pub(crate) use lanes::{Bar, Lane, draw_lanes};
pub(crate) use line::{area, steps, thinned};
pub(crate) use points::{censored, dots};
