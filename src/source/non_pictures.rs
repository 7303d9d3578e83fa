//! Files that are known not to be pictures, so that a rescan does not open them again.
//!
//! Pictures are told by content. Only what comes in numbers beside photos and is never one is passed over by name: a
//! folder of ten thousand films would otherwise be ten thousand slow opens after every start.

use hashlink::LruCache;
use parking_lot::Mutex;

use crate::catalog::{FileStat, SourcePath};

/// Films, sounds and what programs keep beside photos.
const NEVER_PICTURES: [&str; 35] = [
    "3gp", "aac", "aae", "avi", "db", "dop", "flac", "flv", "ini", "insv", "json", "log", "lrv",
    "m2ts", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "mts", "ogg", "ogv", "on1",
    "pp3", "sqlite", "srt", "ts", "wav", "webm", "wmv", "xmp", "zip",
];

/// Files remembered: those that were seen last. Each takes some 60 bytes.
const MOST: usize = 1 << 20;

/// Inodes of files that were opened in vain, with size and times.
pub struct NonPictures {
    opened: Mutex<LruCache<(u64, u64), Seen>>,
    /// The only ones that count, unless there are none.
    extensions: Vec<String>,
}

/// Size, and when the disk says that it was written and changed.
type Seen = (u64, i64, i64);

impl Default for NonPictures {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl NonPictures {
    /// Passes over every file that has another extension than one of these.
    pub fn of(extensions: &[String]) -> Self {
        let plain = |e: &String| e.trim_start_matches(['*', '.']).to_ascii_lowercase();
        Self {
            opened: Mutex::new(LruCache::new(MOST)),
            extensions: extensions.iter().map(plain).collect(),
        }
    }

    /// Whether the file need not be opened; `is_written`: somebody wrote to it just now.
    pub fn contains(&self, path: &SourcePath, stat: &FileStat, is_written: bool) -> bool {
        let extension = extension(path.file_name());
        let refused = match self.extensions.is_empty() {
            true => extension.is_some_and(|e| NEVER_PICTURES.iter().any(|n| *n == e)),
            false => !extension.is_some_and(|e| self.extensions.contains(&e)),
        };
        if refused {
            return true;
        }
        let mut non_pictures = self.opened.lock();
        !is_written && non_pictures.get(&(stat.dev, stat.ino)) == Some(&seen(stat))
    }

    /// A file was opened, and is no picture. One that is written to is opened again.
    pub fn remember(&self, stat: &FileStat) {
        let mut non_pictures = self.opened.lock();
        non_pictures.insert((stat.dev, stat.ino), seen(stat));
    }
}

fn seen(stat: &FileStat) -> Seen {
    (stat.size, stat.mtime_ns, stat.ctime_ns)
}

/// In lower case, without the dot.
fn extension(name: &[u8]) -> Option<String> {
    let dot = name.iter().rposition(|&b| b == b'.')?;
    let extension = str::from_utf8(&name[dot + 1..]).ok()?;
    Some(extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_no_picture_has_are_passed_over() {
        let non_pictures = NonPictures::default();
        let check = |name: &str, passed_over: bool| {
            let path = SourcePath::new(name.as_bytes());
            assert_eq!(
                non_pictures.contains(&path, &FileStat::default(), false),
                passed_over,
                "{name}"
            );
        };
        check("x/film.MP4", true);
        check("IMG_1.jpg.xmp", true);
        check("photo.txt", false);
        check("mp4", false);
        check("photo", false);
        check("a.jpg", false);
    }

    #[test]
    fn where_extensions_are_named_only_they_count() {
        let non_pictures = NonPictures::of(&[".JPG".into(), "png".into()]);
        let passed_over = |name: &str| {
            non_pictures.contains(
                &SourcePath::new(name.as_bytes()),
                &FileStat::default(),
                false,
            )
        };
        assert!(!passed_over("a.jpg") && !passed_over("x/A.PNG"));
        assert!(passed_over("a.tiff") && passed_over("a") && passed_over("jpg"));
    }

    #[test]
    fn a_file_opened_in_vain_is_tried_again_when_it_changed() {
        let non_pictures = NonPictures::default();
        let path = SourcePath::new(*b"notes");
        let stat = FileStat::default();
        non_pictures.remember(&stat);
        assert!(non_pictures.contains(&path, &stat, false));
        assert!(!non_pictures.contains(&path, &FileStat { size: 1, ..stat }, false));
        let noted = FileStat {
            ctime_ns: 1,
            ..stat
        };
        assert!(!non_pictures.contains(&path, &noted, false));
        assert!(!non_pictures.contains(&path, &stat, true));
    }
}
