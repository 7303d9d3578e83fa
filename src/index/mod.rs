//! The catalog in memory.
