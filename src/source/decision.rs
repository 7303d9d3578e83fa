//! What a file on disk means to the catalog, as far as its path and its `stat` can tell.
//!
//! Pure: knows nothing of how files are found or opened.

use crate::catalog::{FileStat, PhotoId};

/// What is to be done about a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// The photo at this path, as it was.
    Unchanged(PhotoId),
    /// The photo at this path, of which the disk noted what leaves the content alone, or noted it for the first time.
    Noted(PhotoId),
    /// The photo at this path, of which the disk noted a change that nothing here explains: of an attribute, or of what the
    /// file holds.
    Unexplained(PhotoId),
    /// The photo at this path with other permissions or another device number.
    Touched(PhotoId),
    /// The photo at this path was written to.
    Rewritten(PhotoId),
    /// Nothing is known of the path nor of the file.
    New,
    /// Maybe a photo that moved here, maybe another file in the place of the photo at this path: that depends on
    /// where other photos are seen.
    Open,
}

impl Decision {
    /// The photo whose file it is without doubt, with the size and the time that it had.
    pub fn same_file(&self) -> Option<PhotoId> {
        match *self {
            Self::Unchanged(id) | Self::Noted(id) | Self::Unexplained(id) | Self::Touched(id) => {
                Some(id)
            }
            Self::Rewritten(_) | Self::New | Self::Open => None,
        }
    }
}

/// Decides by `stat` alone. `known` is the photo at the path of the file, `file_known` whether any photo had the file's
/// inode and size, `lasting` whether its disk has lasting inodes, which is asked where that matters.
pub fn decide(
    known: Option<(PhotoId, FileStat)>,
    now: &FileStat,
    file_known: bool,
    lasting: impl FnOnce() -> bool,
) -> Decision {
    match known {
        Some((id, was)) if is_same_content(&was, now) => same_content(id, &was, now),
        Some((id, was)) if was.same_inode(now) => Decision::Rewritten(id),
        // All that such a disk says of a file from one mount to the next is its path, its size and its time.
        Some((id, was)) if was.same_size_and_time(now) && !lasting() => Decision::Touched(id),
        None if !file_known => Decision::New,
        _ => Decision::Open,
    }
}

/// Device numbers change with a restart or when a disk is plugged in again. At the same path, with inode, size and time
/// the same, it is the same file.
fn is_same_content(was: &FileStat, now: &FileStat) -> bool {
    let dev = now.dev;
    FileStat { dev, ..*was }.same_content(now)
}

/// Of a file with the same inode, size and time. Where it has several names, one may have come and another gone, as with
/// backups that rotate: that leaves the number as it was.
fn same_content(id: PhotoId, was: &FileStat, now: &FileStat) -> Decision {
    if was.ctime_ns == FileStat::SUSPECT {
        return Decision::Unexplained(id);
    }
    if !was.same_owner(now) {
        return Decision::Touched(id);
    }
    let same_name = was.links == now.links && now.links < 2;
    match (was.same_change(now), was.dev == now.dev) {
        (false, _) if same_name => Decision::Unexplained(id),
        (_, false) => Decision::Touched(id),
        _ if was.ctime_ns == now.ctime_ns => Decision::Unchanged(id),
        _ => Decision::Noted(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAS: FileStat = FileStat {
        dev: 1,
        ino: 2,
        size: 3,
        mtime_ns: 4,
        ctime_ns: 5,
        links: 1,
        attributes: 0,
        mode: 0o644,
        uid: 6,
        gid: 7,
    };
    const ID: PhotoId = PhotoId(9);

    fn check(change: impl FnOnce(&mut FileStat), file_known: bool, expected: Decision) {
        let mut now = WAS;
        change(&mut now);
        let decided = |lasting| decide(Some((ID, WAS)), &now, file_known, || lasting);
        assert_eq!(decided(true), expected);
        if now.ino == WAS.ino {
            assert_eq!(decided(false), expected);
        }
    }

    #[test]
    fn a_file_at_the_path_of_a_photo_is_judged_by_its_stat() {
        check(|_| (), true, Decision::Unchanged(ID));
        check(|now| now.mode = 0o600, true, Decision::Touched(ID));
        check(|now| now.uid = 0, true, Decision::Touched(ID));
        check(|now| now.dev = 8, false, Decision::Touched(ID));
        check(|now| now.size = 8, true, Decision::Rewritten(ID));
        check(|now| now.mtime_ns = 8, true, Decision::Rewritten(ID));
        check(|now| now.ino = 8, false, Decision::Open);
    }

    #[test]
    fn what_the_disk_noted_is_explained_by_what_else_it_says_or_is_not() {
        check(|now| now.ctime_ns = 8, true, Decision::Unexplained(ID));
        let another_name = |now: &mut FileStat| (now.ctime_ns, now.links) = (8, 2);
        check(another_name, true, Decision::Noted(ID));
        // A disk that was written to elsewhere.
        let elsewhere = |now: &mut FileStat| (now.ctime_ns, now.dev) = (8, 8);
        check(elsewhere, true, Decision::Unexplained(ID));
        let other_permissions = |now: &mut FileStat| (now.ctime_ns, now.mode) = (8, 0o600);
        check(other_permissions, true, Decision::Touched(ID));
        let written = |now: &mut FileStat| (now.ctime_ns, now.mtime_ns) = (8, 8);
        check(written, true, Decision::Rewritten(ID));
        // Where the disk says nothing, or nobody asked it before.
        check(|now| now.ctime_ns = 0, true, Decision::Noted(ID));
        let unknown = FileStat {
            ctime_ns: 0,
            links: 0,
            ..WAS
        };
        let decided = |was: FileStat, now: FileStat| decide(Some((ID, was)), &now, true, || true);
        assert_eq!(decided(unknown, WAS), Decision::Noted(ID));
        let linked = |ctime_ns: i64| FileStat {
            ctime_ns,
            links: 2,
            ..WAS
        };
        assert_eq!(decided(linked(5), linked(8)), Decision::Noted(ID));
        // Whatever else happens to one that is still to be read.
        let suspect = FileStat {
            ctime_ns: FileStat::SUSPECT,
            ..WAS
        };
        for now in [
            WAS,
            linked(8),
            FileStat { mode: 0, ..WAS },
            FileStat { ctime_ns: 0, ..WAS },
        ] {
            assert_eq!(decided(suspect, now), Decision::Unexplained(ID));
        }
    }

    #[test]
    fn a_file_at_a_new_path_may_be_a_photo_that_moved() {
        assert_eq!(decide(None, &WAS, false, || true), Decision::New);
        assert_eq!(decide(None, &WAS, true, || true), Decision::Open);
    }

    #[test]
    fn an_inode_says_nothing_where_every_mount_gives_another() {
        let check = |now: FileStat, expected: Decision| {
            assert_eq!(decide(Some((ID, WAS)), &now, true, || false), expected);
        };
        check(FileStat { ino: 8, ..WAS }, Decision::Touched(ID));
        check(
            FileStat {
                ino: 8,
                dev: 8,
                ..WAS
            },
            Decision::Touched(ID),
        );
        check(
            FileStat {
                ino: 8,
                size: 8,
                ..WAS
            },
            Decision::Open,
        );
        check(
            FileStat {
                ino: 8,
                mtime_ns: 8,
                ..WAS
            },
            Decision::Open,
        );
    }
}
