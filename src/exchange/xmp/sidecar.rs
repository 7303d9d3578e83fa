//! A sidecar: what it says of a photo, what it shall say, and its text with that in it.

use std::fmt::Write as _;

use crate::catalog::{Detail, Facet, Label, LabelKey, Origin, Text, TextField};
use crate::media::xmp::{DC, DIGIKAM, LIGHTROOM, Name, Packet, RDF, XMP, Xmp, leaf, read_packet};

/// A packet that says nothing. Its `id` is the one that the specification of XMP gives to all.
const EMPTY: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>
<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">
 <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end=\"w\"?>
";

/// The words of a sidecar for what kbasefs writes, as they stand there.
#[derive(Clone, Debug, Default, PartialEq)]
struct Words {
    title: Option<String>,
    description: Option<String>,
    rating: Option<String>,
    subjects: Vec<String>,
    /// Lightroom's and digiKam's tags with those above them.
    hierarchical: Vec<String>,
    tags_list: Vec<String>,
}

impl Words {
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

/// What a sidecar says, as labels and texts of origin `xmp`.
pub fn said(xmp: &Xmp) -> (Vec<Label>, Vec<Text>) {
    let stars = xmp.rating.map(|n| (Facet::Rating, n.to_string()));
    let tags = xmp.tags.iter().map(|tag| (Facet::Tag, tag.clone()));
    let labels = tags.chain(stars);
    let labels = labels.map(|(facet, value)| Label::sure(facet, value, Origin::Xmp));
    let texts = [
        (TextField::Title, &xmp.title),
        (TextField::Description, &xmp.description),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(field, value)| Some(Text::new(field, Origin::Xmp, value.clone()?)));
    (labels.collect(), texts.collect())
}

/// The text of a sidecar that says what holds of a photo, and everything else that it said. `None` where it says all
/// that already, or where there is nothing to say.
///
/// # Errors
/// Why the sidecar that is there is none to write into, for people.
pub fn merged(existing: Option<&[u8]>, detail: &Detail) -> Result<Option<String>, String> {
    let bytes = existing.unwrap_or(EMPTY.as_bytes());
    let packet = read_packet(bytes);
    if let Some(why) = packet.broken {
        return Err(why);
    }
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    let known = Words::of(&packet);
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

fn description(said: &Words, about: &str) -> String {
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

fn has(tags: &[String], tag: &str) -> bool {
    tags.iter().any(|t| same(t, tag))
}

fn same(a: &str, b: &str) -> bool {
    LabelKey::new(Facet::Tag, a) == LabelKey::new(Facet::Tag, b)
}

#[cfg(test)]
mod tests;
