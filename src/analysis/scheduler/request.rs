//! Many photos asked for at once: as many as keep everybody busy wait in the queues, and each is told of as it ends.

use std::collections::HashMap;
use std::sync::Mutex;

use roaring::RoaringBitmap;
use tokio::sync::mpsc::unbounded_channel;

use super::state::{QueueId, Waiter};
use super::{AnalysisResult, Provider, Scheduler};
use crate::analysis::Access;
use crate::catalog::{PhotoId, Status};
use crate::store;

/// What somebody wants to have analysed.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub photos: Vec<PhotoId>,
    /// By this provider only; else by the one inside the program, and the preferred server.
    pub provider: Option<String>,
    /// Also where there is an answer, if it is of an earlier version.
    pub stale: bool,
}

impl Scheduler {
    /// Asks for the analyses of all these photos and says how each ended, as it does. Only as many wait in the queues as
    /// keep everybody busy, so that others who ask soon get their turn.
    pub async fn analyze_all(
        &self,
        request: Request,
        each: impl FnMut(PhotoId, &AnalysisResult) + Send,
    ) {
        let Request {
            photos,
            provider,
            stale,
        } = request;
        let chosen = provider.as_deref();
        let is_here = chosen.is_none_or(|name| self.here.iter().any(|p| p.analyzer.name() == name));
        let queue = chosen.and_then(|name| self.queue(name));
        let is_there = self.remote.is_some() && (chosen.is_none() || queue.is_some());
        let ends = Mutex::new(Ends {
            parts: usize::from(is_here) + usize::from(is_there),
            open: HashMap::new(),
            each,
        });
        let ended = |photo, ended| ends.lock().expect(UNBROKEN).add(photo, ended);
        let here = async {
            let window = ASKED_A_WORKER * self.workers;
            let ask =
                |photo, waiter, again| self.ask_here(photo, Access::Asked, Some(waiter), again);
            if is_here {
                self.feed(&photos, window, stale, ask, ended).await;
            }
        };
        let there = async {
            let ask = |photo, waiter, _| match (queue, stale) {
                (None, false) => self.ask_server(photo, Access::Asked, Some(waiter)),
                (queue, again) => self.ask_queue(queue, photo, waiter, again),
            };
            if is_there {
                let window = self.requests() * ASKED_A_REQUEST;
                self.feed(&photos, window, false, ask, ended).await;
            }
        };
        tokio::join!(here, there);
    }

    /// Asks with `ask`, which learns whether what the model inside said is of an earlier version, if `stale_here` wants that.
    async fn feed(
        &self,
        photos: &[PhotoId],
        window: usize,
        stale_here: bool,
        ask: impl Fn(PhotoId, Waiter, store::Result<bool>) -> bool,
        ended: impl Fn(PhotoId, AnalysisResult),
    ) {
        let (tell, mut told) = unbounded_channel();
        let mut awaited = 0;
        for &photo in photos {
            let again = match stale_here {
                true => self.is_stale_here(photo).await,
                false => Ok(false),
            };
            if !ask(photo, tell.clone(), again) {
                ended(photo, AnalysisResult::Skipped);
                continue;
            }
            awaited += 1;
            if awaited >= window
                && let Some((photo, end)) = told.recv().await
            {
                awaited -= 1;
                ended(photo, end);
            }
        }
        drop(tell);
        while let Some((photo, end)) = told.recv().await {
            ended(photo, end);
        }
    }

    /// How many of these photos each provider would look at, the one inside the program first.
    pub fn estimate(&self, request: &Request) -> Vec<(Provider, u64)> {
        let index = self.library.index();
        let photos: RoaringBitmap = request.photos.iter().map(|p| p.0).collect();
        let pending = &photos & index.photos_with(Status::Pending);
        let of_use = &pending | (photos & index.photos_with(Status::Analyzed));
        let is_meant = |provider: &Provider| {
            let name = provider.analyzer.name();
            request
                .provider
                .as_deref()
                .is_none_or(|wanted| wanted == name)
        };
        let here = self
            .here
            .iter()
            .filter(|p| is_meant(p))
            .map(|p| (p.clone(), pending.len()));
        let mut all: Vec<_> = here.collect();
        let Some(remote) = &self.remote else {
            return all;
        };
        let shares = match request.provider.is_some() || request.stale {
            false => self.state.servers_for(of_use, Access::Asked),
            true => (0..remote.servers.len())
                .map(QueueId::of_server)
                .map(|queue| (queue, self.missing(queue, &of_use, request.stale)))
                .collect(),
        };
        let there = shares
            .into_iter()
            .map(|(queue, share)| (remote.server(queue).0.clone(), share.len()));
        all.extend(there.filter(|(provider, _)| is_meant(provider)));
        all
    }

