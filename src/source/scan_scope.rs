//! Which part of the source a scan looks at: all of it, or where something happened.
//!
//! Pure: knows nothing of the disk or of why a place is looked at.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use crate::catalog::SourcePath;
use crate::index::Index;

type Paths = HashSet<Box<[u8]>>;

/// Places in the source, and the folders that lead there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanScope {
    files: Paths,
    /// Folders with everything below them.
    trees: Paths,
    /// The folders that lead to the places.
    above: Paths,
    /// Files that are left alone, wherever they are: they are being written.
    unsettled: Paths,
    signs: HashMap<Box<[u8]>, Sign>,
}

/// What is known of a file that the disk may not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Somebody had it open for writing.
    Written,
    /// It was read, and has other bytes.
    OtherBytes,
}

impl ScanScope {
    /// All of the source.
    pub fn whole() -> Self {
        let mut scope = Self::default();
        scope.add_tree(&SourcePath::new(*b""));
        scope
    }

    /// A file is looked at.
    pub fn add_file(&mut self, path: &SourcePath) {
        self.lead_to(path);
        self.files.insert(path.as_bytes().into());
    }

    /// A file is looked at, of which there is a sign.
    pub fn add_signed(&mut self, path: &SourcePath, sign: Sign) {
        self.add_file(path);
        self.signs.insert(path.as_bytes().into(), sign);
    }

    /// The sign that there is of a file.
    pub fn sign(&self, path: &SourcePath) -> Option<Sign> {
        self.signs.get(path.as_bytes()).copied()
    }

    /// A folder is looked at, with everything below it.
    pub fn add_tree(&mut self, path: &SourcePath) {
        self.lead_to(path);
        self.trees.insert(path.as_bytes().into());
    }

    /// A file is not looked at, though it is in a place that is.
    pub fn leave_out(&mut self, path: &SourcePath) {
        self.unsettled.insert(path.as_bytes().into());
    }

    /// Whether a file is left alone because it is being written.
    pub fn is_unsettled(&self, path: &SourcePath) -> bool {
        self.unsettled.contains(path.as_bytes())
    }

    fn lead_to(&mut self, path: &SourcePath) {
        let news = folders_of(path.as_bytes()).take_while(|folder| !self.above.contains(*folder));
        let news: Vec<_> = news.map(Box::from).collect();
        self.above.extend(news);
    }

    /// Whether nothing is looked at.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.trees.is_empty()
    }

    /// Whether everything is looked at, but for what is left out.
    pub fn is_whole(&self) -> bool {
        self.trees.contains(&b""[..])
    }

    /// Whether what is at this path is looked at.
    pub fn holds(&self, path: &[u8]) -> bool {
        !self.unsettled.contains(path) && (self.files.contains(path) || self.is_below(path))
    }

    /// Whether the way to what is looked at goes through this folder.
    pub fn enters(&self, folder: &[u8]) -> bool {
        self.above.contains(folder) || self.is_below(folder)
    }

    /// Whether a path is in one of the trees, or its top.
    fn is_below(&self, path: &[u8]) -> bool {
        self.is_whole()
            || self.trees.contains(path)
            || folders_of(path).any(|folder| self.trees.contains(folder))
    }

    /// The photos that the catalog has there.
    pub fn photos(&self, index: &Index) -> RoaringBitmap {
        let mut ids = RoaringBitmap::new();
        for tree in &self.trees {
            ids |= index.photos_below(tree);
        }
        let at = |path: &[u8]| index.by_path(&SourcePath::new(path)).map(|id| id.0);
        // Where a photo was may be a folder now, and the other way round.
        let places = self.trees.iter().chain(&self.files);
        ids.extend(places.filter_map(|path| at(path)));
        for path in &self.unsettled {
            at(path).map(|id| ids.remove(id));
        }
        ids
    }
}

/// The folders that a path is in, from its own up to the source.
fn folders_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(folder_of(path), |folder| folder_of(folder))
}

fn folder_of(path: &[u8]) -> Option<&[u8]> {
    let end = path.iter().rposition(|&b| b == b'/').unwrap_or(0);
    (!path.is_empty()).then(|| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::new(text.as_bytes())
    }

    #[test]
    fn a_part_holds_its_places_and_enters_what_leads_to_them() {
        let mut scope = ScanScope::default();
        scope.add_file(&path("2019/x/a.jpg"));
        scope.add_tree(&path("new"));
        scope.leave_out(&path("new/half.jpg"));
        let check = |text: &str, holds: bool, enters: bool| {
            let bytes = text.as_bytes();
            assert_eq!(
                (scope.holds(bytes), scope.enters(bytes)),
                (holds, enters),
                "{text}"
            );
        };
        check("", false, true);
        check("2019", false, true);
        check("2019/x", false, true);
        check("2019/x/a.jpg", true, false);
        check("2019/x/b.jpg", false, false);
        check("2019/y", false, false);
        check("new", true, true);
        check("new/deep/er", true, true);
        check("new/half.jpg", false, true);
        check("newer", false, false);
    }

    #[test]
    fn the_whole_holds_everything() {
        let mut scope = ScanScope::whole();
        scope.leave_out(&path("a/b"));
        assert!(scope.is_whole() && !scope.is_empty());
        assert!(scope.holds(b"a") && scope.holds(b"x/y/z") && scope.enters(b"x/y"));
        assert!(!scope.holds(b"a/b"));
        assert!(ScanScope::default().is_empty());
    }
}
