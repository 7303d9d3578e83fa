//! The JSON of a photo. A path that is not UTF-8 appears lossily, with its bytes as base64 beside it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::catalog::{Detail, Facet, Label, PhotoId, SourcePath, TextField};
use crate::library::Library;
use crate::monitor::Instance;
use crate::source::{At, Scanner};

/// A photo as a request names it: by its number, or by its path relative to the source as URL-safe base64.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    id: Option<u32>,
    path_base64: Option<String>,
}

impl Named {
    /// The photo that is named. A file is the photo that the catalog knows at its path only as long as it is that file.
    pub fn resolve(&self, library: &Library, scanner: &Scanner) -> Result<PhotoId, Failure> {
        match self.place()? {
            Place::Id(id) => library.index().photo(id).map(|photo| photo.id),
            Place::Path(path) => match scanner.known_at(&path)? {
                At::Photo(id) => Some(id),
                At::Another => return Err(changed(&path)),
                At::Nothing => None,
            },
        }
        .ok_or_else(unknown)
    }

    /// The same for an edit: where the file is new or isn't what the catalog knows, its folder is looked at again.
    pub fn resolve_for_edit(
        &self,
        library: &Library,
        scanner: &Scanner,
    ) -> Result<PhotoId, Failure> {
        if let Place::Path(path) = self.place()?
            && !matches!(scanner.known_at(&path)?, At::Photo(_))
        {
            scanner.scan_below(&SourcePath::new(path.folder()))?;
        }
        self.resolve(library, scanner)
    }

    fn place(&self) -> Result<Place, Failure> {
        match (self.id, &self.path_base64) {
            (Some(id), None) => Ok(Place::Id(PhotoId(id))),
            (None, Some(text)) => {
                let bytes = URL_SAFE_NO_PAD.decode(text);
                let bytes = bytes.map_err(|_| Failure::bad_request("path_base64 is no base64"))?;
                Ok(Place::Path(SourcePath::new(bytes)))
            }
            _ => Err(Failure::bad_request("name a photo by id or by path_base64")),
        }
    }
}

enum Place {
    Id(PhotoId),
    Path(SourcePath),
}

fn unknown() -> Failure {
    let hint = "run `kbasefs scan` if the file is new";
    Failure::not_found("the catalog has no such photo", hint)
}

fn changed(path: &SourcePath) -> Failure {
    let error = format!("{path}: the file has changed since the last scan");
    Failure::refused(
        StatusCode::CONFLICT,
        &error,
        "run `kbasefs scan`, then again",
    )
}

/// A file or folder outside the source, absolute: its bytes as URL-safe base64.
#[derive(Clone, Debug, Deserialize)]
pub struct FilePath {
    path_base64: String,
}

impl FilePath {
    /// In the mount of this process nothing can be read or written by it: it would wait for itself.
    pub fn resolve(&self, instance: &Instance) -> Result<PathBuf, Failure> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.path_base64);
        let bytes = bytes.map_err(|_| Failure::bad_request("path_base64 is no base64"))?;
        let path = PathBuf::from(OsString::from_vec(bytes));
        if instance
            .mountpoint()
            .is_some_and(|mount| path.starts_with(mount))
        {
            return Err(Failure::bad_request("the path is in the mount"));
        }
        match path.is_absolute() {
            true => Ok(path),
            false => Err(Failure::bad_request("the path is not absolute")),
        }
    }
}

/// The folder of the source that a request is about, as URL-safe base64; the empty one, all of it, when it names none.
pub fn within(named: Option<&str>) -> Result<SourcePath, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(named.unwrap_or_default());
    let bytes = bytes.map_err(|_| Failure::bad_request("within_base64 is no base64"))?;
    Ok(SourcePath::new(bytes))
}

/// The path of a photo relative to the source.
#[derive(Debug, Serialize)]
pub struct PathShape {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
}

impl From<&SourcePath> for PathShape {
    fn from(path: &SourcePath) -> Self {
        let bytes = path.as_bytes();
        let lossy = std::str::from_utf8(bytes).is_err();
        Self {
            path: String::from_utf8_lossy(bytes).into_owned(),
            path_base64: lossy.then(|| URL_SAFE_NO_PAD.encode(bytes)),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct TagShape {
    name: String,
    origin: &'static str,
    /// Of a model's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    analyzer: Option<Box<str>>,
    /// 0 to 1.
    confidence: f32,
}

/// Everything known of a photo.
#[derive(Debug, Serialize)]
pub struct PhotoShape {
    #[serde(flatten)]
    pub path: PathShape,
    id: u32,
    /// In every view but `all/`.
    name: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    hash: Option<String>,
    size: u64,
    format: &'static str,
    width: u32,
    height: u32,
    date: Option<String>,
    date_source: Option<&'static str>,
    camera: Option<String>,
    lens: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    country: Option<String>,
    city: Option<String>,
    rating: Option<u8>,
    colors: Vec<String>,
    title: Option<String>,
    description: Option<String>,
    tags: Vec<TagShape>,
    models: Vec<String>,
}

impl PhotoShape {
    /// Says why there is no description yet, unless the analysis failed.
    pub fn because(self, why: Option<String>) -> Self {
        let reason = self.reason.or(why);
        Self { reason, ..self }
    }
}

impl From<&Detail> for PhotoShape {
    fn from(detail: &Detail) -> Self {
        let (photo, facts) = (&detail.entry.photo, &detail.facts);
        let text = |field| detail.text(field).map(|t| t.value.clone());
        Self {
            path: (&photo.path).into(),
            id: photo.id.0,
            name: String::from_utf8_lossy(&photo.name).into_owned(),
            status: photo.status.name(),
            reason: detail.failure.clone(),
            hash: photo.hash.map(|h| h.to_string()),
            size: photo.stat.size,
            format: photo.format.name(),
            width: facts.width,
            height: facts.height,
            date: photo.date.map(|d| d.to_string()),
            date_source: facts.date_source.map(|s| s.name()),
            camera: facts.camera.clone(),
            lens: facts.lens.clone(),
            latitude: facts.position.map(|p| p.latitude),
            longitude: facts.position.map(|p| p.longitude),
            country: facts.country.clone(),
            city: facts.city.clone(),
            rating: values(detail, Facet::Rating)
                .first()
                .and_then(|r| r.parse().ok()),
            colors: values(detail, Facet::Color),
            title: text(TextField::Title),
            description: text(TextField::Description),
            tags: tags(detail),
            models: detail
                .analyses
                .iter()
                .map(|(_, model, _)| model.clone())
                .collect(),
        }
    }
}

/// The values of a facet that hold, the surest first.
fn values(detail: &Detail, facet: Facet) -> Vec<String> {
    let labels = holding(detail, facet);
    labels.into_iter().map(|l| l.value.clone()).collect()
}

fn tags(detail: &Detail) -> Vec<TagShape> {
    let tags = holding(detail, Facet::Tag).into_iter();
    let shape = |tag: &Label| TagShape {
        name: tag.value.clone(),
        origin: tag.origin.name(),
        analyzer: tag.analyzer.clone(),
        confidence: tag.confidence,
    };
    tags.map(shape).collect()
}

fn holding(detail: &Detail, facet: Facet) -> Vec<&Label> {
    let mut labels = Label::effective(&detail.entry.labels);
    labels.retain(|l| l.facet == facet);
    labels.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    labels
}
