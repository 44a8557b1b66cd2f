//! Writes a history of a simulated store, legal by construction, as JSON Lines.
//!
//! `cargo run --release -p temblor-checker --example generate -- keys=100 operations=1000000 > h.jsonl`
//! simulates registers, `-- model=queue operations=1000000 clients=30` one object of a model.

#[path = "simulate/objects.rs"]
mod objects;
mod simulate;

use simulate::Settings;

#[expect(clippy::print_stderr, reason = "a program, not a library")]
fn main() -> std::process::ExitCode {
    let (models, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("model="));
    let out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match models.first() {
        None => settings(arguments.into_iter()).and_then(|settings| {
            simulate::write(&settings, out).map_err(|error| error.to_string())
        }),
        Some(model) => object(model.trim_start_matches("model="), &arguments)
            .and_then(|settings| objects::write(&settings, out).map_err(|error| error.to_string())),
    };
    if let Err(error) = written {
        eprintln!("{error}");
        return std::process::ExitCode::from(254);
    }
    std::process::ExitCode::SUCCESS
}

fn settings(arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut settings = Settings {
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
    for argument in arguments {
        let (name, number) = assignment(&argument)?;
        match name {
            "seed" => settings.seed = number,
            "keys" => settings.keys = number,
            "clients" => settings.clients = number,
            "operations" => settings.operations = number,
            "values" => settings.values = Some(number),
            "reads" => settings.reads = number,
            "cas" => settings.cas = number,
            "unknown-of-1000" => settings.unknown_of_1000 = number,
            "stale-read" => settings.stale_read = Some(number),
            _ => return Err(format!("unknown `{name}`; see `Settings` in examples/simulate")),
        }
    }
    Ok(settings)
}

/// What there are single objects of.
const MODELS: [&str; 5] = ["queue", "stack", "priority-queue", "set", "log"];

fn object(model: &str, arguments: &[String]) -> Result<objects::Settings, String> {
    let known = MODELS.into_iter().find(|known| *known == model);
    let mut settings = objects::Settings {
        model: known.ok_or_else(|| format!("`{model}` is none of {}", MODELS.join(", ")))?,
        seed: 1,
        clients: 10,
        operations: 10_000,
        inserts: 50,
        unknown_of_1000: 0,
        unknown_removals_of_1000: 0,
        violation: None,
    };
    for argument in arguments {
        let (name, number) = assignment(argument)?;
        match name {
            "seed" => settings.seed = number,
            "clients" => settings.clients = number,
            "operations" => settings.operations = number,
            "inserts" => settings.inserts = number,
            "unknown" => settings.unknown_of_1000 = number * 10,
            "unknown-of-1000" => settings.unknown_of_1000 = number,
            "unknown-removals-of-1000" => settings.unknown_removals_of_1000 = number,
            "violation" => settings.violation = Some(number),
            _ => {
                return Err(format!(
                    "unknown `{name}`; see `Settings` in examples/simulate/objects"
                ));
            }
        }
    }
    Ok(settings)
}

/// `name=number`.
fn assignment(argument: &str) -> Result<(&str, u64), String> {
    let (name, number) = argument.split_once('=').unwrap_or((argument, ""));
    let number = number.parse().map_err(|_| format!("`{argument}` is not `name=number`"))?;
    Ok((name, number))
}
