//! Photos that a query means, the most relevant first.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};

use super::failure::Failure;
use super::shape;
use crate::api::{FailureBody, Found, Hit, SearchQuery};
use crate::catalog::{Photo, PhotoId, parse_query};
use crate::library::Library;

/// Where the photos of a query are, the most relevant first.
#[utoipa::path(
    get,
    path = "/api/v1/search",
    operation_id = "search",
    params(SearchQuery),
    responses(
        (status = 200, description = "What was found", body = Found),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn get(
    State(library): State<Arc<Library>>,
    Query(params): Query<SearchQuery>,
) -> Result<Json<Found>, Failure> {
    super::blocking(move || search(&library, &params).map(Json)).await
}

fn search(library: &Library, params: &SearchQuery) -> Result<Found, Failure> {
    let query = parse_query(&params.q).map_err(|e| Failure::query(&params.q, e))?;
    let within = shape::within(params.within_base64.as_ref())?;
    let found = library.evaluate(&query)?;
    let found = found & library.index().photos_below(within.as_bytes());
    let scores = library.store().relevance(&query.wanted_words())?;
    let scores: HashMap<_, _> = scores.into_iter().collect();
    let index = library.index();
    let photos = found.iter().filter_map(|id| index.photo(PhotoId(id)));
    let scored = photos.map(|photo| (scores.get(&photo.id).copied().unwrap_or(0.0), photo));
    let mut ranked: Vec<_> = scored.collect();
    ranked.sort_by(by_rank);
    ranked.truncate(params.limit.unwrap_or(usize::MAX));
    Ok(Found {
        query: query.to_string(),
        total: found.len(),
        photos: ranked.iter().map(hit).collect(),
    })
}

/// The most relevant first, then the newest, then by path.
fn by_rank(a: &(f64, Photo), b: &(f64, Photo)) -> Ordering {
    let by_score = b.0.total_cmp(&a.0);
    let rest = |photo: &Photo| (Reverse(photo.date), photo.path.clone());
    by_score.then_with(|| rest(&a.1).cmp(&rest(&b.1)))
}

fn hit((score, photo): &(f64, Photo)) -> Hit {
    Hit {
        path: (&photo.path).into(),
        id: photo.id.0,
        name: String::from_utf8_lossy(&photo.name).into_owned(),
        status: photo.status.into(),
        date: photo.date.map(|d| d.to_string()),
        score: *score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{FileStat, Format, SourcePath, Status, WallClock};

    fn photo(path: &str, year: Option<u16>) -> Photo {
        let path = SourcePath::new(path.as_bytes());
        Photo {
            id: PhotoId(1),
            name: path.file_name().into(),
            title_name: None,
            text_bytes: 0,
            path,
            stat: FileStat::default(),
            format: Format::Jpeg,
            status: Status::Pending,
            date: year.and_then(|year| WallClock::new(year, 1, 1, 0, 0, 0)),
            hash: None,
            width: 0,
            height: 0,
            perceptual_hash: None,
            edited: false,
        }
    }

    #[test]
    fn relevance_counts_before_date_and_date_before_path() {
        let mut hits = [
            (0.0, photo("b", None)),
            (0.0, photo("a", None)),
            (0.0, photo("new", Some(2024))),
            (2.0, photo("old", Some(2001))),
            (0.0, photo("newest", Some(2025))),
        ];
        hits.sort_by(by_rank);
        let order: Vec<_> = hits.iter().map(|(_, p)| p.path.to_string()).collect();
        assert_eq!(order, ["old", "newest", "new", "a", "b"]);
    }
}
