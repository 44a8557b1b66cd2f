//! Everything untrusted passes through here: keys, values, names, errors and log lines of a system
//! under test end up in pages that people open and in files that CI servers parse.
//!
//! Control characters, and those that reorder or hide text, are made visible first; then comes what
//! each format needs. JUnit has a writer of its own and takes [`visible`] text.

use std::borrow::Cow;
use std::fmt::{self, Write};

use askama::filters::Escaper;

/// The escaper of every template; `askama.toml` names it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Html;

impl Escaper for Html {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        for character in string.chars() {
            match character {
                '&' => dest.write_str("&amp;")?,
                '<' => dest.write_str("&lt;")?,
                '>' => dest.write_str("&gt;")?,
                '"' => dest.write_str("&quot;")?,
                '\'' => dest.write_str("&#39;")?,
                other => dest.write_char(shown(other))?,
            }
        }
        Ok(())
    }
}

/// HTML or SVG that is already escaped; templates print it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Markup(String);

impl Markup {
    /// Takes what was put together of our own markup and escaped text.
    pub(crate) fn made_of_escaped(markup: String) -> Self {
        Self(markup)
    }

    /// Prose in which names stand between backticks, as catalogues write it.
    pub(crate) fn prose(text: &str) -> Self {
        let parts: Vec<String> = text.split('`').map(html).collect();
        if parts.len().is_multiple_of(2) {
            return Self(html(text));
        }
        let marked = parts.iter().enumerate().map(|(place, part)| match place % 2 {
            0 => part.clone(),
            _ => format!("<code>{part}</code>"),
        });
        Self(marked.collect())
    }
}

/// Several pieces of [`Markup::prose`].
pub(crate) fn prose<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<Markup> {
    texts.into_iter().map(|text| Markup::prose(text)).collect()
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text for HTML and SVG, in element content and in quoted attributes.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // Writing to a string cannot fail.
    let _ = Html.write_escaped_str(&mut escaped, text);
    escaped
}

/// Text in which every character shows: control characters become their pictures (U+2400 and on),
/// those that reorder or hide text, and noncharacters, become `�`. Tabs and line feeds stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| shown(character) == character) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().map(shown).collect())
    }
}

/// Text as one line of Markdown: no markup, no mention, no link, no table cell comes of it.
pub(crate) fn markdown(text: &str) -> String {
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let before_space = characters.peek().is_none_or(|next| next.is_whitespace());
        match character {
            '\n' | '\t' => escaped.push(' '),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // As an entity: a backslash does not stop a mention, an issue link or a bare address.
            '@' => escaped.push_str("&#64;"),
            '#' => escaped.push_str("&#35;"),
            ':' if !before_space => escaped.push_str("&#58;"),
            // A list, or the underline of a heading, begins with these.
            '-' | '+' | '=' if escaped.is_empty() => {
                escaped.push('\\');
                escaped.push(character);
            }
            '.' | ')' if !escaped.is_empty() && escaped.bytes().all(|b| b.is_ascii_digit()) => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// The text, or its beginning and end around an ellipsis where it is longer than `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= most {
        return Cow::Borrowed(text);
    }
    let tail = most / 3;
    let head = most.saturating_sub(tail + 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    Cow::Owned(format!("{start}…{end}"))
}

fn shown(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        '\0'..='\x1f' => char::from_u32(0x2400 + character as u32).unwrap_or('�'),
        '\x7f' => '␡',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '�',
        // Not allowed in XML at all.
        _ if character as u32 & 0xfffe == 0xfffe => '�',
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_has_no_way_out_of_text_or_attribute() {
        let hostile = "</title><script>alert('x')</script>\" onload=\"&\0\x1b[31m\u{202e}\u{fffe}";
        assert_eq!(
            html(hostile),
            "&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;&amp;␀␛[31m��"
        );
    }

    #[test]
    fn prose_marks_names_and_nothing_else() {
        assert_eq!(Markup::prose("a `b<` c").to_string(), "a <code>b&lt;</code> c");
        assert_eq!(Markup::prose("one ` only <").to_string(), "one ` only &lt;");
    }

    #[test]
    fn markdown_has_no_markup() {
        assert_eq!(
            markdown("| @user #1 `x` <b>\n**b** [a](http://x)"),
            "\\| &#64;user &#35;1 \\`x\\` &lt;b&gt; \\*\\*b\\*\\* \\[a\\](http&#58;//x)"
        );
    }

    #[test]
    fn markdown_begins_no_list() {
        let begun = ["- a", "+ a", "1. a", "12) a", "=== a", "a-b 1."].map(markdown);
        assert_eq!(begun, ["\\- a", "\\+ a", "1\\. a", "12\\) a", "\\=== a", "a-b 1."]);
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        assert!(matches!(visible("schlüssel → 値 👍\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_text_keeps_both_ends() {
        assert_eq!(shortened("abcdefghijkl", 12), "abcdefghijkl");
        assert_eq!(shortened("abcdefghijklm", 9), "abcde…klm");
        assert_eq!(shortened("ééééééé", 4), "éé…é");
    }
}
