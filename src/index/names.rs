//! The names of one photo, in one piece of memory.

/// The file name, the catalog name and the name for the title.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    /// One after the other; the catalog name only where it differs from the file name.
    bytes: Box<[u8]>,
    file_end: u16,
    other_end: u16,
}

impl Names {
    pub fn new(file_name: &[u8], name: &[u8], title_name: Option<&[u8]>) -> Self {
        let other = if name == file_name { b"" } else { name };
        let end = |length| u16::try_from(length).expect("no disk has names of that length");
        Self {
            bytes: [file_name, other, title_name.unwrap_or_default()]
                .concat()
                .into(),
            file_end: end(file_name.len()),
            other_end: end(file_name.len() + other.len()),
        }
    }

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

    pub fn title_name(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.other_end.into()..]).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_apart() {
        let check = |file_name: &[u8], name: &[u8], title_name: Option<&[u8]>| {
            let names = Names::new(file_name, name, title_name);
            assert_eq!((names.file_name(), names.name()), (file_name, name));
            assert_eq!(names.title_name(), title_name);
        };
        check(b"a.jpg", b"a.jpg", None);
        check(b"a.jpg", b"a~1.jpg", None);
        check(b"a.jpg", b"a.jpg", Some(b"Dog.jpg"));
        check(b"a.jpg", b"a~1.jpg", Some(b"a.jpg"));
    }
}
