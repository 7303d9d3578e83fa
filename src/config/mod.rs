//! What the user set: defaults, then the file, then the environment, then flags; validated once.
//!
//! Plain data. The layers below are handed values, never a flag or a file.
