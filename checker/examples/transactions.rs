//! Writes a history of a simulated store of transactions, strictly serializable by construction, as
//! JSON Lines.
//!
//! `cargo run --release -p temblor-checker --example transactions -- transactions=1000000 > h.jsonl`

#[path = "simulate/transactions.rs"]
mod simulate;

use simulate::Settings;

#[expect(clippy::print_stderr, reason = "a program, not a library")]
fn main() -> std::process::ExitCode {
    let written = settings(std::env::args().skip(1)).and_then(|settings| {
        let out = std::io::BufWriter::new(std::io::stdout().lock());
        simulate::write(&settings, out).map_err(|error| error.to_string())
    });
    if let Err(error) = written {
        eprintln!("{error}");
        return std::process::ExitCode::from(254);
    }
    std::process::ExitCode::SUCCESS
}

fn settings(arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut settings = Settings {
        seed: 1,
        lists: true,
        transactions: 10_000,
        clients: 20,
        length: (1, 4),
        keys: 10,
        writes_per_key: Some(32),
        reads: 50,
        unknown_of_1000: 0,
    };
    for argument in arguments {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        if name == "model" {
            settings.lists = value == "list-append";
            continue;
        }
        let number: u64 =
            value.parse().map_err(|_| format!("`{argument}` is not `name=number`"))?;
        match name {
            "seed" => settings.seed = number,
            "transactions" => settings.transactions = number,
            "clients" => settings.clients = number,
            "least" => settings.length.0 = number,
            "most" => settings.length.1 = number,
            "keys" => settings.keys = number,
            "writes-per-key" => settings.writes_per_key = Some(number).filter(|&most| most > 0),
            "reads" => settings.reads = number,
            "unknown-of-1000" => settings.unknown_of_1000 = number,
            _ => return Err(format!("unknown `{name}`; see `Settings` in examples/simulate")),
        }
    }
    Ok(settings)
}
