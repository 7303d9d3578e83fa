//! A catalog at work: every part made and wired together, in one place.
//!
//! Knows what there is and in what order it starts and stops, and hands out the parts: who works with a catalog is given
//! those that it uses, and doesn't know this module. Nothing of commands, HTTP or the terminal.

mod catalog_copy;
pub(crate) mod catalog_file;
mod catalog_path;
pub(crate) mod check;
mod error;
mod parts;
mod providers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::analysis::{Access, Crawlers, Retry, Scheduler};
use crate::backups::Backups;
use crate::catalog::{SourcePath, Status};
use crate::config::Config;
use crate::decoding::Decoders;
use crate::exchange::Takeover;
use crate::fuse;
use crate::library::Library;
use crate::memory;
use crate::metrics::Traffic;
use crate::monitor::{self, Instance, Monitor};
use crate::source::{self, Scanner};
use crate::source_files::SourceFiles;
use crate::store::cached::Cached;
use crate::store::provider_store::ProviderStore;
use crate::store::{OwnerLock, Sqlite, Store};
use crate::thumbnails::Thumbnails;
use crate::vfs::{self, Tree};
use crate::web;

pub use crate::analysis::providers::remote::ready_tls;
use catalog_copy::CatalogCopy;
pub use catalog_path::is_in_use;
pub(crate) use catalog_path::{catalog_path, env, followed, owner};
pub use error::Error;

/// A catalog that this process owns.
pub struct App {
    config: Config,
    library: Arc<Library>,
    source_files: Arc<SourceFiles>,
    /// What is committed is there when the process ends.
    kept: Arc<Sqlite>,
    scheduler: Arc<Scheduler>,
    crawlers: Arc<Crawlers>,
    scanner: Arc<Scanner>,
    thumbnails: Arc<Thumbnails>,
    traffic: Arc<Traffic>,
    monitor: Arc<Monitor>,
    backups: Arc<Backups>,
    instance: Arc<Instance>,
    memory: memory::Limit,
    _watch: memory::Watch,
    /// Gone after what it guards, but for [`Self::let_go`].
    lock: Mutex<Option<OwnerLock>>,
    /// Gone last, where it is one that is looked at.
    _copy: Option<CatalogCopy>,
}

impl App {
    /// Opens the catalog of a source; makes it when there is none.
    ///
    /// # Errors
    /// When the source can't be read, the index can't be opened, or another process owns it.
    pub fn open(source: &Path, config: Config, decoders: Decoders) -> Result<Self, Error> {
        let app = Self::begin(source, config, decoders)?;
        app.load()?;
        Ok(app)
    }

    /// Opens a copy of a catalog that can't be written. What is changed goes with it.
    ///
    /// # Errors
    /// When it can't be read either, or there is no room for the copy.
    pub(crate) fn look(source: &Path, config: Config, decoders: Decoders) -> Result<Self, Error> {
        let source_files = open_source(source)?;
        let catalog = catalog_path(source_files.root(), &config)?;
        let copy = CatalogCopy::of(&catalog)?;
        let mut app = Self::begin_with(source_files, config, decoders, &copy.file(), catalog)?;
        app._copy = Some(copy);
        app.load()?;
        Ok(app)
    }

    /// Opens the catalog as [`Self::open`] does, but with nothing in the index yet: who needs it waits until
    /// [`Self::load`] is done.
    pub(crate) fn begin(source: &Path, config: Config, decoders: Decoders) -> Result<Self, Error> {
        let source_files = open_source(source)?;
        let catalog = catalog_path(source_files.root(), &config)?;
        Self::begin_with(source_files, config, decoders, &catalog, catalog.clone())
    }

