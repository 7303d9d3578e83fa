//! Queries that people keep under a name.

use std::collections::BTreeMap;

/// A query that is kept. Its number stays while it is.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedQuery {
    /// By what its folder is known for as long as it is kept.
    pub number: u32,
    /// What its folder is called.
    pub name: String,
    /// As it was written.
    pub query: String,
}

/// All queries that are kept.
#[derive(Default)]
pub struct Saved {
    by_name: BTreeMap<String, SavedQuery>,
    last: u32,
}

impl Saved {
    /// Keeps a query in the place of an earlier one of this name; forgets it without one.
    pub fn put(&mut self, name: &str, query: Option<String>) {
        let known = self.by_name.remove(name);
        let Some(query) = query else {
            return;
        };
        let number = known.map_or(self.last + 1, |saved| saved.number);
        self.last = self.last.max(number);
        let saved = SavedQuery {
            number,
            name: name.to_owned(),
            query,
        };
        self.by_name.insert(name.to_owned(), saved);
    }

    /// The query that is kept under a name.
    pub fn get(&self, name: &str) -> Option<&SavedQuery> {
        self.by_name.get(name)
    }

    /// In order of name.
    pub fn all(&self) -> impl Iterator<Item = &SavedQuery> {
        self.by_name.values()
    }
}
