//! A catalog at work: every part made and wired together, in one place.
//!
//! Knows what there is and in what order it starts and stops; nothing of commands, HTTP or the terminal.

pub mod check;
mod counters;
pub mod index;
mod inner;
mod lock;
pub mod providers;
mod retry;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::analysis::previews::Previews;
use crate::analysis::providers::{embedded, remote};
use crate::analysis::scheduler::RemoteOptions;
use crate::analysis::tag_normalizer::Known;
use crate::analysis::{Access, Crawlers, Scheduler, SchedulerOptions};
use crate::catalog::{Facet, LabelKey, PhotoId, SourcePath, Status};
use crate::config::{self, Config, Watch};
use crate::fuse;
use crate::library::Library;
use crate::memory;
use crate::metrics::{History, Traffic};
use crate::source::{self, Follower, Following, Sync, Watching};
use crate::source_files::SourceFiles;
use crate::store::cached::{Cached, Room};
use crate::store::provider_store::ProviderStore;
use crate::store::sqlite::{self, Sqlite};
use crate::store::{self, Store};
use crate::thumbnails::Thumbnails;
use crate::vfs::{self, Tree};

pub use crate::analysis::providers::remote::ready_tls;
use lock::Lock;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {source}", path.display())]
    Source {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("no place for the index: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    #[error("index {}: {source}", path.display())]
    Lock {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("no thread to watch the memory with: {0}")]
    Threads(std::io::Error),
    #[error("following the source: {0}")]
    Follow(std::io::Error),
    #[error("index {} is in use by another kbasefs", path.display())]
    InUse { path: PathBuf },
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Embedded(#[from] embedded::Error),
    #[error("{0}")]
    Provider(String),
    #[error(transparent)]
    Remote(#[from] remote::Error),
    #[error(transparent)]
    Scan(#[from] source::Error),
    #[error(transparent)]
    Mount(#[from] fuse::Error),
}

/// A catalog that this process owns.
pub struct App {
    pub config: Config,
    pub library: Arc<Library>,
    pub source_files: Arc<SourceFiles>,
    pub scheduler: Arc<Scheduler>,
    pub crawlers: Arc<Crawlers>,
    pub cache: Arc<Cached>,
    /// What the cache is in front of.
    kept: Arc<Sqlite>,
    pub previews: Arc<Previews>,
    pub thumbnails: Thumbnails,
    pub memory: memory::Limit,
    sync: Sync,
    follower: Follower,
    scanning: Mutex<()>,
    stop: AtomicBool,
    started: Instant,
    /// The same, in seconds since 1970.
    born: f64,
    index_file: PathBuf,
    /// What tells the catalog from every other one.
    id: String,
    socket: OnceLock<PathBuf>,
    mounted: OnceLock<PathBuf>,
    /// What the kernel asks of the mount.
    requests: OnceLock<Arc<fuse::Counters>>,
    /// What the web page is asked.
    pub traffic: Traffic,
    history: Mutex<History>,
    page: OnceLock<String>,
    _watch: memory::Watch,
    _lock: Lock,
}

/// What a catalog has at a path.
pub enum At {
    Photo(PhotoId),
    /// A file is there that the catalog doesn't know, or knows another one.
    Another,
    Nothing,
}

/// Where the index of a source is.
pub fn index_file(source: &Path, config: &Config) -> Result<PathBuf, Error> {
    match &config.index {
        Some(path) => followed(path).map_err(|source| Error::Lock {
            path: path.clone(),
            source,
        }),
        None => config::index_file(source, &env)
            .or_else(|| system_index_file(source))
            .ok_or(Error::NoHome),
    }
}

/// The file of an index itself, where a link is named: what is made beside it is beside that.
pub fn followed(index: &Path) -> std::io::Result<PathBuf> {
    match index.is_symlink() && index.exists() {
        true => index.canonicalize(),
        false => std::path::absolute(index),
    }
}

/// Where it is for root at boot, who has no home then.
fn system_index_file(source: &Path) -> Option<PathBuf> {
    let data = |name: &str| (name == "XDG_DATA_HOME").then(|| "/var/lib".to_owned());
    let is_root = rustix::process::geteuid().is_root();
    is_root.then(|| config::index_file(source, &data)).flatten()
}

/// The source of the catalog that an index is of; nothing where there is no index.
pub fn owner(index: &Path) -> Result<Option<PathBuf>, Error> {
    match sqlite::owner(index) {
        Err(store::Error::Damaged) => {
            let _lock = Lock::take(index)?;
            sqlite::mend(index)?;
            Ok(sqlite::owner(index)?)
        }
        owner => Ok(owner?),
    }
}

/// Whether a process owns the catalog of an index, as far as this user can tell.
pub fn is_in_use(index: &Path) -> bool {
    lock::is_taken(index)
}

/// A variable of the environment, if it is text.
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl App {
    /// Opens the catalog of a source; makes it when there is none.
    ///
    /// # Errors
    /// When the source can't be read, the index can't be opened, or another process owns it.
    pub fn open(source: &Path, config: Config) -> Result<Self, Error> {
        let app = Self::begin(source, config)?;
        app.load()?;
        Ok(app)
    }

    /// Fills the index of a catalog that [`Self::begin`] opened. Blocks.
    pub fn load(&self) -> Result<(), Error> {
        // Whoever waits for the index needn't wait for this.
        std::thread::scope(|scope| {
            scope.spawn(|| self.scheduler.learn());
            self.library.fill()
        })?;
        let index = self.library.index();
        let of_use = index.photos_with(Status::Pending) | index.photos_with(Status::Analyzed);
        self.scheduler.accessed_all(of_use, Access::Always);
        Ok(())
    }

    /// The same as [`Self::open`], but the index is still to be loaded: who needs it waits until [`Self::load`] is done.
    pub fn begin(source: &Path, config: Config) -> Result<Self, Error> {
        let source_files = SourceFiles::open(source).map_err(|e| Error::Source {
            path: source.into(),
            source: e,
        })?;
        let source_files = Arc::new(source_files);
        let index_file = index_file(source_files.root(), &config)?;
        let lock = Lock::take(&index_file)?;
        let memory = memory::Limit::of(config.max_memory_mb << 20);
        let kept = Arc::new(Sqlite::open(&index_file, source_files.root())?);
        let id = kept.id().to_owned();
        let provider_store: Arc<dyn ProviderStore> = Arc::clone(&kept) as Arc<dyn ProviderStore>;
        let store = Arc::clone(&kept) as Arc<dyn Store>;
        let cache = Arc::new(Cached::new(store, &memory, room(&config)));
        let library = Arc::new(Library::unloaded(Arc::clone(&cache) as Arc<dyn Store>));
        let previews = Arc::new(previews(&memory, &config));
        let scheduler = start_scheduler(
            &library,
            &source_files,
            &config,
            &memory,
            &previews,
            provider_store,
        )?;
        let options = scan_options(&config);
        let sync = Sync::new(Arc::clone(&library), Arc::clone(&source_files), options);
        let follower = Follower::new(watching(&config)).map_err(Error::Follow)?;
        let thumbnails = thumbnails(&memory, &config);
        Ok(Self {
            config,
            library,
            source_files,
            scheduler,
            crawlers: Arc::default(),
            cache,
            kept,
            previews,
            thumbnails,
            sync,
            follower,
            scanning: Mutex::default(),
            stop: AtomicBool::new(false),
            started: Instant::now(),
            born: seconds_since_1970(),
            index_file,
            id,
            socket: OnceLock::new(),
            mounted: OnceLock::new(),
            requests: OnceLock::new(),
            traffic: Traffic::default(),
            history: Mutex::default(),
            page: OnceLock::new(),
            _watch: memory.watch().map_err(Error::Threads)?,
            memory,
            _lock: lock,
        })
    }

    /// Brings the catalog in step with the source. Blocks; one scan runs at a time.
    pub fn scan(&self) -> Result<source::Report, Error> {
        self.scan_below(&SourcePath::default())
    }

    /// The same for a folder of the source; the empty one is all of it.
    pub fn scan_below(&self, folder: &SourcePath) -> Result<source::Report, Error> {
        let _one = self
            .scanning
            .lock()
            .expect("a scan that panics ends the process");
        Ok(self.sync.scan_below(folder, &self.stop)?)
    }

    /// Scans the source, calls `scanned`, and keeps the catalog in step from then on. Blocks until [`Self::stop`].
    pub fn follow(&self, scanned: impl FnOnce(&Result<source::Report, source::Error>)) {
        self.follower.run(&self.sync, &self.stop, scanned);
    }

    /// What the catalog knows at a path, compared with the file that is there now. Blocks on the disk.
    ///
    /// # Errors
    /// When another folder is in the place of the source, or the disk can't tell.
    pub fn known_at(&self, path: &SourcePath) -> Result<At, Error> {
        let source = |source| Error::Source {
            path: self.source_files.absolute(path),
            source,
        };
        // Where nothing is at the source's path, nothing there can be taken for a photo.
        if self
            .source_files
            .is_in_place()
            .is_ok_and(|in_place| !in_place)
        {
            let path = self.source_files.root().to_owned();
            return Err(source::Error::Replaced { path }.into());
        }
        let index = self.library.index();
        let known = index.by_path(path).and_then(|id| index.photo(id));
        Ok(
            match (known, self.source_files.stat(path).map_err(source)?) {
                (Some(photo), Some(now)) if photo.stat.is_same_file(&now) => At::Photo(photo.id),
                // The disk with the photo may be away.
                (Some(photo), None) => At::Photo(photo.id),
                (_, Some(_)) => At::Another,
                (None, None) => At::Nothing,
            },
        )
    }

    /// How the source is followed.
    pub fn following(&self) -> Following {
        self.follower.following()
    }

    /// Reads files that may be copies, or photos known from elsewhere. Blocks; background work.
    pub fn find_copies(&self) -> Result<u64, Error> {
        Ok(self.sync.hash_candidates(&self.stop)?)
    }

    /// Shows the catalog.
    pub fn mount(
        &self,
        target: fuse::MountTarget,
        options: &fuse::MountOptions,
        runtime: tokio::runtime::Handle,
    ) -> Result<fuse::Mounted, Error> {
        let tree = Tree::new(
            Arc::clone(&self.library),
            Arc::clone(&self.scheduler),
            Arc::clone(&self.crawlers),
            &self.memory,
            vfs::Options {
                facet_depth: self.config.facet_depth,
                xattr_wait: Duration::from_secs_f64(self.config.xattr_wait_s),
                first_results_wait: Duration::from_secs_f64(self.config.first_results_wait_s),
                owner: (
                    rustix::process::getuid().as_raw(),
                    rustix::process::getgid().as_raw(),
                ),
                // Without a home there is at least a place for files that nobody else sees.
                spool: config::copies_folder(&env).unwrap_or_else(std::env::temp_dir),
                catalog: vfs::Catalog {
                    index: self.index_file.clone(),
                    socket: self.socket.get().cloned().unwrap_or_default(),
                    id: self.id.clone(),
                },
            },
        );
        let (library, source_files) = (Arc::clone(&self.library), Arc::clone(&self.source_files));
        let mounted = fuse::mount(
            Arc::new(tree),
            library,
            source_files,
            target,
            options,
            runtime,
        )?;
        // A process mounts once.
        self.mounted.get_or_init(|| mounted.mountpoint().into());
        self.requests.get_or_init(|| mounted.counters());
        Ok(mounted)
    }

    pub fn mountpoint(&self) -> Option<&Path> {
        self.mounted.get().map(PathBuf::as_path)
    }

    /// Where the web page is, if it is open.
    pub fn page(&self) -> Option<&str> {
        self.page.get().map(String::as_str)
    }

    /// The web page is open at this address. A process opens it once: the first holds.
    pub fn opened_page(&self, address: String) {
        self.page.get_or_init(|| address);
    }

    /// What tells the catalog from every other one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Commands are answered at this socket, which a mount says from then on. A process has one: the first holds.
    pub fn answers_at(&self, socket: &Path) {
        self.socket.get_or_init(|| socket.into());
    }

    pub fn index_file(&self) -> &Path {
        &self.index_file
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn count(&self, status: Status) -> u64 {
        self.library.index().count_with(status)
    }

    /// Ends all work: what is running is finished and committed, the rest is left.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.follower.stop();
        self.scheduler.stop();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop();
        self.kept.release_lock();
    }
}

fn seconds_since_1970() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_secs_f64())
}

fn scan_options(config: &Config) -> source::Options {
    source::Options {
        exclude: config.exclude_filter.clone(),
        extensions: config.supported_extensions.clone(),
        batch: config.batch_size,
        threads: config.scan_threads,
    }
}

fn watching(config: &Config) -> Watching {
    Watching {
        mode: match config.watch {
            Watch::Auto => source::Mode::Auto,
            Watch::Inotify => source::Mode::Inotify,
            Watch::Poll => source::Mode::Poll,
            Watch::Off => source::Mode::Off,
        },
        interval: Duration::from_secs_f64(config.watch_interval_s),
    }
}

fn start_scheduler(
    library: &Arc<Library>,
    source_files: &Arc<SourceFiles>,
    config: &Config,
    memory: &memory::Limit,
    previews: &Arc<Previews>,
    provider_store: Arc<dyn ProviderStore>,
) -> Result<Arc<Scheduler>, Error> {
    let of_index = Arc::clone(library);
    let known: Known = Arc::new(move |word| {
        let key = LabelKey::new(Facet::Tag, word);
        of_index.index().label(&key).is_some()
    });
    let providers = providers::all(config, &provider_store, &known)?;
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    };
    let options = SchedulerOptions {
        workers,
        max_file_bytes: config.max_file_size_mb << 20,
        decode_time: Duration::from_secs_f64(config.decode_time_s),
        provider_store,
        memory: memory.clone(),
        remote: Some(RemoteOptions {
            previews: Arc::clone(previews),
            max_retries: config.max_retries,
            retry_delay: Duration::from_secs_f64(config.retry_delay),
        }),
    };
    let (library, source_files) = (Arc::clone(library), Arc::clone(source_files));
    let scheduler = Scheduler::start(library, source_files, providers, options);
    Ok(scheduler)
}

fn ttl(config: &Config) -> Option<Duration> {
    (config.cache_ttl > 0).then(|| Duration::from_secs(config.cache_ttl))
}

/// Half of the memory is for texts and what was found, an eighth for pictures on their way to servers; decoding takes
/// the rest.
fn room(config: &Config) -> Room {
    Room {
        entries: config.cache_size,
        bytes: config.max_memory_mb << 19,
        ttl: ttl(config),
    }
}

fn previews(memory: &memory::Limit, config: &Config) -> Previews {
    let bytes = (config.max_memory_mb << 17).min(64 << 20);
    let previews = Previews::in_memory(memory, bytes, ttl(config));
    match config::previews_folder(&env) {
        Some(folder) => previews.and_in(folder, config.preview_cache_mb << 20),
        None => previews,
    }
}

/// A thirty-second of the memory; a file manager's own thumbnails cost nothing.
fn thumbnails(memory: &memory::Limit, config: &Config) -> Thumbnails {
    let bytes = (config.max_memory_mb << 15).min(64 << 20);
    let folder = config::thumbnails_folder(&env);
    Thumbnails::new(memory, bytes, folder, config.max_file_size_mb << 20)
}
