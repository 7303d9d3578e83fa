//! What every analyzer would measure alike in a picture.

use super::Label;

/// What a decoded picture is like, apart from its pixels: measured once a content, whoever answers on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Pixels across, of the upright original.
    pub width: u32,
    /// Pixels from top to bottom, likewise.
    pub height: u32,
    /// Main colours, of facet `color` and origin `file`; the confidence is the share of the picture.
    pub colors: Vec<Label>,
    /// 64-bit perceptual hash; near-duplicates differ in few bits.
    pub perceptual_hash: u64,
}
