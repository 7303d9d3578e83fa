//! What is known of one photo, beside its picture: texts, tags, rating, facts, and the forms that change them.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRef, Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::super::failure::Failure;
use super::analysis::{self, Analyses};
use super::blocking;
use super::page::{self, Mistake, counted, visible};
use super::view::ViewQuery;
use crate::analysis::Scheduler;
use crate::api::Sort;
use crate::catalog::{
    ActId, Detail, Facet, Label, Origin, PhotoId, Query as Meant, Status, TextField,
};
use crate::library::Library;
use crate::monitor::Instance;
use crate::source_files::SourceFiles;
use crate::web::Parts;

/// The panel beside the picture.
#[derive(Template)]
#[template(path = "details.html")]
pub struct Details {
    id: u32,
    view_query: ViewQuery,
    pub title: String,
    title_by: Option<&'static str>,
    pub description: String,
    description_by: Option<&'static str>,
    tags: Vec<Tag>,
    /// As they are edited: between commas.
    tag_list: String,
    rating: u8,
    facts: Vec<(&'static str, String)>,
    places: Vec<(&'static str, String)>,
    is_edited: bool,
    analysis: analysis::Panel,
    notice: Option<Notice>,
    /// What somebody wrote that doesn't go with what another one wrote meanwhile.
    conflict: Option<String>,
}

struct Tag {
    name: String,
    /// As it is sent back.
    value: String,
    href: String,
    origin: &'static str,
    sure: Option<String>,
}

/// What was just done, to be taken back.
struct Notice {
    act: u64,
    words: String,
    is_undone: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct DetailsQuery {
    #[serde(default)]
    pub q: String,
    pub sort: Option<Sort>,
    /// What was just done.
    pub act: Option<u64>,
}

impl DetailsQuery {
    pub fn view_query(&self) -> ViewQuery {
        ViewQuery {
            q: self.q.clone(),
            sort: self.sort,
        }
    }
}

pub async fn get(
    State(sources): State<DetailSources>,
    Path(id): Path<u32>,
    Query(params): Query<DetailsQuery>,
) -> Result<Response, Mistake> {
    let page = blocking(move || {
        Details::of(
            &sources,
            PhotoId(id),
            params.view_query(),
            params.act.map(ActId),
        )
    });
    page::html(&page.await?)
}

/// What details are made of.
#[derive(Clone)]
pub struct DetailSources {
    pub(super) library: Arc<Library>,
    source_files: Arc<SourceFiles>,
    pub(super) scheduler: Arc<Scheduler>,
    instance: Arc<Instance>,
    pub(super) analyses: Arc<Analyses>,
}

impl FromRef<Parts> for DetailSources {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            library: FromRef::from_ref(parts),
            source_files: FromRef::from_ref(parts),
            scheduler: FromRef::from_ref(parts),
            instance: FromRef::from_ref(parts),
            analyses: FromRef::from_ref(parts),
        }
    }
}

impl Details {
    /// May block on the disk.
    pub fn of(
        sources: &DetailSources,
        id: PhotoId,
        view_query: ViewQuery,
        act: Option<ActId>,
    ) -> Result<Self, Failure> {
        let gone =
            || Failure::not_found("the catalog has no such photo", "it may have been deleted");
        let detail = sources.library.detail(id)?.ok_or_else(gone)?;
        let (title, title_by) = text(&detail, TextField::Title);
        let (description, description_by) = text(&detail, TextField::Description);
        Ok(Self {
            id: id.0,
            analysis: sources
                .analyses
                .panel(&sources.scheduler, &detail, &view_query),
            view_query,
            title,
            title_by,
            description,
            description_by,
            tags: tags(&detail).into_iter().map(tag).collect(),
            tag_list: tag_list(&detail),
            rating: rating(&detail),
            facts: facts(&detail),
            places: places(sources, &detail),
            is_edited: detail.entry.photo.edited,
            notice: act.and_then(|act| notice(&sources.library, act)),
            conflict: None,
        })
    }

    pub fn with_conflict(self, conflict: String) -> Self {
        let conflict = Some(conflict);
        Self { conflict, ..self }
    }
}

fn text(detail: &Detail, field: TextField) -> (String, Option<&'static str>) {
    match detail.text(field).filter(|text| !text.value.is_empty()) {
        Some(text) => (visible(&text.value), Some(by(text.origin))),
        None => (String::new(), None),
    }
}

/// Who says so, in words.
pub fn by(origin: Origin) -> &'static str {
    match origin {
        Origin::Human => "you",
        Origin::Xmp => "a sidecar",
        Origin::File => "the file",
        Origin::Remote => "a model on a server",
        Origin::Embedded => "the built-in model",
    }
}

/// The tags that hold: a person's first, then by confidence.
pub fn tags(detail: &Detail) -> Vec<&Label> {
    let mut tags = Label::effective(&detail.entry.labels);
    tags.retain(|l| l.facet == Facet::Tag);
    tags.sort_by(|a, b| {
        a.origin
            .cmp(&b.origin)
            .then(b.confidence.total_cmp(&a.confidence))
    });
    tags
}

