//! What is asked of a catalog's process, and what is answered: the JSON of the API and of `--json`, as plain types. The
//! handlers answer with them, the commands read them, and the description of the API is made of them.
//!
//! Knows nobody: neither how something is answered, nor what is done with the answer.
//!
//! - Sizes are bytes; durations are seconds, their names end in `_s` or `seconds`; moments are seconds since 1970.
//! - Confidences and rates of hits are 0 to 1. Costs are in the currency of the prices that the settings name.
//! - What isn't known is `null`; only what is said to be missing is left out.
//! - Fields stay. A process that was started before an update doesn't know those that came with it, so what is asked of
//!   a process of any version has defaults: [`CatalogIdentity`], [`Unkept`].

mod analyze;
mod backups;
mod browse;
mod catalog;
mod doctor;
mod exchange;
mod failure;
mod gone;
mod history;
mod page;
mod path;
mod photo;
mod provider;
mod pulse;
mod saved;
mod scan;
mod search;
mod status;
mod tag;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use analyze::{
    AnalyzeLine, AnalyzeRequest, AnalyzeResult, AnalyzedPhoto, AnalyzedSum, Estimate,
    PHOTOS_HEADER, PauseRequest, Paused, ProviderEstimate, Retried, UnreadPhoto,
};
pub use backups::{BackupList, ListedBackup, Restored};
pub use browse::{
    Choice, Facets, FacetsQuery, PhotoPage, PhotosQuery, Sort, TagCount, Tags, TagsQuery,
};
pub use catalog::{
    AdoptRequest, Adopted, CATALOG_HEADER, CatalogCheck, CatalogIdentity, CatalogQuery,
    KeptCatalog, VacuumRequest, Vacuumed,
};
pub use doctor::{Diagnosis, Finding, FindingState};
pub use exchange::{ExchangeReport, ExportRequest, FailedFile, ImportRequest};
pub use failure::FailureBody;
pub use gone::{
    GiveWordsRequest, GivenWords, GonePhoto, GonePhotos, GoneQuery, Successor, WordsPair,
};
pub use history::{
    Act, By, Log, LogQuery, RedoRequest, TakenBack, TakenBackActs, TakenBackResult, UndoRequest,
};
pub use page::{OpenPageRequest, OpenedPage};
pub use path::{EncodedPath, FilePath, PhotoPath};
pub use photo::{Photo, PhotoName, PhotoStatus, Tag, TagOrigin};
pub use provider::{ProviderAnswer, ProviderAnswerTag, ProviderTest};
pub use pulse::{
    Bill, Count, Cpu, Ends, HostUse, Latency, Memory, PulseQuery, Share, Snapshot, Trouble,
};
pub use saved::{SaveRequest, Saved};
pub use scan::{ScanReport, ScanRequest};
pub use search::{Found, Hit, SearchQuery};
pub use status::{CacheHits, Provider, Status, StatusQuery, UnkeptQuery};
pub use tag::{TagRequest, Tagged};

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Its fields are the query.
    Get,
    /// It is the body, as JSON.
    Post,
}

/// A request of the API, and what answers it.
pub trait Request: Serialize {
    /// How it is sent.
    const METHOD: Method;
    /// Where to.
    const PATH: &'static str;
    /// What comes back where nothing goes wrong.
    type Answer: DeserializeOwned;
}
