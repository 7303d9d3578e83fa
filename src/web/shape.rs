//! What requests name, found in the catalog; and what the catalog knows of a photo, as the API says it.

use std::fmt;
use std::path::PathBuf;

use axum::http::StatusCode;

use super::failure::Failure;
use crate::api::{EncodedPath, FilePath, Photo, PhotoName, PhotoPath, PhotoStatus, Tag, TagOrigin};
use crate::catalog::{Detail, Facet, Label, Origin, PhotoId, SourcePath, Status, TextField};
use crate::library::Library;
use crate::monitor::Instance;
use crate::source::{At, Scanner};

impl PhotoName {
    /// Whether it is named by its path: the file there has to be looked at.
    pub fn is_path(&self) -> bool {
        self.path_base64.is_some()
    }

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

    /// What it says of where the photo is.
    pub fn place(&self) -> Result<Place, Failure> {
        match (self.id, &self.path_base64) {
            (Some(id), None) => Ok(Place::Id(PhotoId(id))),
            (None, Some(path)) => {
                let bytes = path.bytes();
                let bytes =
                    bytes.ok_or_else(|| Failure::bad_request("path_base64 is no base64"))?;
                Ok(Place::Path(SourcePath::new(bytes)))
            }
            _ => Err(Failure::bad_request("name a photo by id or by path_base64")),
        }
    }
}

/// By what a photo is named.
pub enum Place {
    Id(PhotoId),
    Path(SourcePath),
}

impl Place {
    /// Whether a photo with this number and path is meant.
    pub fn is_of(&self, id: PhotoId, path: &SourcePath) -> bool {
        match self {
            Self::Id(meant) => *meant == id,
            Self::Path(meant) => meant == path,
        }
    }

    /// Whether the catalog has it, and it isn't gone.
    pub fn is_present(&self, library: &Library) -> bool {
        match self {
            Self::Id(id) => library.index().photo(*id).is_some(),
            Self::Path(path) => library.index().by_path(path).is_some(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "photo {id}"),
            Self::Path(path) => write!(f, "{path}"),
        }
    }
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

impl FilePath {
    /// In the mount of this process nothing can be read or written by it: it would wait for itself.
    pub fn resolve(&self, instance: &Instance) -> Result<PathBuf, Failure> {
        let path = self.path_base64.path();
        let path = path.ok_or_else(|| Failure::bad_request("path_base64 is no base64"))?;
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

/// The folder of the source that a request is about; the empty one, all of it, when it names none.
pub fn within(named: Option<&EncodedPath>) -> Result<SourcePath, Failure> {
    let bytes = named.map_or(Some(Vec::new()), EncodedPath::bytes);
    let bytes = bytes.ok_or_else(|| Failure::bad_request("within_base64 is no base64"))?;
    Ok(SourcePath::new(bytes))
}

impl From<&SourcePath> for PhotoPath {
    fn from(path: &SourcePath) -> Self {
        Self::of(path.as_bytes())
    }
}

impl From<Status> for PhotoStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Analyzed => Self::Analyzed,
            Status::Failed => Self::Failed,
            Status::Unsupported => Self::Unsupported,
        }
    }
}

impl From<Origin> for TagOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Human => Self::Human,
            Origin::Xmp => Self::Xmp,
            Origin::File => Self::File,
            Origin::Remote => Self::Remote,
            Origin::Embedded => Self::Embedded,
        }
    }
}

impl Photo {
    /// Says why there is no description yet, unless the analysis failed.
    pub fn because(self, why: Option<String>) -> Self {
        let reason = self.reason.or(why);
        Self { reason, ..self }
    }
}

impl From<&Detail> for Photo {
    fn from(detail: &Detail) -> Self {
        let (photo, facts) = (&detail.entry.photo, &detail.facts);
        let text = |field| detail.text(field).map(|t| t.value.clone());
        Self {
            path: (&photo.path).into(),
            id: photo.id.0,
            name: String::from_utf8_lossy(&photo.name).into_owned(),
            status: photo.status.into(),
            reason: detail.failure.clone(),
            hash: photo.hash.map(|h| h.to_string()),
            size: photo.stat.size,
            format: photo.format.name().into(),
            width: facts.width,
            height: facts.height,
            date: photo.date.map(|d| d.to_string()),
            date_source: facts.date_source.map(|s| s.name().to_owned()),
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
            tags_closed: detail.has_closed_list(),
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

fn tags(detail: &Detail) -> Vec<Tag> {
    let tags = holding(detail, Facet::Tag).into_iter();
    let shape = |tag: &Label| Tag {
        name: tag.value.clone(),
        origin: tag.origin.into(),
        analyzer: tag.analyzer.as_deref().map(str::to_owned),
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
