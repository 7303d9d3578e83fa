//! How processes of a catalog live, get along and end: the real program, with an environment of its own for every test.

mod busy;
#[path = "../common/can_mount.rs"]
mod can_mount;
mod clients;
mod covered;
mod decoding;
mod descriptors;
mod ends;
mod following;
mod hung_source;
#[path = "../common/isolated.rs"]
mod isolated;
mod kills;
#[path = "../common/live_mount.rs"]
mod live_mount;
mod memory;
mod owners;
mod panics;
mod sandbox;
mod silent;
mod silent_files;
#[path = "../common/silent_fs.rs"]
mod silent_fs;
mod spans;
mod test_env;
#[path = "../common/until.rs"]
mod until;
