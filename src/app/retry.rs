//! Photos that could not be looked at, given another chance.

use super::{App, Error};
use crate::analysis::Access;
use crate::catalog::{Change, Detail, Origin, PhotoId, Status};

impl App {
    /// Has every photo that failed looked at again, now. Gives how many there are. Blocks on the disk.
    pub fn retry_all(&self) -> Result<usize, Error> {
        let failed = self.library.index().photos_with(Status::Failed);
        let failed: Vec<_> = failed.iter().map(PhotoId).collect();
        self.retry_now(&failed)
    }

    /// The same of these photos.
    pub fn retry_now(&self, photos: &[PhotoId]) -> Result<usize, Error> {
        let count = self.retry(photos)?;
        let asked = photos.iter();
        asked.for_each(|photo| self.scheduler.accessed(*photo, Access::Asked));
        Ok(count)
    }

    /// Those of these photos that failed wait for an analysis again, as if their files had just come; what people and
    /// sidecars said stays. Gives how many there are. Blocks on the disk.
    pub fn retry(&self, photos: &[PhotoId]) -> Result<usize, Error> {
        let mut count = 0;
        for chunk in photos.chunks(self.config.batch_size) {
            let mut changes = Vec::new();
            for &id in chunk {
                let detail = self.library.detail(id)?;
                let failed = detail.filter(|d| d.entry.photo.status == Status::Failed);
                count += usize::from(failed.is_some());
                changes.extend(failed.into_iter().flat_map(anew));
            }
            self.library.commit(&changes)?;
        }
        Ok(count)
    }
}

fn anew(detail: Detail) -> [Change; 2] {
    let photo = detail.entry.photo;
    let (mut labels, mut texts) = (detail.entry.labels, detail.texts);
    labels.retain(|label| label.origin == Origin::Xmp);
    texts.retain(|text| text.origin == Origin::Xmp);
    let found = Change::Found {
        known: Some(photo.id),
        path: photo.path,
        stat: photo.stat,
        facts: Box::new(detail.facts),
    };
    let sidecar = Change::Sidecar {
        id: photo.id,
        labels,
        texts,
    };
    [found, sidecar]
}
