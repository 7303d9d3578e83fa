//! An XMP packet: what it says of the properties that kbasefs knows, and where, so that the rest can stay byte for byte.
//!
//! Knows where words stand, not what follows from them.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{LocalName, ResolveResult};
use quick_xml::reader::NsReader;
use quick_xml::{XmlVersion, escape};

use super::properties::{Name, RDF, is, known};

/// Events of the reader, two or three an element. Photoshop's list of a picture's ancestors runs to tens of thousands.
const MOST_ELEMENTS: usize = 200_000;
/// RDF of a photo is some ten elements deep; each open one takes memory.
const DEEPEST: usize = 200;
/// Of the properties that kbasefs knows: more than [`MOST_TAGS`](crate::media::MOST_TAGS) in all three lists of tags.
const MOST_VALUES: usize = 5000;

#[derive(Clone, Debug, PartialEq)]
struct Value {
    name: Name,
    text: String,
    /// Of a text in several languages, the one for whoever reads none of the others.
    is_default: bool,
}

/// What a packet says.
#[derive(Debug, Default, PartialEq)]
pub struct Packet {
    values: Vec<Value>,
    /// Where it says what kbasefs writes: in order, apart from each other.
    pub places: Vec<Range<usize>>,
    /// Where the last of it ends: a further description has its place here.
    pub end: usize,
    /// What the descriptions are about, escaped.
    pub about: String,
    /// Why it is no whole packet, for people. What it says up to there counts; what stands behind is unknown, so nobody
    /// may write it anew.
    pub broken: Option<String>,
}

impl Packet {
    /// Everything that is said of a property, in order.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &str> {
        let values = self.values.iter().filter(move |v| v.name == name);
        values.map(|value| value.text.as_str())
    }

    /// Of a text in several languages, the one for all (`x-default`); else the first that is said.
    pub fn first(&self, name: Name) -> Option<&str> {
        let mut values = self.values.iter().filter(|v| v.name == name);
        let default = values.clone().find(|v| v.is_default);
        default.or(values.next()).map(|value| value.text.as_str())
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
    /// The list of a property.
    List,
    Item {
        text: String,
        is_default: bool,
    },
    Other,
}

/// A description of the picture itself.
#[derive(Debug)]
struct Description {
    start: usize,
    /// Whether it says nothing but what kbasefs writes.
    is_known: bool,
    places: Vec<Range<usize>>,
}

/// Reads a packet, up to where it stops being one.
pub fn read(bytes: &[u8]) -> Packet {
    let text = String::from_utf8_lossy(bytes);
    let mut packet = read_text(&text);
    if let Cow::Owned(_) = text {
        packet.broken.get_or_insert_with(|| "not UTF-8".to_owned());
    }
    packet
}

