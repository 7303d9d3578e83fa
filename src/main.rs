//! The program `kbasefs`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kbasefs::cli::run()
}
