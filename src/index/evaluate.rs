//! From a query to the photos it means. [`Query::admits`] says what is right.

use roaring::RoaringBitmap;

use super::Inner;
use crate::catalog::Query;

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
}
