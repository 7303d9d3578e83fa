//! What a catalog does, written once: the suite runs on the bare tree and on a real mount.

mod attributes;
#[path = "../common/can_mount.rs"]
mod can_mount;
mod commands;
mod content;
mod copying;
mod counts;
mod desktops;
mod editing;
mod fixture;
#[path = "../common/forwarded.rs"]
mod forwarded;
mod model;
mod mount;
mod names;
mod remembered;
mod saving;
mod searching;
mod semantics;
mod suite;
mod tree;
mod waiting;
mod watched;
