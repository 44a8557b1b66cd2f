//! Single values as people write them, with their units; and back again.
//!
//! Each reader takes the text alone and says in words what is wrong with it. Where it stands is
//! the caller's business.

use std::time::Duration;

use temblor_faults::DurationChoice;

/// What is wrong with a text, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misread {
    /// One line of fact.
    pub(crate) message: String,
    /// What to write; empty when nothing better than the message can be said.
    pub(crate) help: String,
}

impl Misread {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// Longer runs are mistakes.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Units of time, longest first where one begins another, in nanoseconds.
const UNITS: [(&str, f64); 6] =
    [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// `250ms`, `1.5s`, `2m`, `1m30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, Misread> {
    let mut rest = text;
    let mut total = 0.0;
    if text.is_empty() {
        return Err(no_duration(text));
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, after) = rest.split_at(digits.unwrap_or(rest.len()));
        let unit_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let number: f64 = number.parse().map_err(|_| no_duration(text))?;
        let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(no_duration(text));
        };
        total += number * size;
        rest = after;
    }
    if total > LONGEST.as_nanos() as f64 {
        return Err(Misread::new(format!("`{text}` is longer than 30 days"), ""));
    }
    Ok(Duration::from_nanos(total.round() as u64))
}

/// Parses a duration of the command line, such as `60s`.
///
/// # Errors
/// What is wrong, and what to write.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration(text).map_err(|misread| format!("{}: {}", misread.message, misread.help))
}

/// Parses a size of the command line, such as `4GiB`, in bytes.
///
/// # Errors
/// What is wrong, and what to write.
pub fn parse_size(text: &str) -> Result<u64, String> {
    const SIZES: [(&str, u64); 7] = [
        ("B", 1),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    let (number, unit) = split_number(text);
    let size = SIZES.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size);
    match (plain_number(number), size) {
        (Some(number), Some(size)) => Ok((number * size as f64) as u64),
        _ => Err(format!("`{text}` is not a size: write a number with a unit, such as `4GiB`")),
    }
}

/// `10Mbit/s`, `64kbit/s`, `1.5MB/s`, in bits a second.
pub(crate) fn bandwidth(text: &str) -> Result<u64, Misread> {
    const UNITS: [(&str, f64); 8] = [
        ("bit/s", 1.0),
        ("kbit/s", 1e3),
        ("Mbit/s", 1e6),
        ("Gbit/s", 1e9),
        ("B/s", 8.0),
        ("kB/s", 8e3),
        ("MB/s", 8e6),
        ("GB/s", 8e9),
    ];
    let (number, unit) = split_number(text);
    let size = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size);
    match (plain_number(number), size) {
        (Some(number), Some(size)) => Ok((number * size) as u64),
        (Some(number), None) => {
            let near = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
            let unit = near.map_or("Mbit/s", |(name, _)| name);
            let message = format!("`{text}` does not say how many bits pass a second");
            Err(Misread::new(message, format!("write `{number}{unit}`")))
        }
        (None, _) => {
            let message = format!("`{text}` does not say how many bits pass a second");
            Err(Misread::new(message, "write, for example, `10Mbit/s`"))
        }
    }
}

/// The words for a text that is no duration, with a guess at what was meant.
fn no_duration(text: &str) -> Misread {
    const LONG_NAMES: [(&str, &str); 12] = [
        ("sec", "s"),
        ("secs", "s"),
        ("second", "s"),
        ("seconds", "s"),
        ("min", "m"),
        ("mins", "m"),
        ("minute", "m"),
        ("minutes", "m"),
        ("msec", "ms"),
        ("millis", "ms"),
        ("hour", "h"),
        ("hours", "h"),
    ];
    let (number, unit) = split_number(text);
    if number.is_empty() || number.parse::<f64>().is_err() {
        let message = format!("`{text}` is not a duration");
        return Misread::new(message, "write a number with a unit, such as `250ms`, `5s`, `2m`");
    }
    if unit.is_empty() {
        let message = format!("the duration `{text}` has no unit");
        return Misread::new(message, format!("write `{number}s` or `{number}ms`"));
    }
    let known = |name: &&(&str, &str)| name.0 == unit.to_lowercase();
    let plain = UNITS.iter().find(|(name, _)| *name == unit).map(|(name, _)| *name);
    let message = format!("`{text}` is not a duration");
    match plain.or(LONG_NAMES.iter().find(known).map(|(_, short)| *short)) {
        Some(short) => Misread::new(message, format!("write `{number}{short}`")),
        None => Misread::new(message, "the units are `ns`, `us`, `ms`, `s`, `m`, `h`"),
    }
}

/// The farthest that a clock can be off: from there dates have no meaning.
const FARTHEST: Duration = LONGEST;

