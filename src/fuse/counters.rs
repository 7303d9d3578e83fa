//! How many requests of each kind the kernel sent. Speed means few of them, so tests count them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Lookup,
    Forget,
    GetAttr,
    Access,
    OpenDir,
    ReadDir,
    ReadDirPlus,
    Open,
    Read,
    GetXattr,
    ListXattr,
    SetXattr,
    /// mkdir, rmdir, link, unlink, rename, create, setattr.
    Edit,
    /// write, copy_file_range.
    Write,
    /// Anything else that would change the tree or a content, and is refused.
    Refused,
}

impl Request {
    pub const ALL: [Self; 15] = [
        Self::Lookup,
        Self::Forget,
        Self::GetAttr,
        Self::Access,
        Self::OpenDir,
        Self::ReadDir,
        Self::ReadDirPlus,
        Self::Open,
        Self::Read,
        Self::GetXattr,
        Self::ListXattr,
        Self::SetXattr,
        Self::Edit,
        Self::Write,
        Self::Refused,
    ];

    /// The name that stands in figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::Forget => "forget",
            Self::GetAttr => "getattr",
            Self::Access => "access",
            Self::OpenDir => "opendir",
            Self::ReadDir => "readdir",
            Self::ReadDirPlus => "readdirplus",
            Self::Open => "open",
            Self::Read => "read",
            Self::GetXattr => "getxattr",
            Self::ListXattr => "listxattr",
            Self::SetXattr => "setxattr",
            Self::Edit => "edit",
            Self::Write => "write",
            Self::Refused => "refused",
        }
    }
}

/// The counts since the mount.
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; Request::ALL.len()]);

impl Counters {
    pub fn of(&self, request: Request) -> u64 {
        self.0[request as usize].load(Ordering::Relaxed)
    }

    /// Name and count of every kind.
    pub fn all(&self) -> Vec<(&'static str, u64)> {
        let each = Request::ALL.into_iter();
        each.map(|request| (request.name(), self.of(request)))
            .collect()
    }

    pub(super) fn count(&self, request: Request) {
        self.0[request as usize].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_place() {
        let counters = Counters::default();
        for (place, request) in Request::ALL.into_iter().enumerate() {
            assert_eq!(request as usize, place);
            counters.count(request);
        }
        assert!(counters.all().iter().all(|(_, count)| *count == 1));
    }
}
