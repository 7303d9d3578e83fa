//! In what order photos are shown, and a page of them: by keyset, so that every photo is on exactly one page whatever
//! comes and goes meanwhile; only one that is analysed or edited between two pages may change its place. Pure.

use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roaring::RoaringBitmap;

use crate::api::Sort;
use crate::catalog::{PhotoId, WallClock};
use crate::index::{Index, SortKeys};

impl Sort {
    pub(super) const ALL: [Self; 5] = [
        Self::Newest,
        Self::Oldest,
        Self::Name,
        Self::Added,
        Self::Relevance,
    ];

    /// As it stands in addresses.
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Relevance => "Best match",
            Self::Newest => "Newest first",
            Self::Oldest => "Oldest first",
            Self::Name => "File name",
            Self::Added => "Recently added",
        }
    }

    pub(super) fn is_by_date(self) -> bool {
        matches!(self, Self::Newest | Self::Oldest)
    }
}

/// How well photos fit the words of the query.
pub type Scores = HashMap<PhotoId, f64>;

/// Where a photo stands. Ascends in the order shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    place: Box<[u8]>,
    id: u32,
}

impl Key {
    fn new(sort: Sort, id: PhotoId, keys: &SortKeys, scores: &Scores) -> Self {
        let place: Box<[u8]> = match sort {
            Sort::Newest => newest(keys.date).into(),
            Sort::Oldest => oldest(keys.date).into(),
            Sort::Name => keys.file_name.to_ascii_lowercase().into(),
            Sort::Added => (!id.0).to_be_bytes().into(),
            Sort::Relevance => {
                // The bits of positive numbers ascend with them.
                let score = scores.get(&id).copied().unwrap_or(0.0).max(0.0).to_bits();
                [&(!score).to_be_bytes()[..], &newest(keys.date)]
                    .concat()
                    .into()
            }
        };
        Self { place, id: id.0 }
    }

    pub fn photo(&self) -> PhotoId {
        PhotoId(self.id)
    }
}

/// As it stands in addresses.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", URL_SAFE_NO_PAD.encode(&self.place), self.id)
    }
}

impl FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (place, id) = text.split_once('.').ok_or(())?;
        let place = URL_SAFE_NO_PAD.decode(place).map_err(|_| ())?;
        let id = id.parse().map_err(|_| ())?;
        Ok(Self {
            place: place.into(),
            id,
        })
    }
}

/// The date as a number that ascends with it.
fn number(date: WallClock) -> u64 {
    let (hour, minute, second) = date.time();
    [date.month(), date.day(), hour, minute, second]
        .into_iter()
        .fold(u64::from(date.year()), |sum, part| {
            sum << 8 | u64::from(part)
        })
}

fn oldest(date: Option<WallClock>) -> [u8; 8] {
    date.map_or(u64::MAX, number).to_be_bytes()
}

fn newest(date: Option<WallClock>) -> [u8; 8] {
    date.map_or(u64::MAX, |date| !number(date) >> 1)
        .to_be_bytes()
}

/// Photos in an order.
pub struct Order<'a> {
    pub index: &'a Index,
    pub photos: &'a RoaringBitmap,
    pub sort: Sort,
    pub scores: &'a Scores,
}

impl Order<'_> {
    fn for_each(&self, each: &mut dyn FnMut(Key)) {
        self.index.for_each_sort_keys(self.photos, &mut |id, keys| {
            each(Key::new(self.sort, id, &keys, self.scores));
        });
    }

    /// The first photos after a key, at most so many, and whether more follow.
    pub fn page(&self, after: Option<&Key>, most: usize) -> (Vec<Key>, bool) {
        let mut first = BinaryHeap::with_capacity(most + 2);
        self.for_each(&mut |key| {
            if after.is_none_or(|after| key > *after) {
                first.push(key);
                if first.len() > most + 1 {
                    first.pop();
                }
            }
        });
        let mut keys = first.into_sorted_vec();
        let more = keys.len() > most;
        keys.truncate(most);
        (keys, more)
    }

    /// The photos before and after one, and how many come before it.
    pub fn around(&self, photo: PhotoId) -> (Option<PhotoId>, Option<PhotoId>, usize) {
        let mut own = None;
        let one = RoaringBitmap::from([photo.0]);
        self.index.for_each_sort_keys(&one, &mut |id, keys| {
            own = Some(Key::new(self.sort, id, &keys, self.scores));
        });
        let Some(own) = own else {
            return (None, None, 0);
        };
        let (mut before, mut after, mut count) = (None, None, 0);
        self.for_each(&mut |key| match key.cmp(&own) {
            std::cmp::Ordering::Less => {
                count += 1;
                before = before.take().max(Some(key));
            }
            std::cmp::Ordering::Greater if after.as_ref().is_none_or(|a| key < *a) => {
                after = Some(key);
            }
            _ => {}
        });
        let photo = |key: Option<Key>| key.map(|k| k.photo());
        (photo(before), photo(after), count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(sort: Sort, id: u32, date: &str, name: &str, score: f64) -> Key {
        let keys = SortKeys {
            date: format!("{date}T00:00:00").parse().ok(),
            file_name: name.as_bytes(),
        };
        Key::new(
            sort,
            PhotoId(id),
            &keys,
            &Scores::from([(PhotoId(id), score)]),
        )
    }

    #[test]
    fn photos_stand_as_people_expect() {
        let check = |sort, expected: [u32; 4]| {
            let mut keys = [
                key(sort, 1, "2024-07-14", "b.jpg", 0.0),
                key(sort, 2, "", "C.jpg", 0.0),
                key(sort, 3, "2019-01-01", "a.jpg", 0.5),
                key(sort, 4, "2024-07-14", "d.jpg", 2.0),
            ];
            keys.sort();
            assert_eq!(keys.map(|k| k.id), expected, "{sort:?}");
        };
        check(Sort::Newest, [1, 4, 3, 2]);
        check(Sort::Oldest, [3, 1, 4, 2]);
        check(Sort::Name, [3, 1, 2, 4]);
        check(Sort::Added, [4, 3, 2, 1]);
        check(Sort::Relevance, [4, 3, 1, 2]);
    }

    #[test]
    fn keys_come_back_from_addresses() {
        for sort in Sort::ALL {
            let key = key(sort, 7, "2024-07-14", "\u{e9} x.jpg", 0.3);
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for text in ["", "x", "!.1", "AA.x", "AA.4294967296"] {
            assert_eq!(text.parse::<Key>(), Err(()), "{text}");
        }
    }
}
