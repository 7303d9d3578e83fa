//! Reads a whole original: its bytes, its hash, and what it was while it was read.

use std::io::{self, Read};

use rustix::io::Errno;

use super::outcome::JobOutcome;
use crate::analysis::Analyzer;
use crate::catalog::{Analysis, Answer, Change, ContentHash, FileStat, Measured, Photo, PhotoId};
use crate::source_files::{SourceFile, SourceFiles, is_unresponsive};

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

/// Reads the file of a photo into `buffer`, unless it is larger than `largest` bytes; for as long as it answers and `go_on`
/// says so.
///
/// # Errors
/// [`JobOutcome::Skipped`] when the file isn't what the catalog knows, or changed meanwhile; [`JobOutcome::SetAside`] when it
/// doesn't answer: the buffer is lost then.
pub fn read(
    source_files: &SourceFiles,
    photo: &Photo,
    largest: u64,
    go_on: &dyn Fn() -> bool,
    buffer: &mut Vec<u8>,
) -> Result<Content, JobOutcome> {
    let (known, mut bytes) = (photo.stat, std::mem::take(buffer));
    let read = source_files.with_file(&photo.path, go_on, move |file| {
        let read = read_whole(file, &known, largest, &mut bytes)?;
        Ok((read, bytes))
    });
    let stopped = |error: io::Error| match go_on() {
        true => unread(error),
        false => JobOutcome::RetryLater(error.to_string()),
    };
    let (read, bytes) = read.map_err(stopped)?;
    *buffer = bytes;
    let stat = read?;
    let hash = ContentHash(*blake3::hash(buffer).as_bytes());
    Ok(Content { hash, stat })
}

/// What the file was while it was read.
fn read_whole(
    file: &SourceFile,
    known: &FileStat,
    largest: u64,
    buffer: &mut Vec<u8>,
) -> io::Result<Result<FileStat, JobOutcome>> {
    let stat = *file.stat();
    if !stat.same_content(known) {
        return Ok(Err(JobOutcome::Skipped));
    }
    if stat.size > largest {
        return Ok(Err(too_large(stat.size)));
    }
    let now = fill(file, stat.size, buffer)?;
    let is_whole = now.is_as(&stat) && buffer.len() as u64 == stat.size;
    Ok(is_whole.then_some(stat).ok_or(JobOutcome::Skipped))
}

/// Reads at most one byte more than there should be; gives what the file is after that.
fn fill(file: &SourceFile, size: u64, buffer: &mut Vec<u8>) -> io::Result<FileStat> {
    buffer.clear();
    // A file is as large as others made it: where there is no room for it, that is said of this one.
    buffer.try_reserve_exact(usize::try_from(size + 1).unwrap_or(0))?;
    file.take(size + 1).read_to_end(buffer)?;
    file.stat_now()
}

fn too_large(size: u64) -> JobOutcome {
    let megabytes = size.div_ceil(1_000_000);
    JobOutcome::Failed(format!(
        "file of {megabytes} MB is larger than max_file_size_mb"
    ))
}

/// What isn't there any more is the scan's; anything else may pass.
fn unread(error: io::Error) -> JobOutcome {
    if is_unresponsive(&error) {
        return JobOutcome::SetAside;
    }
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
