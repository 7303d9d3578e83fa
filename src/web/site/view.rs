//! What somebody looks at: a query and an order, and the photos that they mean. It is whole in the address.

use roaring::RoaringBitmap;
use serde::Deserialize;

use super::super::failure::Failure;
use super::order::{Order, Scores};
use super::page;
use crate::analysis::{Access, Scheduler};
use crate::api::Sort;
use crate::catalog::{Query, Status, parse_query};
use crate::library::Library;

/// The part of an address that says what is looked at.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ViewQuery {
    #[serde(default)]
    pub q: String,
    pub sort: Option<Sort>,
}

/// The photos that are meant, found.
pub struct View {
    pub view_query: ViewQuery,
    pub query: Query,
    pub sort: Sort,
    pub photos: RoaringBitmap,
    pub scores: Scores,
}

impl View {
    /// May block on the disk.
    pub fn find(library: &Library, view_query: &ViewQuery) -> Result<Self, Failure> {
        let query = parse_query(&view_query.q).map_err(|e| Failure::query(&view_query.q, e))?;
        let words = query.wanted_words();
        let usual = if words.is_empty() {
            Sort::Newest
        } else {
            Sort::Relevance
        };
        let sort = view_query.sort.unwrap_or(usual);
        let scores = match sort {
            Sort::Relevance => library.store().relevance(&words)?.into_iter().collect(),
            _ => Scores::default(),
        };
        Ok(Self {
            photos: library.evaluate(&query)?,
            view_query: view_query.clone(),
            query,
            sort,
            scores,
        })
    }

    pub fn order<'a>(&'a self, library: &'a Library) -> Order<'a> {
        Order {
            index: library.index(),
            photos: &self.photos,
            sort: self.sort,
            scores: &self.scores,
        }
    }

    /// Looking is an access to what is shown, or would be if it were analysed: the same as opening a folder.
    pub fn is_looked_at(&self, library: &Library, scheduler: &Scheduler, shown: RoaringBitmap) {
        let pending = library.index().photos_with(Status::Pending);
        let meant = match self.query.needs_analyses() {
            true => pending,
            false => pending & shown,
        };
        if !meant.is_empty() {
            scheduler.accessed_all(meant, Access::Listed);
        }
    }
}

impl ViewQuery {
    pub fn sort_name(&self) -> &'static str {
        self.sort.map_or("", Sort::name)
    }

    /// An address that keeps what is looked at.
    pub fn link(&self, path: &str) -> String {
        page::link(path, &[("q", &self.q), ("sort", self.sort_name())])
    }
}
