//! kbasefs mounts a photo folder a second time, arranged by what is in the pictures.
//!
//! # The map
//!
//! ```text
//! main         -> cli
//! cli          -> app                              commands: what people type, and what they read
//! app          -> fuse, web                        makes the parts and connects them, and nothing else does
//!
//! web          -> backups, exchange, monitor       edge: the browser and the control socket
//! fuse         -> vfs                              edge: the kernel
//!
//! backups      -> config, faults, store            copies of the catalog that a process makes by itself
//! source       -> library, source_files            the source scanned and followed: what is on the disk becomes changes
//! monitor      -> thumbnails                       what the process counted, and where it is reached
//! thumbnails   -> analysis                         the small pictures that file managers share
//! exchange     -> source                           import and export: what other programs read and write
//! vfs          -> analysis                         the tree: pure plans and one executor; no fuser, SQL, HTTP
//! analysis     -> decoding, library, source_files  the scheduler, and providers behind the trait Analyzer
//!
//! decoding     -> faults, media, metrics           pictures decoded in processes that can be stopped
//! library      -> index, store                     commits, then tells index and listeners: the one way to change
//! store        -> blocking, media, memory          the trait Store <- sqlite, memory
//! index        -> catalog, faults                  which photos a query means, in RAM
//! source_files -> blocking, catalog, panics        the source folder, opened for reading
//! media        -> catalog, panics                  picture files: formats, metadata, decoders
//! memory       -> metrics                          caches that make room: whoever keeps things has them from here
//! metrics      -> api                              what is counted: whoever works may add to it
//!
//! catalog                                          Photo, Label, Query, Change: plain values
//! api                                              what is asked and answered as JSON: plain values
//! config                                           what users may set
//! blocking                                         which threads may wait for the disk: whoever does so says it
//! panics                                           what one costs: a picture where that is expected, else the process
//! faults                                           what tests ask to go wrong
//! ```
//!
//! A room uses those behind its arrow, and may use those that these use. None is used by one that it uses.
//!
//! | to change | go to |
//! | --- | --- |
//! | a folder that users browse | `vfs/views/`: one file and one line in `views()`; one that is a facet: that line alone |
//! | what a kind of folder lists, how a name is found there, when that is stale | `vfs/listing.rs`: the traits; the kind's file in `vfs/views/`; its path in `vfs/path.rs` |
//! | what `stat`, a lookup, a listing answer | `vfs/attr.rs`, `vfs/namespace.rs`, `vfs/open_dir.rs` |
//! | what `rm`, `ln`, `mv` and `cp` of a photo mean, into a folder of tags or out of one | `vfs/edit/tags.rs`; `cp`: `vfs/edit/copies.rs` |
//! | what `mkdir`, `rmdir` and `mv` of a folder mean | `vfs/edit/tag_folders.rs`; what an `rm -r` gives back: `vfs/edit/removals.rs`; of a saved query: `vfs/edit/saved.rs` |
//! | which edits are one act that is undone as one | `vfs/edit/journal_batches.rs`; undoing: `library/undo.rs`; which acts a time means: `library/since.rs` |
//! | an attribute (`getfattr`) | `vfs/xattr/`; what may be set: `vfs/xattr/setting.rs` |
//! | what counts as looking at a photo | `vfs/access.rs`; which programs don't count: `analysis/crawlers.rs` |
//! | what a query may say | `catalog/query/`; which photos it means: `index/evaluate.rs` |
//! | a format of pictures, such as HEIC | `media/formats.rs`: one line; its metadata: `media/containers/`; its decoder: `media/decode/` |
//! | how long a picture may be decoded, and what becomes of a slow one | `decoding/process.rs`; without processes: `decoding/deadline.rs` |
//! | what the processes that decode may do | `decoding/confinement.rs`, `decoding/calls.rs` |
//! | how many of them there are, and for how long | `decoding/pool.rs` |
//! | what EXIF, XMP or IPTC mean | `media/metadata/`: one file a language |
//! | which of them counts in what a photo says of itself | `source/facts/` |
//! | a fact that a photo says of itself | `catalog/facts.rs`: its field, and `VERSION`; what it is taken from: `source/facts/mod.rs`; a tag that nobody read before: `media/metadata/` |
//! | when a change in the source shows | `source/follow.rs`, `source/debouncer.rs` |
//! | when a photo counts as moved, as gone, or as found again | `source/moves.rs`, `source/missing.rs`, `source/returned.rs` |
//! | what a move waits for, while something is written where the file was | `source/scan.rs` |
//! | when a file counts as written to | `source/decision.rs`; what tells beside size and time: `source/suspects.rs`, `source_files/attributes.rs` |
//! | how many files are looked at at a time | `source/sync.rs` |
//! | what looks at pictures | `analysis/providers/`: one file a protocol |
//! | what is said to a model, and what is taken from it | `analysis/prompt.rs`, `analysis/parse.rs`, `analysis/tag_normalizer.rs` |
//! | which photo is next, and who looks at it | `analysis/scheduler/state/queues.rs`, `analysis/scheduler/priority_queue.rs` |
//! | who has looked at a photo, and needn't again | `analysis/scheduler/answers.rs` |
//! | when a request to a server is repeated, and how long it waits | `analysis/scheduler/dispatcher.rs` |
//! | how many requests a server gets at a time, and when it is left alone | `analysis/scheduler/endpoint.rs` |
//! | how many photos are looked at inside the program at a time | `analysis/scheduler/start.rs`; what each thread does: `analysis/scheduler/worker.rs` |
//! | what a provider may cost: requests, tokens, money | `analysis/budget.rs` |
//! | what "retry" does with photos that failed | `analysis/retry.rs` |
//! | a setting | `config/mod.rs`; what `config init` says of it: `config/document.rs` |
//! | a command | `cli/`: one file a command |
//! | which catalog a path means | `cli/finder/`, `cli/resolved_path.rs`, `cli/mounted_catalog.rs` |
//! | where the file of a catalog is, and who owns it | `app/catalog_path.rs`, `config/places.rs`, `store/owner_lock.rs` |
//! | what is shown of a catalog that can't be written | `app/catalog_copy.rs`; which disks take nothing: `store/disk.rs` |
//! | how much memory a process must be allowed to have | `cli/memory_limits.rs` |
//! | how a command waits for others that have the catalog | `cli/backoff.rs` |
//! | what a photo that is gone may be now | `library/successors.rs`; how that is offered: `cli/catalog/adopt.rs` |
//! | when the control socket stops to wait for who doesn't read | `web/socket.rs` |
//! | a table of the database | `store/sqlite/schema.rs`, `store/sqlite/migrations/`, `store/sqlite/rows.rs` |
//! | what a change does to a record, whatever keeps it | `store/apply.rs`; which of what is said survives it: `catalog/survival.rs` |
//! | how many copies of a photo learn in one commit what is known of it | `store/apply.rs`; what is left of a process that ended: `store/sqlite/unjoined.rs` |
//! | how long an edit waits for a program that holds the catalog's file | `store/sqlite/write_lock.rs` |
//! | how a catalog is made smaller | `store/sqlite/vacuum.rs` |
//! | what is done about a damaged catalog | `store/sqlite/recovery.rs`, `store/sqlite/salvage.rs`; what a column may hold: `store/sqlite/columns.rs` |
//! | when a backup is made, and which are kept | `backups/mod.rs`, `backups/kept.rs` |
//! | how a catalog is copied, and a copy brought back | `store/sqlite/backup.rs`, `store/sqlite/restore.rs` |
//! | how an open file is read or written | `fuse/open_files/` |
//! | which errno a refusal is | `fuse/errno.rs` |
//! | what the kernel is told to forget | `vfs/stale.rs`, `fuse/invalidate.rs`; which names it remembers: `fuse/dentry_cache.rs` |
//! | what becomes of a mount whose process ends, or is stuck | `cli/mount/guard/`, `cli/probe.rs`, `fuse/mountinfo.rs` |
//! | how a mount is made and taken away, and what lies over it | `fuse/attach.rs`, `fuse/mounts/` |
//! | a format of import and export | `exchange/` |
//! | a field of the API or of `--json` | `api/`: one file a subject |
//! | the local API behind the commands | `web/`: one file a path; what its handlers work with: `web/parts.rs` |
//! | when an answer waits for mounts to show what it says | `web/told.rs` |
//! | the web page, what programs get over TCP | `web/site/`: one file a page; `templates/`, `web/assets/` |
//! | who may see the web page | `web/site/auth.rs` |
//! | how long an answer of the source is waited for | `source_files/readers.rs`; when a file that gave none is tried again: `source_files/unresponsive.rs`; what was wanted of it: `analysis/scheduler/state/set_aside.rs` |
//! | how many threads wait for the source at a time | `source_files.rs`; how they take turns: `blocking.rs` |
//! | how many browsers are answered at a time | `web/site/listen.rs` |
//! | how caches make room when memory is short | `memory.rs` |
//! | the small pictures that file managers share | `thumbnails/` |
//! | what is counted, and what it is called elsewhere | `metrics/`; where it is read: `monitor/counters.rs` |
//! | which request or photo a line of the log is about | `fuse/spans.rs`, `analysis/scheduler/spans.rs` |
//! | how the parts are made and connected | `app/mod.rs`, `app/parts.rs` |
//!
//! # The rules
//!
//! - An arrow is a `use`, there is no circle, and the two edges never reach each other; `tests/architecture/` checks it, and
//!   that every place above is there.
//! - Every change goes: store commit, then index, then kernel notification.
//! - A FUSE handler never blocks: what must wait moves its reply to the runtime.
//! - No thread that drives async tasks waits for the disk: `blocking` refuses it in tests.
//! - Who waits for the source, which may never answer, leaves threads to those who wait for the catalog.
//! - What one event costs does not grow with the catalog: `tests/growth.rs` counts it.
//! - What came and went leaves nothing in memory: `tests/churn.rs` counts it.
//! - The source folder is opened for reading only, in one place: [`source_files`].
//! - Nothing that a picture, a model or a file name says is trusted.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod analysis;
mod api;
pub mod app;
pub mod backups;
mod blocking;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod decoding;
pub mod exchange;
mod faults;
pub mod fuse;
pub mod index;
pub mod library;
pub mod media;
pub mod memory;
mod metrics;
mod monitor;
mod panics;
pub mod source;
pub mod source_files;
pub mod store;
mod thumbnails;
pub mod vfs;
mod web;