    fn missing(&self, queue: QueueId, photos: &RoaringBitmap, stale: bool) -> RoaringBitmap {
        let missing = photos - self.state.answered(queue) - self.state.declined(queue);
        match stale {
            true => missing | (photos & self.state.stale(queue)),
            false => missing,
        }
    }

    /// Requests that may run at the same time.
    fn requests(&self) -> usize {
        let servers = self.remote.iter().flat_map(|r| &r.servers);
        servers.map(|(_, server)| server.parallel).sum()
    }
}

/// How the photos of a request ended so far, each in one or two parts.
struct Ends<F> {
    parts: usize,
    open: HashMap<PhotoId, AnalysisResult>,
    each: F,
}

impl<F: FnMut(PhotoId, &AnalysisResult)> Ends<F> {
    fn add(&mut self, photo: PhotoId, ended: AnalysisResult) {
        match self.open.remove(&photo) {
            Some(before) => (self.each)(photo, &before.or(ended)),
            None if self.parts > 1 => {
                self.open.insert(photo, ended);
            }
            None => (self.each)(photo, &ended),
        }
    }
}

/// Photos of one request that wait at a time, for each that is worked on at a time.
const ASKED_A_WORKER: usize = 4;
const ASKED_A_REQUEST: usize = 8;

const UNBROKEN: &str = "nothing panics while it holds the ends";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::BoxFuture;

    use super::*;
    use crate::analysis::scheduler::Options;
    use crate::analysis::{Analyzer, Failure, Subject};
    use crate::catalog::*;
    use crate::library::Library;
    use crate::originals::Originals;
    use crate::store::memory::Memory;
    use crate::store::{Error, Result, Store};

    /// A store whose details can't be read.
    #[derive(Default)]
    struct Unreadable(Memory);

    impl Store for Unreadable {
        fn detail(&self, _: PhotoId) -> Result<Option<Detail>> {
            Err(Error::Damaged)
        }

        fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
            self.0.load(each)
        }

        fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
            self.0.commit(changes)
        }

        fn analyses(&self, hash: &ContentHash) -> Result<Vec<(Analysis, i64)>> {
            self.0.analyses(hash)
        }

        fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
            self.0.full_text(words)
        }

        fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
            self.0.relevance(words)
        }

        fn acts(&self, before: Option<ActId>, most: usize) -> Result<Vec<Done>> {
            self.0.acts(before, most)
        }

        fn act(&self, id: ActId) -> Result<Option<(Done, Vec<Trace>)>> {
            self.0.act(id)
        }

        fn gone_sizes(&self) -> Result<Vec<u64>> {
            self.0.gone_sizes()
        }

        fn size_bytes(&self) -> Result<u64> {
            self.0.size_bytes()
        }
    }

    struct Eye;

    impl Analyzer for Eye {
        fn name(&self) -> &str {
            "eye"
        }

        fn model(&self) -> &str {
            "eye/2"
        }

        fn is_remote(&self) -> bool {
            false
        }

        fn analyze<'a>(
            &'a self,
            _: &'a Subject,
        ) -> BoxFuture<'a, std::result::Result<Answer, Failure>> {
            Box::pin(async { Ok(Answer::default()) })
        }
    }

    #[tokio::test]
    async fn a_photo_of_which_nothing_can_be_read_is_not_taken_for_up_to_date() {
        let source = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::load(Arc::new(Unreadable::default())).unwrap());
        let found = Change::Found {
            known: None,
            path: SourcePath::new(*b"a.jpg"),
            stat: FileStat::default(),
            facts: Box::new(Facts::of(Format::Jpeg)),
        };
        library.commit(&[found]).unwrap();
        let options = Options {
            workers: 1,
            max_file_bytes: 1,
            decode_time: std::time::Duration::MAX,
            remote: None,
        };
        let originals = Arc::new(Originals::open(source.path()).unwrap());
        let eyes = vec![Provider::here(Arc::new(Eye), Access::Asked)];
        let scheduler = Scheduler::start(library, originals, eyes, options);
        let request = Request {
            photos: vec![PhotoId(1)],
            stale: true,
            ..Request::default()
        };
        let mut ends = Vec::new();
        let each = |photo, ended: &AnalysisResult| ends.push((photo, ended.clone()));
        scheduler.analyze_all(request, each).await;
        let damaged = AnalysisResult::Failed("index: damaged".into());
        assert_eq!(ends, [(PhotoId(1), damaged)]);
    }
}
