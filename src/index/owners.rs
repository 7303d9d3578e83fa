//! What the files of many photos have in common: their disk, their mode, whose they are, how many names they have. Kept once
//! each, for as long as some photo has it.

use std::collections::HashMap;

use crate::catalog::FileStat;

/// The rest of a [`FileStat`], where what it shares with others has a number.
pub struct File {
    ino: u64,
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
    attributes: u32,
    owner: u32,
}

impl File {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The number of the inode on its device.
    pub fn ino(&self) -> u64 {
        self.ino
    }
}

/// Device, mode, user, group, number of names.
type Owner = (u64, u32, u32, u32, u32);

/// An owner, and how many files have it. One that none has is free for another.
struct Shared {
    owner: Owner,
    files: u32,
}

/// Every combination that some file has. A catalog has a handful, so that a number takes the place of 20 bytes a
/// photo.
#[derive(Default)]
pub struct Owners {
    all: Vec<Shared>,
    numbers: HashMap<Owner, u32>,
    free: Vec<u32>,
}

impl Owners {
    /// Takes a file in, until it is [released](Self::release).
    pub fn split(&mut self, stat: &FileStat) -> File {
        let owner = (stat.dev, stat.mode, stat.uid, stat.gid, stat.links);
        let number = match self.numbers.get(&owner) {
            Some(&number) => number,
            None => self.add(owner),
        };
        self.all[number as usize].files += 1;
        File {
            ino: stat.ino,
            size: stat.size,
            mtime_ns: stat.mtime_ns,
            ctime_ns: stat.ctime_ns,
            attributes: stat.attributes,
            owner: number,
        }
    }

    fn add(&mut self, owner: Owner) -> u32 {
        let shared = Shared { owner, files: 0 };
        let number = match self.free.pop() {
            Some(number) => {
                self.all[number as usize] = shared;
                number
            }
            None => {
                let number = u32::try_from(self.all.len()).expect("fewer owners than 2^32");
                self.all.push(shared);
                number
            }
        };
        self.numbers.insert(owner, number);
        number
    }

    /// A file that was taken in is gone.
    pub fn release(&mut self, file: &File) {
        let shared = &mut self.all[file.owner as usize];
        shared.files -= 1;
        if shared.files == 0 {
            self.numbers.remove(&shared.owner);
            self.free.push(file.owner);
        }
    }

    /// Whether some file is on this device.
    pub fn has_device(&self, dev: u64) -> bool {
        self.numbers.keys().any(|owner| owner.0 == dev)
    }

    /// How many there are.
    #[cfg(debug_assertions)]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The whole of what was split.
    pub fn join(&self, file: &File) -> FileStat {
        let (dev, mode, uid, gid, links) = self.all[file.owner as usize].owner;
        FileStat {
            dev,
            ino: file.ino,
            size: file.size,
            mtime_ns: file.mtime_ns,
            ctime_ns: file.ctime_ns,
            links,
            attributes: file.attributes,
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
            ctime_ns: 2,
            links: 1,
            attributes: 9,
            mode,
            uid: 1000,
            gid: 100,
        };
        let stats = [stat(1, 0o644), stat(2, 0o600), stat(3, 0o644)];
        let files = stats.map(|stat| owners.split(&stat));
        assert_eq!(files.each_ref().map(|file| owners.join(file)), stats);
        assert_eq!(owners.all.len(), 2);
    }

    #[test]
    fn what_no_file_has_makes_room_for_another() {
        let mut owners = Owners::default();
        let on = |dev: u64| FileStat {
            dev,
            ..FileStat::default()
        };
        let (first, second) = (owners.split(&on(1)), owners.split(&on(1)));
        owners.release(&first);
        assert!(owners.has_device(1) && !owners.has_device(2));
        owners.release(&second);
        assert!(!owners.has_device(1));
        let third = owners.split(&on(2));
        assert_eq!(owners.join(&third), on(2));
        assert_eq!(owners.all.len(), 1);
    }
}
