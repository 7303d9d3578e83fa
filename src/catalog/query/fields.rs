//! What can be asked with a word and a colon. A new field is one line in [`FIELDS`], a new state one in [`STATES`].

use super::error::Wrong;
use super::{FolderPattern, Measure, Pattern, Query, Span, State, Words};
use crate::catalog::{Facet, Format, Status};

/// A field of the query language.
pub struct Field {
    /// What stands before the colon.
    pub name: &'static str,
    /// A query with it, as `help` shows it.
    pub example: &'static str,
    /// For people.
    pub means: &'static str,
    pub(super) read: fn(&str) -> Result<Query, Wrong>,
}

/// All fields, as they are explained.
pub const FIELDS: &[Field] = &[
    Field {
        name: "tag",
        example: "tag:\"golden retriever\"",
        means: "this very tag",
        read: |value| Ok(Query::label(Facet::Tag, value)),
    },
    Field {
        name: "camera",
        example: "camera:canon",
        means: "these words in its name, in a row: finds Canon EOS R6; * at the end for more letters",
        read: |value| named("camera", Facet::Camera, value),
    },
    Field {
        name: "lens",
        example: "lens:\"35mm f/1.8\"",
        means: "these words in its name, as for the camera",
        read: |value| named("lens", Facet::Lens, value),
    },
    Field {
        name: "place",
        example: "place:italy",
        means: "these words in the name of its country or city",
        read: |value| {
            let country = named("place", Facet::Country, value)?;
            Ok(country.or(named("place", Facet::City, value)?))
        },
    },
    Field {
        name: "country",
        example: "country:italy",
        means: "these words in the name of its country",
        read: |value| named("country", Facet::Country, value),
    },
    Field {
        name: "city",
        example: "city:rome",
        means: "these words in the name of its city",
        read: |value| named("city", Facet::City, value),
    },
    Field {
        name: "color",
        example: "color:blue",
        means: "one of the main colours",
        read: |value| named("color", Facet::Color, value),
    },
    Field {
        name: "type",
        example: "type:jpeg",
        means: "the format of the file",
        read: format,
    },
    Field {
        name: "folder",
        example: "folder:trip/day*",
        means: "in a folder of this name or below it; a / in front begins at the top; * and ? as in a shell",
        read: folder,
    },
    Field {
        name: "name",
        example: "name:IMG_12*.jpg",
        means: "the file name: a part of it, or with * and ? the whole",
        read: name,
    },
    Field {
        name: "rating",
        example: "rating:>=3",
        means: "stars, 0 to 5; also 3..5",
        read: |value| span(Measure::Rating, value),
    },
    Field {
        name: "date",
        example: "date:2024-07..2024-09",
        means: "a year, month or day, from one to another, or >=2024-07",
        read: |value| span(Measure::Date, value),
    },
    Field {
        name: "size",
        example: "size:>10MB",
        means: "of the file: bytes, kB, MB, GB, KiB, MiB, GiB",
        read: |value| span(Measure::Size, value),
    },
    Field {
        name: "width",
        example: "width:>=4000",
        means: "pixels, upright",
        read: |value| span(Measure::Width, value),
    },
    Field {
        name: "height",
        example: "height:<1000",
        means: "pixels, upright",
        read: |value| span(Measure::Height, value),
    },
    Field {
        name: "has",
        example: "has:place",
        means: "anything there: tag, camera, lens, place, city, color, rating or date",
        read: present,
    },
    Field {
        name: "is",
        example: "is:portrait",
        means: "analyzed, unanalyzed, failed, unsupported, duplicate, edited, portrait, landscape, square or screenshot",
        read: state,
    },
];

/// Everything that `is:` knows.
pub const STATES: &[(&str, Query)] = &[
    ("analyzed", Query::Status(Status::Analyzed)),
    ("unanalyzed", Query::Status(Status::Pending)),
    ("failed", Query::Status(Status::Failed)),
    ("unsupported", Query::Status(Status::Unsupported)),
    ("duplicate", Query::State(State::Duplicate)),
    ("edited", Query::State(State::Edited)),
    ("portrait", Query::State(State::Portrait)),
    ("landscape", Query::State(State::Landscape)),
    ("square", Query::State(State::Square)),
    ("screenshot", Query::State(State::Screenshot)),
];

/// Everything that `has:` knows.
pub(super) const PRESENT: &[(&str, Facet)] = &[
    ("tag", Facet::Tag),
    ("camera", Facet::Camera),
    ("lens", Facet::Lens),
    ("place", Facet::Country),
    ("city", Facet::City),
    ("color", Facet::Color),
    ("rating", Facet::Rating),
    ("date", Facet::Day),
];

