//! The text that Prometheus reads: <https://prometheus.io/docs/instrumenting/exposition_formats/>. `prometheus-client`
//! writes it, from what was counted elsewhere: nothing is registered before somebody asks.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
    prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::{Counters, Times};

pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// Names with their values, which may be outside data.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// A text on its way.
pub struct Exposition<'a>(DescriptorEncoder<'a>);

/// Numbers of one name, apart by their labels.
pub struct Family<'a> {
    encoder: MetricEncoder<'a>,
    kind: MetricType,
}

/// The text that says so of the counters.
pub fn text(counters: Counters, say: fn(&mut Exposition, &Counters)) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Counted { counters, say }));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).expect(WRITABLE);
    text
}

#[derive(Debug)]
struct Counted {
    counters: Counters,
    say: fn(&mut Exposition, &Counters),
}

impl Collector for Counted {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        (self.say)(&mut Exposition(encoder), &self.counters);
        Ok(())
    }
}

impl Exposition<'_> {
    pub fn family(&mut self, name: &'static str, kind: MetricType, help: &str) -> Family<'_> {
        // The encoder has it stand behind the name of every counter.
        let name = name.strip_suffix("_total").unwrap_or(name);
        let encoder = self.0.encode_descriptor(name, help, None, kind);
        let encoder = encoder.expect(WRITABLE);
        Family { encoder, kind }
    }

    /// A family of one number.
    pub fn single(&mut self, name: &'static str, kind: MetricType, help: &str, value: impl Value) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// A family of one gauge that may not be known.
    pub fn known(&mut self, name: &'static str, help: &str, value: Option<u64>) {
        let mut family = self.family(name, MetricType::Gauge, help);
        if let Some(value) = value {
            family.sample(&[], value);
        }
    }
}

impl Family<'_> {
    pub fn sample(&mut self, labels: Labels, value: impl Value) {
        let series = self.encoder.encode_family(&labels);
        let mut series = series.expect(WRITABLE);
        let written = match self.kind {
            MetricType::Counter => series.encode_counter::<NoLabelSet, _, f64>(&value, None),
            _ => series.encode_gauge(&value),
        };
        written.expect(WRITABLE);
    }

    /// The lines of a histogram.
    pub fn times(&mut self, labels: Labels, times: &Times) {
        let series = self.encoder.encode_family(&labels);
        let (sum, buckets) = (
            times.sum().as_secs_f64(),
            times.buckets().collect::<Vec<_>>(),
        );
        let written = series.and_then(|mut series| {
            series.encode_histogram::<NoLabelSet>(sum, times.count(), &buckets, None)
        });
        written.expect(WRITABLE);
    }
}

/// A number of any kind.
pub trait Value: EncodeCounterValue + EncodeGaugeValue {}

impl<T: EncodeCounterValue + EncodeGaugeValue> Value for T {}

const WRITABLE: &str = "a string takes whatever is written";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Histogram;

    #[test]
    fn labels_say_nothing_that_ends_them() {
        let text = text(Counters::default(), |text, _| {
            text.family("a_total", MetricType::Counter, "Help.")
                .sample(&[("x", "a\"b\\c\nd"), ("y", "")], 3u64);
            text.single("b", MetricType::Gauge, "Help.", 0.5);
            text.known("c", "Help.", None);
            text.known("d", "Help.", Some(1 << 53));
        });
        assert_eq!(
            text,
            "# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 3\n\
             # HELP b Help.\n# TYPE b gauge\nb 0.5\n# HELP c Help.\n# TYPE c gauge\n\
             # HELP d Help.\n# TYPE d gauge\nd 9007199254740992\n"
        );
    }

    #[test]
    fn a_histogram_counts_up_to_infinity() {
        let text = text(Counters::default(), |text, _| {
            let histogram = Histogram::default();
            histogram.add(Duration::from_micros(20));
            histogram.add(Duration::from_secs(1000));
            text.family("t_seconds", MetricType::Histogram, "Help.")
                .times(&[("k", "v")], &histogram.read());
        });
        for line in [
            "t_seconds_bucket{k=\"v\",le=\"1e-05\"} 0\n",
            "t_seconds_bucket{k=\"v\",le=\"2.5e-05\"} 1\n",
            "t_seconds_bucket{k=\"v\",le=\"0.001\"} 1\n",
            "t_seconds_bucket{k=\"v\",le=\"100\"} 1\n",
            "t_seconds_bucket{k=\"v\",le=\"+Inf\"} 2\n",
            "t_seconds_sum{k=\"v\"} 1000.00002\n",
            "t_seconds_count{k=\"v\"} 2\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
