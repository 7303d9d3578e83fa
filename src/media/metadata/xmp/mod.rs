//! XMP: what a packet says of the picture itself, not of its history or its ingredients. One meaning, wherever the
//! packet was found: inside of a photo or in a sidecar beside it.
//!
//! # The rule
//!
//! - **Tags** are the subjects (`dc:subject`), and of every tag with others above it (Lightroom's
//!   `lr:hierarchicalSubject`, `Places|Italy|Rome`; digiKam's `digiKam:TagsList`, `Places/Italy/Rome`) the last part,
//!   `Rome`, unless the subjects have it, or have the whole path as one word. digiKam and Lightroom write the same tags
//!   into all three, the last part alone as subject; a packet that has only one of them means the same. What is above a
//!   tag is Lightroom's and digiKam's way to sort tags, not said of the picture: both can leave it out of the subjects.
//! - **The rating** is `xmp:Rating`, rounded, 0 to 5; -1 says that a photo is rejected, which is no rating.
//! - **Title and description** are `dc:title` and `dc:description`: of several languages the one for all (`x-default`),
//!   else the first, as exiftool has it.
//! - Properties are known by their namespace, whatever its prefix, and may be elements or attributes, in one
//!   `rdf:Description` or in several. Of a property that is there twice, the first counts; of lists, everything.
//! - Entities of XML and CDATA are text; a document's own entities are never expanded. Bytes that are no UTF-8 are
//!   left out.
//! - **A packet that breaks** counts up to there (`Packet::broken` says why): whoever reads takes what there is,
//!   whoever writes keeps his hands off.

mod packet;
mod properties;

use std::collections::HashSet;

pub use self::packet::{Packet, read as read_packet};
pub use self::properties::Name;
pub(crate) use self::properties::{DC, DIGIKAM, LIGHTROOM, RDF, XMP};
use crate::catalog::{Facet, LabelKey, Position, clean};
use crate::media::{LONGEST_DESCRIPTION, LONGEST_TAG, LONGEST_TITLE, MOST_TAGS};

/// What a packet says. Title, description and tags are clean and bounded; the other texts are as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Xmp {
    /// `dc:title`.
    pub title: Option<String>,
    /// `dc:description`.
    pub description: Option<String>,
    /// Subjects and the last parts of tags with others above them, each once, whatever its case.
    pub tags: Vec<String>,
    /// `xmp:Rating`: stars, 0 to 5.
    pub rating: Option<u8>,
    /// `exif:DateTimeOriginal`.
    pub original: Option<String>,
    /// `xmp:CreateDate` or `exif:DateTimeDigitized`, which mean the same.
    pub created: Option<String>,
    /// `xmp:ModifyDate` and `photoshop:DateCreated`, in the order of the packet.
    pub other_dates: Vec<String>,
    /// `tiff:Make`.
    pub make: Option<String>,
    /// `tiff:Model`.
    pub model: Option<String>,
    /// `exifEX:LensModel` or `aux:Lens`.
    pub lens: Option<String>,
    /// `exif:GPSLatitude` and `exif:GPSLongitude`.
    pub position: Option<Position>,
}

/// What the packet in these bytes says.
pub fn read(bytes: &[u8]) -> Xmp {
    Xmp::of(&read_packet(bytes))
}

impl Xmp {
    /// What a packet that was read says.
    pub fn of(packet: &Packet) -> Self {
        let first = |name| packet.first(name).map(str::to_owned);
        let text = |name, longest| clean(packet.first(name)?, longest);
        Self {
            title: text(Name::Title, LONGEST_TITLE),
            description: text(Name::Description, LONGEST_DESCRIPTION),
            tags: tags(packet),
            rating: packet.first(Name::Rating).and_then(stars),
            original: first(Name::Original),
            created: first(Name::Created),
            other_dates: packet.all(Name::OtherDate).map(str::to_owned).collect(),
            make: first(Name::Make),
            model: first(Name::Model),
            lens: first(Name::Lens),
            position: position(packet),
        }
    }
}

/// The subjects, and of the tags with others above them the last part, unless it is meant already.
fn tags(packet: &Packet) -> Vec<String> {
    let mut tags = Vec::new();
    let mut known = HashSet::new();
    let mut add = |tag: &str, path: &str| {
        if known.contains(&key(path)) || tags.len() >= MOST_TAGS {
            return;
        }
        if let Some(tag) = clean(tag, LONGEST_TAG)
            && known.insert(key(&tag))
        {
            tags.push(tag);
        }
    };
    packet.all(Name::Subject).for_each(|tag| add(tag, tag));
    for (name, separator) in [(Name::Hierarchical, '|'), (Name::TagsList, '/')] {
        packet
            .all(name)
            .for_each(|path| add(leaf(path, separator), path));
    }
    tags
}

fn key(tag: &str) -> LabelKey {
    LabelKey::new(Facet::Tag, tag)
}

/// The tag itself, without those above it.
pub(crate) fn leaf(path: &str, separator: char) -> &str {
    path.rsplit(separator).next().unwrap_or(path)
}

/// -1 says that a photo is rejected, which is no rating.
fn stars(text: &str) -> Option<u8> {
    let stars = text.trim().parse::<f32>().ok()?.round();
    (0.0..=5.0).contains(&stars).then_some(stars as u8)
}

fn position(packet: &Packet) -> Option<Position> {
    let latitude = degrees(packet.first(Name::Latitude)?, 'S')?;
    let longitude = degrees(packet.first(Name::Longitude)?, 'W')?;
    Position::new(latitude, longitude)
}

