//! Refusals of the tree as the numbers that the kernel gets: the only place that decides them.

use std::io;

use fuser::Errno;

use crate::vfs::Error;

/// The number for a refusal of the tree.
pub fn of(error: &Error) -> Errno {
    match error {
        Error::NotFound => Errno::ENOENT,
        Error::NotAFolder => Errno::ENOTDIR,
        Error::IsAFolder => Errno::EISDIR,
        Error::Exists => Errno::EEXIST,
        Error::NotEmpty => Errno::ENOTEMPTY,
        // Not EACCES: desktop programs word EPERM best, and it says that no other permission would help.
        Error::NotPermitted => Errno::EPERM,
        Error::ReadOnly => Errno::EROFS,
        Error::NoData => Errno::ENODATA,
        Error::Unsupported => Errno::ENOTSUP,
        Error::Invalid(_) => Errno::EINVAL,
        // Not EMFILE: the limit is the mount's, not the process's that asks.
        Error::TooMany => Errno::ENFILE,
        Error::TooLarge => Errno::E2BIG,
        // Whoever asks reads and asks again.
        Error::Unread(_) => Errno::EAGAIN,
        Error::Disk(e) => of_disk(e),
        Error::Store(e) if e.is_full() => Errno::ENOSPC,
        // Whoever asks again may find it free.
        Error::Store(e) if e.is_busy() => Errno::EAGAIN,
        // A number says nothing of what is wrong with a catalog: the log does.
        Error::Store(e) => {
            tracing::error!("{e}");
            Errno::EIO
        }
    }
}

/// The number for a failure of the disk: its own.
pub fn of_disk(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_change_differs_from_a_read_only_content() {
        let check = |error, errno: Errno| assert_eq!(of(&error).code(), errno.code());
        check(Error::NotPermitted, Errno::EPERM);
        check(Error::ReadOnly, Errno::EROFS);
        check(Error::Invalid("x".into()), Errno::EINVAL);
    }

    #[test]
    fn the_disk_speaks_for_itself() {
        let full = io::Error::from_raw_os_error(Errno::ENOENT.code());
        assert_eq!(of_disk(&full).code(), Errno::ENOENT.code());
        assert_eq!(of_disk(&io::Error::other("x")).code(), Errno::EIO.code());
    }
}
