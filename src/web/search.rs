//! Photos that a query means, the most relevant first.
//!
//! What is found may be all of a large catalog: a few bytes a photo are kept of it, and the paths of those that stand at one
//! place but for these. The answer is written piece by piece, as fast as it is read.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::failure::Failure;
use super::shape;
use crate::api::{FailureBody, Found, Hit, SearchQuery};
use crate::blocking::unblock;
use crate::catalog::{Photo, PhotoId, SourcePath, WallClock, parse_query};
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
) -> Result<Response, Failure> {
    let answer = super::blocking(move || Answer::new(library, &params)).await?;
    let pieces = stream::unfold(answer, async |mut answer| {
        let (piece, answer) = unblock(move || (answer.next(), answer)).await;
        Some((Ok::<_, Infallible>(piece?), answer))
    });
    let is_json = [(CONTENT_TYPE, "application/json")];
    Ok((is_json, Body::from_stream(pieces)).into_response())
}

/// What decides where a photo stands, but for its path: the score, then the date.
type Rank = (Reverse<u64>, Reverse<Option<WallClock>>);

/// The most relevant first, then the newest. The bits of positive numbers ascend with them.
fn rank(score: f64, date: Option<WallClock>) -> Rank {
    (Reverse(score.max(0.0).to_bits()), Reverse(date))
}

/// [`Found`] as it is written, a piece at a time.
struct Answer {
    library: Arc<Library>,
    /// What is written before the next photo.
    before: String,
    /// What is found and isn't written, the next one last.
    ranked: Vec<(Rank, PhotoId)>,
    /// Photos of one score and date, the next one last.
    equal: Vec<(SourcePath, PhotoId)>,
    score: f64,
    /// How many photos may still be written.
    left: usize,
    is_begun: bool,
    is_over: bool,
}

/// About so many bytes are a piece.
const PIECE: usize = 64 << 10;

impl Answer {
    fn new(library: Arc<Library>, params: &SearchQuery) -> Result<Self, Failure> {
        let query = parse_query(&params.q).map_err(|e| Failure::query(&params.q, e))?;
        let within = shape::within(params.within_base64.as_ref())?;
        let found = library.evaluate(&query)?;
        let found = found & library.index().photos_below(within.as_bytes());
        let scores = library.store().relevance(&query.wanted_words())?;
        let scores: HashMap<_, _> = scores.into_iter().collect();
        let mut ranked = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
        library.index().for_each_sort_keys(&found, &mut |id, keys| {
            let score = scores.get(&id).copied().unwrap_or(0.0);
            ranked.push((rank(score, keys.date), id));
        });
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        // As it would be written whole, with no photos in it.
        let none = Found {
            query: query.to_string(),
            total: found.len(),
            photos: Vec::new(),
        };
        let before = serde_json::to_string(&none).expect("it has text for keys");
        Ok(Self {
            library,
            before: before.trim_end_matches("]}").into(),
            left: params.limit.unwrap_or(usize::MAX).min(ranked.len()),
            ranked,
            equal: Vec::new(),
            score: 0.0,
            is_begun: false,
            is_over: false,
        })
    }

    /// The next piece; nothing after the last.
    fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        let mut piece = std::mem::take(&mut self.before);
        while piece.len() < PIECE {
            let Some(hit) = self.next_hit() else {
                self.is_over = true;
                piece.push_str("]}");
                break;
            };
            if std::mem::replace(&mut self.is_begun, true) {
                piece.push(',');
            }
            piece.push_str(&serde_json::to_string(&hit).expect("it has text for keys"));
        }
        Some(piece)
    }

    /// The next photo that is still there.
    fn next_hit(&mut self) -> Option<Hit> {
        while self.left > 0 {
            if self.equal.is_empty() {
                self.rank_by_path();
            }
            let (_, id) = self.equal.pop()?;
            self.left -= 1;
            if let Some(photo) = self.library.index().photo(id) {
                return Some(hit(self.score, &photo));
            }
        }
        None
    }

    /// Takes those that are next, as far as they are wanted, in the order of their paths.
    fn rank_by_path(&mut self) {
        let Some(&(next, _)) = self.ranked.last() else {
            return;
        };
        self.score = f64::from_bits(next.0.0);
        let first = self.ranked.partition_point(|(rank, _)| *rank > next);
        let mut least = BinaryHeap::new();
        for (_, id) in self.ranked.drain(first..) {
            least.extend(self.library.index().photo(id).map(|p| (p.path, id)));
            if least.len() > self.left {
                least.pop();
            }
        }
        self.equal = least.into_sorted_vec();
        self.equal.reverse();
    }
}