fn read_text(text: &str) -> Packet {
    let mut reading = Reading {
        text,
        packet: Packet::default(),
        open: Vec::new(),
    };
    let broken = reading.events().and_then(|()| reading.is_whole());
    let mut packet = reading.packet;
    packet.broken = broken.err();
    packet.places.sort_by_key(|place| place.start);
    packet
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
    fn events(&mut self) -> Result<(), String> {
        let mut reader = NsReader::from_str(self.text);
        for _ in 0..MOST_ELEMENTS {
            let start = position(&reader);
            let event = reader.read_event().map_err(|e| e.to_string())?;
            if event == Event::Eof {
                return Ok(());
            }
            self.take(&reader, event, start)?;
        }
        Err("too many elements".into())
    }

    fn take(&mut self, reader: &NsReader<&[u8]>, event: Event, start: usize) -> Result<(), String> {
        match event {
            Event::Start(element) => self.open(reader, &element, start),
            Event::Empty(element) => {
                self.open(reader, &element, start)?;
                if matches!(self.open.last(), Some(Element::Rdf)) {
                    return Err("an empty packet".into());
                }
                self.close(position(reader), position(reader))
            }
            Event::End(_) => self.close(start, position(reader)),
            Event::Text(text) => self.write(&text.xml10_content()),
            Event::CData(text) => self.write(&text.xml10_content()),
            // The five entities of XML and numbered characters; a document's own are never expanded.
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(c)) => self.write(c.encode_utf8(&mut [0; 4])),
                _ => self.write(escape::resolve_predefined_entity(&name).unwrap_or_default()),
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {
                Ok(())
            }
        }
    }

    fn is_whole(&self) -> Result<(), String> {
        match (self.open.is_empty(), self.packet.end) {
            (false, _) => Err("ends before it is through".into()),
            (true, 0) => Err("no XMP packet".into()),
            (true, _) => Ok(()),
        }
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
        let mut opened = self.element(&namespace, local, start);
        if let Element::Item { is_default, .. } = &mut opened {
            *is_default = is_for_all(element);
        }
        self.open.push(opened);
        match self.open.last() {
            Some(Element::Description(_)) => self.attributes(reader, element),
            _ => Ok(()),
        }
    }

    fn element(&mut self, namespace: &ResolveResult, local: LocalName, start: usize) -> Element {
        let is_rdf = is(namespace, RDF);
        match (self.open.last_mut(), local.as_ref()) {
            (_, "RDF") if is_rdf => Element::Rdf,
            (Some(Element::Rdf), "Description") if is_rdf => Element::Description(Description {
                start,
                is_known: true,
                places: Vec::new(),
            }),
            (Some(Element::Description(parent)), _) => {
                let name = known(namespace, local);
                parent.is_known &= name.is_some_and(Name::is_written);
                name.map_or(Element::Other, |name| Element::Property {
                    name,
                    start,
                    text: String::new(),
                    has_items: false,
                })
            }
            (Some(Element::Property { has_items, .. }), "Alt" | "Bag" | "Seq") if is_rdf => {
                *has_items = true;
                Element::List
            }
            (Some(Element::Item { .. }), "Alt" | "Bag" | "Seq") if is_rdf => Element::List,
            (Some(Element::List), "li") if is_rdf => Element::Item {
                text: String::new(),
                is_default: false,
            },
            _ => Element::Other,
        }
    }

    /// Simple properties may be written as attributes.
    fn attributes(&mut self, reader: &NsReader<&[u8]>, element: &BytesStart) -> Result<(), String> {
        for attribute in element.attributes().with_checks(false).flatten() {
            let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
            let (key, raw) = (attribute.key.as_ref(), attribute.value.as_ref());
            if is(&namespace, RDF) && local.as_ref() == "about" {
                self.packet.about = raw.to_owned();
                continue;
            }
            let name = known(&namespace, local);
            let written = name.filter(|name| name.is_written());
            let place = written.and_then(|_| self.place(key, raw));
            if let Some(Element::Description(description)) = self.open.last_mut() {
                description.is_known &= place.is_some() || key.starts_with("xmlns");
                description.places.extend(place);
            }
            if let (Some(name), Ok(value)) =
                (name, attribute.normalized_value(XmlVersion::Implicit1_0))
            {
                self.say(name, &value, false)?;
            }
        }
        Ok(())
    }

    /// Where an attribute stands, from its name to its closing quote, if its parts are parts of the text.
    fn place(&self, key: &str, value: &str) -> Option<Range<usize>> {
        let start = (key.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let value =
            (value.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)? + value.len();
        (start < value && value < self.text.len()).then_some(start..value + 1)
    }

    fn write(&mut self, written: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(Element::Property { text, .. } | Element::Item { text, .. }) => {
                text.push_str(written);
            }
            Some(Element::Description(d)) if !written.trim().is_empty() => d.is_known = false,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, start: usize, end: usize) -> Result<(), String> {
        match self.open.pop() {
            Some(Element::Rdf) => self.packet.end = start,
            Some(Element::Item { text, is_default }) => {
                // A property, its list, the items: it is never far.
                let property = self.open.iter().rev().find_map(|element| match element {
                    Element::Property { name, .. } => Some(*name),
                    _ => None,
                });
                if let Some(name) = property {
                    self.say(name, &text, is_default)?;
                }
            }
            Some(Element::Property {
                name,
                start,
                text,
                has_items,
            }) => {
                if !has_items {
                    self.say(name, &text, false)?;
                }
                if let Some(Element::Description(description)) = self.open.last_mut()
                    && name.is_written()
                {
                    description.places.push(start..end);
                }
            }
            Some(Element::Description(description)) => {
                match description.is_known && !description.places.is_empty() {
                    true => self.packet.places.push(description.start..end),
                    false => self.packet.places.extend(description.places),
                }
            }
            Some(Element::List | Element::Other) | None => {}
        }
        Ok(())
    }

    fn say(&mut self, name: Name, text: &str, is_default: bool) -> Result<(), String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        if self.packet.values.len() >= MOST_VALUES {
            return Err("says too much".into());
        }
        self.packet.values.push(Value {
            name,
            text: text.to_owned(),
            is_default,
        });
        Ok(())
    }
}

/// Whether a text in several languages is meant for whoever reads none of the others.
fn is_for_all(element: &BytesStart) -> bool {
    let language = element.try_get_attribute("xml:lang");
    language.is_ok_and(|language| {
        language.is_some_and(|l| l.value.as_ref().eq_ignore_ascii_case("x-default"))
    })
}
