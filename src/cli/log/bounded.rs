//! A log file that does not grow for ever: a full one is kept as `NAME.old`, in the place of the one before.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub struct Bounded {
    path: PathBuf,
    file: File,
    most: u64,
}

/// Some ten thousand lines.
const MOST: u64 = 2 << 20;

impl Bounded {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.into(),
            file: open(path)?,
            most: MOST,
        })
    }

    pub fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if super::size(&self.path) + line.len() as u64 > self.most {
            std::fs::rename(&self.path, self.path.with_added_extension("old"))?;
            self.file = open(&self.path)?;
        }
        self.file.write_all(line)
    }
}

/// Opens the file, also for what panics and C libraries write to standard error.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path)?;
    #[cfg(not(test))]
    rustix::stdio::dup2_stderr(&file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_makes_room_and_the_last_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.log");
        let mut log = Bounded::open(&path).unwrap();
        log.most = 10;
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            log.put(line.as_bytes()).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("catalog.log"), "four\n");
        assert_eq!(read("catalog.log.old"), "three\n");
    }
}
