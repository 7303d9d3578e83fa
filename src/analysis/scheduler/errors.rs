//! What goes wrong, counted by kind.

use std::sync::atomic::{AtomicU64, Ordering};

use strum::{IntoStaticStr, VariantArray};

use crate::analysis::{Failure, Outage};

/// A kind of error; its name stands in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Class {
    /// A file can't be read, or is too large.
    File,
    /// It can't be decoded.
    Picture,
    /// A connection or a server is in trouble for the moment.
    Transient,
    /// A server has too much to do.
    Busy,
    /// An answer makes no sense.
    Unusable,
    /// A model declines to look.
    Refused,
    /// An analyzer can do nothing with a picture.
    Permanent,
    /// Nobody answers.
    Unreachable,
    /// The key, the account or the model won't do.
    Denied,
    /// The budget is spent.
    Spent,
    /// Something could not be recorded.
    Store,
}

impl From<&Failure> for Class {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Transient { .. } => Self::Transient,
            Failure::Busy { .. } => Self::Busy,
            Failure::Unusable { .. } => Self::Unusable,
            Failure::Refused { .. } => Self::Refused,
            Failure::Permanent { .. } => Self::Permanent,
            Failure::Host { outage, .. } => match outage {
                Outage::Unreachable => Self::Unreachable,
                Outage::Denied => Self::Denied,
                Outage::Spent { .. } => Self::Spent,
            },
        }
    }
}

/// Counts since the start.
#[derive(Default)]
pub struct Errors([AtomicU64; Class::VARIANTS.len()]);

impl Errors {
    /// One more of this kind.
    pub fn count(&self, class: impl Into<Class>) {
        self.0[class.into() as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Name and count of every kind.
    pub fn read(&self) -> Vec<(&'static str, u64)> {
        let count = |&class: &Class| {
            let count = self.0[class as usize].load(Ordering::Relaxed);
            (class.into(), count)
        };
        Class::VARIANTS.iter().map(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_place() {
        let errors = Errors::default();
        for (place, class) in Class::VARIANTS.iter().enumerate() {
            assert_eq!(*class as usize, place);
            errors.count(*class);
        }
        assert!(errors.read().iter().all(|(_, count)| *count == 1));
    }
}