/// `+30s`, `-200ms`: nanoseconds, not zero.
pub(crate) fn offset(text: &str) -> Result<i64, Misread> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = duration(rest)?;
    if size.is_zero() || size > FARTHEST {
        return Err(Misread::new(format!("`{text}` is no offset"), "write, for example, `+30s`"));
    }
    Ok(sign * size.as_nanos() as i64)
}

/// `500ppm`, `-0.5ppm`: parts per billion, not zero.
pub(crate) fn ppm(text: &str) -> Result<i64, Misread> {
    /// So fast or slow that a second takes half of one: no clock is worse.
    const WORST: f64 = 500_000.0;
    let (number, unit) = text
        .strip_prefix('-')
        .map_or_else(|| split_number(text.strip_prefix('+').unwrap_or(text)), split_number);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match (plain_number(number), unit) {
        (Some(number), "ppm") if number > WORST => {
            Err(Misread::new(format!("`{text}` is too much: the most is 500000ppm"), ""))
        }
        (Some(number), "ppm") if (number * 1e3).round() >= 1.0 => {
            Ok((sign * (number * 1e3).round()) as i64)
        }
        (Some(_), "ppm") => Err(Misread::new(format!("`{text}` is no drift at all"), "")),
        (Some(_), "") => Err(Misread::new(
            format!("the drift `{text}` has no unit"),
            format!("write `{text}ppm`"),
        )),
        _ => Err(Misread::new(format!("`{text}` is not a drift"), "write, for example, `500ppm`")),
    }
}

/// The leading number and what follows it, both trimmed.
fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number.trim(), unit.trim())
}

/// `5s`, or a range from which the seed draws: `12s..20s`.
pub(crate) fn durations(text: &str) -> Result<DurationChoice, Misread> {
    let Some((from, to)) = text.split_once("..") else {
        return duration(text).map(DurationChoice::exactly);
    };
    let (from, to) = (from.trim(), to.trim());
    let most = duration(to)?;
    let least = duration(from).map_err(|misread| {
        let (_, unit) = split_number(to);
        match from.parse::<f64>() {
            Ok(_) => Misread::new(misread.message, format!("write `{from}{unit}..{to}`")),
            Err(_) => misread,
        }
    })?;
    if least > most {
        let message = format!("the range `{text}` is empty");
        return Err(Misread::new(message, format!("write `{to}..{from}`")));
    }
    Ok(DurationChoice::Between { least, most })
}

/// `20%`, as a share from 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, Misread> {
    let Some(number) = text.strip_suffix('%') else {
        let message = format!("`{text}` is not a percentage");
        let help = match text.parse::<f64>() {
            Ok(number) if number > 1.0 => format!("write `{number}%`"),
            Ok(number) => format!("write `{}%`", number * 100.0),
            Err(_) => "write a percentage, such as `20%`".to_owned(),
        };
        return Err(Misread::new(message, help));
    };
    match plain_number(number.trim_end()) {
        Some(number) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        Some(_) => Err(Misread::new(format!("`{text}` is not between 0% and 100%"), "")),
        None => Err(Misread::new(
            format!("`{text}` is not a percentage"),
            "write a number before the `%`, such as `20%`",
        )),
    }
}

/// `500/s`: operations a second.
pub(crate) fn rate(text: &str) -> Result<f64, Misread> {
    let misread = |help: String| Misread::new(format!("`{text}` is not a rate"), help);
    let (number, unit) = split_number(text);
    let Some(number) = plain_number(number) else {
        return Err(misread("write operations a second, such as `500/s`".to_owned()));
    };
    match unit {
        "/s" if number > 0.0 => Ok(number),
        "/s" => Err(misread("a rate is more than `0/s`".to_owned())),
        "/m" | "/min" => Err(misread(format!("write `{}/s`", number / 60.0))),
        _ => Err(misread(format!("write `{number}/s`"))),
    }
}

/// `8`: a whole number in plain digits.
pub(crate) fn count(text: &str) -> Result<u64, Misread> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && (text == "0" || !text.starts_with('0')) {
        let message = format!("the number `{text}` is too large");
        return text.parse().map_err(|_| Misread::new(message, ""));
    }
    let message = format!("`{text}` is not a whole number");
    let cleaned = text.replace(['_', ',', ' ', '+'], "");
    Err(match cleaned.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.fract() == 0.0 && number < 1e15 => {
            Misread::new(message, format!("write `{number}`"))
        }
        _ => Misread::new(message, "write plain digits, such as `8`"),
    })
}

