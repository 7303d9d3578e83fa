//! The words that every layer shares: photos, labels, queries, analyses, edits, changes.
//!
//! Plain values without I/O. Nothing here knows of SQL, FUSE, HTTP or a disk, and nothing here
//! imports another module of the crate.

mod analysis;
mod change;
mod date;
mod edit;
mod escape;
mod facts;
mod label;
mod measured;
mod photo;
mod plain;
mod provider_usage;
mod query;
mod saved;
mod screenshot;
mod stored;
mod survival;
mod text;

pub use analysis::{Analysis, Answer, Tag};
pub(crate) use change::Text;
pub use change::{Change, Detail, Effect, Entry, TextField};
pub use date::{DateSource, WallClock};
pub use edit::{Act, ActId, Actor, Deed, Done, Edit, Role, Said, Slot, Trace};
pub(crate) use edit::{said, said_by_sidecar};
pub use escape::{cut, escape, unescape};
pub use facts::{Facts, Position};
pub use label::{Facet, Label, LabelKey, Origin};
pub use measured::Measured;
pub use photo::{ContentHash, FileStat, Format, GonePhoto, Photo, PhotoId, SourcePath, Status};
pub(crate) use plain::plain_text;
pub use provider_usage::{Declined, Spent};
#[cfg(test)]
pub(crate) use query::Candidate;
pub(crate) use query::{FIELDS, Measure, QueryError, Searched, Span, State, day, pixels};
pub use query::{FolderPattern, Pattern, Query, Words, parse as parse_query};
pub use saved::saved_name;
pub use stored::{Numbering, Stored};
pub use survival::{Event, Fate};
pub use text::{clean, fold};
