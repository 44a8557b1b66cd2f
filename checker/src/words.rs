//! Small words that reports share.

/// `1 operation`, `3 operations`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `was` or `were`.
pub(crate) fn was(number: usize) -> &'static str {
    if number == 1 { "was" } else { "were" }
}
