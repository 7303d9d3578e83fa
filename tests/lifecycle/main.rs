//! How processes of a catalog live, get along and end: the real program, with an environment of its own for every test.

mod busy;
mod descriptors;
mod ends;
mod following;
mod kills;
mod memory;
mod owners;
mod panics;
mod sandbox;
mod silent;
mod spans;
mod test_env;
