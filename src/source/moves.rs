//! Which of the files that a scan could not place are photos that moved.
//!
//! Decided when everything was seen, so that the order of sighting does not matter. Pure: knows nothing of the disk.

use std::collections::{BTreeMap, HashSet};

use crate::catalog::{FileStat, PhotoId, SourcePath};

/// A file that may be a photo from elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Unplaced {
    /// Where it was seen.
    pub path: SourcePath,
    /// What the disk says of it.
    pub stat: FileStat,
    /// The photo that was at this path, of another inode.
    pub known: Option<PhotoId>,
}

/// What became of the files without a place.
#[derive(Debug, Default, PartialEq)]
pub struct Placed {
    /// Photos with the file that they are now.
    pub moved: Vec<(PhotoId, Unplaced)>,
    /// New files, and files in the place of a photo that hasn't moved.
    pub found: Vec<Unplaced>,
    /// Photos that moved, and whose place a new file has taken.
    pub replaced: Vec<Replaced>,
}

/// A photo of which the file was put aside, for another one.
#[derive(Debug, PartialEq)]
pub struct Replaced {
    pub id: PhotoId,
    /// The file that it still is.
    pub aside: Unplaced,
    /// The new file in its place.
    pub by: Unplaced,
}

impl Placed {
    pub fn moved_ids(&self) -> impl Iterator<Item = PhotoId> {
        let moved = self.moved.iter().map(|(id, _)| *id);
        moved.chain(self.replaced.iter().map(|r| r.id))
    }
}

/// `homeless` gives the photos of a file's content that are nowhere else. Each of them goes to one file only, whatever the
/// order of `files`: the others are copies.
pub fn place(mut files: Vec<Unplaced>, homeless: impl Fn(&FileStat) -> Vec<PhotoId>) -> Placed {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut taken = HashSet::new();
    let (mut moved, mut placed) = (BTreeMap::new(), Placed::default());
    let mut found = Vec::new();
    for file in files {
        let mut candidates = homeless(&file.stat).into_iter();
        match candidates.find(|&id| taken.insert(id)) {
            Some(id) => {
                moved.insert(id, file);
            }
            None => found.push(file),
        }
    }
    for file in found {
        match file.known.and_then(|id| moved.remove_entry(&id)) {
            Some((id, aside)) => placed.replaced.push(Replaced {
                id,
                aside,
                by: file,
            }),
            None => placed.found.push(file),
        }
    }
    placed.moved = moved.into_iter().collect();
    placed.moved.sort_by(|(_, a), (_, b)| a.path.cmp(&b.path));
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `files` and the results are `path:inode:known`; photo N is the one of inode N, `homeless` if it is in that list.
    fn check(
        files: &[(&str, u64, u32)],
        homeless: &[u32],
        moved: &[(u32, &str)],
        found: &[(&str, u32)],
    ) {
        let unplaced = |&(path, ino, known): &(&str, u64, u32)| Unplaced {
            path: SourcePath::new(path.as_bytes()),
            stat: FileStat {
                ino,
                ..FileStat::default()
            },
            known: (known != 0).then_some(PhotoId(known)),
        };
        let of = |stat: &FileStat| {
            let same = homeless.iter().filter(|&&id| u64::from(id) == stat.ino);
            same.map(|&id| PhotoId(id)).collect()
        };
        let mut backwards: Vec<_> = files.iter().map(unplaced).collect();
        let placed = place(backwards.clone(), of);
        backwards.reverse();
        assert_eq!(placed, place(backwards, of), "the order matters");
        let text = |path: &SourcePath| path.to_string();
        let got: Vec<_> = placed
            .moved
            .iter()
            .map(|(id, f)| (id.0, text(&f.path)))
            .collect();
        let want: Vec<_> = moved.iter().map(|(id, p)| (*id, (*p).to_owned())).collect();
        assert_eq!(got, want);
        let known = |f: &Unplaced| f.known.map_or(0, |id| id.0);
        let got: Vec<_> = placed
            .found
            .iter()
            .map(|f| (text(&f.path), known(f)))
            .collect();
        let want: Vec<_> = found.iter().map(|(p, k)| ((*p).to_owned(), *k)).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn a_photo_moves_to_the_file_of_its_inode() {
        check(&[("b", 1, 0)], &[1], &[(1, "b")], &[]);
    }

    #[test]
    fn only_one_of_two_links_is_the_photo_that_moved() {
        check(&[("b", 1, 0), ("c", 1, 0)], &[1], &[(1, "b")], &[("c", 0)]);
    }

    #[test]
    fn a_link_beside_the_old_path_is_a_new_photo() {
        check(&[("b", 1, 0)], &[], &[], &[("b", 0)]);
    }

    #[test]
    fn another_file_in_the_place_of_a_photo_is_that_photo() {
        check(&[("a", 7, 1)], &[], &[], &[("a", 1)]);
    }

    #[test]
    fn a_new_file_in_the_place_of_a_photo_that_moved_away_takes_its_name_from_it() {
        let file = |path: &str, ino, known| Unplaced {
            path: SourcePath::new(path.as_bytes()),
            stat: FileStat {
                ino,
                ..FileStat::default()
            },
            known,
        };
        let (aside, by) = (file("a~", 1, None), file("a", 7, Some(PhotoId(1))));
        let one = |stat: &FileStat| match stat.ino {
            1 => vec![PhotoId(1)],
            _ => Vec::new(),
        };
        let placed = place(vec![by.clone(), aside.clone()], one);
        assert_eq!(placed.moved_ids().collect::<Vec<_>>(), [PhotoId(1)]);
        let id = PhotoId(1);
        assert_eq!(placed.replaced, [Replaced { id, aside, by }]);
        assert!(placed.moved.is_empty() && placed.found.is_empty());
    }

    #[test]
    fn two_photos_can_change_places() {
        check(
            &[("a", 2, 1), ("b", 1, 2)],
            &[1, 2],
            &[(2, "a"), (1, "b")],
            &[],
        );
    }
}
