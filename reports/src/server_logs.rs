//! What the servers said near the moments that matter, and last of all.
//!
//! Logs are the servers' own: a line is placed in time only by a stamp of its own (RFC 3339 near
//! its beginning), by that server's clock. Logs without such stamps show their ends alone.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use temblor_history::{RunFolder, Verdict};

use crate::escape::shortened;
use crate::rfc3339;

/// How far from a moment a line is still worth reading.
pub(crate) const NEAR: i64 = 2_000_000_000;
/// Lines near moments that are kept of one log; beyond them a reader opens the file.
const LINES_MOST: usize = 400;
/// Lines of a log's end.
const END_LINES: usize = 15;
const LINE_LENGTH_MOST: usize = 300;
/// A stamp begins within so many bytes of its line.
const STAMP_WITHIN: usize = 80;

/// What is kept of one log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerLog {
    /// The node.
    pub node: String,
    /// The file's name.
    pub file: String,
    /// Lines near a violation's moments, each with its time in nanoseconds since the run began.
    pub near: Vec<(i64, String)>,
    /// Its last lines.
    pub end: Vec<String>,
}

/// Reads the logs of these nodes, keeping lines near the moments. What cannot be read is left out:
/// logs are an extra, and their absence is no finding.
pub(crate) fn server_logs(
    folder: &RunFolder,
    nodes: impl Iterator<Item = String>,
    started: &str,
    moments: &[i64],
) -> Vec<ServerLog> {
    let started = rfc3339::leading(started).map(|(time, _)| time);
    let mut logs = Vec::new();
    for node in nodes {
        for path in log_files(&folder.node(&node).join("logs")) {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let log = ServerLog { node: node.clone(), file, ..ServerLog::default() };
            logs.extend(File::open(path).ok().map(|file| read(log, file, started, moments)));
        }
    }
    logs
}

/// The moments at which a violation showed: when its culprits began and ended.
pub(crate) fn moments(verdict: &Verdict) -> Vec<i64> {
    let anomalies = verdict.checks.iter().flat_map(|check| &check.anomalies);
    let witnesses = anomalies.filter_map(|anomaly| anomaly.witness.as_ref());
    let culprits = witnesses.flat_map(|witness| &witness.ops).filter(|op| op.culprit);
    culprits.flat_map(|op| [Some(op.invoked), op.completed]).flatten().collect()
}

/// The `.log` files of a folder, by name.
fn log_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect();
    files.sort();
    files
}

fn read(mut log: ServerLog, file: File, started: Option<i64>, moments: &[i64]) -> ServerLog {
    let mut end = VecDeque::new();
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    while {
        bytes.clear();
        reader.read_until(b'\n', &mut bytes)
    }
    .is_ok_and(|read| read > 0)
    {
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end();
        let time = started.and_then(|started| Some(stamp(line)? - started));
        let near = |time: &i64| moments.iter().any(|moment| (time - moment).abs() <= NEAR);
        if let Some(time) = time.filter(near).filter(|_| log.near.len() < LINES_MOST) {
            log.near.push((time, shortened(line, LINE_LENGTH_MOST).into_owned()));
        }
        if end.len() == END_LINES {
            end.pop_front();
        }
        end.push_back(shortened(line, LINE_LENGTH_MOST).into_owned());
    }
    log.end = end.into();
    log
}

/// The first stamp near a line's beginning, nanoseconds since 1970.
fn stamp(line: &str) -> Option<i64> {
    let digit = |(_, byte): &(usize, u8)| byte.is_ascii_digit();
    let places = line.bytes().enumerate().take(STAMP_WITHIN).filter(digit);
    places.filter_map(|(at, _)| rfc3339::leading(line.get(at..)?)).map(|(time, _)| time).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_found_near_the_beginning() {
        let etcd = r#"{"level":"info","ts":"2026-11-22T10:04:00.5Z","msg":"elected"}"#;
        assert_eq!(stamp(etcd), Some(1_795_341_840_500_000_000));
        assert_eq!(stamp("12 started at noon"), None);
        assert_eq!(stamp(&format!("{}2026-11-22T10:04:00Z", " ".repeat(STAMP_WITHIN))), None);
    }
}
