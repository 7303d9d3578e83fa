//! The text that Prometheus reads: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{Display, Write};

use super::Times;

/// What a family of numbers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its name ends with `_total`.
    Counter,
    Gauge,
    /// Durations; its name ends with `_seconds`.
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Names with their values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

#[derive(Default)]
pub struct Exposition(String);

/// Numbers of one name, apart by their labels.
pub struct Family<'a> {
    name: &'static str,
    text: &'a mut String,
}

impl Exposition {
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let (text, kind) = (&mut self.0, kind.name());
        line(text, format_args!("# HELP {name} {help}"));
        line(text, format_args!("# TYPE {name} {kind}"));
        Family { name, text }
    }

    /// A family of one number.
    pub fn single(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// A family of one gauge that may not be known.
    pub fn known(&mut self, name: &'static str, help: &str, value: Option<u64>) {
        let mut family = self.family(name, Kind::Gauge, help);
        if let Some(value) = value {
            family.sample(&[], value);
        }
    }

    pub fn text(self) -> String {
        self.0
    }
}

impl Family<'_> {
    pub fn sample(&mut self, labels: Labels, value: impl Display) {
        let (name, labels) = (self.name, written(labels));
        line(self.text, format_args!("{name}{labels} {value}"));
    }

    /// The lines of a histogram.
    pub fn times(&mut self, labels: Labels, times: &Times) {
        let name = self.name;
        let infinite = ("+Inf".to_owned(), times.count());
        let bounds = times
            .up_to()
            .map(|(bound, count)| (bound.to_string(), count));
        for (bound, count) in bounds.chain([infinite]) {
            let labels = written(&[labels, &[("le", &bound)]].concat());
            line(self.text, format_args!("{name}_bucket{labels} {count}"));
        }
        let (labels, sum) = (written(labels), times.sum().as_secs_f64());
        line(self.text, format_args!("{name}_sum{labels} {sum}"));
        line(
            self.text,
            format_args!("{name}_count{labels} {}", times.count()),
        );
    }
}

fn line(text: &mut String, written: std::fmt::Arguments) {
    writeln!(text, "{written}").expect("a string takes whatever is written");
}

/// `{a="1",b="2"}`; nothing where there are none.
fn written(labels: Labels) -> String {
    let pairs = labels.iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    match pairs.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", pairs.join(",")),
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;
    use std::time::Duration;

    #[test]
    fn labels_say_nothing_that_ends_them() {
        let mut text = Exposition::default();
        text.family("a_total", Kind::Counter, "Help.")
            .sample(&[("x", "a\"b\\c\nd"), ("y", "")], 3);
        text.single("b", Kind::Gauge, "Help.", 0.5);
        text.known("c", "Help.", None);
        assert_eq!(
            text.text(),
            "# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 3\n\
             # HELP b Help.\n# TYPE b gauge\nb 0.5\n# HELP c Help.\n# TYPE c gauge\n"
        );
    }

    #[test]
    fn a_histogram_counts_up_to_infinity() {
        let histogram = Histogram::default();
        histogram.add(Duration::from_micros(20));
        histogram.add(Duration::from_secs(1000));
        let mut text = Exposition::default();
        let mut family = text.family("t_seconds", Kind::Histogram, "Help.");
        family.times(&[("k", "v")], &histogram.read());
        let text = text.text();
        for line in [
            "t_seconds_bucket{k=\"v\",le=\"0.00001\"} 0\n",
            "t_seconds_bucket{k=\"v\",le=\"0.000025\"} 1\n",
            "t_seconds_bucket{k=\"v\",le=\"100\"} 1\n",
            "t_seconds_bucket{k=\"v\",le=\"+Inf\"} 2\n",
            "t_seconds_sum{k=\"v\"} 1000.00002\n",
            "t_seconds_count{k=\"v\"} 2\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
