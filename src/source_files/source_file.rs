//! An original that is being read: each answer of the disk counts, and nothing is read on that nobody waits for.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use super::readers::Progress;
use super::{attributes, stat_of};
use crate::catalog::FileStat;

/// A regular file of the source, open.
#[derive(Debug)]
pub struct SourceFile {
    file: File,
    stat: FileStat,
    progress: Progress,
}

impl SourceFile {
    pub(super) fn new(file: File, stat: FileStat, progress: Progress) -> Self {
        Self {
            file,
            stat,
            progress,
        }
    }

    /// What the disk said of it when it was opened.
    pub fn stat(&self) -> &FileStat {
        &self.stat
    }

    /// What the disk says of it now.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn stat_now(&self) -> io::Result<FileStat> {
        self.progress.step()?;
        Ok(stat_of(&self.file.metadata()?))
    }

    /// A digest of its extended attributes; 0 where the disk doesn't say.
    pub fn attributes(&self) -> u32 {
        attributes::digest(&self.file)
    }

    /// Fills as much of a buffer as there is from an offset on.
    ///
    /// # Errors
    /// When the disk doesn't give it.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.progress.step()?;
        self.file.read_at(buffer, offset)
    }

    /// Whether somebody wants it read to its end.
    pub fn goes_on(&self) -> bool {
        self.progress.goes_on()
    }
}

impl Read for &SourceFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.progress.step()?;
        (&self.file).read(buffer)
    }
}

impl Seek for &SourceFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&self.file).seek(to)
    }
}
