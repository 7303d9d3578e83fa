//! One file a language of metadata: what its words say, as written.

pub mod exif;
pub mod iptc;
pub mod text;
pub mod xmp;
