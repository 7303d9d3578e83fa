//! How a commit made the catalog look different.

use super::{FolderId, LabelId};
use crate::catalog::{Facet, PhotoId, Status};

/// The difference, photo by photo, and the folders that came into being or emptied by it.
#[derive(Debug, Default)]
pub struct Delta {
    pub photos: Vec<PhotoDelta>,
    /// Labels that a first photo took on or a last one lost. A label may be in it more than once, and may be back.
    pub labels: Vec<(LabelId, Facet, String)>,
    /// Source folders that got their first photo or lost their last, with their parent and name.
    pub folders: Vec<(FolderId, Box<[u8]>)>,
}

#[derive(Debug)]
pub struct PhotoDelta {
    pub id: PhotoId,
    /// `None` for a photo that is new.
    pub before: Option<Face>,
    /// `None` for a photo that is gone.
    pub after: Option<Face>,
}

/// Everything of a photo that decides where it is listed and under which name.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    pub folder: FolderId,
    pub file_name: Box<[u8]>,
    pub name: Box<[u8]>,
    /// Ascending.
    pub labels: Box<[LabelId]>,
    pub status: Status,
}