/// `41,13.218N` or `41,13,13N`, negative where the letter says so.
fn degrees(text: &str, negative: char) -> Option<f64> {
    let text = text.trim();
    let numbers = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let sign = match text.ends_with([negative, negative.to_ascii_lowercase()]) {
        true => -1.0,
        false => 1.0,
    };
    let parts = numbers
        .split(',')
        .map(|part| part.trim().parse::<f64>().ok());
    let parts: Vec<f64> = parts.take(3).collect::<Option<_>>()?;
    let units = [1.0, 60.0, 3600.0];
    Some(
        sign * parts
            .iter()
            .zip(units)
            .map(|(part, unit)| part / unit)
            .sum::<f64>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(attributes: &str, properties: &str) -> Xmp {
        let text = format!(
            "<?xpacket begin='\u{feff}'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'>
             <rdf:Description xmlns:d='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'
             xmlns:exif='http://ns.adobe.com/exif/1.0/' {attributes}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
        );
        read(text.as_bytes())
    }

    #[test]
    fn properties_are_elements_lists_or_attributes() {
        let xmp = packet(
            "xmp:Rating='4' exif:GPSLatitude='41,13.5S' exif:GPSLongitude='96,30,36E'",
            "<d:title><rdf:Alt><rdf:li xml:lang='x-default'>A &lt;b&gt; &#233;</rdf:li><rdf:li>other</rdf:li></rdf:Alt></d:title>
             <d:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>sun</rdf:li><rdf:li/></rdf:Bag></d:subject>
             <xmp:CreateDate>2024-07-14</xmp:CreateDate>",
        );
        assert_eq!(xmp.title.as_deref(), Some("A <b> é"));
        assert_eq!(xmp.tags, ["sea", "sun"]);
        assert_eq!(xmp.created.as_deref(), Some("2024-07-14"));
        assert_eq!(xmp.rating, Some(4));
        let position = xmp.position.unwrap();
        assert!((position.latitude + 41.225).abs() < 1e-9, "{position:?}");
        assert!((position.longitude - 96.51).abs() < 1e-9, "{position:?}");
    }

    #[test]
    fn what_the_ingredients_say_is_not_said_of_the_picture() {
        let xmp = packet(
            "",
            "<x:Pantry><rdf:li><rdf:Description><d:title>not mine</d:title></rdf:Description></rdf:li></x:Pantry>",
        );
        assert_eq!(xmp, Xmp::default());
    }

    #[test]
    fn a_packet_counts_up_to_where_it_breaks() {
        let xmp = packet("", "<d:subject><rdf:Bag><rdf:li>sea</rdf:li></oops>");
        assert_eq!(xmp.tags, ["sea"]);
        assert_eq!(read(b"\xff\xfe\xfd<"), Xmp::default());
        assert_eq!(read("<a>".repeat(50_000).as_bytes()), Xmp::default());
    }

    #[test]
    fn entities_of_a_document_are_not_expanded() {
        let bomb = "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]>";
        let xmp = packet(
            "",
            &format!("{bomb}<d:subject><rdf:Bag><rdf:li>&b;x</rdf:li></rdf:Bag></d:subject>"),
        );
        assert_eq!(xmp.tags, ["x"]);
    }

    #[test]
    fn ratings_are_stars() {
        let check = |text, expected| assert_eq!(stars(text), expected, "{text}");
        check("3", Some(3));
        check("4.0", Some(4));
        check("3.5", Some(4));
        check("-1", None);
        check("6", None);
        check("x", None);
    }

    #[test]
    fn the_text_for_all_counts_else_the_first() {
        let title = |items: &str| {
            packet(
                "",
                &format!("<d:title><rdf:Alt>{items}</rdf:Alt></d:title>"),
            )
            .title
        };
        let german = "<rdf:li xml:lang='de'>Hund</rdf:li>";
        let all = "<rdf:li xml:lang='X-Default'>dog</rdf:li>";
        assert_eq!(title(&format!("{german}{all}")).as_deref(), Some("dog"));
        assert_eq!(title(german).as_deref(), Some("Hund"));
    }

    #[test]
    fn tags_are_meant_once_however_often_they_are_written() {
        let check = |subjects: &str, above: &str, list: &str, expected: &[&str]| {
            let items = |words: &str| -> String {
                words
                    .split_terminator(';')
                    .map(|w| format!("<rdf:li>{w}</rdf:li>"))
                    .collect()
            };
            let xmp = packet(
                "xmlns:lr='http://ns.adobe.com/lightroom/1.0/' xmlns:dk='http://www.digikam.org/ns/1.0/'",
                &format!(
                    "<d:subject><rdf:Bag>{}</rdf:Bag></d:subject><lr:hierarchicalSubject><rdf:Bag>{}</rdf:Bag>\
                     </lr:hierarchicalSubject><dk:TagsList><rdf:Seq>{}</rdf:Seq></dk:TagsList>",
                    items(subjects),
                    items(above),
                    items(list)
                ),
            );
            assert_eq!(xmp.tags, expected);
        };
        check("", "Places|Italy|Rome", "Animals/Cat", &["Rome", "Cat"]);
        check(
            "rome;cat",
            "Places|Italy|Rome",
            "Places/Italy/Rome",
            &["rome", "cat"],
        );
        check(
            "Places/Italy/Rome",
            "",
            "Places/Italy/Rome",
            &["Places/Italy/Rome"],
        );
        check("AC/DC", "Bands|AC/DC", "", &["AC/DC"]);
        check("cat;CAT; cat ", "", "", &["cat"]);
    }
}
