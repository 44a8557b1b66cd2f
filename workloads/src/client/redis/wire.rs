//! The bytes that Redis speaks: RESP, version 2. Commands are arrays of bulk strings; of replies,
//! those that the client's commands have.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Longest line of a reply, bytes; errors are the longest.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Longest bulk string, bytes: what Redis itself takes.
const TEXT_BYTES_MAX: usize = 512 << 20;
/// Arrays within arrays; the answer to EXEC has two.
const DEPTH_MAX: usize = 4;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// `OK`, `QUEUED`.
    Status(String),
    /// The code and what it means.
    Error(String),
    Integer(i64),
    Text(Vec<u8>),
    Nothing,
    Array(Vec<Reply>),
}

/// A command as it is sent.
pub(super) fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// Reads one reply.
///
/// # Errors
/// When the connection ends before it does, or it is none.
pub(super) async fn read_reply(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Reply> {
    // Arrays that are not complete yet, and how many elements each still wants.
    let mut open: Vec<(usize, Vec<Reply>)> = Vec::new();
    loop {
        let mut reply = match read_one(from).await? {
            Part::Whole(reply) => reply,
            Part::Array(0) => Reply::Array(Vec::new()),
            Part::Array(_) if open.len() == DEPTH_MAX => return Err(wrong("arrays too deep")),
            Part::Array(elements) => {
                open.push((elements, Vec::new()));
                continue;
            }
        };
        loop {
            let Some((wanted, mut elements)) = open.pop() else { return Ok(reply) };
            elements.push(reply);
            if elements.len() < wanted {
                open.push((wanted, elements));
                break;
            }
            reply = Reply::Array(elements);
        }
    }
}

enum Part {
    Whole(Reply),
    /// The beginning of so many elements.
    Array(usize),
}

async fn read_one(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Part> {
    let line = read_line(from).await?;
    let (Some(kind), Some(rest)) = (line.get(..1), line.get(1..)) else {
        return Err(wrong("an empty line"));
    };
    let number = || rest.parse::<i64>().map_err(|_| wrong(&line));
    Ok(Part::Whole(match kind {
        "+" => Reply::Status(rest.into()),
        "-" => Reply::Error(rest.into()),
        ":" => Reply::Integer(number()?),
        "$" | "*" if number()? == -1 => Reply::Nothing,
        "$" => Reply::Text(read_text(from, number()?).await?),
        "*" => {
            let elements = usize::try_from(number()?).map_err(|_| wrong(&line))?;
            return Ok(Part::Array(elements));
        }
        _ => return Err(wrong(&line)),
    }))
}

async fn read_line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => String::from_utf8(line.to_vec()).map_err(|_| wrong("not UTF-8")),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn read_text(from: &mut (impl AsyncBufRead + Unpin), length: i64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).ok().filter(|length| *length <= TEXT_BYTES_MAX);
    let length = length.ok_or_else(|| wrong("a text without a sensible length"))?;
    let mut text = Vec::new();
    from.take(length as u64 + 2).read_to_end(&mut text).await?;
    if text.len() < length + 2 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    text.truncate(length);
    Ok(text)
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no answer of Redis's: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &str) -> io::Result<Reply> {
        read_reply(&mut bytes.as_bytes()).await
    }

    #[test]
    fn commands_are_counted_in_bytes() {
        assert_eq!(command(&["GET", "é"]), "*2\r\n$3\r\nGET\r\n$2\r\né\r\n".as_bytes());
    }

    #[tokio::test]
    async fn every_reply_is_read() {
        let text = |text: &str| Reply::Text(text.into());
        for (bytes, expected) in [
            ("+OK\r\n", Reply::Status("OK".into())),
            ("-LOADING now\r\n", Reply::Error("LOADING now".into())),
            (":-7\r\n", Reply::Integer(-7)),
            ("$2\r\na\n\r\n", text("a\n")),
            ("$0\r\n\r\n", text("")),
            ("$-1\r\n", Reply::Nothing),
            ("*-1\r\n", Reply::Nothing),
            ("*0\r\n", Reply::Array(vec![])),
            (
                "*3\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*0\r\n:1\r\n",
                Reply::Array(vec![
                    Reply::Array(vec![text("a"), text("b")]),
                    Reply::Array(vec![]),
                    Reply::Integer(1),
                ]),
            ),
        ] {
            assert_eq!(read(bytes).await.unwrap(), expected, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn what_is_torn_or_no_reply_is_an_error() {
        for bytes in ["", "+OK", "$3\r\nab\r\n", "*2\r\n:1\r\n", "$-2\r\n", "what?\r\n", ":x\r\n"] {
            assert!(read(bytes).await.is_err(), "{bytes:?}");
        }
        assert!(read(&"*1\r\n".repeat(5)).await.is_err());
    }
}
