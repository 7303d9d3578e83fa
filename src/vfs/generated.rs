//! The files that the tree writes itself: READMEs, and in the root the marks that keep indexers away.

use super::search;
use crate::catalog::Status;
use crate::index::Index;

struct Generated {
    location: Location,
    name: &'static str,
    content: fn(&Index) -> String,
}

/// Where a file is.
#[derive(Clone, Copy, PartialEq)]
pub enum Location {
    Root,
    Search,
}

fn empty(_: &Index) -> String {
    String::new()
}

/// Their inodes follow from their places in this list: a new one goes to the end.
const FILES: [Generated; 5] = [
    Generated {
        location: Location::Root,
        name: "README.txt",
        content: readme,
    },
    Generated {
        location: Location::Search,
        name: "README.txt",
        content: |_| search::readme(),
    },
    // Tracker, Android's media scanner and Spotlight leave folders with these alone.
    Generated {
        location: Location::Root,
        name: ".trackerignore",
        content: empty,
    },
    Generated {
        location: Location::Root,
        name: ".nomedia",
        content: empty,
    },
    Generated {
        location: Location::Root,
        name: ".metadata_never_index",
        content: empty,
    },
];

/// The numbers and names of the files of a folder.
pub fn files_in(location: Location) -> Vec<(usize, &'static [u8])> {
    let numbered = FILES.iter().enumerate();
    let here = numbered.filter(|(_, file)| file.location == location);
    here.map(|(number, file)| (number, file.name.as_bytes()))
        .collect()
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
search/         any query is a folder: search/'dog -beach date:2024'; search/README.txt explains
saved/          queries that you keep: mkdir 'saved/dogs at sea = dog sea'; rmdir forgets one
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
