//! Numbers and times as readers want them. No untrusted text is made here.

use temblor_history::Completion;

use crate::measure::Quantile;

/// A count with a comma between thousands: `48,311`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with its noun: `1 fault`, `3 faults`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A length of time, two or three digits: `430 µs`, `1.4 ms`, `19 ms`, `6.3 s`, `1 min 43 s`.
pub(crate) fn duration(ns: i64) -> String {
    let (sign, ns) = (if ns < 0 { "−" } else { "" }, ns.unsigned_abs());
    let text = match ns {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{ns} ns"),
        1_000..999_500 => scaled(ns, 1_000, "µs"),
        999_500..999_500_000 => scaled(ns, 1_000_000, "ms"),
        999_500_000..99_950_000_000 => scaled(ns, 1_000_000_000, "s"),
        _ => minutes((ns + 500_000_000) / 1_000_000_000),
    };
    format!("{sign}{text}")
}

/// A moment of the run as seconds: `21.0 s`.
pub(crate) fn moment(ns: i64) -> String {
    format!("{:.1} s", ns as f64 / 1e9)
}

/// A moment of the run to the millisecond: `21.003 s`.
pub(crate) fn exact_moment(ns: i64) -> String {
    decimal_moment(ns, 3)
}

/// A moment of the run with so many decimals of a second.
pub(crate) fn decimal_moment(ns: i64, decimals: usize) -> String {
    format!("{:.decimals$} s", ns as f64 / 1e9)
}

/// How many decimals tell these moments apart: three at least, six at most.
pub(crate) fn telling_decimals(moments: &[i64]) -> usize {
    let mut moments = moments.to_vec();
    moments.sort_unstable();
    moments.dedup();
    let apart = |decimals: &usize| {
        let written = |ns: &i64| decimal_moment(*ns, *decimals);
        moments.windows(2).all(|pair| written(&pair[0]) != written(&pair[1]))
    };
    (3..6).find(apart).unwrap_or(6)
}

/// A statement as a sentence: with a capital letter, unless it begins with one of these names, and
/// with a full stop.
pub(crate) fn sentence(statement: &str, names: &[&str]) -> String {
    let first = statement.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let mut characters = statement.trim_end_matches(['.', ',']).chars();
    match characters.next() {
        None => String::new(),
        Some(letter) if names.contains(&first) => format!("{letter}{}.", characters.as_str()),
        Some(letter) => format!("{}{}.", letter.to_uppercase(), characters.as_str()),
    }
}

/// A share as a percentage, rounded down so that only all is 100%: `97.2%`, `99.98%`.
pub(crate) fn percent(share: f64) -> String {
    if share >= 1.0 {
        "100%".to_owned()
    } else if share >= 0.99 {
        format!("{:.2}%", (share * 10_000.0).floor() / 100.0)
    } else {
        format!("{:.1}%", (share * 1_000.0).floor() / 10.0)
    }
}

/// A percentile: `5.9 ms`, or `≥ 1 s` where time-outs leave it open.
pub(crate) fn quantile(quantile: Option<Quantile>) -> String {
    let Some(quantile) = quantile else { return "–".to_owned() };
    let least = duration(quantile.at_least);
    // Bounds that agree as far as they are shown are no bounds to the reader.
    let same = quantile.at_most.is_some_and(|most| duration(most) == least);
    if same { least } else { format!("≥ {least}") }
}

/// How an operation ended; also its class in the style sheet.
pub(crate) fn completion(completion: Completion) -> &'static str {
    match completion {
        Completion::Ok => "ok",
        Completion::Refused => "refused",
        Completion::Fail => "fail",
        Completion::Info => "unknown",
    }
}

/// A list as a sentence has it: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn scaled(ns: u64, unit: u64, name: &str) -> String {
    let value = ns as f64 / unit as f64;
    let decimals = usize::from(value < 9.95 || name == "s");
    let digits = format!("{value:.decimals$}");
    format!("{} {name}", digits.strip_suffix(".0").unwrap_or(&digits))
}

fn minutes(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, seconds) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        let grouped = [0, 999, 1_000, 48_311, 1_000_000].map(count);
        assert_eq!(grouped, ["0", "999", "1,000", "48,311", "1,000,000"]);
    }

    #[test]
    fn durations_have_two_or_three_digits() {
        let ns = [
            0,
            430,
            1_400,
            999_600,
            1_440_000,
            18_900_000,
            999_600_000,
            1_000_000_000,
            21_040_000_000,
            103_000_000_000,
            7_260_000_000_000,
            -5_000_000,
        ];
        let expected = [
            "0 s",
            "430 ns",
            "1.4 µs",
            "1 ms",
            "1.4 ms",
            "19 ms",
            "1 s",
            "1 s",
            "21 s",
            "1 min 43 s",
            "2 h 1 min",
            "−5 ms",
        ];
        assert_eq!(ns.map(duration), expected);
    }

    #[test]
    fn only_all_is_100_percent() {
        let shares = [1.0, 0.99999, 0.99, 0.9876, 0.0].map(percent);
        assert_eq!(shares, ["100%", "99.99%", "99.00%", "98.7%", "0.0%"]);
    }

    #[test]
    fn open_percentiles_are_lower_bounds() {
        let of = |at_least, at_most| quantile(Some(Quantile { at_least, at_most }));
        assert_eq!(of(1_000_000_000, None), "≥ 1 s");
        assert_eq!(of(1_400_000, Some(1_400_000)), "1.4 ms");
        assert_eq!(of(1_400_000, Some(1_420_000)), "1.4 ms");
        assert_eq!(of(1_400_000, Some(2_000_000)), "≥ 1.4 ms");
        assert_eq!(quantile(None), "–");
    }

    #[test]
    fn moments_get_the_decimals_that_tell_them_apart() {
        let far = telling_decimals(&[1_000_000, 2_000_000, 2_000_000]);
        let near = telling_decimals(&[8_913_291_795, 8_913_404_986]);
        let same = telling_decimals(&[1, 2]);
        assert_eq!((far, near, same), (3, 4, 6));
    }

    #[test]
    fn statements_become_sentences() {
        assert_eq!(sentence("read of k3 returned 7", &["n1"]), "Read of k3 returned 7.");
        assert_eq!(sentence("n1 followed n2.", &["n1"]), "n1 followed n2.");
        assert_eq!(sentence("", &[]), "");
    }

    #[test]
    fn lists_read_as_sentences() {
        let names = ["a", "b", "c"].map(String::from);
        let lists = [0, 1, 2, 3].map(|most| listed(&names[..most]));
        assert_eq!(lists, ["", "a", "a and b", "a, b and c"]);
    }
}
