//! From a query to the photos it means. [`Query::admits`] says what is right.

use roaring::RoaringBitmap;

use super::{Inner, LabelId};
use crate::catalog::{Query, Status};

impl Inner {
    pub fn evaluate(&self, query: &Query, words: &dyn Fn(&str) -> RoaringBitmap) -> RoaringBitmap {
        match query {
            Query::All => self.all.clone(),
            Query::Label(key) => self.labels.photos(key).cloned().unwrap_or_default(),
            Query::Facet(facet) => self.labels.photos_of_facet(*facet),
            Query::Status(status) => self.status[*status as usize].clone(),
            Query::Words(text) => words(text) & &self.all,
            Query::And(all) => self.intersection(all, words),
            Query::Or(any) => {
                let each = any.iter().map(|q| self.evaluate(q, words));
                each.fold(RoaringBitmap::new(), |sum, photos| sum | photos)
            }
            Query::Not(q) => &self.all - self.evaluate(q, words),
        }
    }

    fn intersection(&self, all: &[Query], words: &dyn Fn(&str) -> RoaringBitmap) -> RoaringBitmap {
        let Some((first, rest)) = all.split_first() else {
            return self.all.clone();
        };
        rest.iter()
            .fold(self.evaluate(first, words), |photos, q| match q {
                Query::Not(q) => photos - self.evaluate(q, words),
                q => photos & self.evaluate(q, words),
            })
    }

    /// The same for one photo, given its labels, ascending. Full text never holds.
    pub fn admits(&self, query: &Query, labels: &[LabelId], status: Status) -> bool {
        let admits = |q: &Query| self.admits(q, labels, status);
        match query {
            Query::All => true,
            Query::Label(key) => {
                let id = self.labels.id(key);
                id.is_some_and(|id| labels.binary_search(&id).is_ok())
            }
            Query::Facet(facet) => labels.iter().any(|&l| self.labels.facet(l) == *facet),
            Query::Status(wanted) => *wanted == status,
            Query::Words(_) => false,
            Query::And(all) => all.iter().all(admits),
            Query::Or(any) => any.iter().any(admits),
            Query::Not(q) => !admits(q),
        }
    }
}
