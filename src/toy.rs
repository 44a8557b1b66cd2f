//! Systems that Temblor brings along, so that a first run needs nothing installed, and so that the
//! harness itself is tested: each is right by default and carries seeded bugs to be caught.
//!
//! They are systems under test like any other: the harness reaches them by their ports alone.

mod abd;

/// The usage that an unknown name prints.
const USAGE: &str = "usage: temblor toy abd --help | temblor toy abd-status --connect ADDRESS:PORT";

/// Exit code of a usage error.
const EXIT_USAGE: i32 = 254;

/// Runs the toy that the first argument names (`temblor toy` is not among the arguments) until it
/// ends, and returns its exit code: 0 done, or ended by SIGTERM; 1 failed; 254 wrong usage.
pub fn main(args: &[String]) -> i32 {
    match args.first().map(String::as_str) {
        Some("abd") => abd::serve(args),
        Some("abd-status") => abd::status(args),
        _ => {
            say(USAGE);
            EXIT_USAGE
        }
    }
}

/// One line on stderr, a toy's log.
#[expect(clippy::print_stderr, reason = "a toy is a server, and stderr is its log")]
fn say(line: &str) {
    eprintln!("{line}");
}
