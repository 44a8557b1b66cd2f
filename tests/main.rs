//! Drives the binary; one module a theme.
fn main() {}