fn tag(label: &Label) -> Tag {
    let guessed = matches!(label.origin, Origin::Remote | Origin::Embedded);
    let query = Meant::label(Facet::Tag, &label.value).to_string();
    Tag {
        name: visible(&label.value),
        value: label.value.clone(),
        href: page::link("/", &[("q", &query)]),
        origin: by(label.origin),
        sure: guessed.then(|| format!("{:.0} %", label.confidence * 100.0)),
    }
}

/// A comma in a tag is written as a semicolon, as lists do everywhere.
pub fn tag_list(detail: &Detail) -> String {
    let names = tags(detail)
        .into_iter()
        .map(|tag| tag.value.replace(',', ";"));
    names.collect::<Vec<_>>().join(", ")
}

pub fn rating(detail: &Detail) -> u8 {
    let labels = Label::effective(&detail.entry.labels);
    let rating = labels.into_iter().find(|l| l.facet == Facet::Rating);
    rating.and_then(|l| l.value.parse().ok()).unwrap_or(0)
}

fn facts(detail: &Detail) -> Vec<(&'static str, String)> {
    let (photo, facts) = (&detail.entry.photo, &detail.facts);
    let place = [&facts.city, &facts.country].into_iter().flatten();
    let place: Vec<_> = place.map(|p| visible(p)).collect();
    let position = facts.position.map(|p| {
        let side = |degrees: f64, [plus, minus]: [char; 2]| {
            format!(
                "{:.5}\u{b0} {}",
                degrees.abs(),
                if degrees < 0.0 { minus } else { plus }
            )
        };
        format!(
            "{}, {}",
            side(p.latitude, ['N', 'S']),
            side(p.longitude, ['E', 'W'])
        )
    });
    let colors = Label::effective(&detail.entry.labels)
        .into_iter()
        .filter(|l| l.facet == Facet::Color);
    let colors: Vec<_> = colors.map(|l| l.value.as_str()).collect();
    let date = photo.date.map(|d| d.to_string().replace('T', ", "));
    let looked = detail
        .analyses
        .iter()
        .map(|(who, model, at)| format!("{who} ({model}), {}", when(*at)));
    let looked: Vec<_> = looked.map(|l| visible(&l)).collect();
    let some = |text: String| Some(text).filter(|t| !t.is_empty());
    let all = [
        ("Taken", date),
        ("Place", some(place.join(", "))),
        ("Position", position),
        ("Camera", facts.camera.as_deref().map(visible)),
        ("Lens", facts.lens.as_deref().map(visible)),
        (
            "Size",
            (facts.width > 0).then(|| format!("{} \u{d7} {}", facts.width, facts.height)),
        ),
        (
            "File",
            Some(format!(
                "{}, {}",
                photo.format.name(),
                bytes(photo.stat.size)
            )),
        ),
        ("Colours", some(colors.join(", "))),
        ("Looked at by", some(looked.join("; "))),
        (
            "State",
            Some(status(detail)).filter(|_| photo.status != Status::Analyzed),
        ),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn status(detail: &Detail) -> String {
    let photo = &detail.entry.photo;
    match (photo.status, &detail.failure) {
        (Status::Failed, Some(reason)) => format!("failed: {}", visible(reason)),
        (Status::Unsupported, _) => format!("no decoder for {} yet", photo.format.name()),
        _ => "not looked at yet".into(),
    }
}

/// Where its file is.
fn places(sources: &DetailSources, detail: &Detail) -> Vec<(&'static str, String)> {
    let path = &detail.entry.photo.path;
    let shown = |path: std::path::PathBuf| visible(&path.to_string_lossy());
    let mut places = Vec::new();
    if let Some(mountpoint) = sources.instance.mountpoint() {
        use std::os::unix::ffi::OsStrExt;
        let inside = std::ffi::OsStr::from_bytes(path.as_bytes());
        places.push(("In the catalog", shown(mountpoint.join("all").join(inside))));
    }
    places.push(("Original", shown(sources.source_files.absolute(path))));
    places
}

/// `3.4 MB`
pub fn bytes(size: u64) -> String {
    match size {
        0..1000 => format!("{size} bytes"),
        1000..1_000_000 => format!("{} kB", size / 1000),
        _ => format!("{:.1} MB", size as f64 / 1e6),
    }
}

/// A moment in seconds since 1970, as the clock here says it.
pub fn when(at: i64) -> String {
    let Ok(moment) = jiff::Timestamp::from_second(at) else {
        return String::new();
    };
    let here = moment.to_zoned(jiff::tz::TimeZone::system());
    here.strftime("%-d %B %Y, %H:%M").to_string()
}

fn notice(library: &Library, act: ActId) -> Option<Notice> {
    let (done, _) = library.store().act(act).ok()??;
    let photos = match done.photos {
        0 | 1 => String::new(),
        n => format!(" ({} photos)", counted(n)),
    };
    Some(Notice {
        act: act.0,
        words: visible(&done.words) + &photos,
        is_undone: done.undone_by.is_some(),
    })
}
