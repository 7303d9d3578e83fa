//! The catalog as a tree of folders and files, as the mount shows it.
//!
//! Views plan, the tree executes: a view turns the steps of a path into a [`Listing`] (data), and [`Tree`] is the one
//! place that walks listings, to list a folder and to look a name up in it alike. So whether a path exists follows
//! from its parent's listing. Knows nothing of FUSE, SQL or HTTP; tests drive it without a mount.

mod access;
mod attr;
mod edit;
mod error;
mod full_text;
mod generated;
mod inode;
mod listing;
mod naming;
mod open_dir;
mod path;
mod photos;
mod search;
mod stale;
mod texts;
mod tree;
pub mod views;
pub mod xattr;

pub use attr::{Attr, Kind};
pub use edit::{Draft, SetAttr};
pub use error::{Error, Result};
pub use inode::Inode;
pub use listing::{Edits, Folders, Listing, Photos};
pub use open_dir::{DirEntry, OpenDir};
pub use path::Step;
pub use search::Search;
pub use stale::Stale;
pub use tree::{Caller, Content, Options, Tree};
pub use xattr::folders::Catalog;
