//! One run of a program: how long, how much memory at its peak, and what it said.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use nix::sys::resource::{UsageWho, getrusage};

/// Longer than this nobody waits; the program is ended.
const PATIENCE: &str = "60";
/// What `timeout` says of a program that it ended.
const ENDED: i32 = 124;

/// What one run took and said.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// From start to end, seconds; none if it was ended.
    pub(crate) seconds: Option<f64>,
    /// The peak of the process's memory, MB.
    pub(crate) megabytes: f64,
    /// Its exit code, if it ended by itself.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) said: String,
}

/// Runs a program in a process between, whose only child it is: so its memory can be told.
pub(crate) fn run(program: &Path, arguments: &[String]) -> Result<Measured, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(this)
        .arg("measure")
        .arg(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (first, said) = text.split_once('\n').unwrap_or((&text, ""));
    let numbers: Vec<f64> = first.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [seconds, kilobytes, code] = numbers[..] else {
        return Err(format!("{}: {text}", program.display()));
    };
    let ended = code as i32 == ENDED;
    Ok(Measured {
        seconds: (!ended).then_some(seconds),
        megabytes: kilobytes * 1.024e-3,
        code: (!ended).then_some(code as i32),
        said: said.to_owned(),
    })
}

/// The process between: prints seconds, kilobytes and exit code, then what the program printed.
#[expect(clippy::disallowed_methods, reason = "what is measured is the time of another process")]
pub(crate) fn between(command: &[String]) -> Result<String, String> {
    let began = Instant::now();
    let output = Command::new("timeout")
        .arg(PATIENCE)
        .args(command)
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("timeout: {error}"))?;
    let seconds = began.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let code = output.status.code().unwrap_or(-1);
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(format!("{seconds} {} {code}\n{said}", usage.max_rss()))
}

/// The middle one of some numbers.
pub(crate) fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
