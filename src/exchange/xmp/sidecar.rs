//! A sidecar: what it says of a photo, what it shall say, and its text with that in it.

use std::fmt::Write as _;

use super::packet::{DC, DIGIKAM, LIGHTROOM, Name, Packet, RDF, XMP, read};
use crate::catalog::{Detail, Facet, Label, LabelKey, Origin, Text, TextField, clean};

/// Characters that a text taken from a sidecar has at most.
const LONGEST: usize = 10_000;
const LONGEST_TAG: usize = 250;

const EMPTY: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>
<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">
 <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end=\"w\"?>
";

/// What a sidecar says of the properties that kbasefs knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sidecar {
    title: Option<String>,
    description: Option<String>,
    rating: Option<String>,
    subjects: Vec<String>,
    /// Lightroom's and digiKam's tags with those above them.
    hierarchical: Vec<String>,
    tags_list: Vec<String>,
}

impl Sidecar {
    fn of(packet: &Packet) -> Self {
        let first = |name| packet.first(name).map(str::to_owned);
        let all = |name| packet.all(name).map(str::to_owned).collect();
        Self {
            title: first(Name::Title),
            description: first(Name::Description),
            rating: first(Name::Rating),
            subjects: all(Name::Subject),
            hierarchical: all(Name::Hierarchical),
            tags_list: all(Name::TagsList),
        }
    }

    /// As labels and texts of origin `xmp`.
    pub fn said(&self) -> (Vec<Label>, Vec<Text>) {
        let tags = self.tags();
        let tags = tags.iter().filter_map(|tag| clean(tag, LONGEST_TAG));
        let stars = self.rating.as_deref().and_then(stars);
        let stars = stars.map(|n| Label::sure(Facet::Rating, n.to_string(), Origin::Xmp));
        let labels = tags.map(|tag| Label::sure(Facet::Tag, tag, Origin::Xmp));
        let texts = [
            (TextField::Title, &self.title),
            (TextField::Description, &self.description),
        ];
        let texts = texts.into_iter().filter_map(|(field, value)| {
            Some(Text {
                field,
                origin: Origin::Xmp,
                value: clean(value.as_deref()?, LONGEST)?,
            })
        });
        (labels.chain(stars).collect(), texts.collect())
    }

    /// The subjects, and of the tags with others above them the last, unless it is meant already.
    fn tags(&self) -> Vec<String> {
        let mut tags = self.subjects.clone();
        let lists = self.hierarchical.iter().map(|path| (path, '|'));
        let paths = lists.chain(self.tags_list.iter().map(|path| (path, '/')));
        for (path, separator) in paths {
            let leaf = leaf(path, separator);
            if !has(&tags, leaf) && !has(&tags, path) {
                tags.push(leaf.to_owned());
            }
        }
        tags
    }

    /// What holds of a photo, joined with what a sidecar says already: its words go only before what a person said.
    fn with(&self, detail: &Detail) -> Self {
        let mut joined = self.clone();
        for (field, slot) in [
            (TextField::Title, &mut joined.title),
            (TextField::Description, &mut joined.description),
        ] {
            if let Some(text) = detail.text(field)
                && (slot.is_none() || text.origin == Origin::Human)
            {
                *slot = printable(&text.value);
            }
        }
        let holding = Label::effective(&detail.entry.labels);
        let mut ratings = holding.iter().filter(|l| l.facet == Facet::Rating);
        if let Some(rating) = ratings.next()
            && (joined.rating.is_none() || rating.origin == Origin::Human)
        {
            joined.rating = Some(rating.value.clone());
        }
        joined.join_tags(detail, &holding);
        joined
    }

