//! What the photos have in common, with counts, and what is chosen already: each a link to another query.

use super::page::{counted, visible};
use super::view::{View, ViewQuery};
use crate::api::Choice;
use crate::catalog::{Facet, Query, parse_query};
use crate::index::LabelFolder;
use crate::library::Library;

/// A part of the query, and the address of the query without it.
pub struct Chip {
    pub words: String,
    pub without: String,
}

pub struct FacetBox {
    pub name: &'static str,
    pub few: Vec<ChoiceLink>,
    /// What is shown on demand.
    pub more: Vec<ChoiceLink>,
}

/// A choice, and where it leads.
pub struct ChoiceLink {
    pub choice: Choice,
    pub href: String,
    pub count: String,
}

const SHOWN: [(Facet, &str); 8] = [
    (Facet::Tag, "Tags"),
    (Facet::Year, "Years"),
    (Facet::Country, "Countries"),
    (Facet::City, "Cities"),
    (Facet::Color, "Colours"),
    (Facet::Camera, "Cameras"),
    (Facet::Rating, "Rating"),
    (Facet::Type, "Formats"),
];

const FEW: usize = 8;
const MANY: usize = 200;

pub fn chips(view: &View) -> Vec<Chip> {
    let parts = match &view.query {
        Query::All => Vec::new(),
        Query::And(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    let chip = |n: usize| {
        let others = parts.iter().enumerate().filter(|(other, _)| *other != n);
        let without = others.fold(Query::All, |all, (_, part)| all.and(part.clone()));
        Chip {
            words: visible(&parts[n].to_string()),
            without: link_to(&view.view_query, without.to_string()),
        }
    };
    (0..parts.len()).map(chip).collect()
}

pub fn boxes(library: &Library, view: &View) -> Vec<FacetBox> {
    let all = SHOWN.into_iter().map(|(facet, name)| {
        let mut few = choices(library, view, facet, MANY);
        let more = few.split_off(few.len().min(FEW));
        FacetBox { name, few, more }
    });
    all.filter(|shown| !shown.few.is_empty()).collect()
}

/// The labels of a facet that narrow what is looked at: the most frequent first, years and stars in their order.
pub fn choices(library: &Library, view: &View, facet: Facet, most: usize) -> Vec<ChoiceLink> {
    let total = view.photos.len();
    let mut labels = library.index().labels_within(facet, &view.photos);
    labels.retain(|label| label.photos < total);
    match facet {
        Facet::Year | Facet::Rating => labels.sort_by(|a, b| b.shown.cmp(&a.shown)),
        _ => labels.sort_by(|a, b| (b.photos, &a.shown).cmp(&(a.photos, &b.shown))),
    }
    labels.truncate(most);
    labels
        .into_iter()
        .filter_map(|label| choice(view, label))
        .collect()
}

fn choice(view: &View, label: LabelFolder) -> Option<ChoiceLink> {
    let query = view.query.clone().and(narrowing(&label)?).to_string();
    Some(ChoiceLink {
        href: link_to(&view.view_query, query.clone()),
        count: counted(label.photos),
        choice: Choice {
            value: shown(&label),
            query,
            photos: label.photos,
        },
    })
}

/// The query that means the photos of a label, in words that people may type.
fn narrowing(label: &LabelFolder) -> Option<Query> {
    match label.key.facet {
        Facet::Year | Facet::Month | Facet::Day => {
            parse_query(&format!("date:{}", label.shown)).ok()
        }
        Facet::Rating => parse_query(&format!("rating:{}", label.shown)).ok(),
        facet => parse_query(&Query::label(facet, &label.shown).to_string()).ok(),
    }
}

fn shown(label: &LabelFolder) -> String {
    match (label.key.facet, label.shown.as_str()) {
        (Facet::Rating, "0") => "no star".into(),
        (Facet::Rating, stars) => "\u{2605}".repeat(stars.parse().unwrap_or(0)),
        (_, value) => visible(value),
    }
}

fn link_to(view_query: &ViewQuery, q: String) -> String {
    ViewQuery {
        q,
        ..view_query.clone()
    }
    .link("/")
}
