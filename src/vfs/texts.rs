//! The text files of `descriptions/`: one a photo, called like the photo's file with `.txt` behind.
//!
//! A name that would be too long, or that a folder of the source has already, carries a hash instead of its end.

use crate::catalog::{Detail, PhotoId, plain_text};
use crate::index::{FolderId, Index};

/// The longest file name that Linux allows, in bytes.
const NAME_MAX: usize = 255;
const EXTENSION: &[u8] = b".txt";
/// Hexadecimal digits of the hash, behind a `~`: with 64 bits, no two files of a folder share one by chance.
const HASH: usize = 16;

/// The names that the text of a file may have, the first that is free being the one: the plain and the hashed.
pub fn names(file_name: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let plain = [file_name, EXTENSION].concat();
    [plain, hashed(file_name)]
        .into_iter()
        .filter(|name| name.len() <= NAME_MAX)
}

/// The names that change their meaning when a folder of this name comes or goes.
pub fn beside(folder_name: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let displaced = folder_name.strip_suffix(EXTENSION).map(hashed);
    displaced.into_iter().chain([folder_name.to_vec()])
}

fn hashed(file_name: &[u8]) -> Vec<u8> {
    let kept = file_name.len().min(NAME_MAX - EXTENSION.len() - HASH - 1);
    let hash = blake3::hash(file_name).to_hex();
    [
        &file_name[..kept],
        b"~",
        &hash.as_bytes()[..HASH],
        EXTENSION,
    ]
    .concat()
}

/// What a text file holds.
pub fn content(detail: &Detail) -> Vec<u8> {
    plain_text(&detail.entry.labels, &detail.texts).into_bytes()
}

/// What the text of a file in a folder of the source is called. `None` where folders took every name.
pub fn name_in(folder: FolderId, file_name: &[u8], index: &Index) -> Option<Vec<u8>> {
    let is_free = |name: &Vec<u8>| index.subfolder(folder, name).is_none();
    names(file_name).find(is_free)
}

/// The photo whose text has this name.
pub fn find(folder: FolderId, name: &[u8], index: &Index) -> Option<PhotoId> {
    let stem = name.strip_suffix(EXTENSION)?;
    let is_called_so = |file_name: &[u8]| {
        let text = name_in(folder, file_name, index);
        text.as_deref() == Some(name)
    };
    if let Some(photo) = index.in_folder(folder, stem) {
        return is_called_so(stem).then_some(photo);
    }
    // Only a walk finds a hash. Names of this shape are rare.
    let kept = stem.len().checked_sub(HASH + 1)?;
    if stem[kept] != b'~' {
        return None;
    }
    let photos = index.photos_in(folder);
    let mut photos = photos.iter().map(PhotoId);
    photos.find(|&id| {
        let packed = index.packed_names(id);
        packed.is_some_and(|packed| {
            hashed(packed.file_name()) == name && is_called_so(packed.file_name())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_called_like_its_photo_unless_that_is_too_long() {
        let all = |name: &[u8]| names(name).collect::<Vec<_>>();
        assert_eq!(all(b"a.jpg")[0], b"a.jpg.txt");
        let long = [b'x'; 255];
        let longer = all(&long);
        assert_eq!((longer.len(), longer[0].len()), (1, 255));
        assert_ne!(longer, all(&[b'x'; 254]));
    }
}
