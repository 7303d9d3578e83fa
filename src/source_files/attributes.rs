//! What a disk keeps of a file beside its bytes: extended attributes, as one number that tells whether they changed.

use std::os::fd::AsFd;

use rustix::fs::{fgetxattr, flistxattr};
use rustix::io::{Errno, Result};

/// Linux keeps no more names of one file, and no longer value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX` of `linux/limits.h`).
const LARGEST: usize = 64 << 10;

/// Those that say something of the bytes, and change along with them: they explain nothing.
const OF_CONTENT: [&[u8]; 3] = [b"security.ima", b"security.evm", b"user.DOSATTRIB"];

/// A digest of the names and values of a file's extended attributes, which is never 0; 0 where the disk doesn't say.
pub fn digest(file: &impl AsFd) -> u32 {
    try_digest(file).unwrap_or(0)
}

fn try_digest(file: &impl AsFd) -> Result<u32> {
    let mut hasher = blake3::Hasher::new();
    let mut names = Vec::with_capacity(LARGEST);
    match flistxattr(file, rustix::buffer::spare_capacity(&mut names)) {
        // A disk without attributes.
        Ok(_) | Err(Errno::NOTSUP) => {}
        Err(error) => return Err(error),
    }
    let mut names: Vec<_> = names.split(|&b| b == 0).filter(|n| !n.is_empty()).collect();
    names.retain(|name| !OF_CONTENT.contains(name));
    names.sort_unstable();
    for name in names {
        let mut value = Vec::with_capacity(LARGEST);
        fgetxattr(file, name, rustix::buffer::spare_capacity(&mut value))?;
        for part in [name, &value] {
            hasher
                .update(&(part.len() as u64).to_le_bytes())
                .update(part);
        }
    }
    let mut digest = [0; 4];
    hasher.finalize_xof().fill(&mut digest);
    Ok(u32::from_le_bytes(digest).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr};

    #[test]
    fn attributes_that_are_as_they_were_have_the_same_digest() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let set = |name: &str, value: &[u8]| {
            fsetxattr(file.as_file(), name, value, XattrFlags::empty()).is_ok()
        };
        let bare = digest(file.as_file());
        assert_ne!(bare, 0);
        if !set("user.b", b"1") {
            eprintln!("skipped: the disk keeps no attributes");
            return;
        }
        let one = digest(file.as_file());
        assert!(set("user.a", b""));
        let two = digest(file.as_file());
        assert!(set("user.b", b"2"));
        let other = digest(file.as_file());
        assert!(one != bare && two != one && other != two);
        assert!(set("user.DOSATTRIB", b"0x20"));
        assert_eq!(digest(file.as_file()), other);
        assert!(set("user.b", b"1"));
        assert_eq!(digest(file.as_file()), two);
        fremovexattr(file.as_file(), "user.a").unwrap();
        assert_eq!(digest(file.as_file()), one);
    }
}
