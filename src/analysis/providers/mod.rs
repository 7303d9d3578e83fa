//! Those who can say what is in a picture: one file each.

pub mod anthropic;
pub mod embedded;
pub mod ollama;
pub mod openai;
pub mod remote;
