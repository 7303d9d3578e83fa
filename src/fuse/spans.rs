//! A span for every request of the kernel: whatever is logged under it says which request that was.
//!
//! It goes along where a request moves to the runtime. At debug level; where the log is at another one, a request looks at
//! one number, and nothing is allocated or written.

use fuser::INodeNo;
use tokio::runtime::Handle;
use tracing::span::EnteredSpan;
use tracing::{Instrument, Span, debug_span};

use crate::source_files::SourceFiles;

/// Begins the span of a request that this thread deals with until the span is dropped.
pub fn enter(op: &'static str, request: &fuser::Request, inode: INodeNo) -> EnteredSpan {
    let id = request.unique().0;
    span(op, id, inode.0, request.pid(), request.uid()).entered()
}

/// `id` is the kernel's own number of the request. `inode` is what it is about, or the folder of the name that it is about.
fn span(op: &'static str, id: u64, inode: u64, pid: u32, uid: u32) -> Span {
    debug_span!("request", op, id, inode, pid, uid)
}

/// The runtime that requests move to, each with its span.
#[derive(Clone)]
pub struct Runtime(Handle);

impl From<Handle> for Runtime {
    fn from(handle: Handle) -> Self {
        Self(handle)
    }
}

impl Runtime {
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task.in_current_span());
    }

    /// Work that waits for a disk, but not for the source.
    pub fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        let span = Span::current();
        self.0.spawn_blocking(move || span.in_scope(work));
    }

    /// Work that waits for the source, which may never answer.
    pub fn spawn_at_source(&self, source: &SourceFiles, work: impl FnOnce() + Send + 'static) {
        let span = Span::current();
        source.limiter().spawn(&self.0, move || span.in_scope(work));
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing::subscriber::with_default;

    use super::*;

    fn allocations(least: Level) -> u64 {
        let log = tracing_subscriber::fmt()
            .with_max_level(least)
            .with_writer(std::io::sink)
            .finish();
        let enter = || drop(span("lookup", 7, 1, 10, 0).entered());
        with_default(log, || {
            // What is allocated once is none of a request.
            enter();
            allocation_counter::measure(enter).count_total
        })
    }

    #[test]
    fn a_request_allocates_nothing_for_a_span_that_nobody_wants() {
        assert_eq!(allocations(Level::INFO), 0);
        assert!(allocations(Level::DEBUG) > 0, "this counts nothing");
    }

    #[test]
    fn a_span_goes_along_to_the_runtime() {
        let log = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_writer(std::io::sink)
            .finish();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let request = with_default(log, || {
            let request = span("lookup", 7, 1, 10, 0).entered();
            let task = async move { tell.send(Span::current().id()).unwrap() };
            Runtime::from(runtime.handle().clone()).spawn(task);
            let request = request.exit();
            runtime.block_on(tokio::task::yield_now());
            request.id()
        });
        assert!(request.is_some());
        assert_eq!(told.recv(), Ok(request));
    }
}
