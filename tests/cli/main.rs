//! The program as people use it: real pictures, a real mount, every command with and without it.

mod adopt;
#[path = "../common/can_mount.rs"]
mod can_mount;
mod commands;
mod files;
#[path = "../common/isolated.rs"]
mod isolated;
mod journal;
mod limits;
mod test_env;
#[path = "../common/unlisted.rs"]
mod unlisted;
mod versions;
