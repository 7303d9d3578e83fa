//! NanoDet: which of COCO's 80 objects are where in a picture.

use std::sync::Arc;

use fast_image_resize::FilterType;
use rten::ThreadPool;

use super::Error;
use super::classify::softmax;
use super::input::{Scale, Square, planes};
use super::network::Network;
use crate::analysis::{Failure, Picture};

const ONNX: &[u8] = include_bytes!("../../../../contrib/models/nanodet.onnx");
/// As in training, see `contrib/models/README.md`: blue comes first.
const SQUARE: Square = Square {
    side: 416,
    filter: FilterType::Bilinear,
    middle: None,
};
const SCALE: Scale = Scale {
    colors: [2, 1, 0],
    mean: [103.53, 116.28, 123.675],
    deviation: [57.375, 57.12, 58.395],
};

/// COCO's objects.
pub(super) const OBJECTS: usize = 80;
/// Numbers for the distance to one side of a box: a distribution over 0 to 10 cells.
const DISTANCES: usize = 11;
/// Numbers of one place: a logit for each object, then the distances to left, top, right and bottom.
const ROW: usize = OBJECTS + 4 * DISTANCES;
/// Cells a side of the three grids that a picture is looked at with.
const GRIDS: [usize; 3] = [52, 26, 13];
/// Less likely objects are not worth a box.
const LEAST_SCORE: f32 = 0.15;
/// Boxes of one object that share more than this are the same thing.
const SAME_THING: f32 = 0.5;
/// Each is compared with all before it.
const MOST_BOXES: usize = 300;

/// A thing in the picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// Index among COCO's objects.
    pub object: usize,
    /// 0 to 1.
    pub score: f32,
    /// Left, top, right, bottom, as fractions of the picture's sides.
    frame: [f32; 4],
}

#[cfg(test)]
impl Found {
    pub(super) fn anywhere(object: usize, score: f32) -> Self {
        Self {
            object,
            score,
            frame: [0.0; 4],
        }
    }
}

pub(super) struct NanoDet(Network);

impl NanoDet {
    pub(super) fn load() -> Result<Self, Error> {
        Network::load(ONNX, "rows", SQUARE.side as usize).map(Self)
    }

    /// The things found, the surest first.
    pub(super) fn detect(
        &self,
        picture: &Picture,
        lane: &Arc<ThreadPool>,
    ) -> Result<Vec<Found>, Failure> {
        let rows = self.0.run(planes(picture, &SQUARE, &SCALE)?, lane)?;
        let mut found: Vec<Found> = cells()
            .zip(rows.chunks_exact(ROW))
            .flat_map(|(cell, row)| found_in(cell, row))
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(MOST_BOXES);
        Ok(without_repeats(found))
    }
}

/// A place that a row speaks for.
#[derive(Clone, Copy)]
struct Cell {
    x: usize,
    y: usize,
    grid: usize,
}

/// The places in the order of the rows.
fn cells() -> impl Iterator<Item = Cell> {
    GRIDS.into_iter().flat_map(|grid| {
        (0..grid * grid).map(move |n| Cell {
            x: n % grid,
            y: n / grid,
            grid,
        })
    })
}

fn found_in(cell: Cell, row: &[f32]) -> impl Iterator<Item = Found> {
    // The least score as a logit: 3,549 rows of 80 then need no exponential each.
    let least = (LEAST_SCORE / (1.0 - LEAST_SCORE)).ln();
    let (logits, distances) = row.split_at(OBJECTS);
    let likely = logits
        .iter()
        .enumerate()
        .filter(move |(_, logit)| **logit > least);
    likely.map(move |(object, logit)| Found {
        object,
        score: 1.0 / (1.0 + (-logit).exp()),
        frame: frame(cell, distances),
    })
}

fn frame(cell: Cell, distances: &[f32]) -> [f32; 4] {
    let mut sides = distances.chunks_exact(DISTANCES).map(|logits| {
        let shares = softmax(logits);
        shares
            .iter()
            .enumerate()
            .map(|(n, share)| n as f32 * share)
            .sum::<f32>()
    });
    let mut side = || sides.next().unwrap_or(0.0);
    let (x, y) = (cell.x as f32 + 0.5, cell.y as f32 + 0.5);
    let frame = [x - side(), y - side(), x + side(), y + side()];
    frame.map(|edge| (edge / cell.grid as f32).clamp(0.0, 1.0))
}

/// Leaves the surest box of each thing; `found` has the surest first.
fn without_repeats(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        let repeats = |other: &Found| {
            other.object == one.object && shared(&other.frame, &one.frame) > SAME_THING
        };
        if !kept.iter().any(repeats) {
            kept.push(one);
        }
    }
    kept
}

/// What two boxes have in common, as a fraction of what they cover together (intersection over union).
fn shared(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let area = |f: &[f32; 4]| (f[2] - f[0]).max(0.0) * (f[3] - f[1]).max(0.0);
    let both = area(&[
        a[0].max(b[0]),
        a[1].max(b[1]),
        a[2].min(b[2]),
        a[3].min(b[3]),
    ]);
    let either = area(a) + area(b) - both;
    if either > 0.0 { both / either } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(object: usize, score: f32, frame: [f32; 4]) -> Found {
        Found {
            object,
            score,
            frame,
        }
    }

    #[test]
    fn one_thing_is_found_once_and_two_things_twice() {
        let (here, nearly_here) = ([0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.45]);
        let there = [0.5, 0.5, 1.0, 1.0];
        let all = vec![
            found(0, 0.9, here),
            found(0, 0.8, nearly_here),
            found(0, 0.7, there),
            found(1, 0.6, here),
        ];
        let scores: Vec<f32> = without_repeats(all).iter().map(|f| f.score).collect();
        assert_eq!(scores, [0.9, 0.7, 0.6]);
    }

    #[test]
    fn a_row_is_a_score_and_a_box_around_its_cell() {
        let mut row = [-20.0; ROW];
        row[16] = 0.0;
        for side in 0..4 {
            row[OBJECTS + side * DISTANCES + 2] = 20.0;
        }
        let cell = Cell {
            x: 6,
            y: 6,
            grid: 13,
        };
        let all: Vec<Found> = found_in(cell, &row).collect();
        assert_eq!((all.len(), all[0].object, all[0].score), (1, 16, 0.5));
        let expected = [4.5, 4.5, 8.5, 8.5].map(|edge| edge / 13.0);
        assert!(
            shared(&all[0].frame, &expected) > 0.99,
            "{:?}",
            all[0].frame
        );
    }
}
