//! Backups that a process makes by itself: when something that a person said or paid for has changed, once a day.
//!
//! A backup has its name only once all of it was looked at, and no older one goes before that: a damaged catalog never
//! takes the place of a sound copy. What decides is in the files themselves, so that restarts, other processes and clocks
//! that are set change nothing.

mod conditions;
mod kept;

use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use conditions::POWER;
use jiff::Timestamp;
pub use kept::Backup;
pub(crate) use kept::since_copy;
use parking_lot::{Mutex, MutexGuard};

use crate::api::{BackupList, ListedBackup};
use crate::metrics::process::free_bytes;
use crate::store::sqlite::{self, Holdings, Progress};
use crate::{faults, store};

/// From one backup to the next, in seconds.
const DAY: u64 = 24 * 60 * 60;
/// How many times the size of the catalog has to be free.
const ROOM: u64 = 3;
/// From the start of a process to its first look: those who wait for a mount come first.
const FIRST_LOOK: Duration = Duration::from_secs(60);
/// From one look to the next.
const NEXT_LOOK: Duration = Duration::from_secs(600);
/// After one that failed: a copy of a damaged catalog takes as long as any other.
const AFTER_FAILURE: Duration = Duration::from_secs(60 * 60);
/// The priority of the thread, as nice(1) counts.
const NICE: i32 = 15;

/// The backups of one catalog.
pub struct Backups {
    catalog: PathBuf,
    folder: PathBuf,
    /// How many are kept; 0 makes none.
    most: usize,
    /// Whether the catalog is in the photo folder, where nothing is ever written to.
    is_in_source: bool,
    power: PathBuf,
    stop: Arc<AtomicBool>,
    /// Why the last try failed.
    failed: Mutex<Option<String>>,
}

/// Why a backup can't be made, or those that are there can't be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Their folder can't be made, read or changed.
    #[error("backups in {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The catalog can't be read, or its copy isn't sound.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why there is no backup to be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// The setting `backups` is 0.
    Off,
    /// The catalog is in the photo folder, where nothing is written.
    InSource,
    /// There is nothing that couldn't be found out again.
    NothingSaid,
    /// The last one holds all that a person said or paid for.
    Unchanged,
    /// The last one isn't a day old.
    Recent,
    /// The machine runs on its battery.
    OnBattery,
    /// The disk has too little room.
    NoRoom {
        /// In bytes: three times the size of the catalog.
        needed: u64,
    },
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "the setting `backups` is 0",
            Self::InSource => "the catalog is in the photo folder, where nothing is written",
            Self::NothingSaid => "nothing was said or paid for yet",
            Self::Unchanged => "nothing was said or paid for since",
            Self::Recent => "the last one is less than a day old",
            Self::OnBattery => "the machine is on battery",
            Self::NoRoom { needed } => {
                return write!(f, "{} MB have to be free", needed.div_ceil(1 << 20));
            }
        })
    }
}

/// What there is, and what comes next.
pub struct Report {
    /// Where the backups are, whether or not it is there.
    pub folder: PathBuf,
    /// The latest first.
    pub kept: Vec<Backup>,
    /// What the catalog holds; nothing where it can't be read.
    pub now: Option<Holdings>,
    /// Why none is made now; nothing where the next look makes one.
    pub not_now: Option<NotNow>,
    /// Why the last try of this process failed.
    pub failed: Option<String>,
}

impl Report {
    /// Puts it into words for programs.
    pub fn summary(&self) -> BackupList {
        BackupList {
            folder: self.folder.to_string_lossy().into_owned(),
            kept: self.kept.iter().map(|backup| self.listed(backup)).collect(),
            not_now: self.not_now.as_ref().map(ToString::to_string),
            failed: self.failed.clone(),
        }
    }

    fn listed(&self, backup: &Backup) -> ListedBackup {
        let holds = backup.holds.as_ref();
        let since = self.now.as_ref().zip(holds);
        let since = since.and_then(|(now, copy)| since_copy(now, copy));
        ListedBackup {
            file: backup.file.to_string_lossy().into_owned(),
            made: backup.made(),
            bytes: backup.bytes,
            edits_since: since.map(|since| since.edits),
            answers_since: since.map(|since| since.answers),
        }
    }
}

impl Backups {
    /// Those of a catalog of the photos in `source`.
    pub fn of(catalog: &Path, source: &Path, most: usize) -> Self {
        Self {
            catalog: catalog.into(),
            folder: kept::folder(catalog),
            most,
            is_in_source: is_within(catalog, source),
            power: faults::place("power", POWER),
            stop: Arc::default(),
            failed: Mutex::default(),
        }
    }

