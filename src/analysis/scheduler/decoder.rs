//! What a photo looks like: decoded once, for every analyzer, colours and all.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::contained;
use crate::analysis::preview::LONGEST_SIDE;
use crate::analysis::previews::Preview;
use crate::analysis::{Failure, Picture, colors, phash, preview};
use crate::catalog::{ContentHash, Measured};
use crate::decoding::Decoders;
use crate::media::decode::Decoded;
use crate::memory::{Bounds, Cache, Limit};

/// A picture that one queue has decoded is at hand for the others for so long, and as long as these bytes suffice. A
/// decoded picture for servers takes up to 12 MB, and decoding it again about 0.1 s.
const KEPT: Duration = Duration::from_secs(20);
const KEPT_BYTES: u64 = 32 << 20;

/// A picture and what was measured in it; clones are of the same.
#[derive(Clone)]
pub struct DecodedPicture {
    pub picture: Arc<Picture>,
    pub measured: Arc<Measured>,
}

impl DecodedPicture {
    /// The picture for a server, with no side longer than `side` pixels.
    pub fn preview(&self, side: u32) -> Preview {
        Preview {
            jpeg: preview::jpeg(&self.picture, side).into(),
            measured: Arc::clone(&self.measured),
        }
    }
}

/// Decodes; what several queues want at a time is decoded once.
#[derive(Clone)]
pub struct Decoder {
    decoders: Decoders,
    /// Longest side of the pictures.
    side: u32,
    shared: Option<Cache<ContentHash, DecodedPicture>>,
}

impl Decoder {
    /// Decodes as large as analyzers inside the program want it, and keeps nothing.
    pub fn new(decoders: Decoders) -> Self {
        Self {
            decoders,
            side: LONGEST_SIDE,
            shared: None,
        }
    }

    /// Pictures large enough for previews of these sides.
    pub fn sized(self, sides: &[u32]) -> Self {
        let side = sides.iter().copied().fold(LONGEST_SIDE, u32::max);
        Self { side, ..self }
    }

    /// Pictures are kept, because several analyzers may ask for one.
    pub fn shared(self, memory: &Limit) -> Self {
        let bounds = Bounds {
            bytes: KEPT_BYTES,
            age: Some(KEPT),
            ..Bounds::default()
        };
        let weight = |_: &ContentHash, decoded: &DecodedPicture| decoded.picture.rgb.len();
        Self {
            shared: Some(memory.cache(bounds, weight)),
            ..self
        }
    }

    /// What the bytes show. A decoder that takes too long keeps them.
    pub fn see(
        &self,
        content: ContentHash,
        bytes: &mut Vec<u8>,
    ) -> Result<DecodedPicture, Failure> {
        let mut see = || {
            let decoded = self.decoders.decode(bytes, self.side)?;
            contained(|| Ok(measured(decoded)))
        };
        match &self.shared {
            None => see(),
            Some(shared) => shared
                .try_get_with(content, see)
                .map_err(|failure| Failure::clone(&failure)),
        }
    }
}

fn measured(decoded: Decoded) -> DecodedPicture {
    let measured = Measured {
        width: decoded.width,
        height: decoded.height,
        colors: colors::labels(&decoded.picture),
        perceptual_hash: phash::hash(&decoded.picture),
    };
    DecodedPicture {
        picture: Arc::new(decoded.picture),
        measured: Arc::new(measured),
    }
}
