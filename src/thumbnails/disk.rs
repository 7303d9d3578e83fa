//! Thumbnails on disk, as freedesktop.org's specification wants them: a PNG that says of which file at what time it is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::Size;
use crate::analysis::{Picture, preview};
use crate::catalog::{Format, Photo};
use crate::decoding::Decoders;
use crate::media::{self, Reader};

/// `$XDG_CACHE_HOME/thumbnails`
pub struct Folder(PathBuf);

/// A larger file is no thumbnail: the largest that the specification has is 1,024 pixels a side, 3 MiB without
/// compression.
const LARGEST: u64 = 4 << 20;

/// Texts that the specification asks for:
/// <https://specifications.freedesktop.org/thumbnail-spec/latest/creation.html>.
const URI: &str = "Thumb::URI";
const MTIME: &str = "Thumb::MTIME";
/// Which bytes they are, where others came at the same time and size: of others' thumbnails nobody can tell.
const EDITION: &str = "Thumb::kbasefs::Edition";

impl Folder {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    fn file(&self, uri: &str, size: Size) -> PathBuf {
        let name: String = Md5::digest(uri.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.0.join(folder(size)).join(name + ".png")
    }

    /// The thumbnail of a file as it is now; a larger one will do. Whatever is damaged or of another time is as good as
    /// none.
    pub fn read(
        &self,
        decoders: &Decoders,
        uri: &str,
        photo: &Photo,
        size: Size,
    ) -> Option<Picture> {
        let larger = [size, Size::XLarge].into_iter();
        larger
            .map(|size| self.file(uri, size))
            .find_map(|file| read(decoders, &file, uri, photo))
    }

    /// Only a cache: what can't be written is made again.
    pub fn write(&self, uri: &str, photo: &Photo, size: Size, picture: &Picture) {
        let file = self.file(uri, size);
        if let Err(error) = write(&file, uri, photo, &preview::shrunk(picture, size.pixels())) {
            tracing::debug!("thumbnail not kept in {}: {error}", self.0.display());
        }
    }
}

fn folder(size: Size) -> &'static str {
    match size {
        Size::Large => "large",
        Size::XLarge => "x-large",
        Size::Screen => "xx-large",
    }
}

/// Whole seconds, as the specification counts.
fn seconds(photo: &Photo) -> i64 {
    photo.stat.mtime_ns.div_euclid(1_000_000_000)
}

/// Any program may have written it.
fn read(decoders: &Decoders, file: &Path, uri: &str, photo: &Photo) -> Option<Picture> {
    let mut bytes = Vec::new();
    let file = File::open(file).ok()?;
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    is_of(&bytes, uri, photo)?;
    let decoded = decoders.decode(&mut bytes, preview::LONGEST_SIDE);
    Some(decoded.ok()?.picture)
}

/// Whether a PNG says that it is of this file as it is now.
fn is_of(png: &[u8], uri: &str, photo: &Photo) -> Option<()> {
    let metadata = media::metadata(&mut Reader::of_memory(png), Format::Png).ok()?;
    let says = |key: &str, value: &str| metadata.container.text(key).as_deref() == Some(value);
    let is_edition = photo.edition == 0 || says(EDITION, &photo.edition.to_string());
    let is_it = says(URI, uri) && says(MTIME, &seconds(photo).to_string()) && is_edition;
    is_it.then_some(())
}

fn write(file: &Path, uri: &str, photo: &Photo, picture: &Picture) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    // Renamed once it is whole, and closed to others, as the specification asks: pictures may be private.
    let new = file.with_extension(format!("kbasefs-{}", std::process::id()));
    // A killed process may have had the same number.
    match fs::remove_file(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = encode(options.open(&new)?, uri, photo, picture)
        .map_err(io::Error::other)
        .and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        // It is half a file; failing to remove it fails nobody.
        let _ = fs::remove_file(&new);
    }
    written
}

fn encode(
    file: File,
    uri: &str,
    photo: &Photo,
    picture: &Picture,
) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(BufWriter::new(file), picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    for (key, value) in [
        (URI, uri),
        (MTIME, &seconds(photo).to_string()),
        ("Thumb::Size", &photo.stat.size.to_string()),
        (EDITION, &photo.edition.to_string()),
        ("Software", "kbasefs"),
    ] {
        encoder.add_text_chunk(key.to_owned(), value.to_owned())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.rgb)?;
    writer.finish()
}
