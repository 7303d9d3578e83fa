//! The catalog as a tree of folders and files, as the mount shows it.
//!
//! Views plan, the rest executes: a view turns the steps of a path into a `Listing`, by which [`Namespace`] lists a folder
//! and looks a name up in it alike, and [`Invalidation`] says what of it is stale. So whether a path exists follows from its
//! parent's listing. [`Editor`] does what ordinary commands change, [`Attributes`] what `getfattr` and `setfattr` ask for;
//! [`Tree`] holds them together. Knows nothing of FUSE, SQL or HTTP; tests drive it without a mount.

mod access;
mod attr;
mod edit;
mod error;
mod full_text;
mod generated;
mod inode;
mod listing;
mod namespace;
mod naming;
mod open_dir;
mod path;
mod search;
mod stale;
mod texts;
mod tree;
mod views;
pub(crate) mod xattr;

pub use attr::{Attr, Kind};
pub use edit::{Draft, Editor, SetAttr};
pub use error::{Error, Result};
pub use inode::Inode;
pub(crate) use listing::{Editable, Listing};
pub use namespace::Namespace;
pub use open_dir::{DirEntry, OpenDir};
pub(crate) use path::Step;
pub(crate) use search::Search;
pub use stale::{Invalidation, Stale};
pub use tree::{Caller, Content, Options, Tree};
pub use xattr::Attributes;
pub use xattr::folders::Catalog;
