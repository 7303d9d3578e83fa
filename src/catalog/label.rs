//! A label: anything known about a photo that can be browsed.

use strum::{EnumString, IntoStaticStr, VariantArray};
use unicode_normalization::UnicodeNormalization;

use super::fold;

/// What kind of thing a label says.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Facet {
    /// What is in the picture, or what a person called it.
    Tag,
    /// `2024`
    Year,
    /// `2024-07`
    Month,
    /// `2024-07-14`
    Day,
    /// `Canon EOS R6`
    Camera,
    /// `EF35mm f/2 IS USM`
    Lens,
    /// English short name: `Italy`.
    Country,
    /// `Rome`
    City,
    /// One of the basic colour words: `blue`.
    Color,
    /// As [`Format::name`](super::Format::name) says it: `jpeg`.
    Type,
    /// `0` to `5`.
    Rating,
}

impl Facet {
    /// Every facet. The place of one here is its place in arrays that have one entry a facet.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The word that stands in the store, in queries and in the interfaces for programs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Who says so.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Origin {
    /// A person, through kbasefs. Always wins and is never overwritten.
    Human,
    /// A sidecar file.
    Xmp,
    /// The picture file itself: its metadata, its pixels' colours.
    File,
    /// A vision model on a server.
    Remote,
    /// The vision model inside kbasefs.
    Embedded,
}

impl Origin {
    /// Whether it is a model, which may say more at any time.
    pub fn is_model(self) -> bool {
        matches!(self, Self::Remote | Self::Embedded)
    }

    /// The most trusted first.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The word that stands in the store and in the interfaces for programs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What makes two labels the same: the facet, and the value without case and Unicode form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelKey {
    /// Labels of different facets are different, whatever they are called.
    pub facet: Facet,
    /// The value in lower case and NFC.
    pub folded: String,
}

impl LabelKey {
    /// The key of a label with this value, however it is written.
    pub fn new(facet: Facet, value: &str) -> Self {
        let folded = fold(value).into_owned();
        Self { facet, folded }
    }
}

/// The text in NFC.
fn composed(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_owned(),
        false => text.nfc().collect(),
    }
}

/// One thing that one origin says of one photo. Of what models say, every analyzer says its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What kind of thing it says.
    pub facet: Facet,
    /// As it is shown, in NFC. Outside data: may hold any character; folder names escape it.
    pub value: String,
    /// Who says so.
    pub origin: Origin,
    /// Which analyzer says so, where it is one.
    pub analyzer: Option<Box<str>>,
    /// 0 to 1. A person's 0 says that the label is wrong: it hides the same label of every other origin.
    pub confidence: f32,
}

/// What nobody can call a tag. That a person denies it closes the list.
const EVERY_OTHER_TAG: &str = "\0";

impl Label {
    /// A person's word that the tags are a closed list: what models say of tags doesn't hold beside it, whenever they say
    /// it. It is a denial like any other to whoever keeps, mirrors or takes back what people say.
    pub(crate) fn closed_list() -> Self {
        Self::new(Facet::Tag, EVERY_OTHER_TAG, Origin::Human, 0.0)
    }

    /// Whether a person closed the list of tags.
    pub(crate) fn closes_list(&self) -> bool {
        self.value == EVERY_OTHER_TAG && self.facet == Facet::Tag && self.is_denial()
    }

    /// A label that no analyzer says; the value becomes NFC.
    pub fn new(facet: Facet, value: impl AsRef<str>, origin: Origin, confidence: f32) -> Self {
        Self {
            facet,
            value: composed(value.as_ref()),
            origin,
            analyzer: None,
            confidence,
        }
    }

    /// This label, as an analyzer says it.
    pub fn by(self, analyzer: &str) -> Self {
        let analyzer = Some(analyzer.into());
        Self { analyzer, ..self }
    }

    /// A label that is sure.
    pub fn sure(facet: Facet, value: impl AsRef<str>, origin: Origin) -> Self {
        Self::new(facet, value, origin, 1.0)
    }

    /// By what it is found: labels of one key are the same label.
    pub(crate) fn key(&self) -> LabelKey {
        LabelKey::new(self.facet, &self.value)
    }

    /// Whether a person said that this label is wrong.
    pub fn is_denial(&self) -> bool {
        self.origin == Origin::Human && self.confidence == 0.0
    }

    /// The labels that hold: one a key, from its most trusted origin and there the surest, without those that a person
    /// denied. A photo has one rating: the most trusted. Where a person closed the list of tags, models add none.
    pub fn effective(labels: &[Self]) -> Vec<&Self> {
        let keyed = Self::effective_by_key(labels);
        keyed.into_iter().map(|(_, label)| label).collect()
    }

