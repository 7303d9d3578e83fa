//! What a file system says of its files that can be relied on: by lasting numbers, and that it noted a change.
//!
//! Where inodes don't last, every mount gives a file another one, and that says nothing of whether it is another file.

use std::path::Path;

/// `f_type` of statfs(2), from `linux/magic.h`: those that have no numbers on the disk, and those behind which anything
/// may be.
const NUMBERED_ANEW: [u32; 8] = [
    0x4d44,      // vfat
    0x2011_bab0, // exfat
    0x6573_5546, // fuse: exfat-fuse, sshfs, mtpfs
    0x517b,      // smb
    0xff53_4d42, // cifs
    0xfe53_4d42, // smb2
    0x0102_1997, // 9p
    0x786f_4256, // vboxsf
];

/// Whether files in a folder have the same inode after the next mount. Where nobody says, they have.
pub fn are_lasting(folder: &Path) -> bool {
    let there = rustix::fs::statfs(folder);
    there.map_or(true, |there| {
        !NUMBERED_ANEW.contains(&(there.f_type as u32))
    })
}

/// Whether the disk of a folder notes every change of a file, and says so of no other (`st_ctim` of stat(2)). A server may
/// count another clock, or what only it does.
pub fn keep_changes(folder: &Path) -> bool {
    are_lasting(folder) && super::network::kind(folder).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_on_a_local_disk_has_lasting_inodes() {
        assert!(are_lasting(Path::new("/proc")));
        assert!(are_lasting(Path::new("/nowhere")));
        assert!(keep_changes(&std::env::temp_dir()));
    }
}
