//! How many requests of each kind the kernel sent, and how long their answers took. Speed means few of them, so tests
//! count them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use strum::{IntoStaticStr, VariantArray};

use crate::metrics::{Histogram, Requests};

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Request {
    /// What a name in a folder is.
    Lookup,
    /// The kernel drops references to a number; it has no answer.
    Forget,
    /// What `stat` wants, where the kernel doesn't remember it.
    GetAttr,
    /// access(2), asked of a mount without `default_permissions` only.
    Access,
    /// A listing begins.
    OpenDir,
    /// Names, as many as fit into an answer.
    ReadDir,
    /// Names with their attributes, each of which counts as looked up.
    ReadDirPlus,
    /// A file is opened; in passthrough it is the last that is heard of it.
    Open,
    /// Bytes that neither the page cache nor passthrough had.
    Read,
    /// The value of an attribute, or its length.
    GetXattr,
    /// The names of the attributes.
    ListXattr,
    /// setxattr(2), removexattr(2).
    SetXattr,
    /// mkdir, rmdir, link, unlink, rename, create, setattr.
    Edit,
    /// write, copy_file_range.
    Write,
    /// Somebody closes a file.
    Flush,
    /// How much room there is for copies.
    StatFs,
    /// Anything else that would change the tree or a content, and is refused.
    Refused,
}

impl Request {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name that stands in the metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The counts since the mount.
#[derive(Debug, Default)]
pub struct Counters([Counter; Request::ALL.len()]);

#[derive(Debug, Default)]
struct Counter {
    begun: AtomicU64,
    answered: Histogram,
}

/// A reply on its way, that counts how long it takes.
#[derive(Debug)]
pub struct Timed<R> {
    reply: R,
    counters: Arc<Counters>,
    request: Request,
    since: Instant,
}

impl Counters {
    /// Requests that have come, answered or not.
    pub fn of(&self, request: Request) -> u64 {
        self.0[request as usize].begun.load(Ordering::Relaxed)
    }

    /// What there is to say of every kind.
    pub fn all(&self) -> Vec<Requests> {
        let of = |request: Request| Requests {
            kind: request.name(),
            times: self.0[request as usize].answered.read(),
            begun: self.of(request),
        };
        Request::ALL.map(of).into()
    }

    /// Counts a request that has just come.
    pub fn begin<R>(self: &Arc<Self>, request: Request, reply: R) -> Timed<R> {
        self.0[request as usize]
            .begun
            .fetch_add(1, Ordering::Relaxed);
        Timed {
            reply,
            counters: Arc::clone(self),
            request,
            since: Instant::now(),
        }
    }
}

impl<R> Timed<R> {
    /// The reply, to be sent at once.
    pub fn now(self) -> R {
        let counter = &self.counters.0[self.request as usize];
        counter.answered.add(self.since.elapsed());
        self.reply
    }

    /// The reply, while it isn't known yet what it will say.
    pub fn unsent(&mut self) -> &mut R {
        &mut self.reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_place() {
        let counters = Arc::<Counters>::default();
        for (place, request) in Request::ALL.into_iter().enumerate() {
            assert_eq!(request as usize, place);
            let mut waits = counters.begin(request, "reply");
            let now = counters.all()[place];
            assert_eq!((now.begun, now.times.count()), (1, 0));
            assert_eq!((*waits.unsent(), waits.now()), ("reply", "reply"));
        }
        let all = counters.all();
        assert!(all.iter().all(|r| (r.begun, r.times.count()) == (1, 1)));
    }
}
