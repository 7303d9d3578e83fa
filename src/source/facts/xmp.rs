//! XMP packets: the properties of the picture itself, not of its history or its ingredients.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{LocalName, ResolveResult};
use quick_xml::reader::NsReader;
use quick_xml::{XmlVersion, escape};

use super::place;
use crate::catalog::Position;

const MOST_ELEMENTS: usize = 20_000;
const MOST_VALUES: usize = 500;
const LONGEST_VALUE: usize = 16 * 1024;

/// What a packet says. Texts are as written.
#[derive(Debug, Default, PartialEq)]
pub struct Xmp {
    pub title: Option<String>,
    pub description: Option<String>,
    pub keywords: Vec<String>,
    pub rating: Option<String>,
    pub original: Option<String>,
    pub created: Option<String>,
    pub other_dates: Vec<String>,
    pub make: Option<String>,
    pub model: Option<String>,
    pub lens: Option<String>,
    latitude: Option<String>,
    longitude: Option<String>,
}

impl Xmp {
    pub fn position(&self) -> Option<Position> {
        let latitude = degrees(self.latitude.as_deref()?, 'S')?;
        let longitude = degrees(self.longitude.as_deref()?, 'W')?;
        place::position(latitude, longitude)
    }

    fn set(&mut self, property: Property, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let slot = match property {
            Property::Title => &mut self.title,
            Property::Description => &mut self.description,
            Property::Rating => &mut self.rating,
            Property::Original => &mut self.original,
            Property::Created => &mut self.created,
            Property::Make => &mut self.make,
            Property::Model => &mut self.model,
            Property::Lens => &mut self.lens,
            Property::Latitude => &mut self.latitude,
            Property::Longitude => &mut self.longitude,
            Property::Keyword => return push(&mut self.keywords, value),
            Property::OtherDate => return push(&mut self.other_dates, value),
        };
        slot.get_or_insert_with(|| value.to_owned());
    }
}

