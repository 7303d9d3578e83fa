//! The values of the attributes of photos, as text. Knows nothing of names, nor of who asks.
//!
//! A value is written, not made: whether there is one shows with its first character, and the rest is spared.

use std::fmt::{self, Write};

use super::{Attribute, LARGEST};
use crate::catalog::{Detail, Facet, Label, Origin, TextField};

/// Writes what a photo has for an attribute.
pub type WriteValue = fn(&Detail, &mut dyn Write) -> fmt::Result;

/// Most values are no longer, in bytes: there is room for them from the beginning.
const USUAL: usize = 64;

impl Attribute {
    /// The value that a photo has. One that is empty isn't there.
    pub(super) fn value(&self, detail: &Detail) -> Option<String> {
        let mut text = String::with_capacity(USUAL);
        (self.write)(detail, &mut text).expect("memory takes all that is written");
        (!text.is_empty()).then(|| truncate(text))
    }

    /// Whether a photo has a value. A listing asks that of all attributes.
    pub(super) fn is_there(&self, detail: &Detail) -> bool {
        (self.write)(detail, &mut Nothing).is_err()
    }
}

/// Takes nothing: writing ends with the first character.
struct Nothing;

impl Write for Nothing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text.is_empty() {
            true => Ok(()),
            false => Err(fmt::Error),
        }
    }
}

fn truncate(mut text: String) -> String {
    if text.len() > LARGEST {
        text.truncate(text.floor_char_boundary(LARGEST));
    }
    text
}

/// The text of a field that holds.
pub fn write_text(detail: &Detail, field: TextField, out: &mut dyn Write) -> fmt::Result {
    let text = detail.text(field);
    text.map_or(Ok(()), |text| out.write_str(&text.value))
}

/// The tags as a comma list; a comma inside a tag becomes a semicolon.
pub fn write_tags(detail: &Detail, out: &mut dyn Write) -> fmt::Result {
    let write = |tag: &Label, out: &mut dyn Write| write_without(&tag.value, &[','], out);
    write_list(tags(detail), ',', write, out)
}

/// How sure each tag is: `dog=0.93,beach=0.61`.
pub fn write_confidence(detail: &Detail, out: &mut dyn Write) -> fmt::Result {
    let write = |tag: &Label, out: &mut dyn Write| {
        write_without(&tag.value, &[',', '='], out)?;
        write!(out, "={:.2}", tag.confidence)
    };
    write_list(tags(detail), ',', write, out)
}

/// The tags that hold: a person's first, then by confidence.
fn tags(detail: &Detail) -> Vec<&Label> {
    let mut tags = Label::effective_of(&detail.entry.labels, Facet::Tag);
    tags.sort_by(|a, b| {
        let by_person = (b.origin == Origin::Human).cmp(&(a.origin == Origin::Human));
        by_person.then(b.confidence.total_cmp(&a.confidence))
    });
    tags
}

/// A text with a semicolon for each of these.
fn write_without(text: &str, separators: &[char], out: &mut dyn Write) -> fmt::Result {
    let write = |part: &str, out: &mut dyn Write| out.write_str(part);
    write_list(text.split(separators), ';', write, out)
}

/// Each of several, and the separator between two.
fn write_list<T>(
    all: impl IntoIterator<Item = T>,
    separator: char,
    write: impl Fn(T, &mut dyn Write) -> fmt::Result,
    out: &mut dyn Write,
) -> fmt::Result {
    for (n, one) in all.into_iter().enumerate() {
        if n > 0 {
            out.write_char(separator)?;
        }
        write(one, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{
        ContentHash, Entry, Facts, FileStat, Format, Photo, PhotoId, SourcePath, Status, Text,
    };
    use crate::vfs::xattr::ATTRIBUTES;

    fn detail(labels: Vec<Label>, texts: Vec<Text>, hash: Option<ContentHash>) -> Detail {
        let photo = Photo {
            id: PhotoId(1),
            path: SourcePath::new(&b"a.jpg"[..]),
            name: b"a.jpg"[..].into(),
            title_name: None,
            text_bytes: 0,
            stat: FileStat::default(),
            format: Format::Jpeg,
            status: Status::Analyzed,
            date: None,
            hash,
            width: 0,
            height: 0,
            perceptual_hash: None,
            edited: false,
            edition: 0,
        };
        Detail {
            entry: Entry { photo, labels },
            facts: Facts::of(Format::Jpeg),
            texts,
            failure: None,
            analyses: Vec::new(),
        }
    }

    fn full() -> Detail {
        let tag = |value, confidence| Label::new(Facet::Tag, value, Origin::Embedded, confidence);
        let labels = vec![
            tag("beach", 0.61),
            tag("x=y", 0.5),
            Label::sure(Facet::Tag, "a, b", Origin::Human),
            Label::sure(Facet::Rating, "4", Origin::Human),
        ];
        let texts = vec![
            Text::new(TextField::Title, Origin::File, ""),
            Text::new(TextField::Description, Origin::Human, "A beach"),
        ];
        let analyses = vec![("local".into(), "small".into(), 86_400)];
        Detail {
            analyses,
            ..detail(labels, texts, Some(ContentHash([0xab; 32])))
        }
    }

    fn attributes() -> impl Iterator<Item = &'static Attribute> {
        ATTRIBUTES.iter().copied().flatten()
    }

    #[test]
    fn what_a_photo_has_is_what_has_a_value() {
        let check = |detail: &Detail, expected: &[(&str, &str)]| {
            let values = attributes().filter_map(|a| Some((a.name, a.value(detail)?)));
            let values: Vec<_> = values.collect();
            let values: Vec<_> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
            assert_eq!(values, expected);
            let there = attributes().filter(|a| a.is_there(detail)).map(|a| a.name);
            let names: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
            assert_eq!(there.collect::<Vec<_>>(), names);
        };
        check(
            &full(),
            &[
                ("user.xdg.comment", "A beach"),
                ("user.xdg.tags", "a; b,beach,x=y"),
                ("user.baloo.rating", "8"),
                ("user.kbasefs.description", "A beach"),
                ("user.kbasefs.tags", "a; b,beach,x=y"),
                ("user.kbasefs.status", "analyzed"),
                ("user.kbasefs.model", "small"),
                ("user.kbasefs.source", "human"),
                ("user.kbasefs.hash", &"ab".repeat(32)),
                ("user.kbasefs.confidence", "a; b=1.00,beach=0.61,x;y=0.50"),
                ("user.kbasefs.analyzed", "1970-01-02T00:00:00Z"),
            ],
        );
        let bare = detail(Vec::new(), Vec::new(), None);
        check(&bare, &[("user.kbasefs.status", "analyzed")]);
    }

    #[test]
    fn a_listing_works_no_value_out() {
        let detail = full();
        let allocations = |what: &dyn Fn(&Attribute) -> bool| {
            let all = || assert!(attributes().filter(|a| what(a)).count() > 0);
            allocation_counter::measure(all).count_total
        };
        let listed = allocations(&|a| a.is_there(&detail));
        let read = allocations(&|a| a.value(&detail).is_some());
        // What is left are the labels that hold, of four attributes: their texts are lower case, and none is copied.
        assert!(listed <= 3 * 4, "{listed} allocations");
        assert!(read >= listed + 11, "{read} allocations");
    }
}
