//! The parts of a catalog, each made as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use super::{Error, env, providers};
use crate::analysis::previews::Previews;
use crate::analysis::scheduler::RemoteOptions;
use crate::analysis::tag_normalizer::Known;
use crate::analysis::{Scheduler, SchedulerOptions};
use crate::catalog::{Facet, LabelKey};
use crate::config::{self, Config, Watch};
use crate::decoding::Decoders;
use crate::library::Library;
use crate::memory;
use crate::source::{self, Scanner, Watching};
use crate::source_files::SourceFiles;
use crate::store::cached::Capacity;
use crate::store::provider_store::ProviderStore;
use crate::thumbnails::Thumbnails;
use crate::vfs;
use crate::web;

pub fn scanner(
    library: &Arc<Library>,
    source_files: &Arc<SourceFiles>,
    config: &Config,
) -> Result<Scanner, Error> {
    let (library, source_files) = (Arc::clone(library), Arc::clone(source_files));
    let scanner = Scanner::new(
        library,
        source_files,
        scan_options(config),
        watching(config),
    );
    scanner.map_err(Error::Follow)
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

pub fn scheduler(
    library: &Arc<Library>,
    source_files: &Arc<SourceFiles>,
    config: &Config,
    memory: &memory::Limit,
    previews: &Arc<Previews>,
    decoders: &Decoders,
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
        decoders: decoders.clone(),
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
pub fn capacity(config: &Config) -> Capacity {
    Capacity {
        entries: config.cache_size,
        bytes: config.max_memory_mb << 19,
        ttl: ttl(config),
    }
}

pub fn previews(memory: &memory::Limit, config: &Config) -> Previews {
    let bytes = (config.max_memory_mb << 17).min(64 << 20);
    let previews = Previews::in_memory(memory, bytes, ttl(config));
    match config::previews_folder(&env) {
        Some(folder) => previews.and_in(folder, config.preview_cache_mb << 20),
        None => previews,
    }
}

/// A thirty-second of the memory; a file manager's own thumbnails cost nothing.
pub fn thumbnails(memory: &memory::Limit, config: &Config, decoders: &Decoders) -> Thumbnails {
    let bytes = (config.max_memory_mb << 15).min(64 << 20);
    let folder = config::thumbnails_folder(&env);
    let largest = config.max_file_size_mb << 20;
    Thumbnails::new(memory, bytes, folder, largest, decoders.clone())
}

/// What a mount shows, and how long it makes people wait for it.
pub fn tree_options(config: &Config, catalog: vfs::Catalog) -> vfs::Options {
    vfs::Options {
        facet_depth: config.facet_depth,
        xattr_wait: Duration::from_secs_f64(config.xattr_wait_s),
        first_results_wait: Duration::from_secs_f64(config.first_results_wait_s),
        owner: (
            rustix::process::getuid().as_raw(),
            rustix::process::getgid().as_raw(),
        ),
        // Without a home there is at least a place for files that nobody else sees.
        spool: config::copies_folder(&env).unwrap_or_else(std::env::temp_dir),
        catalog,
    }
}

pub fn web_options(config: &Config) -> web::Options {
    web::Options {
        is_compressed: config.compression_enabled,
        assets_kept: config.static_cache_ttl,
        pages_kept: config.template_cache_ttl,
        largest_photo: config.max_file_size_mb << 20,
    }
}
