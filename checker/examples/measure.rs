//! Measures loading and checking: time, and the peak memory of the process.
//!
//! `cargo run --release -p temblor-checker --example measure` generates each history, and checks it
//! in a process of its own. `-- FILE MODEL` measures one file.

#[expect(dead_code, reason = "stores of transactions are measured in benches/peers")]
mod simulate;

use std::{
    fs::File,
    io::{BufWriter, Error},
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use simulate::{
    objects,
    registers::{self, Settings},
};
use temblor_checker::{Request, Unlimited, check};
use temblor_history::History;

const MANY: Settings = Settings {
    seed: 1,
    keys: 100,
    clients: 30,
    operations: 1_000_000,
    values: None,
    reads: 50,
    cas: 0,
    unknown_of_1000: 10,
    stale_read: None,
};

const ONE: Settings = Settings { keys: 1, operations: 10_000, unknown_of_1000: 0, ..MANY };

/// What is measured, with the model.
const SCENARIOS: &[(&str, &str, Settings)] = &[
    ("1,000,000 operations, 100 keys, unique values, 1% unknown", "register", MANY),
    ("10,000 operations on one key, 30 clients, unique values", "register", ONE),
    (
        "the same, 1% unknown, one stale read",
        "register",
        Settings { unknown_of_1000: 10, stale_read: Some(9_001), ..ONE },
    ),
    (
        "1,000,000 operations, 100 keys, unique values, 20% cas, 1% unknown",
        "cas-register",
        Settings { cas: 20, ..MANY },
    ),
    (
        "10,000 operations on one key, 30 clients, 5 values, 20% cas",
        "cas-register",
        Settings { values: Some(5), cas: 20, ..ONE },
    ),
    (
        "100,000 operations on one key, 30 clients, 5 values, 20% cas",
        "cas-register",
        Settings { values: Some(5), cas: 20, operations: 100_000, ..ONE },
    ),
    (
        "10,000 operations on one key, 10 clients, 5 values, 20% cas, 1% unknown",
        "cas-register",
        Settings { values: Some(5), cas: 20, clients: 10, unknown_of_1000: 10, ..ONE },
    ),
];

const QUEUE: objects::Settings = objects::Settings {
    model: "queue",
    seed: 1,
    clients: 30,
    operations: 1_000_000,
    inserts: 50,
    unknown_of_1000: 0,
    unknown_removals_of_1000: 0,
    violation: None,
};

/// The same for single objects of the other models.
const OBJECTS: &[(&str, objects::Settings)] = &[
    ("queue, 100,000 operations", objects::Settings { operations: 100_000, ..QUEUE }),
    ("queue, 1,000,000 operations", QUEUE),
    ("the same, 1% unknown enqueues", objects::Settings { unknown_of_1000: 10, ..QUEUE }),
    (
        "the same, 1% unknown dequeues too",
        objects::Settings { unknown_of_1000: 10, unknown_removals_of_1000: 10, ..QUEUE },
    ),
    (
        "queue, 1,000,000 operations, a violation",
        objects::Settings { violation: Some(900_000), ..QUEUE },
    ),
    (
        "stack, 100,000 operations",
        objects::Settings { model: "stack", operations: 100_000, ..QUEUE },
    ),
    ("stack, 1,000,000 operations", objects::Settings { model: "stack", ..QUEUE }),
    (
        "stack, 1,000,000 operations, a violation",
        objects::Settings { model: "stack", violation: Some(900_000), ..QUEUE },
    ),
    (
        "priority-queue, 100,000 operations",
        objects::Settings { model: "priority-queue", operations: 100_000, ..QUEUE },
    ),
    (
        "priority-queue, 1,000,000 operations",
        objects::Settings { model: "priority-queue", ..QUEUE },
    ),
    (
        "priority-queue, 1,000,000 operations, a violation",
        objects::Settings { model: "priority-queue", violation: Some(900_000), ..QUEUE },
    ),
    ("set, 100,000 operations", objects::Settings { model: "set", operations: 100_000, ..QUEUE }),
    ("set, 1,000,000 operations", objects::Settings { model: "set", ..QUEUE }),
    (
        "set, 1,000,000 operations, a violation",
        objects::Settings { model: "set", violation: Some(900_000), ..QUEUE },
    ),
    ("log, 100,000 operations", objects::Settings { model: "log", operations: 100_000, ..QUEUE }),
    ("log, 1,000,000 operations", objects::Settings { model: "log", ..QUEUE }),
    (
        "log, 1,000,000 operations, a violation",
        objects::Settings { model: "log", violation: Some(900_000), ..QUEUE },
    ),
];

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = match arguments.as_slice() {
        [file, model] => measure(Path::new(file), model),
        _ => all(&std::env::temp_dir()),
    };
    match measured {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(255)
        }
    }
}

fn all(folder: &Path) -> Result<String, String> {
    let mut table = "| history | verdict | load | check | peak memory |\n".to_owned();
    table += "| --- | --- | --- | --- | --- |\n";
    let file = folder.join(format!("temblor-measure-{}.jsonl", std::process::id()));
    for (name, model, settings) in SCENARIOS {
        let row = generate(settings, &file).and_then(|()| in_own_process(&file, model));
        table += &format!("| {name} | {} |\n", row.map_err(|error| error.to_string())?.trim());
    }
    for (name, settings) in OBJECTS {
        let row = generate_object(settings, &file);
        let row = row.and_then(|()| in_own_process(&file, settings.model));
        let row = row.map_err(|error| error.to_string())?;
        table += &format!("| {name}, one object, 30 clients | {} |\n", row.trim());
    }
    std::fs::remove_file(&file).map_err(|error| error.to_string())?;
    Ok(table)
}

fn generate(settings: &Settings, file: &Path) -> Result<(), Error> {
    registers::write(settings, BufWriter::new(File::create(file)?))
}

fn generate_object(settings: &objects::Settings, file: &Path) -> Result<(), Error> {
    objects::write(settings, BufWriter::new(File::create(file)?))
}

fn in_own_process(file: &Path, model: &str) -> Result<String, Error> {
    let output = Command::new(std::env::current_exe()?).arg(file).arg(model).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the time of this process")]
fn measure(file: &Path, model: &str) -> Result<String, String> {
    let began = Instant::now();
    let history = History::read_file(file).map_err(|errors| errors.to_string())?;
    let loaded = began.elapsed();
    let request = Request::new(model, "linearizable");
    let report = check(&history, &request, &Unlimited);
    let checked = began.elapsed().saturating_sub(loaded);
    Ok(format!(
        "{} | {:.2} s | {:.3} s | {} MB",
        report.verdict,
        loaded.as_secs_f64(),
        checked.as_secs_f64(),
        peak_memory_kb().unwrap_or(0) / 1_000
    ))
}

/// The most that this process ever held, as Linux counts it.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
