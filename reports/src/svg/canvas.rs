//! The one place where SVG is written, so that nothing untrusted gets past the escaper.

use std::fmt::{self, Write};

use crate::escape::{Markup, html};

/// Which end of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A figure while it is drawn. Classes are ours; titles, labels and texts may be anybody's.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    label: String,
    body: String,
}

impl Svg {
    /// An empty figure of this size with a name for readers who don't see it.
    pub(crate) fn new(width: f64, height: f64, label: &str) -> Self {
        Self { width, height, label: html(label), body: String::new() }
    }

    /// A rectangle; the title shows on hover, and is left out when empty.
    pub(crate) fn rect(&mut self, class: &str, (x, y): (f64, f64), size: (f64, f64), title: &str) {
        let (width, height) = (Number(size.0), Number(size.1));
        let (x, y) = (Number(x), Number(y));
        let (class, plain) = (html(class), plain(class));
        let start = format!(
            r#"<rect class="{class}"{plain} x="{x}" y="{y}" width="{width}" height="{height}""#
        );
        self.element(&start, "rect", title);
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (class, x1, y1) = (html(class), Number(from.0), Number(from.1));
        let (x2, y2) = (Number(to.0), Number(to.1));
        self.push(format_args!(
            r#"<line class="{class}" stroke="gray" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#
        ));
    }

    /// A text.
    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let (class, text, anchor) = (html(class), html(text), anchor.word());
        let (x, y) = (Number(x), Number(y));
        self.push(format_args!(
            r#"<text class="{class}" font-size="11" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// A text after a number in bold.
    pub(crate) fn numbered(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        anchor: Anchor,
        number: u32,
        text: &str,
    ) {
        let (class, text, anchor) = (html(class), html(text), anchor.word());
        let (x, y) = (Number(x), Number(y));
        self.push(format_args!(
            r#"<text class="{class}" font-size="11" x="{x}" y="{y}" text-anchor="{anchor}"><tspan class="num">{number}</tspan> {text}</text>"#
        ));
    }

    /// A path; nothing where it is empty.
    pub(crate) fn path(&mut self, class: &str, path: &str, title: &str) {
        if !path.is_empty() {
            let (class, plain) = (html(class), plain(class));
            let start = format!(r#"<path class="{class}"{plain} d="{}""#, html(path));
            self.element(&start, "path", title);
        }
    }

    /// The finished figure.
    pub(crate) fn finish(self) -> Markup {
        let Self { width, height, label, body } = self;
        let (width, height) = (Number(width), Number(height));
        Markup::made_of_escaped(format!(
            r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{body}</svg>"#
        ))
    }

    fn element(&mut self, start: &str, name: &str, title: &str) {
        if title.is_empty() {
            self.push(format_args!("{start}/>"));
        } else {
            let title = html(title);
            self.push(format_args!("{start}><title>{title}</title></{name}>"));
        }
    }

    fn push(&mut self, arguments: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(arguments);
    }
}

/// How a shape looks where a CI server's policy forbids style sheets; a style sheet overrides it.
fn plain(class: &str) -> &'static str {
    match class.split(' ').next().unwrap_or_default() {
        "ln" | "exit" => r#" fill="none" stroke="gray""#,
        "pt" => r#" fill="none" stroke="gray" stroke-linecap="round" stroke-width="2""#,
        "ar" => r#" fill="none""#,
        "band" | "edge" => r#" fill="gray" fill-opacity=".2""#,
        "node" => r##" fill="#eee""##,
        _ => r##" fill="#999""##,
    }
}

/// A coordinate with one decimal at most: more than a screen shows, and short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        if tenths % 10 == 0 {
            write!(f, "{}", tenths / 10)
        } else {
            write!(f, "{}", tenths as f64 / 10.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_untrusted_gets_out_of_its_place() {
        let mut svg = Svg::new(100.0, 10.04, "<label>\"");
        svg.rect("band", (1.25, 2.0), (3.0, 4.0), "</title><script>");
        svg.text("tick", (0.0, -1.5), Anchor::End, "<b>&");
        svg.path("ln", "", "");
        svg.line("ax", (0.0, 0.0), (1.0, 1.0));
        insta::assert_snapshot!(svg.finish(), @r##"<svg viewBox="0 0 100 10" role="img" aria-label="&lt;label&gt;&quot;"><rect class="band" fill="gray" fill-opacity=".2" x="1.3" y="2" width="3" height="4"><title>&lt;/title&gt;&lt;script&gt;</title></rect><text class="tick" font-size="11" x="0" y="-1.5" text-anchor="end">&lt;b&gt;&amp;</text><line class="ax" stroke="gray" x1="0" y1="0" x2="1" y2="1"/></svg>"##);
    }
}
