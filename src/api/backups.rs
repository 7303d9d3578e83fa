//! Backups of a catalog, as they are listed and brought back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The backups that are kept, and what comes next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackupList {
    /// Where they are.
    pub folder: String,
    /// The latest first.
    pub kept: Vec<ListedBackup>,
    /// Why none is made now; `null` where the next look makes one.
    #[schema(required)]
    pub not_now: Option<String>,
    /// Why the last try of this process failed.
    #[schema(required)]
    pub failed: Option<String>,
}

/// One backup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListedBackup {
    /// Its name in the folder.
    pub file: String,
    /// Seconds since 1970; `null` where the file can't be read.
    #[schema(required)]
    pub made: Option<i64>,
    /// Bytes of the file.
    pub bytes: u64,
    /// What people changed since; `null` where that isn't known.
    #[schema(required)]
    pub edits_since: Option<u64>,
    /// What servers answered since; `null` where that isn't known.
    #[schema(required)]
    pub answers_since: Option<u64>,
}

/// A backup that `kbasefs catalog restore` brought back.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// The file that it is a copy of.
    pub restored: String,
    /// Seconds since 1970; `null` of a copy that is no backup.
    pub made: Option<i64>,
    /// Where the catalog of before is; `null` where there was none.
    pub aside: Option<String>,
    /// What people had changed since; `null` where that isn't known.
    pub edits_since: Option<u64>,
    /// What servers had answered since; `null` where that isn't known.
    pub answers_since: Option<u64>,
}
