//! Pictures themselves: thumbnails, and originals with ranges. Named by number only.

use std::fs::File;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRef, Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::super::failure::Failure;
use super::page::Mistake;
use super::{Decoding, assets, at_source, blocking};
use crate::analysis::{Access, Scheduler};
use crate::blocking::unblock;
use crate::catalog::{FileStat, Photo, PhotoId, SourcePath};
use crate::library::Library;
use crate::media::formats::shown_by_browsers;
use crate::source_files::SourceFiles;
use crate::thumbnails::{Size, Thumbnails};
use crate::web::{Options, Parts};

/// What thumbnails are made of.
#[derive(Clone)]
pub struct ThumbnailSources {
    library: Arc<Library>,
    source_files: Arc<SourceFiles>,
    scheduler: Arc<Scheduler>,
    thumbnails: Arc<Thumbnails>,
    decoding: Decoding,
    options: Options,
}

impl FromRef<Parts> for ThumbnailSources {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            library: FromRef::from_ref(parts),
            source_files: FromRef::from_ref(parts),
            scheduler: FromRef::from_ref(parts),
            thumbnails: FromRef::from_ref(parts),
            decoding: FromRef::from_ref(parts),
            options: FromRef::from_ref(parts),
        }
    }
}

pub async fn thumbnail(
    State(from): State<ThumbnailSources>,
    Path((id, pixels)): Path<(u32, u32)>,
) -> Result<Response, Mistake> {
    let size = Size::of_pixels(pixels)
        .ok_or_else(|| Failure::not_found("no such size", "256, 512 or 1024"))?;
    let photo = there(&from.library, id).await?;
    let _turn = from.decoding.turn().await?;
    let kept = assets::kept(from.options.assets_kept);
    let source_files = Arc::clone(&from.source_files);
    let thumbnail = at_source(&source_files, move || {
        if size == Size::Screen {
            from.scheduler.accessed(photo.id, Access::Read);
        }
        Ok(from.thumbnails.get(&from.source_files, &photo, size))
    });
    let jpeg = match thumbnail.await? {
        Ok(jpeg) => jpeg,
        Err(error) => {
            tracing::debug!("no thumbnail of photo {id}: {error}");
            return Ok(assets::no_picture(&error.to_string())?);
        }
    };
    let headers = [
        (CONTENT_TYPE, "image/jpeg".to_owned()),
        (CACHE_CONTROL, kept),
    ];
    Ok((headers, jpeg).into_response())
}

/// The same from a task, which would wait as long as the index is being loaded.
pub async fn there(library: &Arc<Library>, id: u32) -> Result<Photo, Failure> {
    let library = Arc::clone(library);
    blocking(move || photo(&library, id)).await
}

/// A photo that the catalog has.
pub fn photo(library: &Library, id: u32) -> Result<Photo, Failure> {
    let gone = || Failure::not_found("the catalog has no such photo", "it may have been deleted");
    library.index().photo(PhotoId(id)).ok_or_else(gone)
}

