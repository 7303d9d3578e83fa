//! The process that has the catalog: which one it is, and where it is reached.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct Instance {
    id: String,
    catalog_path: PathBuf,
    started: Instant,
    /// When that was, in seconds since 1970.
    started_at: f64,
    socket: OnceLock<PathBuf>,
    mountpoint: OnceLock<PathBuf>,
    page: OnceLock<String>,
}

impl Instance {
    /// A process that has just opened the catalog of this id.
    pub fn new(id: String, catalog_path: PathBuf) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            id,
            catalog_path,
            started: Instant::now(),
            started_at: since_1970.map_or(0.0, |since| since.as_secs_f64()),
            socket: OnceLock::new(),
            mountpoint: OnceLock::new(),
            page: OnceLock::new(),
        }
    }

    /// What tells the catalog from every other one.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn catalog_path(&self) -> &Path {
        &self.catalog_path
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Seconds since 1970.
    pub(super) fn started_at(&self) -> f64 {
        self.started_at
    }

    pub fn socket(&self) -> Option<&Path> {
        self.socket.get().map(PathBuf::as_path)
    }

    /// Commands are answered at this socket. A process has one: the first holds.
    pub fn answers_at(&self, socket: &Path) {
        self.socket.get_or_init(|| socket.into());
    }

    pub fn mountpoint(&self) -> Option<&Path> {
        self.mountpoint.get().map(PathBuf::as_path)
    }

    /// The catalog is mounted here. A process mounts once.
    pub fn mounted_on(&self, mountpoint: &Path) {
        self.mountpoint.get_or_init(|| mountpoint.into());
    }

    /// Where the web page is, if it is open.
    pub fn page(&self) -> Option<&str> {
        self.page.get().map(String::as_str)
    }

    /// The web page is open at this address. A process opens it once: the first holds.
    pub fn opened_page(&self, address: String) {
        self.page.get_or_init(|| address);
    }
}
