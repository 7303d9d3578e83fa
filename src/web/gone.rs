//! Photos that are gone and of which people said something.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::failure::Failure;
use super::shape::Place;
use crate::api::{
    FailureBody, GiveWordsRequest, GivenWords, GonePhoto, GonePhotos, PhotoName, PhotoPath,
    Successor,
};
use crate::catalog::{self, Facet, Label, Origin, PhotoId, Text, TextField};
use crate::library::{Candidate, GoneWithWords, Library};
use crate::source::Scanner;
use crate::source_files::SourceFiles;

/// The photos that are gone and of which people said something, with what they may be now.
#[utoipa::path(
    get,
    path = "/api/v1/gone",
    operation_id = "gone",
    responses((status = 200, description = "The photos", body = GonePhotos))
)]
pub async fn get(State(library): State<Arc<Library>>) -> Result<Json<GonePhotos>, Failure> {
    super::blocking(move || {
        let photos = library.gone_with_words()?;
        let photos = photos.iter().map(GonePhoto::from).collect();
        Ok(Json(GonePhotos { photos }))
    })
    .await
}

/// Has what people said of photos that are gone said of others instead.
#[utoipa::path(
    post,
    path = "/api/v1/gone/adopt",
    operation_id = "adopt_words",
    request_body = GiveWordsRequest,
    responses(
        (status = 200, description = "What that changed", body = GivenWords),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
        (status = 404, description = "The catalog has no such photo", body = FailureBody),
        (status = 409, description = "The file has changed since the last scan", body = FailureBody),
    )
)]
pub async fn adopt(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    State(source_files): State<Arc<SourceFiles>>,
    Json(body): Json<GiveWordsRequest>,
) -> Result<Json<GivenWords>, Failure> {
    let is_by_path = body.pairs.iter().any(|pair| pair.to.is_path());
    super::at_source_if(is_by_path, &source_files, move || {
        // What is new in the folder of a photo is looked at first: a photo that is gone may be back there.
        let to = body.pairs.iter();
        let to = to.map(|pair| pair.to.resolve_for_edit(&library, &scanner));
        let to = to.collect::<Result<Vec<_>, _>>()?;
        let gone = library.store().gone_with_words()?;
        let mut pairs = Vec::new();
        for (pair, to) in body.pairs.iter().zip(to) {
            pairs.push((named(&pair.gone, &gone, &library)?, to));
        }
        let act = library.give_words(&pairs, body.by.into())?;
        Ok(Json(GivenWords {
            act: act.map(|act| act.0),
            photos: act.map_or(0, |_| pairs.len() as u64),
            left: library.store().gone_with_words()?.len() as u64,
        }))
    })
    .await
}

/// The photo that is gone and is named.
fn named(
    name: &PhotoName,
    gone: &[catalog::GonePhoto],
    library: &Library,
) -> Result<PhotoId, Failure> {
    let place = name.place()?;
    let mut meant = gone
        .iter()
        .filter(|photo| place.is_of(photo.id, &photo.path));
    match (meant.next(), meant.next()) {
        (Some(only), None) => Ok(only.id),
        (Some(one), Some(other)) => Err(Failure::hinted(
            format!("{}: several photos that are gone were there", one.path),
            &format!("name it by its number: {}, {} …", one.id, other.id),
        )),
        (None, _) => Err(not_gone(&place, library)),
    }
}

fn not_gone(place: &Place, library: &Library) -> Failure {
    let hint = "`kbasefs catalog adopt` lists those that are gone and of which something was said";
    match place.is_present(library) {
        true => Failure::hinted(
            format!("{place}: is there, and has what was said of it"),
            hint,
        ),
        false => Failure::not_found(
            format!("{place}: no photo that is gone, or nothing was said of it"),
            hint,
        ),
    }
}

impl From<&GoneWithWords> for GonePhoto {
    fn from(gone: &GoneWithWords) -> Self {
        let (photo, labels) = (&gone.detail.entry.photo, &gone.detail.entry.labels);
        let human = labels.iter().filter(|l| l.origin == Origin::Human);
        let of = |facet, holds| {
            let labels = human.clone().filter(move |l| l.facet == facet);
            let labels = labels.filter(move |l| l.is_denial() != holds && !l.closes_list());
            labels.map(|label: &Label| label.value.clone())
        };
        let text = |field| {
            let is_it = |text: &&Text| text.field == field && text.origin == Origin::Human;
            let text = gone.detail.texts.iter().find(is_it);
            text.map(|text| text.value.clone())
        };
        Self {
            path: (&photo.path).into(),
            id: photo.id.0,
            tags: of(Facet::Tag, true).collect(),
            denied_tags: of(Facet::Tag, false).collect(),
            rating: of(Facet::Rating, true).find_map(|stars| stars.parse().ok()),
            title: text(TextField::Title),
            description: text(TextField::Description),
            candidates: gone.candidates.iter().map(Successor::from).collect(),
            successor: gone.successor.map(|id| id.0),
        }
    }
}

impl From<&Candidate> for Successor {
    fn from(candidate: &Candidate) -> Self {
        Self {
            path: PhotoPath::from(&candidate.photo.path),
            id: candidate.photo.id.0,
            same: candidate
                .signs
                .iter()
                .map(|sign| sign.name().to_owned())
                .collect(),
        }
    }
}
