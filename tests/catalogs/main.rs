//! Which catalog a command reaches, and which may make one: the real program in several environments, with and without
//! mounts, with parts of photo folders and with several names of one.

mod adoption;
mod commands;
mod mistaken;
mod mounted;
mod others;
mod parts;
mod test_env;
