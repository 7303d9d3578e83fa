//! How a commit made the catalog look different.

use roaring::RoaringBitmap;

use super::alike::Regrouped;
use super::{FolderId, PackedNames};
use crate::catalog::{Facet, LabelKey, PhotoId, Status};

/// The difference, photo by photo, and what follows from it for folders.
#[derive(Debug, Default)]
pub struct Delta {
    /// Photos that came, changed or went; one may be there twice, when its copy came or went as well.
    pub photos: Vec<PhotoDelta>,
    /// Values of labels that are shown in another way now: the old way and the new.
    pub renamed: Vec<(Facet, String)>,
    /// Labels that a person made, or that are there only for their photos now.
    pub made: Vec<LabelKey>,
    /// Names under which a query is kept now, or another one, or none any more.
    pub saved: Vec<String>,
    /// Source folders that got their first photo or lost their last: their parent, their name.
    pub folders: Vec<(FolderId, Box<[u8]>)>,
    /// Photos that became recent or ceased to be.
    pub recent: RoaringBitmap,
    /// Photos that are in another group of duplicates.
    pub regrouped: Vec<Regrouped>,
    /// Whether the index was loaded anew: anything may look different, and nothing else here says what does.
    pub anew: bool,
    /// Whether all of it comes of analyses, which may show a little later: see
    /// [`Change::is_analysis`](crate::catalog::Change::is_analysis).
    pub may_wait: bool,
}

/// How one photo looked before, and looks now.
#[derive(Debug)]
pub struct PhotoDelta {
    /// The photo.
    pub id: PhotoId,
    /// `None` for a photo that is new.
    pub before: Option<PhotoSnapshot>,
    /// `None` for a photo that is gone.
    pub after: Option<PhotoSnapshot>,
}

/// Everything of a photo that decides where it is listed and under which name.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoSnapshot {
    /// The folder of the source that it is in.
    pub folder: FolderId,
    /// Its names and labels.
    pub packed: PackedNames,
    /// The rest that queries ask for.
    pub traits: Traits,
}

/// What queries ask of a photo beside its labels and its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traits {
    /// How far its analysis is.
    pub status: Status,
    /// As [`crate::catalog::Measure::Date`] counts it.
    pub day: Option<u64>,
    /// Bytes.
    pub size: u64,
    /// Pixels, upright; 0 where unknown.
    pub width: u32,
    /// Pixels, upright; 0 where unknown.
    pub height: u32,
    /// Whether a person said anything of it.
    pub edited: bool,
    /// Whether it is a picture of a screen.
    pub screenshot: bool,
    /// Whether another photo has the same hash.
    pub duplicate: bool,
}
