//! Which basic colours a picture shows, as labels.
//!
//! The words are English's eleven basic colour terms (Berlin and Kay, 1969) and beige. They are bounds in OKLCh, the
//! polar form of OKLab (<https://bottosson.github.io/posts/oklab/>), where equal steps look equal. Knows nothing of
//! what is in the picture.

use super::Picture;
use crate::catalog::{Facet, Label, Origin};

/// Pixels that are looked at, in a regular grid; more change the shares by less than they mean.
const SAMPLES: usize = 20_000;

/// A colour below this share is a detail of the picture.
const LEAST_SHARE: f32 = 0.1;

/// The main colours, the largest share first. The confidence is the share of the picture.
pub fn labels(picture: &Picture) -> Vec<Label> {
    let mut counts = Vec::<(&str, usize)>::new();
    let mut total = 0;
    for rgb in samples(picture) {
        let name = Oklch::from_srgb(rgb).name();
        total += 1;
        match counts.iter_mut().find(|(n, _)| *n == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    counts
        .into_iter()
        .map(|(name, count)| (name, count as f32 / total as f32))
        .filter(|&(_, share)| share >= LEAST_SHARE)
        .map(|(name, share)| Label::new(Facet::Color, name, Origin::File, share))
        .collect()
}

fn samples(picture: &Picture) -> impl Iterator<Item = [u8; 3]> {
    let pixels = picture.rgb.len() / 3;
    let step = ((pixels as f64 / SAMPLES as f64).sqrt().ceil() as usize).max(1);
    // A narrow picture has few columns to step over.
    let across = step.min(picture.width.max(1) as usize);
    let row = (picture.width as usize * 3).max(3);
    picture
        .rgb
        .chunks_exact(row)
        .step_by(step)
        .flat_map(move |row| row.as_chunks::<3>().0.iter().step_by(across).copied())
}

/// Lightness 0 to 1, chroma from 0 (grey) to about 0.32, hue in degrees.
#[derive(Clone, Copy, Debug)]
struct Oklch {
    lightness: f32,
    chroma: f32,
    hue: f32,
}

/// Where each hue ends, in degrees: sRGB's red lies at 29, yellow at 110, green at 142, blue at 264.
const HUES: [(f32, &str); 7] = [
    (42.0, "red"),
    (80.0, "orange"),
    (115.0, "yellow"),
    (190.0, "green"),
    (285.0, "blue"),
    (345.0, "purple"),
    (360.0, "red"),
];

impl Oklch {
    /// Matrices from the description of OKLab named above.
    fn from_srgb(rgb: [u8; 3]) -> Self {
        let [r, g, b] = rgb.map(linear);
        let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
        let red_green = 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s;
        let yellow_blue = 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s;
        Self {
            lightness: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            chroma: red_green.hypot(yellow_blue),
            hue: yellow_blue.atan2(red_green).to_degrees().rem_euclid(360.0),
        }
    }

    /// The word for it. Bounds were chosen on photographs by eye and against another program's shares.
    fn name(self) -> &'static str {
        let (light, chroma, hue) = (self.lightness, self.chroma, self.hue);
        if light < 0.27 {
            return "black";
        }
        if self.is_neutral() {
            return if light > 0.92 { "white" } else { "grey" };
        }
        match self.hue_name() {
            "red" if light > 0.68 && hue >= 30.0 && chroma < 0.095 => "beige",
            "red" if light > 0.68 => "pink",
            "red" if (20.0..=42.0).contains(&hue) && chroma < 0.1 => "brown",
            "orange" | "yellow" if light < 0.65 && hue >= 105.0 => "green",
            "orange" | "yellow" if light < 0.65 => "brown",
            "orange" | "yellow" if chroma < 0.095 => "beige",
            "purple" if hue >= 320.0 && light > 0.6 => "pink",
            name => name,
        }
    }

    /// Skin, sand and wood are told from grey by less chroma than a bluish shadow, which is called grey.
    fn is_neutral(self) -> bool {
        let warm = (25.0..115.0).contains(&self.hue);
        self.chroma < if warm { 0.03 } else { 0.05 }
    }

    fn hue_name(self) -> &'static str {
        let name = HUES.iter().find(|(end, _)| self.hue < *end);
        name.map_or("red", |(_, name)| name)
    }
}

/// The sRGB transfer function, IEC 61966-2-1.
fn linear(value: u8) -> f32 {
    let v = f32::from(value) / 255.0;
    if v <= 0.04045 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_called_what_people_call_them() {
        let check = |rgb: u32, name: &str| {
            let [_, r, g, b] = rgb.to_be_bytes();
            assert_eq!(Oklch::from_srgb([r, g, b]).name(), name, "#{rgb:06x}");
        };
        check(0x000000, "black");
        check(0xffffff, "white");
        check(0x808080, "grey");
        check(0xff0000, "red");
        check(0xa52a2a, "red");
        check(0xffa500, "orange");
        check(0xffff00, "yellow");
        check(0x008000, "green");
        check(0x808000, "green");
        check(0x0000ff, "blue");
        check(0x87ceeb, "blue");
        check(0x800080, "purple");
        check(0xffc0cb, "pink");
        check(0xff69b4, "pink");
        check(0x8b4513, "brown");
        check(0xf5f5dc, "beige");
        check(0xd2b48c, "beige");
    }

    fn check(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 3], expected: &str) {
        let at = |i| color(i % width, i / width);
        let picture = Picture {
            width,
            height,
            rgb: (0..width * height).flat_map(at).collect(),
        };
        let shown: Vec<_> = labels(&picture)
            .iter()
            .map(|l| format!("{} {:.2}", l.value, l.confidence))
            .collect();
        assert_eq!(shown.join(", "), expected);
    }

    #[test]
    fn shares_are_of_the_area_and_details_are_left_out() {
        let flag = |x: u32, y: u32| match (x, y) {
            (0..30, _) => [0, 0, 255],
            (_, 0..5) => [255, 0, 0],
            _ => [255, 255, 255],
        };
        check(100, 100, flag, "white 0.67, blue 0.30");
    }

    #[test]
    fn pictures_of_any_shape_are_sampled() {
        let half = |edge: u32| move |x: u32, y: u32| [if x + y < edge { 0 } else { 255 }; 3];
        check(1, 1, half(1), "black 1.00");
        check(1024, 1, half(512), "black 0.50, white 0.50");
        check(1, 1024, half(512), "black 0.50, white 0.50");
        check(
            1024,
            1024,
            |x, _| [if x < 512 { 0 } else { 255 }; 3],
            "black 0.50, white 0.50",
        );
    }
}
