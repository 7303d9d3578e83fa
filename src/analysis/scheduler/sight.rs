//! What a photo looks like: decoded once, for every analyzer, colours and all.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::worker::contained;
use crate::analysis::previews::{Looks, Preview};
use crate::analysis::{Failure, Picture, colors, phash, preview};
use crate::catalog::ContentHash;

/// A picture that one lane has decoded is at hand for the others for so long, and as long as these bytes suffice.
const KEPT: Duration = Duration::from_secs(20);
const KEPT_BYTES: u64 = 32 << 20;

#[derive(Clone)]
pub struct Sight {
    pub picture: Arc<Picture>,
    pub looks: Arc<Looks>,
}

impl Sight {
    pub fn preview(&self, side: u32) -> Preview {
        Preview {
            jpeg: preview::jpeg(&self.picture, side).into(),
            looks: Arc::clone(&self.looks),
        }
    }
}

/// Decodes; what several lanes want at a time is decoded once.
#[derive(Clone, Default)]
pub struct Sights {
    shared: Option<Cache<ContentHash, Sight>>,
}

impl Sights {
    pub fn shared() -> Self {
        let weight = |_: &ContentHash, sight: &Sight| {
            u32::try_from(sight.picture.rgb.len()).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(KEPT_BYTES).weigher(weight);
        Self {
            shared: Some(cache.time_to_live(KEPT).build()),
        }
    }

    pub fn see(&self, content: ContentHash, bytes: &[u8]) -> Result<Sight, Failure> {
        let see = || contained(|| see(bytes));
        match &self.shared {
            None => see(),
            Some(shared) => shared
                .try_get_with(content, see)
                .map_err(|failure| Failure::clone(&failure)),
        }
    }
}

fn see(bytes: &[u8]) -> Result<Sight, Failure> {
    let decoded = preview::decode(bytes)?;
    let looks = Looks {
        width: decoded.width,
        height: decoded.height,
        colors: colors::labels(&decoded.picture),
        perceptual_hash: phash::hash(&decoded.picture),
    };
    Ok(Sight {
        picture: Arc::new(decoded.picture),
        looks: Arc::new(looks),
    })
}
