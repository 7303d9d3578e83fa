//! EfficientNet-Lite2: which of ImageNet's 1000 classes the middle of a picture shows.

use std::sync::Arc;

use fast_image_resize::FilterType;
use rten::ThreadPool;

use super::Error;
use super::input::{Scale, Square, planes};
use super::network::Network;
use crate::analysis::{Failure, Picture};

const ONNX: &[u8] = include_bytes!("../../../../contrib/models/lite2.onnx");
/// As in training, see `contrib/models/README.md`: another crop or filter costs accuracy, which `tests/embedded.rs`
/// holds to the reference.
const SQUARE: Square = Square {
    side: 260,
    // The bicubic filter that it was trained with.
    filter: FilterType::CatmullRom,
    middle: Some(260.0 / 292.0),
};
const SCALE: Scale = Scale {
    colors: [0, 1, 2],
    mean: [127.0; 3],
    deviation: [128.0; 3],
};

pub(super) struct Lite2(Network);

impl Lite2 {
    pub(super) fn load() -> Result<Self, Error> {
        Network::load(ONNX, "logits", SQUARE.side as usize).map(Self)
    }

    /// The probability of each class; they add up to 1.
    pub(super) fn classify(
        &self,
        picture: &Picture,
        lane: &Arc<ThreadPool>,
    ) -> Result<Vec<f32>, Failure> {
        let logits = self.0.run(planes(picture, &SQUARE, &SCALE)?, lane)?;
        Ok(softmax(&logits))
    }
}

pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - highest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_and_large_logits_do_not_overflow() {
        let check = |logits: &[f32], expected: &[f32]| {
            for (got, expected) in softmax(logits).iter().zip(expected) {
                assert!((got - expected).abs() < 1e-4, "{logits:?} gave {got}");
            }
        };
        check(&[0.0, 0.0], &[0.5, 0.5]);
        check(&[1000.0, 0.0], &[1.0, 0.0]);
        check(&[0.0, 3.0_f32.ln()], &[0.25, 0.75]);
    }
}
