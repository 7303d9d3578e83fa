//! A photo: one file below the source, and what is always at hand about it.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::WallClock;

/// Identifies a photo for as long as the catalog lives. Never reused; below 2^32 so that bitmaps hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhotoId(pub u32);

impl fmt::Display for PhotoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A path relative to the source folder: bytes as on disk, `/` between, no leading or trailing `/`.
#[derive(Default, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePath(Box<[u8]>);

impl SourcePath {
    /// A path as the disk has it; nothing is checked or changed.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The whole path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The last component.
    pub fn file_name(&self) -> &[u8] {
        self.0.rsplit(|&b| b == b'/').next().unwrap_or(&self.0)
    }

    /// Everything before the last component; empty for a file at the top.
    pub fn folder(&self) -> &[u8] {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(at) => &self.0[..at],
            None => b"",
        }
    }

    /// The path from a folder on; `None` where it isn't below that. Everything is below the empty one.
    pub(crate) fn below(&self, folder: &[u8]) -> Option<&[u8]> {
        match folder {
            [] => Some(&self.0),
            folder => self.0.strip_prefix(folder)?.strip_prefix(b"/"),
        }
    }
}

impl fmt::Debug for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl fmt::Display for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// The BLAKE3 hash of a file's whole content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What `stat` says of a file, as far as the catalog uses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStat {
    /// The number of the disk, which may be another one after a restart: see `is_same_file`.
    pub dev: u64,
    /// The number of the file on its disk.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970-01-01 UTC; negative before.
    pub mtime_ns: i64,
    /// When the disk last noted a change of the file or of what it says of it, likewise. 0 where that isn't known, or says
    /// nothing; [`Self::SUSPECT`] where the file may have other bytes.
    pub ctime_ns: i64,
    /// How many names it has on its disk; 0 where that isn't known.
    pub links: u32,
    /// A digest of its extended attributes; 0 where nobody looked.
    pub attributes: u32,
    /// Permission bits (07777), without the file type.
    pub mode: u32,
    /// The user that the file belongs to.
    pub uid: u32,
    /// The group that the file belongs to.
    pub gid: u32,
}

impl FileStat {
    /// Stands in the catalog for the time of a change, until the file was read.
    pub const SUSPECT: i64 = i64::MIN;

    /// Whether a file with this stat can be taken for unchanged without opening it.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        self.same_inode(other) && self.same_size_and_time(other)
    }

    /// Whether two files are alike as far as their size and time go.
    pub(crate) fn same_size_and_time(&self, other: &Self) -> bool {
        (self.size, self.mtime_ns) == (other.size, other.mtime_ns)
    }

    /// Whether the disk noted no change of the file between two looks, as far as it says. One of the same size and time may
    /// have other bytes where it did.
    pub(crate) fn same_change(&self, other: &Self) -> bool {
        let times = [self.ctime_ns, other.ctime_ns];
        !times.contains(&Self::SUSPECT) && (times[0] == times[1] || times.contains(&0))
    }

    /// Whether a file is whose it was, with the same permissions.
    pub(crate) fn same_owner(&self, other: &Self) -> bool {
        let owner = |stat: &Self| (stat.mode, stat.uid, stat.gid);
        owner(self) == owner(other)
    }

    /// Whether a file is as it was at another look, as far as the disk says.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.same_content(other) && self.same_change(other)
    }

    /// Whether a file at the same path is still the same one, written to or not. Device numbers change with a restart or
    /// when a disk is plugged in again, inode numbers of some file systems too.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.ino == other.ino || self.same_size_and_time(other)
    }

    /// Whether both are names of one file, as far as the disk tells.
    pub(crate) fn same_inode(&self, other: &Self) -> bool {
        self.dev == other.dev && self.ino == other.ino
    }
}

/// A picture format, as the content says, not the name.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// ISO/IEC 10918, with or without JFIF.
    Jpeg,
    /// PNG, animated or not.
    Png,
    /// WebP, lossy, lossless or animated.
    WebP,
    /// GIF87a or GIF89a.
    Gif,
    /// Windows' and OS/2's bitmaps.
    Bmp,
    /// TIFF and BigTIFF, where no camera's raw format is built like it.
    Tiff,
    /// HEIF with HEVC in it, and HEIF that says no more than that it is a picture.
    Heic,
    /// HEIF with AV1 in it.
    Avif,
    /// JPEG XL, bare or in its container.
    Jxl,
    /// Any camera's raw format (CR2, NEF, ARW, DNG, RAF, ORF, RW2, ...).
    Raw,
    /// A file with a picture's name whose content no known format explains (empty, torn, something else).
    Unknown,
}

