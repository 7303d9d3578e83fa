//! Spans for the work on photos: whatever is logged under one says which photo that was for.
//!
//! At debug level, like those of the kernel's requests.

use std::fmt;

use tracing::{Span, debug_span};

use crate::catalog::{ContentHash, PhotoId};

/// What is done once for all analyzers: a photo is read, hashed and decoded.
pub fn photo(photo: PhotoId) -> Span {
    debug_span!("photo", photo = photo.0)
}

/// An analyzer looks at a photo; `attempt` counts from 1.
pub fn job(photo: PhotoId, content: &ContentHash, analyzer: &str, attempt: u32) -> Span {
    debug_span!("job", photo = photo.0, content = %Short(content), analyzer, attempt)
}

/// As much of a hash as tells contents apart for who reads.
struct Short<'a>(&'a ContentHash);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0[..4].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing::subscriber::with_default;

    use super::*;

    fn allocations(least: Level) -> u64 {
        let log = tracing_subscriber::fmt()
            .with_max_level(least)
            .with_writer(std::io::sink)
            .finish();
        let content = ContentHash([0xab; 32]);
        let enter = || drop(job(PhotoId(7), &content, "embedded", 1).entered());
        with_default(log, || {
            // What is allocated once is none of a job.
            enter();
            allocation_counter::measure(enter).count_total
        })
    }

    #[test]
    fn a_job_writes_nothing_for_a_span_that_nobody_wants() {
        assert_eq!(allocations(Level::INFO), 0);
        assert!(allocations(Level::DEBUG) > 0, "this counts nothing");
    }

    #[test]
    fn a_content_is_told_by_its_beginning() {
        assert_eq!(Short(&ContentHash([0xab; 32])).to_string(), "abababab");
    }
}
