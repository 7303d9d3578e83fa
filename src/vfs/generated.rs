//! The files that the tree writes itself, in its root: a README, and the marks that keep indexers away.

use crate::catalog::Status;
use crate::index::Index;

struct Generated {
    name: &'static str,
    content: fn(&Index) -> String,
}

fn empty(_: &Index) -> String {
    String::new()
}

const FILES: [Generated; 4] = [
    Generated {
        name: "README.txt",
        content: readme,
    },
    // Tracker, Android's media scanner and Spotlight leave folders with these alone.
    Generated {
        name: ".trackerignore",
        content: empty,
    },
    Generated {
        name: ".nomedia",
        content: empty,
    },
    Generated {
        name: ".metadata_never_index",
        content: empty,
    },
];

/// The names, in order of number.
pub fn names() -> impl Iterator<Item = &'static [u8]> {
    FILES.iter().map(|f| f.name.as_bytes())
}

/// The number of the file of this name.
pub fn find(name: &[u8]) -> Option<usize> {
    names().position(|n| n == name)
}

/// What a file holds now.
pub fn content(number: usize, index: &Index) -> Option<Vec<u8>> {
    let file = FILES.get(number)?;
    Some((file.content)(index).into_bytes())
}

fn readme(index: &Index) -> String {
    let count = |status| index.count_with(status);
    format!(
        "Your photos, arranged by what is in them. Nothing here changes the originals.

all/            the folders as they are
tags/           by what is in the picture; tags/dog/beach/ shows both, tags/dog/-beach/ dogs elsewhere
by-date/        year, month, day
by-camera/  by-place/  by-color/  by-type/  by-rating/
recent/         the photos taken last
titles/         photos under their titles
descriptions/   the same folders with a text a photo, for grep -ri 'red car'; reading them analyses nothing
duplicates/     photos of the same bytes, or that look the same: a folder a group
unanalyzed/     not looked at yet
failed/         could not be looked at; the attribute user.kbasefs.status says why

getfattr -n user.kbasefs.description PHOTO    what is in it
getfattr -d PHOTO                             everything known

{} photos, {} labels: {} analysed, {} to do, {} failed, {} in formats that can't be analysed yet.
",
        index.len(),
        index.label_count(),
        count(Status::Analyzed),
        count(Status::Pending),
        count(Status::Failed),
        count(Status::Unsupported),
    )
}
