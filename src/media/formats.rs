//! The formats there are: the one list of what is known of each.
//!
//! A new format is a line here, a reader of its metadata in `containers/`, and a decoder in `decode/` if there is one.

use std::io;

use image::ImageFormat;

use super::container::Container;
use super::containers::{bitmap, heif, jpeg, jxl, png, raw, webp};
use super::decode::limits::Limits;
use super::decode::{self, Decoder, whole};
use super::magic::Magic;
use super::reader::Reader;
use crate::catalog::Format;

/// What is known of a format.
pub struct FileFormat {
    /// What photos of it are said to be.
    pub format: Format,
    /// Of files that are of this format, if their content doesn't say otherwise: in lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// One of them is at the start of every file.
    pub magic: &'static [Magic],
    /// Finds metadata, and what the file says of the picture besides.
    pub metadata: fn(&mut Reader) -> io::Result<Container>,
    /// `None` where there is none yet: such photos are `unsupported`.
    pub decoder: Option<Decoder>,
    /// IANA's name for it, if browsers show it by themselves.
    pub shown_by_browsers: Option<&'static str>,
}

/// Every format but [`Format::Unknown`]. Where several fit a content, the first is meant.
pub const FORMATS: &[FileFormat] = &[
    FileFormat {
        format: Format::Jpeg,
        extensions: &["jpg", "jpeg", "jpe", "jfif", "jif", "mpo"],
        magic: &[Magic::Bytes(0, b"\xff\xd8\xff")],
        metadata: jpeg::read,
        decoder: Some(Decoder {
            decode: decode::jpeg::read,
            limits: Limits::USUAL,
        }),
        shown_by_browsers: Some("image/jpeg"),
    },
    FileFormat {
        format: Format::Png,
        extensions: &["png"],
        magic: &[Magic::Bytes(0, b"\x89PNG\r\n\x1a\n")],
        metadata: png::read,
        decoder: Some(Decoder {
            decode: |bytes, limits, _| whole::read_png(bytes, limits),
            // Only rows and metadata count there, and those inflate.
            limits: Limits {
                decoder: 16 << 20,
                ..Limits::USUAL
            },
        }),
        shown_by_browsers: Some("image/png"),
    },
    FileFormat {
        format: Format::WebP,
        extensions: &["webp"],
        magic: &[Magic::Riff(b"WEBP")],
        metadata: webp::read,
        decoder: Some(Decoder {
            decode: |bytes, limits, _| whole::read(bytes, ImageFormat::WebP, limits),
            // Its decoder makes a copy of the pixels on its way.
            limits: Limits {
                copies: 2,
                ..Limits::USUAL
            },
        }),
        shown_by_browsers: Some("image/webp"),
    },
    FileFormat {
        format: Format::Gif,
        extensions: &["gif"],
        magic: &[Magic::Bytes(0, b"GIF87a"), Magic::Bytes(0, b"GIF89a")],
        metadata: bitmap::read_gif,
        decoder: Some(Decoder {
            decode: |bytes, limits, _| whole::read(bytes, ImageFormat::Gif, limits),
            limits: Limits::USUAL,
        }),
        shown_by_browsers: Some("image/gif"),
    },
    FileFormat {
        format: Format::Bmp,
        extensions: &["bmp", "dib"],
        magic: &[Magic::Where(bitmap::is_bmp)],
        metadata: bitmap::read_bmp,
        decoder: Some(Decoder {
            decode: |bytes, limits, _| whole::read(bytes, ImageFormat::Bmp, limits),
            limits: Limits::USUAL,
        }),
        shown_by_browsers: Some("image/bmp"),
    },
    FileFormat {
        format: Format::Avif,
        extensions: &["avif"],
        magic: &[Magic::Brands(&[b"avif", b"avis"])],
        metadata: heif::read,
        decoder: None,
        shown_by_browsers: Some("image/avif"),
    },
    FileFormat {
        format: Format::Raw,
        // Those that mean nothing else.
        extensions: &[
            "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "gpr", "iiq", "k25", "kdc",
            "mef", "mrw", "nef", "nrw", "orf", "pef", "raf", "rw2", "rwl", "sr2", "srf", "srw",
            "x3f",
        ],
        magic: &[
            Magic::Bytes(0, raw::FUJIFILM),
            Magic::Bytes(0, b"IIRO"),
            Magic::Bytes(0, b"IIRS"),
            Magic::Bytes(0, b"MMOR"),
            Magic::Bytes(0, b"IIU\0"),
            Magic::Bytes(0, b"\0MRM"),
            Magic::Bytes(0, b"FOVb"),
            Magic::Bytes(0, b"II\x1a\0\0\0HEAPCCDR"),
            Magic::Bytes(8, b"CR\x02"),
            Magic::Brands(&[b"crx "]),
        ],
        metadata: raw::read,
        decoder: None,
        shown_by_browsers: None,
    },
    FileFormat {
        format: Format::Heic,
        extensions: &["heic", "heif", "hif"],
        // `mif1` is any still picture: a brand of the formats above beside it says which.
        magic: &[Magic::Brands(&[
            b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
        ])],
        metadata: heif::read,
        decoder: None,
        shown_by_browsers: None,
    },
    FileFormat {
        format: Format::Jxl,
        extensions: &["jxl"],
        magic: &[
            Magic::Bytes(0, b"\0\0\0\x0cJXL "),
            Magic::Named(&jxl::CODESTREAM),
        ],
        metadata: jxl::read,
        decoder: None,
        shown_by_browsers: None,
    },
    FileFormat {
        format: Format::Tiff,
        extensions: &["tif", "tiff"],
        magic: &[
            Magic::Bytes(0, b"II*\0"),
            Magic::Bytes(0, b"II+\0"),
            Magic::Bytes(0, b"MM\0*"),
            Magic::Bytes(0, b"MM\0+"),
        ],
        metadata: raw::read,
        decoder: Some(Decoder {
            decode: |bytes, limits, _| whole::read(bytes, ImageFormat::Tiff, limits),
            limits: Limits::USUAL,
        }),
        shown_by_browsers: None,
    },
];

/// What is known of a format; `None` of [`Format::Unknown`].
pub fn of(format: Format) -> Option<&'static FileFormat> {
    FORMATS.iter().find(|entry| entry.format == format)
}

/// Whether the pixels of such a file can be had. A file that nothing explains is tried all the same: that it is empty or no
/// picture is a reason that people can do something about.
pub fn is_decodable(format: Format) -> bool {
    of(format).is_none_or(|entry| entry.decoder.is_some())
}

/// IANA's name of a format that browsers show by themselves.
pub fn shown_by_browsers(format: Format) -> Option<&'static str> {
    of(format)?.shown_by_browsers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_there_once() {
        for format in Format::ALL {
            let entries = FORMATS.iter().filter(|entry| entry.format == format);
            let expected = usize::from(format != Format::Unknown);
            assert_eq!(entries.count(), expected, "{format:?}");
        }
    }

    #[test]
    fn an_extension_means_one_format() {
        let all = FORMATS.iter().flat_map(|entry| entry.extensions);
        let mut seen = std::collections::HashSet::new();
        for extension in all {
            assert!(seen.insert(extension), "{extension}");
            assert_eq!(*extension, extension.to_ascii_lowercase());
        }
    }
}