    /// Those of one facet that hold, in order of key. What is said of others decides nothing of them, and costs nothing.
    pub(crate) fn effective_of(labels: &[Self], facet: Facet) -> Vec<&Self> {
        let of_facet = labels.iter().filter(|label| label.facet == facet);
        let mut keyed: Vec<_> = of_facet.map(|label| (fold(&label.value), label)).collect();
        Self::keep_effective(&mut keyed, |(_, label)| label);
        keyed.into_iter().map(|(_, label)| label).collect()
    }

    /// The labels that hold, each with its key and in order of it.
    pub(crate) fn effective_by_key(labels: &[Self]) -> Vec<(LabelKey, &Self)> {
        let mut keyed: Vec<_> = labels.iter().map(|label| (label.key(), label)).collect();
        Self::keep_effective(&mut keyed, |(_, label)| label);
        keyed
    }

    /// Leaves of what is said of a photo what holds, in order of key; `K` is the same for labels that are the same.
    pub(crate) fn keep_effective<'a, K: Ord, T>(
        said: &mut Vec<(K, T)>,
        label: impl Fn(&(K, T)) -> &'a Self,
    ) {
        said.sort_by(|one, other| {
            let (a, b) = (label(one), label(other));
            let by_key = one.0.cmp(&other.0).then(a.origin.cmp(&b.origin));
            by_key.then_with(|| b.confidence.total_cmp(&a.confidence))
        });
        said.dedup_by(|later, first| later.0 == first.0);
        let is_closed = said.iter().any(|one| label(one).closes_list());
        let adds = |l: &Self| is_closed && l.facet == Facet::Tag && l.origin.is_model();
        said.retain(|one| !label(one).is_denial() && !adds(label(one)));
        let ratings = said.iter().map(&label).filter(|l| l.facet == Facet::Rating);
        if let Some(best) = ratings.map(|label| label.origin).min() {
            let is_other = |l: &Self| l.facet == Facet::Rating && l.origin != best;
            said.retain(|one| !is_other(label(one)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_unicode_form_do_not_make_another_label() {
        let composed = LabelKey::new(Facet::Tag, "Caf\u{e9}");
        let decomposed = LabelKey::new(Facet::Tag, "cafe\u{301}");
        assert_eq!(composed, decomposed);
        assert_ne!(composed, LabelKey::new(Facet::City, "caf\u{e9}"));
    }

    #[test]
    fn models_add_nothing_to_a_closed_list() {
        let mut labels = vec![
            Label::sure(Facet::Tag, "mine", Origin::Human),
            Label::sure(Facet::Tag, "harbour", Origin::Xmp),
            Label::new(Facet::Tag, "giraffe", Origin::Embedded, 0.9),
            Label::new(Facet::Tag, "mine", Origin::Remote, 0.9),
            Label::new(Facet::Color, "blue", Origin::Embedded, 0.9),
        ];
        let check = |labels: &[Label], facet, expected: &[&str]| {
            let holding = Label::effective_of(labels, facet);
            let values: Vec<_> = holding.iter().map(|l| l.value.as_str()).collect();
            assert_eq!(values, expected);
        };
        check(&labels, Facet::Tag, &["giraffe", "harbour", "mine"]);
        labels.push(Label::closed_list());
        check(&labels, Facet::Tag, &["harbour", "mine"]);
        check(&labels, Facet::Color, &["blue"]);
    }

    #[test]
    fn a_person_wins_and_a_denial_hides_what_others_say() {
        let labels = [
            Label::new(Facet::Tag, "dog", Origin::Embedded, 0.9),
            Label::new(Facet::Tag, "Dog", Origin::Human, 1.0),
            Label::new(Facet::Tag, "sea", Origin::Embedded, 0.3).by("faces"),
            Label::new(Facet::Tag, "sea", Origin::Embedded, 0.8).by("objects"),
            Label::new(Facet::Tag, "ear", Origin::Embedded, 0.3),
            Label::new(Facet::Tag, "ear", Origin::Human, 0.0),
            Label::sure(Facet::Rating, "3", Origin::File),
            Label::sure(Facet::Rating, "4", Origin::Xmp),
        ];
        let values: Vec<_> = Label::effective(&labels)
            .into_iter()
            .map(|l| (l.value.as_str(), l.origin, l.confidence))
            .collect();
        let expected = [
            ("Dog", Origin::Human, 1.0),
            ("sea", Origin::Embedded, 0.8),
            ("4", Origin::Xmp, 1.0),
        ];
        assert_eq!(values, expected);
    }
}
