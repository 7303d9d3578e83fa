//! An XMP packet: what it says of the properties that kbasefs knows, and where, so that the rest can stay byte for byte.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{LocalName, ResolveResult};
use quick_xml::reader::NsReader;
use quick_xml::{XmlVersion, escape};

pub const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub const DC: &str = "http://purl.org/dc/elements/1.1/";
pub const XMP: &str = "http://ns.adobe.com/xap/1.0/";
pub const LIGHTROOM: &str = "http://ns.adobe.com/lightroom/1.0/";
pub const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";

const MOST_ELEMENTS: usize = 200_000;
const DEEPEST: usize = 200;
const MOST_VALUES: usize = 5000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Title,
    Description,
    Rating,
    Subject,
    /// Lightroom's: `Places|Italy|Rome`.
    Hierarchical,
    /// digiKam's: `Places/Italy/Rome`.
    TagsList,
}

const NAMES: [(&str, &str, Name); 6] = [
    (DC, "title", Name::Title),
    (DC, "description", Name::Description),
    (XMP, "Rating", Name::Rating),
    (DC, "subject", Name::Subject),
    (LIGHTROOM, "hierarchicalSubject", Name::Hierarchical),
    (DIGIKAM, "TagsList", Name::TagsList),
];

/// What a packet says.
#[derive(Debug, Default, PartialEq)]
pub struct Packet {
    values: Vec<(Name, String)>,
    /// Where it says it: in order, apart from each other.
    pub places: Vec<Range<usize>>,
    /// Where the last of it ends: a further description has its place here.
    pub end: usize,
    /// What the descriptions are about, escaped.
    pub about: String,
}

impl Packet {
    /// Everything that is said of a property, in order.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &str> {
        let values = self.values.iter().filter(move |(n, _)| *n == name);
        values.map(|(_, value)| value.as_str())
    }

    /// The first that is said: of a text in several languages, the one for all.
    pub fn first(&self, name: Name) -> Option<&str> {
        self.all(name).next()
    }
}

/// What an open element is.
#[derive(Debug)]
enum Element {
    Rdf,
    Description(Description),
    Property {
        name: Name,
        start: usize,
        text: String,
        has_items: bool,
    },
    Item(String),
    Other,
}

/// A description of the picture itself.
#[derive(Debug)]
struct Description {
    start: usize,
    /// Whether it says nothing but properties that kbasefs knows.
    is_known: bool,
    places: Vec<Range<usize>>,
}

/// Reads a packet.
///
/// # Errors
/// Why it is none, for people.
pub fn read(text: &str) -> Result<Packet, String> {
    let mut reading = Reading {
        text,
        packet: Packet::default(),
        open: Vec::new(),
    };
    let mut reader = NsReader::from_str(text);
    for _ in 0..MOST_ELEMENTS {
        let start = position(&reader);
        let event = reader.read_event().map_err(|e| e.to_string())?;
        match event {
            Event::Eof => return reading.finish(),
            Event::Start(element) => reading.open(&reader, &element, start)?,
            Event::Empty(element) => {
                reading.open(&reader, &element, start)?;
                if matches!(reading.open.last(), Some(Element::Rdf)) {
                    return Err("an empty packet".into());
                }
                reading.close(position(&reader), position(&reader));
            }
            Event::End(_) => reading.close(start, position(&reader)),
            Event::Text(text) => reading.write(&text.xml10_content()),
            Event::CData(text) => reading.write(&text.xml10_content()),
            // A document's own entities are never expanded.
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(c)) => reading.write(c.encode_utf8(&mut [0; 4])),
                _ => reading.write(escape::resolve_predefined_entity(&name).unwrap_or_default()),
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    Err("too many elements".into())
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).expect("a text in memory has no more bytes")
}

struct Reading<'a> {
    text: &'a str,
    packet: Packet,
    open: Vec<Element>,
}