    /// Takes `supplies` for the folder in which the system lists batteries and plugs.
    pub fn powered_by(mut self, supplies: &Path) -> Self {
        self.power = supplies.into();
        self
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Looks now and then, until the other side of `end` is dropped. Blocks.
    pub fn run(&self, end: &Receiver<()>) {
        // What can't be had is no reason to have no backups.
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::debug!("backups are made at the usual priority: {error}");
        }
        let (mut wait, next) = match faults::is_asked("hasty-backups") {
            true => (Duration::from_millis(20), Duration::from_millis(20)),
            false => (FIRST_LOOK, NEXT_LOOK),
        };
        while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(wait) {
            wait = next;
            let made = self.make_if_due(Timestamp::now().as_second());
            if let Ok(Ok(backup)) = &made {
                tracing::info!("the catalog is copied to {}", backup.display());
            }
            let failed = made.err().map(|error| error.to_string());
            if let Some(failed) = failed.as_ref().filter(|_| !self.is_stopped()) {
                tracing::warn!("no backup was made: {failed}");
            }
            if failed.is_some() {
                wait = AFTER_FAILURE;
            }
            *self.failed() = failed;
        }
    }

    /// Has a copy that is being made given up: the process ends.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Makes one if it is time, of what the catalog is now, and says where; older ones go then. `now` is in seconds since
    /// 1970. Blocks.
    ///
    /// # Errors
    /// When it can't be made, or the catalog is damaged. The older ones are left then.
    pub fn make_if_due(&self, now: i64) -> Result<Result<PathBuf, NotNow>, Error> {
        let kept = self.kept()?;
        // What needs no look into the catalog comes first: most looks end there.
        if let Some(reason) = self.too_early(&kept, now) {
            return Ok(Err(reason));
        }
        let held = Holdings::of(&self.catalog)?;
        if let Some(reason) = needless(&kept, &held).or_else(|| self.unfit()) {
            return Ok(Err(reason));
        }
        let mut folder = DirBuilder::new();
        let made = folder.recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|e| self.failure(e))?;
        let file = kept::next(&self.folder, &kept);
        sqlite::sound_backup(&self.catalog, &file, now, &self.stop)?;
        for old in kept::surplus(&self.kept()?, self.most) {
            kept::remove(old).map_err(|e| self.failure(e))?;
        }
        Ok(Ok(file))
    }

    /// What there is, at this time in seconds since 1970. Blocks.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn report(&self, now: i64) -> Result<Report, Error> {
        let kept = self.kept()?;
        let held = Holdings::of(&self.catalog).ok();
        let too_early = self.too_early(&kept, now);
        let needless = || needless(&kept, held.as_ref()?);
        let not_now = too_early.or_else(needless).or_else(|| self.unfit());
        Ok(Report {
            folder: self.folder.clone(),
            kept,
            now: held,
            not_now,
            failed: self.failed().clone(),
        })
    }

    fn too_early(&self, kept: &[Backup], now: i64) -> Option<NotNow> {
        if self.most == 0 {
            return Some(NotNow::Off);
        }
        if self.is_in_source {
            return Some(NotNow::InSource);
        }
        // A time that is far ahead comes of a clock that was set back, and says nothing.
        let is_recent = |made: i64| now.abs_diff(made) < DAY;
        let last = kept.iter().find_map(Backup::made);
        last.is_some_and(is_recent).then_some(NotNow::Recent)
    }

    fn unfit(&self) -> Option<NotNow> {
        if conditions::is_on_battery(&self.power) {
            return Some(NotNow::OnBattery);
        }
        let needed = ROOM * sqlite::size(&self.catalog);
        let free = free_bytes(&self.catalog);
        free.is_some_and(|free| free < needed)
            .then_some(NotNow::NoRoom { needed })
    }

    /// What was found at the last look of this process, where that failed.
    fn failed(&self) -> MutexGuard<'_, Option<String>> {
        self.failed.lock()
    }

    fn kept(&self) -> Result<Vec<Backup>, Error> {
        kept::all(&self.folder).map_err(|e| self.failure(e))
    }

    fn failure(&self, source: io::Error) -> Error {
        Error::Folder {
            path: self.folder.clone(),
            source,
        }
    }
}

/// Whether a file is in a folder, whatever links lead there.
fn is_within(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().and_then(|parent| parent.canonicalize().ok());
    file.starts_with(folder) || parent.is_some_and(|parent| parent.starts_with(folder))
}

fn needless(kept: &[Backup], held: &Holdings) -> Option<NotNow> {
    if held.progress == Progress::default() {
        return Some(NotNow::NothingSaid);
    }
    let last = kept.iter().find_map(|backup| backup.holds.as_ref());
    let is_same = last.is_some_and(|last| (last.progress, &last.id) == (held.progress, &held.id));
    is_same.then_some(NotNow::Unchanged)
}