impl Format {
    /// Every format, [`Self::Unknown`] last.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The lower-case word that stands in folders, queries and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How far the analysis of a photo is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Status {
    /// No analyzer has answered yet.
    #[default]
    Pending,
    /// At least one analyzer has answered; others may still have to look.
    Analyzed,
    /// The content can't be read or decoded by anyone; not tried again until the file changes.
    Failed,
    /// No decoder for the format yet. Follows from the format; never kept.
    Unsupported,
}

impl Status {
    /// Every status. The place of one here is its place in arrays that have one entry a status.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The word that stands in the store, in folders and in the interfaces for programs.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether an analyzer can look at such a photo: its content can be read and decoded, as far as is known.
    pub(crate) fn may_be_analyzed(self) -> bool {
        matches!(self, Self::Pending | Self::Analyzed)
    }
}

/// What is kept in memory of every photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Photo {
    /// By what everybody else knows it.
    pub id: PhotoId,
    /// Where its file is, below the source folder.
    pub path: SourcePath,
    /// The name in every view but `all/`: the file name, made unique in the catalog once and for good.
    pub name: Box<[u8]>,
    /// The name in `titles/`: the title with the extension of the file, made unique when the photo got this title.
    pub title_name: Option<Box<[u8]>>,
    /// Bytes of what is known of it as plain text: what `stat` says of its file in `descriptions/`.
    pub text_bytes: u32,
    /// What the disk said of its file when it was last looked at.
    pub stat: FileStat,
    /// What its content is, whatever its name claims.
    pub format: Format,
    /// How far its analysis is.
    pub status: Status,
    /// When it was taken; `None` where not even its file has a date that the calendar knows.
    pub date: Option<WallClock>,
    /// The hash of its content; `None` until the file was read as a whole.
    pub hash: Option<ContentHash>,
    /// Pixels across, upright. 0 where unknown.
    pub width: u32,
    /// Pixels from top to bottom, likewise.
    pub height: u32,
    /// What its picture looks like, once it was decoded; near-duplicates differ in few bits.
    pub perceptual_hash: Option<u64>,
    /// Whether a person said anything of it.
    pub edited: bool,
    /// How often other bytes came into its file that left size and time as they were: what is kept of its picture is of
    /// this edition. Begins anew after the last number.
    pub edition: u16,
}

/// A photo whose file isn't there any more.
#[derive(Clone, Debug, PartialEq)]
pub struct GonePhoto {
    /// By what everybody knew it.
    pub id: PhotoId,
    /// Where its file was.
    pub path: SourcePath,
    /// What the disk said of its file when that was last looked at.
    pub stat: FileStat,
    /// The hash of its content, if it was ever read as a whole.
    pub hash: Option<ContentHash>,
}

impl From<Photo> for GonePhoto {
    fn from(photo: Photo) -> Self {
        Self {
            id: photo.id,
            path: photo.path,
            stat: photo.stat,
            hash: photo.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{DateSource, Facet, Origin, TextField};

    #[test]
    fn a_path_splits_into_folder_and_file_name() {
        let check = |path: &str, folder: &str, name: &str| {
            let path = SourcePath::new(path.as_bytes());
            assert_eq!(path.folder(), folder.as_bytes());
            assert_eq!(path.file_name(), name.as_bytes());
        };
        check("a.jpg", "", "a.jpg");
        check("2019/x/a.jpg", "2019/x", "a.jpg");
    }

    #[test]
    fn names_of_formats_and_statuses_parse_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        for status in Status::ALL {
            assert_eq!(status.name().parse(), Ok(status));
        }
    }

    /// They stand in catalogs, exports and addresses.
    #[test]
    fn words_that_are_kept_stay_what_they_are() {
        let check = |names: &[&str], expected: &str| assert_eq!(names.join(" "), expected);
        check(
            &Facet::ALL.map(Facet::name),
            "tag year month day camera lens country city color type rating",
        );
        check(
            &Origin::ALL.map(Origin::name),
            "human xmp file remote embedded",
        );
        check(
            &Format::ALL.map(Format::name),
            "jpeg png webp gif bmp tiff heic avif jxl raw unknown",
        );
        check(
            &Status::ALL.map(Status::name),
            "pending analyzed failed unsupported",
        );
        check(
            &DateSource::ALL.map(DateSource::name),
            "original created modified embedded file-time",
        );
        check(&TextField::ALL.map(TextField::name), "title description");
    }
}
