//! A clock fault out of its fields: exactly one way to be wrong.

use temblor_faults::Skew;

use crate::plan::{diagnostic::Diagnostic, form::Fields, source::Span};

/// The ways, as the fault's fields are called.
const WAYS: [&str; 4] = ["jump", "drift", "strobe", "freeze"];
/// A shorter turn is over before anybody looks twice.
const SHORTEST_TURN_NS: i64 = 1_000_000;

/// What a `clock` fault says. What can't be meant is reported, and a harmless value stands for it.
pub(super) fn resolve(fields: &Fields, at: &Span, diagnostics: &mut Vec<Diagnostic>) -> Skew {
    let unread = |way: &str| fields.unread.iter().any(|unread| unread == way);
    let given = |way: &&&str| match **way {
        "freeze" => fields.flag("freeze") || unread("freeze"),
        way => fields.key(way).is_some() || unread(way),
    };
    let ways: Vec<&&str> = WAYS.iter().filter(given).collect();
    let help = "give it one of `jump: +30s`, `drift: 500ppm`, `strobe: { by: +5s, every: 200ms }`, `freeze: true`";
    match ways.as_slice() {
        [] => diagnostics.push(Diagnostic::error(at, "this `clock` does nothing").help(help)),
        [_] => {}
        [first, second, ..] => {
            let second_at = fields.key(second).unwrap_or(at);
            let message = format!("a clock can't `{first}` and `{second}` at once");
            diagnostics.push(Diagnostic::error(second_at, message).help("keep one of the two"));
        }
    }
    let strobe = fields.fields("strobe");
    let every_ns = strobe
        .and_then(|strobe| strobe.duration("every"))
        .map_or(SHORTEST_TURN_NS, |every| every.as_nanos() as i64);
    if let Some(every) = strobe.and_then(|strobe| strobe.given("every"))
        && every_ns < SHORTEST_TURN_NS
    {
        let message = "turns can't be shorter than 1ms";
        diagnostics.push(Diagnostic::error(&every.span, message));
    }
    let by_ns = |fields: &Fields, name: &str| fields.signed(name).unwrap_or(1);
    match ways.first() {
        Some(&&"drift") => Skew::Drift { ppb: by_ns(fields, "drift") },
        Some(&&"strobe") => Skew::Strobe {
            by_ns: strobe.map_or(1, |strobe| by_ns(strobe, "by")),
            every_ns: every_ns.max(SHORTEST_TURN_NS),
        },
        Some(&&"freeze") => Skew::Freeze,
        _ => Skew::Jump { by_ns: by_ns(fields, "jump") },
    }
}