fn hit(score: f64, photo: &Photo) -> Hit {
    Hit {
        path: (&photo.path).into(),
        id: photo.id.0,
        name: String::from_utf8_lossy(&photo.name).into_owned(),
        status: photo.status.into(),
        date: photo.date.map(|d| d.to_string()),
        score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Change, Edit, Facts, FileStat, Format};
    use crate::store::memory::Memory;

    fn library(photos: &[(&str, Option<u16>)]) -> Arc<Library> {
        let library = Library::load(Arc::new(Memory::default())).unwrap();
        let found = photos.iter().zip(1..).map(|(&(path, year), ino)| {
            let date = year.and_then(|year| WallClock::new(year, 1, 1, 0, 0, 0));
            let facts = Facts {
                date,
                ..Facts::of(Format::Jpeg)
            };
            Change::Found {
                known: None,
                path: SourcePath::new(path.as_bytes()),
                stat: FileStat {
                    ino,
                    ..FileStat::default()
                },
                facts: Box::new(facts),
            }
        });
        library.commit(&found.collect::<Vec<_>>()).unwrap();
        Arc::new(library)
    }

    /// What is found, and how long the longest piece is in which it is written.
    fn search(library: &Arc<Library>, q: &str, limit: Option<usize>) -> (Found, usize) {
        let params = SearchQuery {
            q: q.into(),
            limit,
            within_base64: None,
        };
        let answer = Answer::new(Arc::clone(library), &params).ok();
        let mut answer = answer.expect("it is a query");
        let pieces: Vec<_> = std::iter::from_fn(|| answer.next()).collect();
        let found = serde_json::from_str(&pieces.concat()).unwrap();
        let longest = pieces.iter().map(String::len).max();
        (found, longest.unwrap_or_default())
    }

    #[test]
    fn relevance_counts_before_date_and_date_before_path() {
        let library = library(&[
            ("b", None),
            ("a", None),
            ("new", Some(2024)),
            ("old", Some(2001)),
            ("newest", Some(2025)),
        ]);
        let check = |q: &str, limit, expected: &[&str]| {
            let (found, _) = search(&library, q, limit);
            let paths: Vec<_> = found.photos.iter().map(|hit| &hit.name[..]).collect();
            assert_eq!(paths, expected, "{q:?} {limit:?}");
            found.total
        };
        let all = ["newest", "new", "old", "a", "b"];
        assert_eq!(check("type:jpeg", None, &all), 5);
        assert_eq!(check("type:jpeg", Some(4), &all[..4]), 5);
        check("type:jpeg", Some(0), &[]);
        check("old", None, &["old"]);
        let old = library.index().by_path(&SourcePath::new(*b"old")).unwrap();
        let said = Change::edited(old, Edit::Tag("sea".into()));
        library.commit(&[said]).unwrap();
        check("sea OR type:jpeg", Some(2), &["old", "newest"]);
    }

    #[test]
    fn an_answer_comes_in_pieces_of_a_bounded_size() {
        let names: Vec<_> = (0..2000).map(|n| format!("folder/{n:04}")).collect();
        let photos: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
        let library = library(&photos);
        let (found, longest) = search(&library, "type:jpeg", None);
        let paths = found.photos.iter().map(|hit| hit.path.bytes());
        let expected = names.iter().map(|name| name.as_bytes().to_vec());
        assert!(paths.eq(expected));
        assert!(longest < PIECE + 1000, "{longest}");
        assert!(names.len() * 60 > longest, "there is more than one");
    }
}
