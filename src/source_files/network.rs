//! Whether a folder is on a file system that others change without this kernel's knowing.

use std::path::Path;

/// `f_type` of statfs(2), from `linux/magic.h` and the file systems themselves.
const NETWORKED: [(u32, &str); 14] = [
    (0x6969, "nfs"),
    (0x517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x00c3_6400, "ceph"),
    (0x0bd0_0bd0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x786f_4256, "vboxsf"),
    // sshfs, rclone, virtiofs: what is behind FUSE is not told.
    (0x6573_5546, "fuse"),
    (0x0116_1970, "gfs2"),
];

/// The kind of network file system that a folder is on, if it is on one.
pub fn kind(folder: &Path) -> Option<&'static str> {
    let f_type = rustix::fs::statfs(folder).ok()?.f_type;
    name(f_type as u32)
}

fn name(f_type: u32) -> Option<&'static str> {
    let found = NETWORKED.iter().find(|(magic, _)| *magic == f_type);
    found.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        assert_eq!(name(0x6969), Some("nfs"));
        assert_eq!(name(0xff53_4d42), Some("cifs"));
        for local in [0xef53, 0x9123_683e, 0x0102_1994, 0x5846_5342, 0x2fc1_2fc1] {
            assert_eq!(name(local), None);
        }
        assert_eq!(kind(Path::new("/proc")), None);
    }
}
