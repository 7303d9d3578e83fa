//! What is known leaves the catalog in files that other programs read, and comes back without loss.

mod catalog;
mod files;
mod json;
mod sidecars;
