//! XMP sidecars, `IMG.jpg.xmp`: what photo programs share.
//!
//! Written into a folder that mirrors the source, or beside the photos where that is asked for. What a sidecar says
//! already stays, but for what a person said otherwise in the catalog.

mod sidecar;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::people::People;
use super::{Exchange, Report, Result, files};
use crate::catalog::{Deed, Detail, Format, Label, Origin, Photo, PhotoId, SourcePath, Text};
use crate::media::xmp::{self, Packet, Xmp};

/// Bytes; nobody writes larger ones. A whole one is held in memory.
const LARGEST: u64 = 16 << 20;

/// Writes the sidecars that say less than the catalog.
pub fn export(exchange: &Exchange, folder: &Path) -> Result<Report> {
    let mut report = Report::default();
    let mut writer = files::Writer::default();
    for id in exchange.photos() {
        let Some(detail) = exchange.library.detail(id)? else {
            continue;
        };
        report.photos += 1;
        match write(exchange, folder, &detail, &mut writer) {
            Ok(written) => report.changed += u64::from(written),
            Err(why) => report.fail(&detail.entry.photo.path, why),
        }
    }
    Ok(report)
}

/// Writes the sidecar of a photo, unless it says everything already.
fn write(
    exchange: &Exchange,
    folder: &Path,
    detail: &Detail,
    writer: &mut files::Writer,
) -> std::result::Result<bool, String> {
    let name = beside(&detail.entry.photo.path);
    if name.file_name().len() > 255 {
        return Err("the name of its sidecar would be too long".into());
    }
    let below = Path::new(OsStr::from_bytes(name.as_bytes()));
    let target = folder.join(below);
    let existing = match read_file(&target)? {
        Some(bytes) => Some(bytes),
        None => read_original(exchange, &name)?,
    };
    let Some(text) = sidecar::merged(existing.as_deref(), detail)? else {
        return Ok(false);
    };
    let parent = below.parent().unwrap_or(Path::new(""));
    files::make_folders(folder, parent).map_err(|e| e.to_string())?;
    let written = writer.write(&target, |out| out.write_all(text.as_bytes()));
    written.map_err(|e| e.to_string())?;
    Ok(true)
}

/// Takes in the sidecars of all photos that have one.
pub fn import(exchange: &Exchange, folder: &Path) -> Result<Report> {
    let mut report = Report::default();
    let mut people = People::new(exchange.library, "import sidecars");
    let folder = Folder::of(exchange, folder);
    let index = exchange.library.index();
    let photos = exchange.photos().into_iter();
    for photo in photos.filter_map(|id| index.photo(id)) {
        let Some((name, read)) = folder.sidecar(exchange, &photo) else {
            continue;
        };
        report.photos += 1;
        match read {
            Ok(bytes) => {
                let packet = xmp::read_packet(&bytes);
                let sidecar = taken_in(exchange, photo.id, &packet)?;
                report.changed += u64::from(people.take_sidecar(sidecar)?);
                if let Some(why) = packet.broken {
                    report.fail(&name, why);
                }
            }
            Err(why) => report.fail(&name, why),
        }
    }
    people.commit()?;
    Ok(report)
}

/// Where sidecars are looked for.
enum Folder<'a> {
    /// Beside the photos.
    Source,
    Other(&'a Path),
}

impl<'a> Folder<'a> {
    fn of(exchange: &Exchange, folder: &'a Path) -> Self {
        let root = exchange.source_files.root();
        let own = match exchange.folder.as_bytes() {
            [] => root.to_owned(),
            below => root.join(OsStr::from_bytes(below)),
        };
        match fs::canonicalize(folder).is_ok_and(|f| f == own) {
            true => Self::Source,
            false => Self::Other(folder),
        }
    }

    /// The first sidecar that a photo has here: its name, and its content or why that can't be read.
    fn sidecar(
        &self,
        exchange: &Exchange,
        photo: &Photo,
    ) -> Option<(SourcePath, std::result::Result<Vec<u8>, String>)> {
        names(exchange, photo).into_iter().find_map(|name| {
            let read = self.read(exchange, &name).transpose()?;
            Some((name, read))
        })
    }

    fn read(
        &self,
        exchange: &Exchange,
        name: &SourcePath,
    ) -> std::result::Result<Option<Vec<u8>>, String> {
        match self {
            Self::Source => read_original(exchange, name),
            Self::Other(folder) => read_mirrored(exchange, folder, name),
        }
    }
}

