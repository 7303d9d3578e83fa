//! The records of photos by id, in pages: a page without any takes no room, so that ids of photos that came and went cost
//! next to nothing.

use super::photos::Record;
use crate::catalog::PhotoId;

/// Records of a page: some 20 KiB.
const PAGE: usize = 128;

struct Page {
    records: Box<[Option<Record>]>,
    /// How many there are.
    live: usize,
}

#[derive(Default)]
pub struct RecordPages(Vec<Option<Page>>);

impl RecordPages {
    /// Makes room for the pages of so many photos.
    pub fn reserve(&mut self, photos: usize) {
        self.0.reserve_exact(photos / PAGE + 1);
    }

    pub fn get(&self, id: PhotoId) -> Option<&Record> {
        let (page, slot) = place(id);
        self.0.get(page)?.as_ref()?.records[slot].as_ref()
    }

    /// The photo must not be there already.
    pub fn insert(&mut self, id: PhotoId, record: Record) {
        let (page, slot) = place(id);
        if self.0.len() <= page {
            self.0.resize_with(page + 1, || None);
        }
        let page = self.0[page].get_or_insert_with(Page::new);
        page.records[slot] = Some(record);
        page.live += 1;
    }

    pub fn remove(&mut self, id: PhotoId) -> Option<Record> {
        let (at, slot) = place(id);
        let page = self.0.get_mut(at)?.as_mut()?;
        let record = page.records[slot].take()?;
        page.live -= 1;
        if page.live == 0 {
            self.0[at] = None;
        }
        Some(record)
    }

    /// The ids of all records, in order, and of some that aren't there.
    pub fn ids(&self) -> impl Iterator<Item = PhotoId> {
        let pages = self.0.iter().enumerate().filter(|(_, page)| page.is_some());
        pages.flat_map(|(page, _)| (0..PAGE).map(move |slot| PhotoId((page * PAGE + slot) as u32)))
    }

    /// For how many records there is room.
    #[cfg(debug_assertions)]
    pub fn room(&self) -> usize {
        self.0.iter().flatten().count() * PAGE
    }
}

impl Page {
    fn new() -> Self {
        let empty = std::iter::repeat_with(|| None).take(PAGE);
        Self {
            records: empty.collect(),
            live: 0,
        }
    }
}

fn place(id: PhotoId) -> (usize, usize) {
    (id.0 as usize / PAGE, id.0 as usize % PAGE)
}
