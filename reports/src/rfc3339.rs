//! Times of day as manifests and logs write them: RFC 3339, read to nanoseconds since 1970.

/// A time stamp's nanoseconds since 1970 in UTC, and how many characters it took; none where the
/// text does not begin with one. A space may stand for the `T`; a stamp without a zone is UTC.
pub(crate) fn leading(text: &str) -> Option<(i64, usize)> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let separated = separators.iter().all(|(place, byte)| bytes.get(*place) == Some(byte));
    if !separated || !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let (fraction, after) = fraction(bytes, 19);
    let (offset, after) = zone(text, after);
    Some(((days * 86_400 + seconds - offset) * 1_000_000_000 + fraction, after))
}

/// A time stamp as readers want it: `22 Nov 2026, 10:04 UTC`; anything else as it stands.
pub(crate) fn readable(stamp: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = stamp.get(5..7).and_then(|month| month.parse::<usize>().ok());
    let month = month.and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let utc = stamp.ends_with(['Z', 'z']) && leading(stamp).is_some_and(|(_, l)| l == stamp.len());
    match month {
        Some(month) if utc => {
            let day = stamp[8..10].trim_start_matches('0');
            format!("{day} {month} {}, {} UTC", &stamp[..4], &stamp[11..16])
        }
        _ => stamp.to_owned(),
    }
}

/// Days since 1970 of a day in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level
/// date algorithms", `days_from_civil`): years begin in March, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Nanoseconds of a fraction of a second after a point or a comma, and where it ends.
fn fraction(bytes: &[u8], at: usize) -> (i64, usize) {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = |place: usize| bytes.get(at + 1 + place).filter(|_| place < digits);
    let digit = |place: usize| value(place).map_or(0, |byte| i64::from(byte - b'0'));
    ((0..9).fold(0, |sum, place| sum * 10 + digit(place)), at + 1 + digits)
}

/// The zone's distance from UTC in seconds, and where it ends.
fn zone(text: &str, at: usize) -> (i64, usize) {
    let bytes = text.as_bytes();
    let sign = match bytes.get(at) {
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(b'Z' | b'z') => return (0, at + 1),
        _ => return (0, at),
    };
    let digits = |from: usize| text.get(from..from + 2).and_then(|two| two.parse::<i64>().ok());
    let colon = usize::from(bytes.get(at + 3) == Some(&b':'));
    match (digits(at + 1), digits(at + 3 + colon)) {
        (Some(hours), Some(minutes)) => (sign * (hours * 3600 + minutes * 60), at + 5 + colon),
        _ => (0, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_many_programs() {
        let stamps = [
            "1970-01-01T00:00:00Z",
            "2026-11-22T10:04:00Z",
            "2000-02-29T23:59:59.5Z rest",
            "2026-11-22 10:04:00,123456789",
            "2026-11-22T12:04:00.000+0200",
            "2026-11-22T05:34:00-04:30",
        ];
        let expected = [
            (0, 20),
            (1_795_341_840_000_000_000, 20),
            (951_868_799_500_000_000, 22),
            (1_795_341_840_123_456_789, 29),
            (1_795_341_840_000_000_000, 28),
            (1_795_341_840_000_000_000, 25),
        ];
        assert_eq!(stamps.map(leading), expected.map(Some));
    }

    #[test]
    fn what_is_no_stamp() {
        for text in
            ["", "2026", "2026-13-01T00:00:00Z", "2026-11-22x10:04:00", "é026-11-22T10:04:00"]
        {
            assert_eq!(leading(text), None, "{text}");
        }
    }

    #[test]
    fn readable_only_where_it_is_sure() {
        assert_eq!(readable("2026-11-02T10:04:00.5Z"), "2 Nov 2026, 10:04 UTC");
        assert_eq!(readable("2026-11-02T10:04:00+01:00"), "2026-11-02T10:04:00+01:00");
        assert_eq!(readable("yesterday"), "yesterday");
    }
}
