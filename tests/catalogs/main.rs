//! Which catalog a command reaches, and which may make one: the real program in several environments, with and without
//! mounts, with parts of photo folders and with several names of one.

mod adoption;
#[path = "../common/can_mount.rs"]
mod can_mount;
mod commands;
#[path = "../common/isolated.rs"]
mod isolated;
mod mistaken;
mod mounted;
mod others;
mod parts;
mod test_env;
