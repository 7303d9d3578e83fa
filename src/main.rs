//! The `kbasefs` program.
#![forbid(unsafe_code)]

fn main() {}
