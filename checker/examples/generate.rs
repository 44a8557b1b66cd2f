//! Writes a history of a simulated system, legal by construction, as JSON Lines.
//!
//! `cargo run --release -p temblor-checker --example generate -- keys=100 operations=1000000 > h.jsonl`
//! simulates registers, `-- model=queue operations=1000000 clients=30` one object of a model, and
//! `-- model=list-append transactions=1000000` a store of transactions.

mod simulate;

use std::io::Write;

use simulate::{objects, registers, transactions};

#[expect(clippy::print_stderr, reason = "a program, not a library")]
fn main() -> std::process::ExitCode {
    let out = std::io::BufWriter::new(std::io::stdout().lock());
    if let Err(error) = arguments().and_then(|(model, arguments)| write(&model, &arguments, out)) {
        eprintln!("{error}");
        return std::process::ExitCode::from(254);
    }
    std::process::ExitCode::SUCCESS
}

type Assignment = (String, u64);

/// The model, and every `name=number`.
fn arguments() -> Result<(String, Vec<Assignment>), String> {
    let (mut model, mut numbers) = ("register".to_owned(), Vec::new());
    for argument in std::env::args().skip(1) {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        if name == "model" {
            value.clone_into(&mut model);
            continue;
        }
        let number = value.parse().map_err(|_| format!("`{argument}` is not `name=number`"))?;
        numbers.push((name.to_owned(), number));
    }
    Ok((model, numbers))
}

/// What there are single objects of.
const OBJECTS: [&str; 5] = ["queue", "stack", "priority-queue", "set", "log"];

fn write(model: &str, arguments: &[Assignment], out: impl Write) -> Result<(), String> {
    let object = OBJECTS.into_iter().find(|known| *known == model);
    let written = match (model, object) {
        ("register", _) => registers::write(&register(arguments)?, out),
        ("list-append" | "rw-register", _) => {
            transactions::write(&store(model == "list-append", arguments)?, out)
        }
        (_, Some(model)) => objects::write(&single(model, arguments)?, out),
        _ => {
            let objects = OBJECTS.join(", ");
            return Err(format!(
                "`{model}` is none of register, list-append, rw-register, {objects}"
            ));
        }
    };
    written.map_err(|error| error.to_string())
}

fn unknown(name: &str) -> String {
    format!("unknown `{name}`; see `Settings` in examples/simulate")
}

fn register(arguments: &[Assignment]) -> Result<registers::Settings, String> {
    let mut settings = registers::Settings {
        seed: 1,
        keys: 10,
        clients: 10,
        operations: 10_000,
        values: None,
        reads: 50,
        cas: 0,
        unknown_of_1000: 0,
        stale_read: None,
    };
    for (name, number) in arguments {
        let number = *number;
        match name.as_str() {
            "seed" => settings.seed = number,
            "keys" => settings.keys = number,
            "clients" => settings.clients = number,
            "operations" => settings.operations = number,
            "values" => settings.values = Some(number),
            "reads" => settings.reads = number,
            "cas" => settings.cas = number,
            "unknown-of-1000" => settings.unknown_of_1000 = number,
            "stale-read" => settings.stale_read = Some(number),
            _ => return Err(unknown(name)),
        }
    }
    Ok(settings)
}

fn single(model: &'static str, arguments: &[Assignment]) -> Result<objects::Settings, String> {
    let mut settings = objects::Settings {
        model,
        seed: 1,
        clients: 10,
        operations: 10_000,
        inserts: 50,
        unknown_of_1000: 0,
        unknown_removals_of_1000: 0,
        violation: None,
    };
    for (name, number) in arguments {
        let number = *number;
        match name.as_str() {
            "seed" => settings.seed = number,
            "clients" => settings.clients = number,
            "operations" => settings.operations = number,
            "inserts" => settings.inserts = number,
            "unknown-of-1000" => settings.unknown_of_1000 = number,
            "unknown-removals-of-1000" => settings.unknown_removals_of_1000 = number,
            "violation" => settings.violation = Some(number),
            _ => return Err(unknown(name)),
        }
    }
    Ok(settings)
}

fn store(lists: bool, arguments: &[Assignment]) -> Result<transactions::Settings, String> {
    let mut settings = transactions::Settings {
        seed: 1,
        lists,
        transactions: 10_000,
        clients: 20,
        length: (1, 4),
        keys: 10,
        writes_per_key: Some(32),
        reads: 50,
        unknown_of_1000: 0,
    };
    for (name, number) in arguments {
        let number = *number;
        match name.as_str() {
            "seed" => settings.seed = number,
            "transactions" => settings.transactions = number,
            "clients" => settings.clients = number,
            "least" => settings.length.0 = number,
            "most" => settings.length.1 = number,
            "keys" => settings.keys = number,
            "writes-per-key" => settings.writes_per_key = Some(number).filter(|&most| most > 0),
            "reads" => settings.reads = number,
            "unknown-of-1000" => settings.unknown_of_1000 = number,
            _ => return Err(unknown(name)),
        }
    }
    Ok(settings)
}
