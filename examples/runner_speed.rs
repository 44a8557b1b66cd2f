//! How many operations a second the runner records: `cargo run --release --example runner_speed`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::time::Duration;

fn main() -> Result<(), String> {
    let file = std::env::temp_dir().join(format!("temblor-speed-{}.jsonl", std::process::id()));
    for (name, rate) in [("closed loop", None), ("open loop, 200,000/s", Some(200_000.0))] {
        let speed = temblor::speed::drive_noop(&file, 16, rate, Duration::from_secs(5));
        let _ = std::fs::remove_file(&file);
        let speed = speed?;
        println!(
            "{name}: {:.0} recorded operations a second ({} in {:.2} s, {} shed, {} bytes an operation)",
            speed.recorded as f64 / speed.seconds,
            speed.recorded,
            speed.seconds,
            speed.shed,
            speed.bytes / speed.recorded.max(1),
        );
    }
    Ok(())
}