impl Reading<'_> {
    fn finish(mut self) -> Result<Packet, String> {
        if !self.open.is_empty() {
            return Err("ends before it is through".into());
        }
        if self.packet.end == 0 {
            return Err("no XMP packet".into());
        }
        self.packet.places.sort_by_key(|place| place.start);
        Ok(self.packet)
    }

    fn open(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart,
        start: usize,
    ) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err("too deeply nested".into());
        }
        let (namespace, local) = reader.resolver().resolve_element(element.name());
        let opened = self.element(&namespace, local, start);
        if let (Some(Element::Description(parent)), Element::Other) =
            (self.open.last_mut(), &opened)
        {
            parent.is_known = false;
        }
        self.open.push(opened);
        if let Some(Element::Description(_)) = self.open.last() {
            self.attributes(reader, element);
        }
        Ok(())
    }

    fn element(&mut self, namespace: &ResolveResult, local: LocalName, start: usize) -> Element {
        let is_rdf = is(namespace, RDF);
        let is_in_property = self.is_in_property();
        match (self.open.last_mut(), local.as_ref()) {
            (_, "RDF") if is_rdf => Element::Rdf,
            (Some(Element::Rdf), "Description") if is_rdf => Element::Description(Description {
                start,
                is_known: true,
                places: Vec::new(),
            }),
            (Some(Element::Description(_)), _) => match known(namespace, local) {
                Some(name) => Element::Property {
                    name,
                    start,
                    text: String::new(),
                    has_items: false,
                },
                None => Element::Other,
            },
            (Some(Element::Property { has_items, .. }), "Alt" | "Bag" | "Seq") if is_rdf => {
                *has_items = true;
                Element::Other
            }
            (Some(Element::Other), "li") if is_rdf && is_in_property => {
                Element::Item(String::new())
            }
            _ => Element::Other,
        }
    }

    /// Whether the open element is the list of a known property.
    fn is_in_property(&self) -> bool {
        let above = self.open.iter().rev().nth(1);
        matches!(above, Some(Element::Property { .. }))
    }

    /// Simple properties may be written as attributes.
    fn attributes(&mut self, reader: &NsReader<&[u8]>, element: &BytesStart) {
        for attribute in element.attributes().with_checks(false).flatten() {
            let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
            let raw = attribute.value.as_ref();
            if is(&namespace, RDF) && local.as_ref() == "about" {
                self.packet.about = raw.to_owned();
                continue;
            }
            let is_declaration = attribute.key.as_ref().starts_with("xmlns");
            let (name, place) = (
                known(&namespace, local),
                self.place(attribute.key.as_ref(), raw),
            );
            let Some(Element::Description(description)) = self.open.last_mut() else {
                return;
            };
            match (name, place) {
                (Some(name), Some(place)) => {
                    description.places.push(place);
                    if let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) {
                        self.packet.values.push((name, value.trim().to_owned()));
                    }
                }
                _ => description.is_known &= is_declaration,
            }
        }
    }

    /// Where an attribute stands, from its name to its closing quote, if its parts are parts of the text.
    fn place(&self, key: &str, value: &str) -> Option<Range<usize>> {
        let start = (key.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let value =
            (value.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)? + value.len();
        (start < value && value < self.text.len()).then_some(start..value + 1)
    }

    fn write(&mut self, written: &str) {
        match self.open.last_mut() {
            Some(Element::Property { text, .. } | Element::Item(text)) => text.push_str(written),
            Some(Element::Description(d)) if !written.trim().is_empty() => d.is_known = false,
            _ => {}
        }
    }

    fn close(&mut self, start: usize, end: usize) {
        match self.open.pop() {
            Some(Element::Rdf) => self.packet.end = start,
            Some(Element::Item(text)) => {
                let above = self.open.iter().rev();
                let name = above.into_iter().find_map(|element| match element {
                    Element::Property { name, .. } => Some(*name),
                    _ => None,
                });
                self.say(name, &text);
            }
            Some(Element::Property {
                name,
                start,
                text,
                has_items,
            }) => {
                if !has_items {
                    self.say(Some(name), &text);
                }
                if let Some(Element::Description(description)) = self.open.last_mut() {
                    description.places.push(start..end);
                }
            }
            Some(Element::Description(description)) => {
                match description.is_known && !description.places.is_empty() {
                    true => self.packet.places.push(description.start..end),
                    false => self.packet.places.extend(description.places),
                }
            }
            Some(Element::Other) | None => {}
        }
    }

    fn say(&mut self, name: Option<Name>, text: &str) {
        let text = text.trim();
        if let Some(name) = name
            && !text.is_empty()
            && self.packet.values.len() < MOST_VALUES
        {
            self.packet.values.push((name, text.to_owned()));
        }
    }
}

fn is(namespace: &ResolveResult, uri: &str) -> bool {
    matches!(namespace, ResolveResult::Bound(bound) if bound.as_ref() == uri)
}

fn known(namespace: &ResolveResult, local: LocalName) -> Option<Name> {
    let mut names = NAMES.iter();
    let found = names.find(|(uri, name, _)| local.as_ref() == *name && is(namespace, uri));
    found.map(|(.., name)| *name)
}
