//! Measures how many events one core can encode and stamp.
//!
//! `cargo run --release -p temblor-history --example write_speed`

use std::time::Instant;

use serde_json::Value;
use temblor_history::{EventParts, EventType, Key, encode_body, stamp};

const EVENTS: u64 = 5_000_000;

#[expect(clippy::print_stdout, reason = "a program, not a library")]
#[expect(clippy::disallowed_methods, reason = "what is measured is the time of this process")]
fn main() {
    let keys: Vec<Key> = (0..100).map(|number| Key::Text(format!("k{number}"))).collect();
    let (mut body, mut lines, mut bytes) = (Vec::new(), Vec::new(), 0);
    let began = Instant::now();
    for index in 0..EVENTS {
        body.clear();
        let event = EventParts {
            process: index % 30,
            kind: if index % 2 == 0 { EventType::Invoke } else { EventType::Ok },
            f: "write",
            key: Some(&keys[(index % 100) as usize]),
            value: &Value::from(index),
            refused: false,
            error: None,
            final_read: false,
            node: Some("n1"),
            intended: Some(index as i64 * 1_000),
        };
        encode_body(&mut body, &event);
        stamp(&mut lines, index, index as i64 * 500, &body);
        if lines.len() > 1 << 16 {
            bytes += lines.len();
            lines.clear();
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{:.1} million events a second, {:.0} MB/s",
        EVENTS as f64 / seconds / 1e6,
        (bytes + lines.len()) as f64 / seconds / 1e6
    );
}