    fn join_tags(&mut self, detail: &Detail, holding: &[&Label]) {
        let denied = detail.entry.labels.iter();
        let denied = denied.filter(|l| l.facet == Facet::Tag && l.is_denial());
        let denied: Vec<_> = denied.map(|l| l.value.clone()).collect();
        self.subjects.retain(|tag| !has(&denied, tag));
        self.hierarchical
            .retain(|tag| !has(&denied, leaf(tag, '|')));
        self.tags_list.retain(|tag| !has(&denied, leaf(tag, '/')));
        let tags = holding.iter().filter(|l| l.facet == Facet::Tag);
        for tag in tags.filter_map(|l| printable(&l.value)) {
            let lists = [
                (&mut self.subjects, None),
                (&mut self.hierarchical, Some('|')),
                (&mut self.tags_list, Some('/')),
            ];
            for (list, separator) in lists {
                let ends = |path: &String| separator.is_some_and(|s| same(leaf(path, s), &tag));
                if !has(list, &tag) && !list.iter().any(ends) {
                    list.push(tag.clone());
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads what a sidecar says.
pub fn parse(text: &str) -> Result<Sidecar, String> {
    read(text).map(|packet| Sidecar::of(&packet))
}

/// The text of a sidecar that says what holds of a photo, and everything else that it said. `None` where it says all
/// that already, or where there is nothing to say.
pub fn merged(existing: Option<&str>, detail: &Detail) -> Result<Option<String>, String> {
    let text = existing.unwrap_or(EMPTY);
    let packet = read(text)?;
    let known = Sidecar::of(&packet);
    let wanted = known.with(detail);
    if wanted == known || wanted.is_empty() {
        return Ok(None);
    }
    let mut merged = String::with_capacity(text.len() + 1024);
    let mut done = 0;
    for place in &packet.places {
        merged.push_str(text[done..place.start].trim_end());
        // Attributes stand apart from what follows them.
        if text[place.end..]
            .starts_with(|c: char| !c.is_whitespace() && !matches!(c, '<' | '>' | '/'))
        {
            merged.push(' ');
        }
        done = place.end;
    }
    merged.push_str(text[done..packet.end].trim_end());
    merged.push_str(&description(&wanted, &packet.about));
    merged.push_str(&text[packet.end..]);
    Ok(Some(merged))
}

fn description(said: &Sidecar, about: &str) -> String {
    let mut out = format!(
        "\n  <rdf:Description rdf:about=\"{}\" xmlns:rdf=\"{RDF}\" xmlns:dc=\"{DC}\" xmlns:xmp=\"{XMP}\" \
         xmlns:lr=\"{LIGHTROOM}\" xmlns:digiKam=\"{DIGIKAM}\">",
        about.replace('"', "&quot;")
    );
    for (name, text) in [
        ("dc:title", &said.title),
        ("dc:description", &said.description),
    ] {
        if let Some(text) = text {
            let text = escaped(text);
            line(
                &mut out,
                format_args!(
                    "<{name}><rdf:Alt><rdf:li xml:lang=\"x-default\">{text}</rdf:li></rdf:Alt></{name}>"
                ),
            );
        }
    }
    if let Some(rating) = &said.rating {
        line(
            &mut out,
            format_args!("<xmp:Rating>{}</xmp:Rating>", escaped(rating)),
        );
    }
    for (name, kind, values) in [
        ("dc:subject", "Bag", &said.subjects),
        ("lr:hierarchicalSubject", "Bag", &said.hierarchical),
        ("digiKam:TagsList", "Seq", &said.tags_list),
    ] {
        if !values.is_empty() {
            let items = values
                .iter()
                .map(|v| format!("<rdf:li>{}</rdf:li>", escaped(v)));
            let items: String = items.collect();
            line(
                &mut out,
                format_args!("<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"),
            );
        }
    }
    out.push_str("\n  </rdf:Description>\n ");
    out
}

fn line(out: &mut String, text: std::fmt::Arguments) {
    write!(out, "\n   {text}").expect("a String takes everything");
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// A text without what XML can't hold; `None` when nothing is left.
fn printable(text: &str) -> Option<String> {
    let fits = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let fits = |c: &char| fits(c) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().filter(fits).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn leaf(path: &str, separator: char) -> &str {
    path.rsplit(separator).next().unwrap_or(path)
}

fn has(tags: &[String], tag: &str) -> bool {
    tags.iter().any(|t| same(t, tag))
}

fn same(a: &str, b: &str) -> bool {
    LabelKey::new(Facet::Tag, a) == LabelKey::new(Facet::Tag, b)
}

/// -1 says that a photo is rejected, which is no rating.
fn stars(text: &str) -> Option<u8> {
    let stars = text.trim().parse::<f32>().ok()?.round();
    (0.0..=5.0).contains(&stars).then_some(stars as u8)
}

#[cfg(test)]
mod tests;
