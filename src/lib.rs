//! kbasefs mounts a photo folder a second time, arranged by what is in the pictures.
//!
//! # The map
//!
//! ```text
//!         main -> cli -> app                  app wires everything, nothing else does
//!                         |
//!      fuse      web      |      source       edges: kernel, browser and control socket, disk
//!        |       |        |       |
//!        +--> vfs::Tree   |       |           pure plans + one executor; no fuser, SQL, HTTP
//!               |    \    v       |
//!               |     analysis    |           Scheduler + trait Analyzer <- providers/*
//!               v       v         v
//!                    library                  commits, then tells index and listeners: the one way to change
//!                     /    \
//!                 index    store (trait)  <- sqlite, memory
//!                     \    /
//!                    catalog                  Photo, Label, Query, Change: plain values
//!
//! beside it:         media                    picture files: formats, metadata, decoders; knows bytes and plain values
//!                    config                   what users may set
//!                    faults                   what tests ask to go wrong
//!                    exchange, thumbnails     what other programs read: for web
//!                    source_files             the source folder, opened for reading
//!                    memory                   caches that make room: whoever keeps things has them from here
//!                    metrics                  what is counted: whoever works may add to it
//!                    monitor                  what the process counted so far, and where it is reached: for web
//!                    blocking                 which threads may wait for the disk: whoever does so says it
//!                    panics                   what one costs: a picture where that is expected, else the process
//! ```
//!
//! | to change | go to |
//! | --- | --- |
//! | a folder that users browse | `vfs/views/`: one file and one line in `views()`; one that is a facet: that line alone |
//! | a kind of folder: what it lists, how a name is found there, when that is stale | its file in `vfs/views/`; a new kind of path: `vfs/path.rs` |
//! | what every folder has to say | the traits in `vfs/listing.rs` |
//! | what `stat`, a lookup, a listing answer | `vfs/attr.rs`, `vfs/namespace.rs`, `vfs/open_dir.rs` |
//! | what `mkdir`, `rm`, `ln`, `mv`, `cp` mean | `vfs/edit/`: one file a kind of folder |
//! | an attribute (`getfattr`) | `vfs/xattr/` |
//! | a format of pictures | `media/formats.rs`: one line, a reader of metadata in `media/containers/`, a decoder in `media/decode/` |
//! | what EXIF, XMP or IPTC mean | `media/metadata/`: one file a language |
//! | which of them counts in what a photo says of itself | `source/facts/` |
//! | what looks at pictures | `analysis/providers/`: one file a protocol |
//! | what is said to a model, and what is taken from it | `analysis/prompt.rs`, `analysis/parse.rs`, `analysis/tag_normalizer.rs` |
//! | which analyzer looks at which photo, and in what order | `analysis/scheduler/state/queues.rs`, `analysis/scheduler/answers.rs` |
//! | when a request is repeated, how many run, who waits | `analysis/scheduler/dispatcher.rs`, `endpoint.rs`, `state/` |
//! | a setting | `config/`, and what `config init` says of it in `config/document.rs` |
//! | a command | `cli/`: one file a command |
//! | which catalog a path means | `cli/finder/`, `cli/resolved_path.rs`, `cli/mounted_catalog.rs` |
//! | a table or a query of the database | `store/sqlite/` and its migrations |
//! | how an open file is read or written | `fuse/open_files/` |
//! | what the kernel is told | `fuse/`; to forget: `fuse/invalidate.rs`, which names it remembers: `fuse/dentry_cache.rs` |
//! | what becomes of a mount whose process ends | `cli/mount/guard/`; of one that may be stuck: `cli/probe.rs`, `fuse/mountinfo.rs` |
//! | what is done about a damaged index | `store/sqlite/recovery.rs`, `salvage.rs`; what a column may hold: `columns/` |
//! | a format of import and export | `exchange/` |
//! | the local API behind the commands | `web/`: one file a path |
//! | the web page, what programs get over TCP | `web/site/`: one file a page; `templates/`, `web/assets/` |
//! | who may see the web page | `web/site/auth.rs` |
//! | how caches make room when memory is short | `memory.rs` |
//! | the small pictures that file managers share | `thumbnails/` |
//! | what is counted, and what it is called elsewhere | `metrics/`; where it is read: `monitor/counters.rs` |
//!
//! # The rules
//!
//! - An arrow is a `use`; edges never import each other; `tests/architecture.rs` checks it.
//! - Every change goes: store commit, then index, then kernel notification.
//! - A FUSE handler never blocks: what must wait moves its reply to the runtime.
//! - No thread that drives async tasks waits for the disk: [`blocking`] refuses it in tests.
//! - What one event costs does not grow with the catalog: `tests/growth.rs` counts it.
//! - The source folder is opened for reading only, in one place: [`source_files`].
//! - Nothing that a picture, a model or a file name says is trusted.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod app;
pub mod blocking;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod exchange;
pub mod faults;
pub mod fuse;
pub mod index;
pub mod library;
pub mod media;
pub mod memory;
pub mod metrics;
pub mod monitor;
pub mod panics;
pub mod source;
pub mod source_files;
pub mod store;
pub mod thumbnails;
pub mod vfs;
pub mod web;