/// The file as it is.
pub async fn original(
    State(library): State<Arc<Library>>,
    State(scheduler): State<Arc<Scheduler>>,
    State(source_files): State<Arc<SourceFiles>>,
    Path(id): Path<u32>,
    headers: HeaderMap,
) -> Result<Response, Mistake> {
    let photo = there(&library, id).await?;
    let path = photo.path.clone();
    let source = Arc::clone(&source_files);
    let opened = at_source(&source_files, move || {
        scheduler.accessed(PhotoId(id), Access::Read);
        let unread = |e| {
            Failure::not_found(
                format!("the file cannot be read: {e}"),
                "the source folder may be away",
            )
        };
        source.read_in_time(&path).map_err(unread)
    });
    let (file, stat) = opened.await?;
    let tag = tag(&photo, &stat);
    let requested = headers.get(RANGE).and_then(|v| v.to_str().ok());
    let same = headers.get(IF_RANGE).is_none_or(|given| *given == tag);
    let range = match requested
        .filter(|_| same)
        .map(|range| Range::parse(range, stat.size))
    {
        None | Some(RequestedRange::Nothing) => None,
        Some(RequestedRange::Part(range)) => Some(range),
        Some(RequestedRange::Beyond) => {
            let whole = [(CONTENT_RANGE, format!("bytes */{}", stat.size))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response());
        }
    };
    let original = Original {
        source_files,
        path: photo.path.clone(),
        file: Arc::new(file),
    };
    let mut response = send(original, stat.size, range);
    for (name, value) in [
        (
            CONTENT_TYPE,
            shown_by_browsers(photo.format)
                .unwrap_or("application/octet-stream")
                .to_owned(),
        ),
        (CONTENT_DISPOSITION, disposition(&photo.path)),
        (ETAG, tag),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
    ] {
        let value = value
            .parse()
            .map_err(|_| Failure::internal(format!("{name} of photo {id}")))?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Another one for other bytes. Where the disk noted a change that no scan has looked into, it may be one of them.
fn tag(photo: &Photo, now: &FileStat) -> String {
    let edition = match now.same_change(&photo.stat) {
        true => format!("{}", photo.edition),
        false => format!("{:x}", now.ctime_ns),
    };
    format!("\"{:x}-{:x}-{edition}\"", now.mtime_ns, now.size)
}

fn disposition(path: &SourcePath) -> String {
    let name: String = path
        .file_name()
        .iter()
        .map(
            |&b| match b.is_ascii_alphanumeric() || b"-._".contains(&b) {
                true => char::from(b).to_string(),
                false => format!("%{b:02X}"),
            },
        )
        .collect();
    format!("inline; filename*=UTF-8''{name}")
}

/// A file that is being sent.
struct Original {
    source_files: Arc<SourceFiles>,
    path: SourcePath,
    file: Arc<File>,
}

/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;

impl Original {
    /// A part of it, piece by piece; it breaks off where the disk doesn't answer.
    fn pieces(self, part: Range) -> impl Stream<Item = io::Result<Bytes>> {
        try_unfold((self, part), |(original, left)| async move {
            if left.length == 0 {
                return Ok(None);
            }
            let piece = original.piece(left).await?;
            let read = piece.len() as u64;
            let left = Range {
                first: left.first + read,
                length: left.length - read,
            };
            Ok(Some((piece, (original, left))))
        })
    }

    async fn piece(&self, left: Range) -> io::Result<Bytes> {
        let length = usize::try_from(left.length).map_or(PIECE, |length| length.min(PIECE));
        let (source, path) = (Arc::clone(&self.source_files), self.path.clone());
        let file = Arc::clone(&self.file);
        let permit = self.source_files.limiter().permit().await;
        let piece = unblock(move || {
            let piece = source.piece(&path, file, left.first, length);
            drop(permit);
            piece
        })
        .await?;
        match piece.is_empty() {
            // It became shorter meanwhile, and its length is said already.
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(piece.into()),
        }
    }
}

fn send(original: Original, size: u64, range: Option<Range>) -> Response {
    let part = range.unwrap_or(Range {
        first: 0,
        length: size,
    });
    let body = Body::from_stream(original.pieces(part));
    let mut headers = vec![
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CONTENT_LENGTH, part.length.to_string()),
    ];
    let status = match range {
        None => StatusCode::OK,
        Some(Range { first, length }) => {
            headers.push((
                CONTENT_RANGE,
                format!("bytes {first}-{}/{size}", first + length - 1),
            ));
            StatusCode::PARTIAL_CONTENT
        }
    };
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| (name, value.parse().expect("numbers are values of headers")))
        .collect();
    (status, headers, body).into_response()
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    first: u64,
    length: u64,
}

#[derive(Debug, PartialEq)]
enum RequestedRange {
    /// No range, or more than this server cares to understand: the whole file is a good answer.
    Nothing,
    Part(Range),
    Beyond,
}

impl Range {
    fn parse(text: &str, size: u64) -> RequestedRange {
        let Some((first, last)) = text
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'))
        else {
            return RequestedRange::Nothing;
        };
        let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => (first, last),
            (Ok(first), Err(_)) if last.is_empty() => (first, u64::MAX),
            (Err(_), Ok(0)) if first.is_empty() => return RequestedRange::Beyond,
            (Err(_), Ok(length)) if first.is_empty() => (size.saturating_sub(length), u64::MAX),
            _ => return RequestedRange::Nothing,
        };
        match first < size {
            true => RequestedRange::Part(Range {
                first,
                length: last.min(size - 1) - first + 1,
            }),
            false => RequestedRange::Beyond,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parts_of_the_file() {
        let part = |first, length| RequestedRange::Part(Range { first, length });
        for (text, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-", part(2, 8)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-99", part(0, 10)),
            ("bytes=5-999", part(5, 5)),
            ("bytes=10-", RequestedRange::Beyond),
            ("bytes=-0", RequestedRange::Beyond),
            ("bytes=3-2", RequestedRange::Nothing),
            ("bytes=0-1,3-4", RequestedRange::Nothing),
            ("lines=0-1", RequestedRange::Nothing),
            ("bytes=a-b", RequestedRange::Nothing),
        ] {
            assert_eq!(Range::parse(text, 10), expected, "{text}");
        }
        assert_eq!(Range::parse("bytes=0-", 0), RequestedRange::Beyond);
    }

    #[test]
    fn a_name_for_saving_is_ascii_whatever_it_holds() {
        let path = SourcePath::new(*b"a/\xff \"\r\n;.jpg");
        assert_eq!(
            disposition(&path),
            "inline; filename*=UTF-8''%FF%20%22%0D%0A%3B.jpg"
        );
    }
}