/// `2 per node`.
pub(crate) fn per_node(text: &str) -> Result<u64, Misread> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [number, "per", "node"] = words[..] {
        return count(number);
    }
    let message = format!("`{text}` does not say how many on each node");
    let number = words.first().copied().unwrap_or_default();
    Err(match count(number) {
        Ok(number) => Misread::new(message, format!("write `{number} per node`")),
        Err(_) => Misread::new(message, "write, for example, `2 per node`"),
    })
}

/// `true` or `false`; none of YAML's other words for them.
pub(crate) fn flag(text: &str) -> Result<bool, Misread> {
    let message = || format!("`{text}` is neither `true` nor `false`");
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(match text.to_lowercase().as_str() {
            "yes" | "on" | "y" | "1" | "true" => Misread::new(message(), "write `true`"),
            "no" | "off" | "n" | "0" | "false" => Misread::new(message(), "write `false`"),
            _ => Misread::new(message(), ""),
        }),
    }
}

/// What follows a bound's sign: `>= 90%` with `>=`.
pub(crate) fn bounded<'t>(text: &'t str, sign: &str) -> Result<&'t str, Misread> {
    if let Some(rest) = text.strip_prefix(sign) {
        return Ok(rest.trim());
    }
    let rest = text.trim_start_matches(['<', '>', '=', ' ']);
    let message = format!("the bound `{text}` does not begin with `{sign}`");
    Err(Misread::new(message, format!("write `\"{sign} {rest}\"`")))
}

fn plain_number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

/// A duration as a plan writes it: `250ms`, `1.5s`, `1m30s`.
pub fn written(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}us", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{}ms", nanos as f64 / 1e6),
        1_000_000_000..120_000_000_000 => format!("{}s", nanos as f64 / 1e9),
        _ if rest == 0 => format!("{minutes}m"),
        _ => format!("{minutes}m{}s", rest as f64 / 1e9),
    }
}

/// Durations as a plan writes them: `5s`, `12s..20s`, `30s or 1m`.
pub(crate) fn written_choice(choice: &DurationChoice) -> String {
    match choice {
        DurationChoice::Between { least, most } if least == most => written(*least),
        DurationChoice::Between { least, most } => {
            format!("{}..{}", written(*least), written(*most))
        }
        DurationChoice::OneOf(choices) => {
            let choices: Vec<String> = choices.iter().copied().map(written).collect();
            choices.join(" or ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let read = ["250ms", "1.5s", "1m30s", "2h", "10us", "0s"].map(|text| {
            let duration = duration(text).unwrap();
            (duration.as_nanos(), written(duration))
        });
        let expected = [
            (250_000_000, "250ms"),
            (1_500_000_000, "1.5s"),
            (90_000_000_000, "90s"),
            (7_200_000_000_000, "120m"),
            (10_000, "10us"),
            (0, "0s"),
        ];
        assert_eq!(read, expected.map(|(nanos, text)| (nanos, text.to_owned())));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let misreads = [
            duration("60").unwrap_err(),
            duration("10 seconds").unwrap_err(),
            duration("5parsecs").unwrap_err(),
            duration("soon").unwrap_err(),
            durations("12..20s").unwrap_err(),
            durations("9s..3s").unwrap_err(),
            share("0.2").unwrap_err(),
            share("120%").unwrap_err(),
            rate("500").unwrap_err(),
            rate("120/min").unwrap_err(),
            bandwidth("10").unwrap_err(),
            bandwidth("10mbit/s").unwrap_err(),
            bandwidth("fast").unwrap_err(),
            count("1e3").unwrap_err(),
            count("03").unwrap_err(),
            per_node("2").unwrap_err(),
            flag("on").unwrap_err(),
            bounded("90%", ">=").unwrap_err(),
        ];
        let lines = misreads.map(|one| format!("{}; {}", one.message, one.help));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        the duration `60` has no unit; write `60s` or `60ms`
        `10 seconds` is not a duration; write `10s`
        `5parsecs` is not a duration; the units are `ns`, `us`, `ms`, `s`, `m`, `h`
        `soon` is not a duration; write a number with a unit, such as `250ms`, `5s`, `2m`
        the duration `12` has no unit; write `12s..20s`
        the range `9s..3s` is empty; write `3s..9s`
        `0.2` is not a percentage; write `20%`
        `120%` is not between 0% and 100%; 
        `500` is not a rate; write `500/s`
        `120/min` is not a rate; write `2/s`
        `10` does not say how many bits pass a second; write `10Mbit/s`
        `10mbit/s` does not say how many bits pass a second; write `10Mbit/s`
        `fast` does not say how many bits pass a second; write, for example, `10Mbit/s`
        `1e3` is not a whole number; write `1000`
        `03` is not a whole number; write `3`
        `2` does not say how many on each node; write `2 per node`
        `on` is neither `true` nor `false`; write `true`
        the bound `90%` does not begin with `>=`; write `">= 90%"`
        "#);
    }
}
