//! Reads a whole original: its bytes, its hash, and what it was while it was read.

use std::fs::File;
use std::io::{self, Read};

use rustix::io::Errno;

use super::outcome::JobOutcome;
use crate::analysis::Analyzer;
use crate::catalog::{Analysis, Answer, Change, ContentHash, FileStat, Measured, Photo, PhotoId};
use crate::source_files::{self, SourceFiles};

/// A file as it was read. The bytes stay in the buffer.
#[derive(Debug)]
pub struct Content {
    pub hash: ContentHash,
    pub stat: FileStat,
}

impl Content {
    /// What the picture is like, and an answer on it: committed together.
    pub fn changes(
        &self,
        photo: PhotoId,
        analyzer: &dyn Analyzer,
        measured: &Measured,
        answer: Answer,
    ) -> [Change; 2] {
        let analysis = Analysis {
            hash: self.hash,
            stat: self.stat,
            analyzer: analyzer.name().to_owned(),
            model: analyzer.model().to_owned(),
            version: analyzer.version().to_owned(),
            remote: analyzer.is_remote(),
            answer,
        };
        let analyzed = Change::Analyzed {
            id: photo,
            analysis: Box::new(analysis),
        };
        [self.measured(photo, measured), analyzed]
    }

    /// What the picture is like.
    pub fn measured(&self, photo: PhotoId, measured: &Measured) -> Change {
        Change::Measured {
            id: photo,
            stat: self.stat,
            hash: self.hash,
            measured: Box::new(measured.clone()),
        }
    }
}

/// Reads the file of a photo into `buffer`, unless it is larger than `largest` bytes.
///
/// # Errors
/// [`JobOutcome::Skipped`] when the file isn't what the catalog knows, or changed meanwhile.
pub fn read(
    source_files: &SourceFiles,
    photo: &Photo,
    largest: u64,
    buffer: &mut Vec<u8>,
) -> Result<Content, JobOutcome> {
    let (file, stat) = source_files.read(&photo.path).map_err(unread)?;
    if !stat.same_content(&photo.stat) {
        return Err(JobOutcome::Skipped);
    }
    if stat.size > largest {
        return Err(too_large(stat.size));
    }
    let now = fill(file, stat.size, buffer).map_err(unread)?;
    if !now.is_as(&stat) || buffer.len() as u64 != stat.size {
        return Err(JobOutcome::Skipped);
    }
    let hash = ContentHash(*blake3::hash(buffer).as_bytes());
    Ok(Content { hash, stat })
}

/// Reads at most one byte more than there should be; gives what the file is after that.
fn fill(mut file: File, size: u64, buffer: &mut Vec<u8>) -> io::Result<FileStat> {
    buffer.clear();
    // A file is as large as others made it: where there is no room for it, that is said of this one.
    buffer.try_reserve_exact(usize::try_from(size + 1).unwrap_or(0))?;
    file.by_ref().take(size + 1).read_to_end(buffer)?;
    Ok(source_files::stat_of(&file.metadata()?))
}

fn too_large(size: u64) -> JobOutcome {
    let megabytes = size.div_ceil(1_000_000);
    JobOutcome::Failed(format!(
        "file of {megabytes} MB is larger than max_file_size_mb"
    ))
}

/// What isn't there any more is the scan's; anything else may pass.
fn unread(error: io::Error) -> JobOutcome {
    let elsewhere = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::LOOP,
        Errno::XDEV,
        Errno::INVAL,
    ];
    let code = error.raw_os_error();
    if elsewhere.iter().any(|e| Some(e.raw_os_error()) == code) {
        return JobOutcome::Skipped;
    }
    JobOutcome::RetryLater(format!("cannot read the file: {error}"))
}