/// What a sidecar that is torn says before it breaks counts, as it would inside of the photo; one that says nothing by then
/// is no reason to forget what it said before.
fn taken_in(exchange: &Exchange, id: PhotoId, packet: &Packet) -> Result<Option<Deed>> {
    let (labels, texts) = sidecar::said(&Xmp::of(packet));
    if packet.broken.is_some() && labels.is_empty() && texts.is_empty() {
        return Ok(None);
    }
    let detail = exchange.library.detail(id)?;
    Ok(detail.and_then(|detail| news(&detail, labels, texts)))
}

/// What makes a photo's sidecar say this, and no more; nothing when it is known to.
pub fn news(detail: &Detail, mut labels: Vec<Label>, texts: Vec<Text>) -> Option<Deed> {
    let mut keys = HashSet::new();
    labels.retain(|l| keys.insert(l.key()));
    let of_sidecars = detail.entry.labels.iter();
    let of_sidecars = of_sidecars.filter(|l| l.origin == Origin::Xmp).count();
    let texts_of_sidecars = detail.texts.iter();
    let texts_of_sidecars = texts_of_sidecars
        .filter(|t| t.origin == Origin::Xmp)
        .count();
    let is_known = (of_sidecars, texts_of_sidecars) == (labels.len(), texts.len())
        && labels.iter().all(|l| detail.entry.labels.contains(l))
        && texts.iter().all(|t| detail.texts.contains(t));
    let photo = detail.entry.photo.id;
    (!is_known).then_some(Deed::Sidecar {
        photo,
        labels,
        texts,
    })
}

/// The names that the sidecar of a photo may have, the likeliest first: `IMG.jpg.xmp`; and `IMG.xmp`, which stands for
/// the raw file where there is one.
fn names(exchange: &Exchange, photo: &Photo) -> Vec<SourcePath> {
    let mut names = vec![beside(&photo.path)];
    if let Some(stem) = stem(&photo.path)
        && (photo.format == Format::Raw || !has_raw(exchange, photo, &stem))
    {
        names.extend([&b".xmp"[..], b".XMP"].map(|e| SourcePath::new([&stem, e].concat())));
    }
    names
}

fn beside(path: &SourcePath) -> SourcePath {
    SourcePath::new([path.as_bytes(), b".xmp"].concat())
}

fn stem(path: &SourcePath) -> Option<Vec<u8>> {
    let dot = path.file_name().iter().rposition(|&b| b == b'.')?;
    let cut = path.file_name().len() - dot;
    (dot > 0).then(|| path.as_bytes()[..path.as_bytes().len() - cut].to_vec())
}

/// Whether a raw file of the same stem lies beside a photo.
fn has_raw(exchange: &Exchange, photo: &Photo, wanted: &[u8]) -> bool {
    let index = exchange.library.index();
    let Some(folder) = index.folder(photo.path.folder()) else {
        return false;
    };
    let mut photos = index.photos_in(folder).into_iter().map(PhotoId);
    photos.any(|id| {
        let other = index.photo(id);
        other.is_some_and(|o| o.format == Format::Raw && stem(&o.path).as_deref() == Some(wanted))
    })
}

fn read_original(
    exchange: &Exchange,
    name: &SourcePath,
) -> std::result::Result<Option<Vec<u8>>, String> {
    let source_files = exchange.source_files;
    let read = source_files.with_file(name, &|| true, |file| Ok(bytes(Ok(file))));
    read.unwrap_or_else(|error| bytes(Err::<fs::File, _>(error)))
}

/// What a folder that mirrors the source, or the part of it, has of a sidecar.
fn read_mirrored(
    exchange: &Exchange,
    folder: &Path,
    name: &SourcePath,
) -> std::result::Result<Option<Vec<u8>>, String> {
    for name in exchange.names(name) {
        let bytes = read_file(&folder.join(OsStr::from_bytes(name.as_bytes())))?;
        if bytes.is_some() {
            return Ok(bytes);
        }
    }
    Ok(None)
}

fn read_file(path: &PathBuf) -> std::result::Result<Option<Vec<u8>>, String> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err("is in the way: not a file".into()),
        Ok(_) => bytes(fs::File::open(path)),
        Err(e) => bytes(Err::<fs::File, _>(e)),
    }
}

/// The content of a file; `None` where there is none.
fn bytes(opened: io::Result<impl Read>) -> std::result::Result<Option<Vec<u8>>, String> {
    let file = match opened {
        Ok(file) => file,
        Err(e) if crate::source_files::is_absence(&e) => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|e| e.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err("too large for a sidecar".into());
    }
    Ok(Some(bytes))
}
