//! How processes of a catalog live, get along and end: the real program, with a house of its own for every test.

mod descriptors;
mod ends;
mod following;
mod house;
mod owners;
mod sandbox;
