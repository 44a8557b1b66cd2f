//! Writes a history of a simulated register store, legal by construction, as JSON Lines.
//!
//! `cargo run --release -p temblor-checker --example generate -- keys=100 operations=1000000 > h.jsonl`

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
        let (name, number) = argument.split_once('=').unwrap_or((&argument, ""));
        let number: u64 =
            number.parse().map_err(|_| format!("`{argument}` is not `name=number`"))?;
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
