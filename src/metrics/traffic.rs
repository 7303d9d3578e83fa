//! What a web server was asked and how it answered, by route.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Histogram, Times};

/// Counts answers. A route is there from its first answer on.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<BTreeMap<String, Answers>>);

#[derive(Debug, Default)]
struct Answers {
    times: Histogram,
    /// By HTTP status.
    codes: BTreeMap<u16, u64>,
}

/// The answers of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// As the server names it, such as `/photo/{id}`: never what somebody sent.
    pub route: String,
    /// From the request to the head of its answer.
    pub times: Times,
    /// By HTTP status.
    pub codes: Vec<(u16, u64)>,
}

impl Traffic {
    /// Counts an answer of this HTTP status, and how long it took.
    pub fn add(&self, route: &str, status: u16, took: Duration) {
        let mut routes = self.0.lock();
        let answers = routes.entry(route.to_owned()).or_default();
        answers.times.add(took);
        *answers.codes.entry(status).or_default() += 1;
    }

    pub fn all(&self) -> Vec<Route> {
        let routes = self.0.lock();
        let each = routes.iter().map(|(route, answers)| Route {
            route: route.clone(),
            times: answers.times.read(),
            codes: answers.codes.clone().into_iter().collect(),
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_route_and_status() {
        let traffic = Traffic::default();
        for status in [200, 200, 404] {
            traffic.add("/photo/{id}", status, Duration::from_millis(1));
        }
        traffic.add("/", 200, Duration::from_millis(3));
        let all = traffic.all();
        let counts = |n: usize| {
            (
                all[n].route.as_str(),
                all[n].times.count(),
                &all[n].codes[..],
            )
        };
        assert_eq!(all.len(), 2);
        assert_eq!(counts(0), ("/", 1, &[(200, 1)][..]));
        assert_eq!(counts(1), ("/photo/{id}", 3, &[(200, 2), (404, 1)][..]));
    }
}
