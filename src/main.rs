//! The command line: error to exit code, nothing else.

fn main() {}
