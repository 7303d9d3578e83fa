//! What is known of a photo as plain text, for people and `grep`.

use super::{Facet, Label, Text, TextField};

/// The title, the description and the tags that hold: a line each. Empty when nothing is known.
pub fn plain_text(labels: &[Label], texts: &[Text]) -> String {
    let fields = [TextField::Title, TextField::Description];
    let texts = fields.map(|field| Text::effective(texts, field).map(|t| t.value.as_str()));
    let labels = Label::effective(labels);
    let tags = labels.iter().filter(|l| l.facet == Facet::Tag);
    let lines = texts.into_iter().flatten();
    let lines = lines.chain(tags.map(|l| l.value.as_str()));
    lines
        .filter(|line| !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Origin;

    #[test]
    fn what_holds_stands_line_by_line() {
        let text = |field, origin, value: &str| Text::new(field, origin, value);
        let texts = [
            text(TextField::Title, Origin::Human, ""),
            text(TextField::Title, Origin::Embedded, "A dog"),
            text(TextField::Description, Origin::Embedded, "A dog runs"),
        ];
        let labels = [
            Label::sure(Facet::Tag, "dog", Origin::Embedded),
            Label::sure(Facet::Color, "blue", Origin::File),
            Label::sure(Facet::Tag, "Bay", Origin::Human),
        ];
        assert_eq!(plain_text(&labels, &texts), "A dog runs\nBay\ndog\n");
        assert_eq!(plain_text(&[], &[]), "");
    }
}
