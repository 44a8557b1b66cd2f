//! Faults of processes out of their fields.

use std::time::Duration;

use temblor_faults::{CrashLoop, Lack, NodeFault};

use crate::plan::{diagnostic::Diagnostic, form::Fields, source::Span};

/// What servers may lack, as the fields of `starve` are called.
const LACKS: [&str; 4] = ["cpu", "io", "memory", "files"];
/// The kernel counts shares of a CPU in steps of a hundredth.
const LEAST_CPU: f64 = 0.01;

/// Of a slower disk no call would end in time; a faster one many disks are not. Bits a second.
const IO: (u64, u64) = (512_000, 800_000_000);

/// What a `pause` stops: all processes, or one.
pub(super) fn pause(fields: &Fields) -> NodeFault {
    fields.text("only").map_or(NodeFault::Pause, |process| NodeFault::PauseOne(process.to_owned()))
}

/// What a `crash-loop` says.
pub(super) fn crash_loop(fields: &Fields) -> NodeFault {
    let ns = |name: &str| fields.duration(name).unwrap_or(Duration::from_secs(1)).as_nanos() as i64;
    NodeFault::CrashLoop(CrashLoop { alive_ns: ns("alive"), down_ns: ns("down") })
}

/// What a `starve` takes away: exactly one thing. What can't be meant is reported, and a harmless
/// value stands for it.
pub(super) fn starve(fields: &Fields, at: &Span, diagnostics: &mut Vec<Diagnostic>) -> NodeFault {
    let unread = |lack: &str| fields.unread.iter().any(|unread| unread == lack);
    let given = |lack: &&&str| match **lack {
        "cpu" | "io" => fields.key(lack).is_some() || unread(lack),
        lack => fields.flag(lack) || unread(lack),
    };
    let lacks: Vec<&&str> = LACKS.iter().filter(given).collect();
    match lacks.as_slice() {
        [] => {
            let help = "give it one of `cpu: 10%`, `io: 1MB/s`, `memory: true`, `files: true`";
            diagnostics.push(Diagnostic::error(at, "this `starve` does nothing").help(help));
        }
        [_] => {}
        [first, second, ..] => {
            let second_at = fields.key(second).unwrap_or(at);
            let message = format!("one `starve` can't take `{first}` and `{second}`");
            let help = "give each a fault of its own";
            diagnostics.push(Diagnostic::error(second_at, message).help(help));
        }
    }
    let cpu = fields.share("cpu").unwrap_or(1.0);
    if let Some(given) = fields.given("cpu")
        && cpu < LEAST_CPU
    {
        diagnostics.push(Diagnostic::error(&given.span, "no kernel gives less than 1% of a CPU"));
    }
    let io = fields.count("io").unwrap_or(IO.1) / 8;
    if let Some(given) = fields.given("io")
        && !(IO.0..=IO.1).contains(&(io * 8))
    {
        let message = "so low or so high a rate can't be seen";
        let help = "give 64kB/s to 100MB/s";
        diagnostics.push(Diagnostic::error(&given.span, message).help(help));
    }
    NodeFault::Starve(match lacks.first() {
        Some(&&"io") => Lack::Io { bytes_per_s: io.max(IO.0 / 8) },
        Some(&&"memory") => Lack::Memory,
        Some(&&"files") => Lack::Files,
        _ => Lack::Cpu { permille: (cpu.max(LEAST_CPU) * 1000.0).round() as u32 },
    })
}
