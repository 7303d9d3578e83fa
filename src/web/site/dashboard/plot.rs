//! What the last hour was like, as a curve that is read in a moment: few points, a scale that is a round number, and the
//! same in words for whoever doesn't see it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::words;
use crate::metrics::Sample;

/// Points of a curve, at most.
const POINTS: f64 = 240.0;
/// The room in which it is drawn; the page stretches it.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 100.0;
/// Beyond the edge, where nobody sees it.
const OUTSIDE: f64 = 4.0;

/// What a curve is of.
pub struct Curve {
    pub name: &'static str,
    pub value: fn(&Sample) -> f64,
    pub of_many: OfMany,
    /// The scale reaches this far at least.
    pub least_top: f64,
    pub written: fn(f64) -> String,
}

/// What is drawn of samples that share a point.
#[derive(Clone, Copy)]
pub enum OfMany {
    Mean,
    /// A short peak must not vanish.
    Most,
}

/// A curve as the page has it.
#[derive(Debug, PartialEq)]
pub struct Plot {
    /// Of a polyline that is also filled: it begins and ends below the edge.
    pub points: String,
    /// What the upper edge stands for.
    pub top: String,
    pub words: String,
}

/// The time that is drawn: an hour, or less while there isn't much.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    end: f64,
    seconds: f64,
}

impl Window {
    /// Up to so many seconds after the start of the program.
    pub fn until(end: f64) -> Self {
        let wide = [300.0, 900.0].into_iter().find(|wide| end <= *wide);
        Self {
            end,
            seconds: wide.unwrap_or(3600.0),
        }
    }

    pub fn words(&self) -> String {
        match self.seconds {
            short if short < 3600.0 => words::span(short),
            _ => "hour".into(),
        }
    }

    fn start(&self) -> f64 {
        self.end - self.seconds
    }

    /// Time and value of each point. Points keep their samples as time goes on, so that a curve moves as a whole.
    fn points(&self, curve: &Curve, samples: &[Sample]) -> Vec<(f64, f64)> {
        let width = self.seconds / POINTS;
        let mut buckets = BTreeMap::<u64, Vec<f64>>::new();
        for sample in samples.iter().filter(|s| s.at >= self.start()) {
            let bucket = buckets.entry((sample.at / width) as u64).or_default();
            bucket.push((curve.value)(sample));
        }
        let middle = |bucket: u64| (bucket as f64 + 0.5) * width;
        let point = |(bucket, values): (u64, Vec<f64>)| (middle(bucket), curve.of_many.of(&values));
        buckets.into_iter().map(point).collect()
    }
}

impl OfMany {
    fn of(self, values: &[f64]) -> f64 {
        match self {
            Self::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Self::Most => values.iter().copied().fold(0.0, f64::max),
        }
    }
}

impl Plot {
    pub fn of(curve: &Curve, samples: &[Sample], window: Window) -> Self {
        let points = window.points(curve, samples);
        let most = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let top = match most <= curve.least_top {
            true => curve.least_top,
            false => round_up(most),
        };
        Self {
            words: in_words(curve, &points, most, window),
            points: line(&points, top, window),
            top: (curve.written)(top),
        }
    }
}

/// 1, 2 or 5 with zeros.
fn round_up(value: f64) -> f64 {
    let ten = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|step| step * ten);
    let fits = steps.into_iter().find(|step| value <= *step);
    fits.unwrap_or(10.0 * ten)
}

fn line(points: &[(f64, f64)], top: f64, window: Window) -> String {
    let across = |at: f64| ((at - window.start()) / window.seconds * WIDTH).clamp(0.0, WIDTH);
    let up = |value: f64| HEIGHT - value / top * HEIGHT;
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let (below, beyond) = (HEIGHT + OUTSIDE, WIDTH + OUTSIDE);
    let mut line = format!("{:.0},{below:.0}", across(first.0));
    for (at, value) in points {
        write!(line, " {:.0},{:.0}", across(*at), up(*value)).expect("a text takes more text");
    }
    let end = up(last.1);
    write!(line, " {beyond:.0},{end:.0} {beyond:.0},{below:.0}").expect("a text takes more text");
    line
}

fn in_words(curve: &Curve, points: &[(f64, f64)], most: f64, window: Window) -> String {
    let over = format!("{}, the last {}", curve.name, window.words());
    let Some((_, last)) = points.last() else {
        return format!("{over}: nothing yet");
    };
    let sum: f64 = points.iter().map(|(_, value)| value).sum();
    let [last, mean, most] = [*last, sum / points.len() as f64, most].map(curve.written);
    format!("{over}: {last} now, {mean} on average, {most} at most")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: Curve = Curve {
        name: "Images a second",
        value: |s| s.images,
        of_many: OfMany::Mean,
        least_top: 1.0,
        written: |v| words::rate(&v),
    };

    fn samples(count: u32, images: impl Fn(u32) -> f64) -> Vec<Sample> {
        let sample = |second| Sample {
            at: f64::from(second),
            images: images(second),
            ..Sample::default()
        };
        (1..=count).map(sample).collect()
    }

    #[test]
    fn an_hour_is_drawn_with_few_points_and_told_in_words() {
        let hour = samples(4000, |second| f64::from(second % 2) * 6.0);
        let plot = Plot::of(&IMAGES, &hour, Window::until(4000.0));
        let points = plot.points.split(' ').count();
        assert!((200..=245).contains(&points), "{points}");
        assert_eq!(plot.top, "5.0");
        assert_eq!(
            plot.words,
            "Images a second, the last hour: 2.7 now, 3.0 on average, 3.2 at most"
        );
    }

    #[test]
    fn a_young_program_is_drawn_over_minutes() {
        let plot = Plot::of(&IMAGES, &samples(3, f64::from), Window::until(3.0));
        assert_eq!(plot.points, "714,104 714,80 717,60 720,40 724,40 724,104");
        assert_eq!(plot.top, "5.0");
        assert!(
            plot.words
                .contains("the last 5 min: 3.0 now, 2.0 on average")
        );
        let none = Plot::of(&IMAGES, &[], Window::until(0.5));
        assert_eq!((none.points.as_str(), none.top.as_str()), ("", "1.0"));
        assert!(none.words.ends_with("nothing yet"));
    }

    #[test]
    fn a_peak_of_a_second_is_seen_where_peaks_matter() {
        let peak = samples(3600, |second| f64::from(u8::from(second == 1800)) * 30.0);
        let window = Window::until(3600.0);
        let most = Curve {
            of_many: OfMany::Most,
            ..IMAGES
        };
        assert!(Plot::of(&most, &peak, window).words.contains("30 at most"));
        assert!(
            Plot::of(&IMAGES, &peak, window)
                .words
                .contains("2.0 at most")
        );
    }

    #[test]
    fn points_keep_their_samples_while_time_goes_on() {
        let images = samples(3000, |second| f64::from(second % 7));
        let values = |end| {
            let points = Window::until(end).points(&IMAGES, &images);
            points.into_iter().map(|(_, v)| v).collect::<Vec<_>>()
        };
        assert_eq!(values(3000.0), values(3001.0));
    }

    #[test]
    fn scales_are_round() {
        let tops = [0.3, 1.0, 1.1, 2.5, 6.0, 99.0, 101.0].map(round_up);
        assert_eq!(tops, [0.5, 1.0, 2.0, 5.0, 10.0, 100.0, 200.0]);
    }
}