    /// `told`: the file that is told of.
    fn begin_with(
        source_files: SourceFiles,
        config: Config,
        decoders: Decoders,
        catalog_path: &Path,
        told: PathBuf,
    ) -> Result<Self, Error> {
        let source_files = Arc::new(source_files);
        let lock = OwnerLock::take(catalog_path)?;
        let memory = memory::Limit::of(config.max_memory_mb << 20);
        let of_workers = decoders.clone();
        memory.counts_too(move || of_workers.held_bytes());
        let kept = Arc::new(Sqlite::open(catalog_path, source_files.root())?);
        let backups = Backups::of(&told, source_files.root(), config.backups);
        let instance = Arc::new(Instance::new(kept.id().to_owned(), told));
        let store = Arc::clone(&kept) as Arc<dyn Store>;
        let details = Arc::new(Cached::new(store, &memory, parts::capacity(&config)));
        let library = Arc::new(Library::unloaded(Arc::clone(&details) as Arc<dyn Store>));
        let previews = Arc::new(parts::previews(&memory, &config));
        let scheduler = parts::scheduler(
            &library,
            &source_files,
            &config,
            &memory,
            &previews,
            &decoders,
            Arc::clone(&kept) as Arc<dyn ProviderStore>,
        )?;
        let scanner = parts::scanner(&library, &source_files, &config)?;
        let thumbnails = Arc::new(parts::thumbnails(&memory, &config, &decoders));
        let traffic = Arc::<Traffic>::default();
        let monitor = Monitor::new(monitor::Sources {
            library: Arc::clone(&library),
            scheduler: Arc::clone(&scheduler),
            details,
            previews,
            thumbnails: Arc::clone(&thumbnails),
            decoders,
            traffic: Arc::clone(&traffic),
            instance: Arc::clone(&instance),
            memory_limit: config.max_memory_mb << 20,
        });
        Ok(Self {
            config,
            library,
            source_files,
            kept,
            scheduler,
            crawlers: Arc::default(),
            scanner: Arc::new(scanner),
            thumbnails,
            traffic,
            monitor: Arc::new(monitor),
            backups: Arc::new(backups),
            instance,
            _watch: memory.watch().map_err(Error::Threads)?,
            memory,
            lock: Mutex::new(Some(lock)),
            _copy: None,
        })
    }

    /// Fills the index of a catalog that [`Self::begin`] opened. Blocks.
    pub(crate) fn load(&self) -> Result<(), Error> {
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

    /// Brings the catalog in step with the source. Blocks; one scan runs at a time.
    pub fn scan(&self) -> Result<source::Report, Error> {
        Ok(self.scanner.scan_below(&SourcePath::default())?)
    }

    /// Shows the catalog.
    pub(crate) fn mount(
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
            parts::tree_options(&self.config, self.shown()),
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
        self.instance.mounted_on(mounted.mountpoint());
        let requests = mounted.counters();
        self.monitor.watch_mount(Box::new(move || requests.all()));
        Ok(mounted)
    }

    /// How a mount says which catalog it shows.
    fn shown(&self) -> vfs::Catalog {
        let socket = self.instance.socket().unwrap_or(Path::new(""));
        vfs::Catalog {
            index: self.instance.catalog_path().into(),
            socket: socket.into(),
            id: self.instance.id().to_owned(),
        }
    }

    /// What commands and browsers are answered with.
    pub(crate) fn web(&self) -> web::Parts {
        let batch = self.config.batch_size;
        let retry = Retry::new(
            Arc::clone(&self.library),
            Arc::clone(&self.scheduler),
            batch,
        );
        let takeover = Takeover {
            library: Arc::clone(&self.library),
            source_files: Arc::clone(&self.source_files),
            scanner: Arc::clone(&self.scanner),
            kept: Arc::clone(&self.kept),
        };
        let options = parts::web_options(&self.config);
        web::Parts {
            library: Arc::clone(&self.library),
            kept: Arc::clone(&self.kept),
            source_files: Arc::clone(&self.source_files),
            scanner: Arc::clone(&self.scanner),
            takeover: Arc::new(takeover),
            scheduler: Arc::clone(&self.scheduler),
            crawlers: Arc::clone(&self.crawlers),
            retry: Arc::new(retry),
            thumbnails: Arc::clone(&self.thumbnails),
            monitor: Arc::clone(&self.monitor),
            traffic: Arc::clone(&self.traffic),
            backups: Arc::clone(&self.backups),
            instance: Arc::clone(&self.instance),
            pages: web::Pages::new(&self.memory, &options),
            options,
        }
    }

    /// The one way to read and change the catalog.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// What follows the source.
    pub fn scanner(&self) -> &Arc<Scanner> {
        &self.scanner
    }

    /// What the process counted since it started.
    pub(crate) fn monitor(&self) -> &Arc<Monitor> {
        &self.monitor
    }

    /// The backups that this process makes of it.
    pub(crate) fn backups(&self) -> &Arc<Backups> {
        &self.backups
    }

    /// Which catalog this process serves, and where it is reached.
    pub(crate) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// Ends all work: what is running is finished and committed, the rest is left.
    pub(crate) fn stop(&self) {
        self.scanner.stop();
        self.scheduler.stop();
        self.backups.stop();
    }

    /// Lets another process have the catalog, though threads of this one may still wait for the source: they do nothing more.
    pub(crate) fn let_go(&self) {
        self.kept.release_lock();
        self.lock.lock().take();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop();
        self.kept.release_lock();
    }
}

fn open_source(source: &Path) -> Result<SourceFiles, Error> {
    SourceFiles::open(source).map_err(|e| Error::Source {
        path: source.into(),
        source: e,
    })
}