fn push(values: &mut Vec<String>, value: &str) {
    if values.len() < MOST_VALUES {
        values.push(value.to_owned());
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Property {
    Title,
    Description,
    Keyword,
    Rating,
    Original,
    Created,
    OtherDate,
    Make,
    Model,
    Lens,
    Latitude,
    Longitude,
}

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

const PROPERTIES: [(&str, &str, Property); 15] = [
    ("http://purl.org/dc/elements/1.1/", "title", Property::Title),
    (
        "http://purl.org/dc/elements/1.1/",
        "description",
        Property::Description,
    ),
    (
        "http://purl.org/dc/elements/1.1/",
        "subject",
        Property::Keyword,
    ),
    ("http://ns.adobe.com/xap/1.0/", "Rating", Property::Rating),
    (
        "http://ns.adobe.com/xap/1.0/",
        "CreateDate",
        Property::Created,
    ),
    (
        "http://ns.adobe.com/xap/1.0/",
        "ModifyDate",
        Property::OtherDate,
    ),
    (
        "http://ns.adobe.com/exif/1.0/",
        "DateTimeOriginal",
        Property::Original,
    ),
    (
        "http://ns.adobe.com/exif/1.0/",
        "DateTimeDigitized",
        Property::Created,
    ),
    (
        "http://ns.adobe.com/photoshop/1.0/",
        "DateCreated",
        Property::OtherDate,
    ),
    ("http://ns.adobe.com/tiff/1.0/", "Make", Property::Make),
    ("http://ns.adobe.com/tiff/1.0/", "Model", Property::Model),
    ("http://ns.adobe.com/exif/1.0/aux/", "Lens", Property::Lens),
    ("http://cipa.jp/exif/1.0/", "LensModel", Property::Lens),
    (
        "http://ns.adobe.com/exif/1.0/",
        "GPSLatitude",
        Property::Latitude,
    ),
    (
        "http://ns.adobe.com/exif/1.0/",
        "GPSLongitude",
        Property::Longitude,
    ),
];

/// What an open element is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Element {
    Rdf,
    /// The picture's description.
    Picture,
    Property(Property),
    /// An item of a property's list.
    Item,
    Other,
}

/// What a packet says, up to where it stops being XML.
pub fn read(bytes: &[u8]) -> Xmp {
    let text = String::from_utf8_lossy(bytes);
    let mut packet = Packet::default();
    let mut reader = NsReader::from_str(&text);
    for _ in 0..MOST_ELEMENTS {
        let Ok(event) = reader.read_event() else {
            break;
        };
        match event {
            Event::Eof => break,
            Event::Start(start) => packet.open(&reader, &start),
            Event::Empty(start) => {
                packet.open(&reader, &start);
                packet.close();
            }
            Event::End(_) => packet.close(),
            Event::Text(text) => packet.write(&text.xml10_content()),
            Event::CData(text) => packet.write(&text.xml10_content()),
            // The five entities of XML and numbered characters; a document's own are never expanded.
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(c)) => packet.write(c.encode_utf8(&mut [0; 4])),
                _ => packet.write(escape::resolve_predefined_entity(&name).unwrap_or_default()),
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    packet.xmp
}

#[derive(Default)]
struct Packet {
    xmp: Xmp,
    open: Vec<Element>,
    value: String,
}

impl Packet {
    fn open(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart) {
        let (namespace, name) = reader.resolver().resolve_element(start.name());
        let element = self.element(&namespace, name);
        if element == Element::Picture {
            self.attributes(reader, start);
        }
        self.value.clear();
        self.open.push(element);
    }

    fn element(&self, namespace: &ResolveResult, name: LocalName) -> Element {
        let is_rdf = is(namespace, RDF);
        match (self.open.last(), name.as_ref()) {
            (_, "RDF") if is_rdf => Element::Rdf,
            (Some(Element::Rdf), "Description") if is_rdf => Element::Picture,
            (Some(Element::Picture), _) => {
                property(namespace, name).map_or(Element::Other, Element::Property)
            }
            (Some(Element::Property(_) | Element::Item), "Alt" | "Bag" | "Seq" | "li")
                if is_rdf =>
            {
                Element::Item
            }
            _ => Element::Other,
        }
    }

    /// Simple properties may be written as attributes.
    fn attributes(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart) {
        for attribute in start.attributes().with_checks(false).flatten() {
            let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
            let Some(property) = property(&namespace, name) else {
                continue;
            };
            if let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) {
                self.xmp.set(property, &value);
            }
        }
    }

    fn write(&mut self, text: &str) {
        if self.value.len() < LONGEST_VALUE {
            self.value.push_str(text);
        }
    }

    fn close(&mut self) {
        let value = std::mem::take(&mut self.value);
        match self.open.pop() {
            Some(Element::Property(property)) => self.xmp.set(property, &value),
            Some(Element::Item) => {
                // A property, its list, the items: it is never far.
                let property = self.open.iter().rev().find_map(|element| match element {
                    Element::Property(property) => Some(*property),
                    _ => None,
                });
                if let Some(property) = property {
                    self.xmp.set(property, &value);
                }
            }
            _ => {}
        }
    }
}

fn is(namespace: &ResolveResult, uri: &str) -> bool {
    matches!(namespace, ResolveResult::Bound(bound) if bound.as_ref() == uri)
}

fn property(namespace: &ResolveResult, name: LocalName) -> Option<Property> {
    let mut properties = PROPERTIES.iter();
    let found = properties.find(|(uri, local, _)| name.as_ref() == *local && is(namespace, uri));
    found.map(|(_, _, property)| *property)
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
        assert_eq!(xmp.keywords, ["sea", "sun"]);
        assert_eq!(xmp.created.as_deref(), Some("2024-07-14"));
        assert_eq!(xmp.rating.as_deref(), Some("4"));
        let position = xmp.position().unwrap();
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
        assert_eq!(xmp.keywords, ["sea"]);
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
        assert_eq!(xmp.keywords, ["x"]);
    }
}