/// Other ways to write fields, states and formats.
const ALIASES: &[(&str, &str)] = &[
    ("colour", "color"),
    ("analysed", "analyzed"),
    ("unanalysed", "unanalyzed"),
    ("pending", "unanalyzed"),
    ("jpg", "jpeg"),
    ("tif", "tiff"),
    ("heif", "heic"),
];

/// The field of this name.
pub fn field(name: &str) -> Result<&'static Field, Wrong> {
    let known = canonical(name);
    let found = FIELDS.iter().find(|f| f.name == known);
    found.ok_or_else(|| {
        let names: Vec<_> = FIELDS.iter().map(|f| f.name).collect();
        let hint = match nearest(&known, &names) {
            Some(field) => format!("did you mean {field}: ?"),
            None => format!(
                "the fields are {}; what is no field goes in quotation marks",
                names.join(", ")
            ),
        };
        Wrong::new(format!("unknown field {name}"), hint)
    })
}

fn canonical(name: &str) -> String {
    let folded = name.to_lowercase();
    let alias = ALIASES.iter().find(|(other, _)| *other == folded);
    alias.map_or(folded, |(_, name)| (*name).to_owned())
}

/// The word that was meant, when it is only a slip away.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |other: &str| strsim::osa_distance(word, other);
    let best = known.iter().copied().min_by_key(|known| distance(known))?;
    // A longer word has room for more slips, and fewer others are near to it.
    let slips = match word.chars().count() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    (distance(best) <= slips).then_some(best)
}

/// The word among `known`, or what is wrong with it.
fn known<'a>(what: &str, field: &str, value: &str, known: &[&'a str]) -> Result<&'a str, Wrong> {
    let wanted = canonical(value);
    if let Some(found) = known.iter().find(|k| **k == wanted) {
        return Ok(found);
    }
    let hint = match nearest(&wanted, known) {
        Some(near) => format!("did you mean {field}:{near} ?"),
        None => format!("write {field}: with one of {}", known.join(", ")),
    };
    Err(Wrong::new(format!("unknown {what} {value}"), hint))
}

fn named(field: &str, facet: Facet, value: &str) -> Result<Query, Wrong> {
    let words = Words::new(value).ok_or_else(|| {
        let message = format!("no letter or digit in {value}");
        Wrong::new(
            message,
            format!("write words of the name, as in {field}:\"a b\""),
        )
    })?;
    Ok(Query::Named(facet, words))
}

fn format(value: &str) -> Result<Query, Wrong> {
    let names = Format::ALL.map(Format::name);
    let name = known("format", "type", value, &names)?;
    Ok(Query::label(Facet::Type, name))
}

fn folder(value: &str) -> Result<Query, Wrong> {
    let pattern = FolderPattern::new(value).ok_or_else(|| {
        let hint = "write names with a / between and few stars, as in folder:trip/day*";
        Wrong::new(format!("{value} is no folder"), hint)
    });
    pattern.map(Query::Folder)
}

fn name(value: &str) -> Result<Query, Wrong> {
    let pattern = Pattern::new(value).ok_or_else(|| {
        let hint = "write it with fewer, as in name:IMG*.jpg";
        Wrong::new(format!("too many stars in {value}"), hint)
    });
    pattern.map(Query::Name)
}

fn span(measure: Measure, value: &str) -> Result<Query, Wrong> {
    Span::parse(measure, value).map(|span| Query::Within(measure, span))
}

fn present(value: &str) -> Result<Query, Wrong> {
    let names: Vec<_> = PRESENT.iter().map(|(name, _)| *name).collect();
    let name = known("thing to have", "has", value, &names)?;
    let found = PRESENT.iter().find(|(n, _)| *n == name);
    Ok(Query::Facet(found.expect("it is one of the names").1))
}

fn state(value: &str) -> Result<Query, Wrong> {
    let names: Vec<_> = STATES.iter().map(|(name, _)| *name).collect();
    let name = known("state", "is", value, &names)?;
    let found = STATES.iter().find(|(n, _)| *n == name);
    Ok(found.expect("it is one of the names").1.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_query() {
        for field in FIELDS {
            crate::catalog::parse_query(field.example).expect(field.example);
        }
        let is = FIELDS.last().unwrap();
        for (name, _) in STATES {
            assert!(is.means.contains(name), "{name} is explained");
        }
    }

    #[test]
    fn a_slip_is_recognised() {
        let hint = |name: &str| field(name).err().unwrap().hint;
        assert_eq!(hint("tags"), "did you mean tag: ?");
        assert_eq!(hint("camrea"), "did you mean camera: ?");
        assert!(hint("http").starts_with("the fields are tag, "));
        assert_eq!(
            state("failde").unwrap_err().hint,
            "did you mean is:failed ?"
        );
        assert_eq!(format("jpge").unwrap_err().hint, "did you mean type:jpeg ?");
        assert!(format("JPG").is_ok());
        assert!(field("Colour").is_ok());
    }
}
