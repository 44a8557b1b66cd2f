//! The checker beside its peers: the same histories, the same machine, one run.
//!
//! `cargo bench -p temblor-checker --bench peers -- --peers FOLDER` generates each history, converts
//! it for those peers whose programs lie in the folder, runs all of them by turns, each in a process
//! of its own, and prints a table of medians. How to get the peers stands in the README beside.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]

mod convert;
mod measured;
mod ours;
mod rows;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use measured::{Measured, median};
use rows::{Peer, Row};
use temblor_history::History;

/// What the user asks for.
struct Wanted {
    peers: Option<PathBuf>,
    runs: usize,
    /// Only rows whose name contains one of these; all if there are none.
    only: Vec<String>,
    /// Where the histories are written, and kept if the user named it.
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let told = match arguments.first().map(String::as_str) {
        Some("measure") => measured::between(&arguments[1..]),
        Some("ours") => ours::run(&arguments[1..]),
        _ => wanted(&arguments).and_then(|wanted| table(&wanted)),
    };
    match told {
        Ok(told) => {
            println!("{}", told.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(254)
        }
    }
}

fn wanted(arguments: &[String]) -> Result<Wanted, String> {
    let folder = std::env::temp_dir().join("temblor-peers");
    let mut wanted = Wanted { peers: None, runs: 5, only: Vec::new(), folder };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--peers" => wanted.peers = Some(PathBuf::from(value()?)),
            "--runs" => {
                wanted.runs = value()?.parse().map_err(|_| "--runs needs a number".to_owned())?;
            }
            "--folder" => wanted.folder = PathBuf::from(value()?),
            // What cargo itself adds.
            "--bench" => {}
            name => wanted.only.push(name.to_owned()),
        }
    }
    Ok(wanted)
}

fn table(wanted: &Wanted) -> Result<String, String> {
    std::fs::create_dir_all(&wanted.folder).map_err(|error| error.to_string())?;
    let mut table = "| history | who | verdict | time | check alone | peak memory |\n".to_owned();
    table += "| --- | --- | --- | --- | --- | --- |\n";
    let asked = |row: &Row| {
        wanted.only.is_empty() || wanted.only.iter().any(|part| row.name.contains(part))
    };
    for row in rows::rows().iter().filter(|row| asked(row)) {
        eprintln!("{}", row.name);
        table += &lines(row, wanted)?;
    }
    Ok(table)
}

/// A history's lines: ours, then each peer's.
fn lines(row: &Row, wanted: &Wanted) -> Result<String, String> {
    let file = wanted.folder.join(format!("{}.jsonl", row.file));
    if !file.is_file() {
        (row.generate)(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let peers: Vec<(&Peer, PathBuf)> = row
        .peers
        .iter()
        .filter_map(|peer| Some((peer, wanted.peers.as_ref()?.join(peer.program))))
        .filter(|(_, program)| program.is_file())
        .collect();
    for (peer, _) in &peers {
        convert(peer, &file)?;
    }
    let mut mine = Vec::new();
    let mut theirs = vec![Vec::new(); peers.len()];
    for _ in 0..wanted.runs {
        mine.push(measured_ours(row, &file)?);
        for ((peer, program), runs) in peers.iter().zip(&mut theirs) {
            runs.push(measured::run(program, &(peer.arguments)(&converted(peer, &file)))?);
        }
    }
    let mut lines = line(&row.name, "temblor", &mine, ours::verdict, ours::check_alone);
    for ((peer, _), runs) in peers.iter().zip(&theirs) {
        lines += &line("", peer.name, runs, peer.verdict, peer.check_alone);
    }
    Ok(lines)
}

fn measured_ours(row: &Row, file: &Path) -> Result<Measured, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let words = ["ours", &file.to_string_lossy(), row.model, row.consistency, row.orders];
    measured::run(&this, &words.map(str::to_owned))
}

fn converted(peer: &Peer, file: &Path) -> PathBuf {
    file.with_extension(peer.extension)
}

fn convert(peer: &Peer, file: &Path) -> Result<(), String> {
    let target = converted(peer, file);
    if target.is_file() {
        return Ok(());
    }
    let history = History::read_file(file).map_err(|errors| errors.to_string())?;
    (peer.convert)(&history, file, &target).map_err(|error| error.to_string())
}

fn line(
    history: &str,
    who: &str,
    runs: &[Measured],
    verdict: fn(&Measured) -> String,
    alone: fn(&Measured) -> Option<f64>,
) -> String {
    let seconds: Vec<f64> = runs.iter().filter_map(|run| run.seconds).collect();
    let all = seconds.len() == runs.len();
    let time = median(&seconds).filter(|_| all).map_or("gave up".to_owned(), in_seconds);
    let alone: Vec<f64> = runs.iter().filter_map(alone).collect();
    let alone = median(&alone).filter(|_| all).map_or(String::new(), in_seconds);
    let memory: Vec<f64> = runs.iter().map(|run| run.megabytes).collect();
    let memory = median(&memory).unwrap_or_default();
    let mut verdicts: Vec<String> = runs.iter().map(verdict).collect();
    verdicts.dedup();
    let verdicts = verdicts.join(", ");
    format!("| {history} | {who} | {verdicts} | {time} | {alone} | {memory:.0} MB |\n")
}

fn in_seconds(seconds: f64) -> String {
    if seconds < 0.1 { format!("{seconds:.3} s") } else { format!("{seconds:.2} s") }
}
