//! `kbasefs decode-worker`: what this program starts to decode pictures in.

use crate::decoding::worker;

/// Decode pictures that come by standard input, a socket, until it is closed
#[derive(clap::Args)]
pub struct Args {
    /// Bytes that it may take
    #[arg(long)]
    memory: u64,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    Ok(worker::run(args.memory)?)
}
