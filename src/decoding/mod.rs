//! Pictures decoded where that can be stopped: in worker processes that may do nothing else, each for one picture at a time.
//!
//! Decoders are others' code on hostile data. Whoever has bytes of unknown origin and wants pixels has them from here: what a
//! picture can cost is itself. A program that isn't `kbasefs`, or that the system lets start no process, decodes on threads of
//! its own, which can't be stopped but are left to themselves. Knows nothing of where bytes came from or what pixels are for.

#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
))]
mod calls;
mod clock;
mod confinement;
mod deadline;
mod message;
mod pool;
mod process;
pub mod worker;

use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::media::decode::{self, Decoded};
use crate::metrics::WorkerProcesses;
use deadline::{DeadlineError, DeadlineRunner};
use pool::{Pool, Unavailable};

/// What a picture may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// On a processor.
    pub time: Duration,
    /// Bytes of the largest file that is decoded.
    pub file_bytes: u64,
}

/// How the program is started that `kbasefs` is.
pub type Program = Box<dyn Fn() -> io::Result<Command> + Send + Sync>;

/// Why there are no pixels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file gives no picture; its decoder says why.
    #[error("{0}")]
    Refused(String),
    /// It kept a processor busy for longer.
    #[error("decoding takes more than {} s", .0.as_secs_f64())]
    TooSlow(Duration),
    /// It wanted more than so many bytes of memory.
    #[error("decoding takes more than {} MB of memory", .0 >> 20)]
    TooLarge(u64),
    /// Its decoder ended over it: how.
    #[error("picture breaks its decoder ({0})")]
    Broken(String),
    /// Somebody else ended its decoder, or the system did for want of memory.
    #[error("the process that decodes it was killed")]
    Killed,
    /// Its decoder does nothing any more: somebody has stopped it.
    #[error("the process that decodes it stands still")]
    Still,
    /// Nobody is to wait any more.
    #[error("the program ends")]
    Stopped,
    /// There is no process to decode in, nor a thread.
    #[error("the system has no room for another thread")]
    NoThread,
}

impl Error {
    /// Whether it would be the same the next time, until the file changes.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Refused(_) | Self::TooSlow(_) | Self::TooLarge(_) | Self::Broken(_) => true,
            Self::Killed | Self::Still | Self::Stopped | Self::NoThread => false,
        }
    }
}

/// Decodes, for all who want it. Clones are of the same.
#[derive(Clone)]
pub struct Decoders {
    here: Arc<DeadlineRunner>,
    workers: Option<Arc<Pool>>,
}

impl Decoders {
    /// On threads of this process: what takes longer than this is left to itself.
    pub fn in_process(time: Duration) -> Self {
        Self {
            here: DeadlineRunner::new(time),
            workers: None,
        }
    }

    /// In processes of a program, which are started when they are needed first. As many work at a time as ask.
    pub fn in_workers(program: Program, limits: Limits) -> Self {
        Self {
            here: DeadlineRunner::new(limits.time),
            workers: Some(Arc::new(Pool::new(program, limits))),
        }
    }

    /// Decodes a whole file, with no side longer than `longest`. Blocks. A thread that takes too long keeps the bytes.
    ///
    /// # Errors
    /// Why there are no pixels.
    pub fn decode(&self, bytes: &mut Vec<u8>, longest: u32) -> Result<Decoded, Error> {
        match &self.workers {
            None => self.decode_here(bytes, longest),
            Some(workers) => match workers.decode(bytes, longest) {
                Ok(decoded) => decoded,
                Err(Unavailable) => self.decode_here(bytes, longest),
            },
        }
    }

    /// Nothing is waited for any more, and no worker is left.
    pub fn stop(&self) {
        self.here.stop();
        if let Some(workers) = &self.workers {
            workers.stop();
        }
    }

    /// Bytes of memory that the workers hold.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.workers.as_ref().map_or(0, |pool| pool.held_bytes())
    }

    /// How workers fared, since the start.
    pub(crate) fn counts(&self) -> WorkerProcesses {
        let counts = self.workers.as_ref().map(|pool| pool.counts());
        counts.unwrap_or_default()
    }

    fn decode_here(&self, bytes: &mut Vec<u8>, longest: u32) -> Result<Decoded, Error> {
        let taken = std::mem::take(bytes);
        let decode = move || (decode::decode(&taken, longest), taken);
        let (decoded, taken) = self.here.run(decode).inspect_err(|why| {
            if let DeadlineError::Exceeded(_) = why {
                tracing::warn!("a decoder that takes too long is left to itself");
            }
        })?;
        *bytes = taken;
        decoded.map_err(|refusal| Error::Refused(refusal.to_string()))
    }
}

impl From<DeadlineError> for Error {
    fn from(why: DeadlineError) -> Self {
        match why {
            DeadlineError::Exceeded(limit) => Self::TooSlow(limit),
            DeadlineError::Stopped => Self::Stopped,
            DeadlineError::NoThread => Self::NoThread,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    fn decoders_of(program: &'static str) -> Decoders {
        let limits = Limits {
            time: Duration::from_secs(60),
            file_bytes: 1 << 20,
        };
        Decoders::in_workers(Box::new(move || Ok(Command::new(program))), limits)
    }

    #[test]
    fn where_no_worker_can_be_had_pictures_are_decoded_all_the_same() {
        let mut png = Cursor::new(Vec::new());
        let picture = RgbImage::from_pixel(60, 40, Rgb([9, 8, 7]));
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        let png = png.into_inner();
        for program in ["/nowhere/at/all", "false", "true"] {
            let decoders = decoders_of(program);
            for _ in 0..2 {
                let mut bytes = png.clone();
                let decoded = decoders.decode(&mut bytes, 30).unwrap();
                assert_eq!((decoded.width, decoded.picture.width), (60, 30));
                assert_eq!(bytes, png);
            }
            assert_eq!(decoders.counts().started, 0);
            decoders.stop();
            let stopped = decoders.decode(&mut png.clone(), 30);
            assert_eq!(stopped, Err(Error::Stopped));
        }
    }

    #[test]
    fn what_passes_is_no_word_about_the_picture() {
        let lasting = [
            Error::Refused("file is empty".into()),
            Error::TooSlow(Duration::from_millis(100)),
            Error::TooLarge(1 << 30),
            Error::Broken("signal: 11".into()),
        ];
        assert!(lasting.iter().all(Error::is_lasting));
        assert_eq!(lasting[1].to_string(), "decoding takes more than 0.1 s");
        assert_eq!(
            lasting[2].to_string(),
            "decoding takes more than 1024 MB of memory"
        );
        let passing = [Error::Killed, Error::Still, Error::Stopped, Error::NoThread];
        assert!(!passing.iter().any(Error::is_lasting));
    }
}
