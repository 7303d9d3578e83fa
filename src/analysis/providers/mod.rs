//! The analyzers, one file or folder each.

pub mod embedded;
