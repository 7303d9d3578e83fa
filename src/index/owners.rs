//! What the files of many photos have in common: their disk, their mode, whose they are. Kept once each.

use std::collections::HashMap;

use crate::catalog::FileStat;

/// The rest of a [`FileStat`], where what it shares with others has a number.
pub struct File {
    ino: u64,
    size: u64,
    mtime_ns: i64,
    owner: u32,
}

impl File {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// Device, mode, user, group.
type Owner = (u64, u32, u32, u32);

#[derive(Default)]
pub struct Owners {
    all: Vec<Owner>,
    numbers: HashMap<Owner, u32>,
}

impl Owners {
    pub fn split(&mut self, stat: &FileStat) -> File {
        let owner = (stat.dev, stat.mode, stat.uid, stat.gid);
        let next = u32::try_from(self.all.len()).expect("fewer owners than 2^32");
        let number = *self.numbers.entry(owner).or_insert(next);
        if number == next {
            self.all.push(owner);
        }
        File {
            ino: stat.ino,
            size: stat.size,
            mtime_ns: stat.mtime_ns,
            owner: number,
        }
    }

    pub fn join(&self, file: &File) -> FileStat {
        let (dev, mode, uid, gid) = self.all[file.owner as usize];
        FileStat {
            dev,
            ino: file.ino,
            size: file.size,
            mtime_ns: file.mtime_ns,
            mode,
            uid,
            gid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_split_comes_together_again() {
        let mut owners = Owners::default();
        let stat = |ino: u64, mode: u32| FileStat {
            dev: 7,
            ino,
            size: 40,
            mtime_ns: -1,
            mode,
            uid: 1000,
            gid: 100,
        };
        let stats = [stat(1, 0o644), stat(2, 0o600), stat(3, 0o644)];
        let files = stats.map(|stat| owners.split(&stat));
        assert_eq!(files.map(|file| owners.join(&file)), stats);
        assert_eq!(owners.all.len(), 2);
    }
}
