//! The source folder: what is in it and what its files say of themselves. Reads, never writes.

pub mod facts;
