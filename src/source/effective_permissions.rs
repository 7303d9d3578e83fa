//! Who can reach a file through the folders above it, folded into the permissions that the catalog keeps of it.
//!
//! In the views a photo is in folders that everybody may enter. Without this, a photo that everybody may read in a folder
//! that is closed would be closed in the source and open in the mount. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::catalog::FileStat;

/// The closed folders among those above something.
type Closed = Arc<[FileStat]>;

/// What is known of the folders of a walk.
#[derive(Default)]
pub struct EffectivePermissions(RwLock<HashMap<Box<[u8]>, Closed>>);

/// `x` of owner, group and others: who may pass a folder.
const SEARCH: u32 = 0o111;
/// All that others may.
const OTHERS: u32 = 0o007;

impl EffectivePermissions {
    /// Takes note of a folder; what leads to it was noted before.
    pub fn enter(&self, folder: &[u8], stat: &FileStat) {
        let above = self.of(parent(folder));
        let is_open = stat.mode & SEARCH & OTHERS != 0;
        if is_open && above.is_empty() {
            return;
        }
        let own = (!is_open).then_some(*stat);
        let closed = above.iter().copied().chain(own).collect();
        let mut all = self.0.write();
        all.insert(folder.into(), closed);
    }

    /// The file at a path, with the permissions that are left.
    pub fn fold(&self, path: &[u8], stat: FileStat) -> FileStat {
        let closed = self.of(parent(path));
        let mode = closed
            .iter()
            .fold(stat.mode, |mode, folder| mode & !barred(folder, &stat));
        FileStat { mode, ..stat }
    }

    /// The closed folders above what is in a folder. One that isn't known has none: the walk enters every folder
    /// before what is in it.
    fn of(&self, folder: &[u8]) -> Closed {
        let all = self.0.read();
        all.get(folder).cloned().unwrap_or_default()
    }
}

/// The permissions of those who can't pass a folder that is closed to others. Who is owner and group of both counts; who
/// else is in a group isn't known here.
fn barred(folder: &FileStat, file: &FileStat) -> u32 {
    let may_owner = folder.uid == file.uid && folder.mode & 0o100 != 0;
    let may_group = folder.gid == file.gid && folder.mode & 0o010 != 0;
    let owner = if may_owner { 0 } else { 0o700 };
    let group = if may_group { 0 } else { 0o070 };
    owner | group | OTHERS
}

fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&b| b == b'/') {
        Some(at) => &path[..at],
        None => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(mode: u32, uid: u32, gid: u32) -> FileStat {
        let default = FileStat::default();
        FileStat {
            mode,
            uid,
            gid,
            ..default
        }
    }

    /// A file `a/b/x` of 0644, owner 1 and group 2, below folders of these modes, owners and groups.
    fn check(a: (u32, u32, u32), b: (u32, u32, u32), expected: u32) {
        let permissions = EffectivePermissions::default();
        permissions.enter(b"a", &stat(a.0, a.1, a.2));
        permissions.enter(b"a/b", &stat(b.0, b.1, b.2));
        let folded = permissions.fold(b"a/b/x", stat(0o644, 1, 2));
        assert_eq!(folded.mode, expected, "{a:?} {b:?}: {:o}", folded.mode);
        assert_eq!(permissions.fold(b"x", stat(0o644, 1, 2)).mode, 0o644);
    }

    #[test]
    fn who_can_not_pass_a_folder_can_not_read_what_is_in_it() {
        check((0o755, 1, 2), (0o755, 1, 2), 0o644);
        check((0o711, 9, 9), (0o701, 9, 9), 0o644);
        check((0o700, 1, 2), (0o755, 1, 2), 0o600);
        check((0o755, 1, 2), (0o750, 1, 2), 0o640);
        check((0o755, 1, 2), (0o750, 1, 9), 0o600);
        check((0o770, 1, 2), (0o700, 1, 2), 0o600);
        check((0o700, 9, 9), (0o755, 1, 2), 0o000);
    }
}
