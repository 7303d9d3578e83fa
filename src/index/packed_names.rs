//! What of a photo decides where it is listed, and under which name, in one piece of memory: most of what a photo costs.

use super::LabelId;

/// The file name, the catalog name, the name for the title, and the labels.
#[derive(Clone, PartialEq)]
pub struct PackedNames {
    /// The names one after the other, the catalog name only where it differs from the file name; then the labels, each
    /// by how far it is from the one before, seven bits a byte, the lowest first.
    bytes: Box<[u8]>,
    file_end: u16,
    other_end: u16,
    title_end: u16,
}

impl PackedNames {
    /// Labels in any order. Where the catalog name is the file name, as of most photos, it is kept once.
    pub fn new(
        file_name: &[u8],
        name: &[u8],
        title_name: Option<&[u8]>,
        mut labels: Vec<LabelId>,
    ) -> Self {
        labels.sort_unstable();
        let other = if name == file_name { b"" } else { name };
        let mut bytes = Vec::with_capacity(SHORT + 2 * labels.len());
        let mut end = |part: &[u8]| {
            bytes.extend_from_slice(part);
            u16::try_from(bytes.len()).expect("no disk has names of that length")
        };
        let (file_end, other_end) = (end(file_name), end(other));
        let title_end = end(title_name.unwrap_or_default());
        let mut last = 0;
        for LabelId(label) in labels {
            write(label - last, &mut bytes);
            last = label;
        }
        Self {
            bytes: bytes.into(),
            file_end,
            other_end,
            title_end,
        }
    }

    /// As on disk.
    pub fn file_name(&self) -> &[u8] {
        &self.bytes[..self.file_end.into()]
    }

    /// The catalog name.
    pub fn name(&self) -> &[u8] {
        match &self.bytes[self.file_end.into()..self.other_end.into()] {
            [] => self.file_name(),
            other => other,
        }
    }

    /// The name for the title; `None` where it has no title.
    pub fn title_name(&self) -> Option<&[u8]> {
        let title = &self.bytes[self.other_end.into()..self.title_end.into()];
        Some(title).filter(|name| !name.is_empty())
    }

    /// Ascending.
    pub fn labels(&self) -> impl Iterator<Item = LabelId> {
        let mut last = 0;
        let mut left = self.bytes[self.title_end.into()..].iter();
        std::iter::from_fn(move || {
            last += read(&mut left)?;
            Some(LabelId(last))
        })
    }

    /// Whether a label is among them.
    pub fn has(&self, label: LabelId) -> bool {
        self.labels()
            .take_while(|l| *l <= label)
            .any(|l| l == label)
    }
}

/// Bytes of most names together.
const SHORT: usize = 64;
/// Says that a number goes on.
const MORE: u8 = 0x80;

fn write(mut number: u32, bytes: &mut Vec<u8>) {
    while number >= u32::from(MORE) {
        bytes.push(number as u8 | MORE);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// `None` at the end.
fn read<'a>(left: &mut impl Iterator<Item = &'a u8>) -> Option<u32> {
    let mut number = 0;
    for (byte, shift) in left.zip((0..).step_by(7)) {
        number |= u32::from(byte & !MORE) << shift;
        if byte & MORE == 0 {
            return Some(number);
        }
    }
    None
}

impl std::fmt::Debug for PackedNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = [Some(self.file_name()), Some(self.name()), self.title_name()];
        let names = names.into_iter().flatten().map(<[u8]>::escape_ascii);
        let mut list = f.debug_list();
        list.entries(names.map(|name| name.to_string()));
        list.entries(self.labels()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back_apart() {
        let check = |file_name: &[u8], name: &[u8], title_name: Option<&[u8]>, labels: &[u32]| {
            let ids = || labels.iter().copied().map(LabelId);
            let packed = PackedNames::new(file_name, name, title_name, ids().collect());
            assert_eq!((packed.file_name(), packed.name()), (file_name, name));
            assert_eq!(packed.title_name(), title_name);
            let mut sorted: Vec<_> = ids().collect();
            sorted.sort_unstable();
            assert_eq!(packed.labels().collect::<Vec<_>>(), sorted);
            assert!(ids().all(|id| packed.has(id)));
            let near = ids().flat_map(|id| [id.0.wrapping_sub(1), id.0.wrapping_add(1)]);
            let other = |id: &LabelId| !labels.contains(&id.0);
            assert!(!near.map(LabelId).filter(other).any(|id| packed.has(id)));
        };
        check(b"a.jpg", b"a.jpg", None, &[]);
        check(b"a.jpg", b"a~1.jpg", None, &[0]);
        check(b"a.jpg", b"a.jpg", Some(b"Dog.jpg"), &[127, 0, 128, 1]);
        check(
            b"a.jpg",
            b"a~1.jpg",
            Some(b"a.jpg"),
            &[u32::MAX, 16383, 16384],
        );
        check(&[b'x'; 255], &[b'y'; 255], Some(&[b'z'; 255]), &[5; 1]);
    }
}
