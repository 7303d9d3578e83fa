//! Programs that go through photos for reasons of their own, by name.
//!
//! Names as the kernel gives them, cut at 15 characters (`TASK_COMM_LEN`, proc_pid_comm(5)); seen on desktops, a list
//! to be lengthened. Viewers are not among them: who leafs through a folder looks at photos.

/// What a program wants with photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trade {
    /// Reads contents to make them findable.
    Indexer,
    /// Makes small pictures of all that a folder has.
    Thumbnailer,
    /// Reads bytes and attributes alike, to put them elsewhere.
    Copier,
    /// Makes small pictures and copies, as the others do; but the folders that it lists are those that somebody opens.
    FileManager,
}

/// All that are known.
const KNOWN: [(Trade, &[&str]); 4] = [
    (
        Trade::Indexer,
        &[
            "baloo_file",
            "baloo_file_extr",
            "baloo_filemetad",
            "balooctl",
            "balooctl6",
            "tracker-miner-f",
            "tracker-extract",
            "localsearch",
            "localsearch-3",
            "localsearch-ext",
            "recollindex",
            "updatedb",
            "updatedb.mlocat",
            "updatedb.plocat",
        ],
    ),
    (
        Trade::Thumbnailer,
        &[
            "tumblerd",
            "gdk-pixbuf-thum",
            "glycin-thumbnai",
            "gnome-thumbnail",
            "ffmpegthumbnail",
            "heif-thumbnaile",
            "raw-thumbnailer",
            "evince-thumbnai",
            "totem-video-thu",
            // KDE's workers make thumbnails and carry copies. Its viewers read local files themselves.
            "kioslave5",
            "kioworker",
        ],
    ),
    (
        Trade::Copier,
        &[
            "cp",
            "mv",
            "install",
            "rsync",
            "scp",
            "tar",
            "bsdtar",
            "star",
            "cpio",
            "bsdcpio",
            "pax",
            "dar",
            "zip",
            "7z",
            "7za",
            "7zz",
            "ark",
            "file-roller",
            "engrampa",
            "mksquashfs",
            "xorriso",
            "genisoimage",
            "rclone",
            "restic",
            "borg",
            "kopia",
            "bup",
            "duplicity",
            "rdiff-backup",
            "unison",
            "syncthing",
            "nextcloud",
            "nextcloudcmd",
            "owncloud",
            "dropbox",
            "gvfsd-trash",
        ],
    ),
    (
        Trade::FileManager,
        &[
            "nautilus",
            "org.gnome.Nauti",
            "thunar",
            "Thunar",
            "pcmanfm",
            "pcmanfm-qt",
            "dolphin",
            "nemo",
            "caja",
            "mc",
        ],
    ),
];

/// Programs that another one starts to have one file looked at: sandboxes, and the loaders of viewers and thumbnailers
/// alike. They want what the other wants.
const HELPERS: [&str; 6] = [
    "bwrap",
    "glycin-image-rs",
    "glycin-heif",
    "glycin-jxl",
    "glycin-svg",
    "glycin-raw",
];

/// What a program of this name wants, if it is known.
pub fn trade(name: &str) -> Option<Trade> {
    let has = |(trade, names): &(Trade, &[&str])| names.contains(&name).then_some(*trade);
    KNOWN.iter().find_map(has)
}

/// Whether a program of this name works for the one that started it.
pub fn is_helper(name: &str) -> bool {
    HELPERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_one_that_the_kernel_gives_and_is_there_once() {
        let known = KNOWN.iter().flat_map(|(_, names)| names.iter());
        let all: Vec<_> = known.chain(&HELPERS).collect();
        assert!(all.iter().all(|name| (1..=15).contains(&name.len())));
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn who_looks_at_photos_is_not_known() {
        for viewer in ["gthumb", "loupe", "eog", "gwenview", "python3", "getfattr"] {
            assert_eq!(trade(viewer), None, "{viewer}");
        }
    }
}
