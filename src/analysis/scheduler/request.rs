//! Many photos asked for at once: as many as keep everybody busy wait in the queues, and each is told of as it ends.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use roaring::RoaringBitmap;
use tokio::sync::mpsc;

use super::state::{QueueId, Whom};
use super::{AnalysisResult, Provider, Scheduler};
use crate::catalog::{PhotoId, Status};

/// What somebody wants to have analysed.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// In this order, as far as that is possible.
    pub photos: Vec<PhotoId>,
    /// By this provider only; else by all inside the program, and the preferred server.
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
        mut each: impl FnMut(PhotoId, &AnalysisResult) + Send,
    ) {
        let (tell, mut told) = mpsc::channel(1);
        let listen = async {
            while let Some((photo, ended)) = told.recv().await {
                each(photo, &ended);
            }
        };
        tokio::join!(self.analyze_to(request, tell), listen);
    }

    /// As [`Self::analyze_all`] for whoever takes what is told in their own time: nothing more is asked for while the channel
    /// is full, and nothing at all once it is closed.
    pub async fn analyze_to(
        &self,
        request: Request,
        tell: mpsc::Sender<(PhotoId, AnalysisResult)>,
    ) {
        let Request {
            photos,
            provider,
            stale,
        } = request;
        let (local, servers) = self.meant(provider.as_deref(), stale);
        let ends = Mutex::new(Ends {
            parts: usize::from(local.is_some()) + usize::from(servers.is_some()),
            open: HashMap::new(),
        });
        let feed = async |whom: Option<Whom>, window| {
            let Some(whom) = whom else { return };
            let ask = |photo| async move { (photo, self.verdict(photo, whom, stale).await) };
            let mut asked = stream::iter(photos.clone())
                .map(ask)
                .buffer_unordered(window);
            while let Some((photo, end)) = asked.next().await {
                let ended = ends.lock().add(photo, end);
                let Some(ended) = ended else { continue };
                if tell.send((photo, ended)).await.is_err() {
                    return;
                }
            }
        };
        // Servers take longer: what they want is read first, and is at hand for the others then.
        tokio::join!(
            feed(servers, self.requests() * ASKED_A_REQUEST),
            feed(local, self.workers * ASKED_A_WORKER)
        );
    }

    /// Asks, and says how that ended. Whoever asks servers in general is content with any one's answer: where there is
    /// one already, a failure of a better one changes nothing, as it changes nothing for a photo that is new.
    async fn verdict(&self, photo: PhotoId, whom: Whom, stale: bool) -> AnalysisResult {
        let ended = self.ended(photo, whom, stale).await;
        let has_failed = matches!(
            ended,
            AnalysisResult::Failed(_) | AnalysisResult::Refused(_)
        );
        let is_described = || {
            self.library.index().status(photo) == Some(Status::Analyzed)
                && self.state.has_answer_of_server(photo)
        };
        match has_failed && whom == Whom::Servers && is_described() {
            true => AnalysisResult::Skipped,
            false => ended,
        }
    }

    /// Who is asked: inside the program, and of the servers.
    fn meant(&self, provider: Option<&str>, stale: bool) -> (Option<Whom>, Option<Whom>) {
        let providers = &self.answers.providers;
        let is_local = |queue: &QueueId| self.answers.provider(*queue).server.is_none();
        if let Some(name) = provider {
            let queue = self.queue(name);
            let local = queue.filter(is_local).map(Whom::One);
            let server = queue.filter(|queue| !is_local(queue)).map(Whom::One);
            return (local, server);
        }
        let any_local = providers.iter().any(|p| p.server.is_none());
        let first_server = providers.iter().position(|p| p.server.is_some());
        // A new answer is the preferred server's.
        let servers = first_server.map(|first| match stale {
            true => Whom::One(QueueId(first)),
            false => Whom::Servers,
        });
        (any_local.then_some(Whom::Local), servers)
    }

    /// How many of these photos each provider would look at, in the order in which they are configured.
    pub fn estimate(&self, request: &Request) -> Vec<(Provider, u64)> {
        let index = self.library.index();
        let photos: RoaringBitmap = request.photos.iter().map(|p| p.0).collect();
        let of_use = index.photos_with(Status::Pending) | index.photos_with(Status::Analyzed);
        let of_use = photos & of_use;
        let shares = match self.named(request) {
            None => self.state.shares(&of_use),
            Some(queues) => queues
                .into_iter()
                .map(|queue| (queue, self.state.missing(queue, &of_use, request.stale)))
                .collect(),
        };
        shares
            .into_iter()
            .map(|(queue, share)| (self.answers.provider(queue).clone(), share.len()))
            .collect()
    }

    /// The queues that a request asks whatever others said, if it names some.
    fn named(&self, request: &Request) -> Option<Vec<QueueId>> {
        let (local, servers) = self.meant(request.provider.as_deref(), request.stale);
        let is_named = |queue: QueueId, provider: &Provider| match provider.server {
            None => local.is_some_and(|whom| whom == Whom::Local || whom == Whom::One(queue)),
            Some(_) => servers == Some(Whom::One(queue)),
        };
        let named = || {
            self.queues()
                .filter(|(queue, provider)| is_named(*queue, provider))
                .map(|(queue, _)| queue)
                .collect()
        };
        (request.provider.is_some() || request.stale).then(named)
    }

    /// Requests that may run at the same time.
    fn requests(&self) -> usize {
        let providers = self.answers.providers.iter();
        let servers = providers.flat_map(|provider| &provider.server);
        servers.map(|server| server.parallel).sum()
    }
}

/// How the photos of a request ended so far, each in one or two parts.
struct Ends {
    parts: usize,
    open: HashMap<PhotoId, AnalysisResult>,
}

impl Ends {
    /// How a photo ended, once all its parts have.
    fn add(&mut self, photo: PhotoId, ended: AnalysisResult) -> Option<AnalysisResult> {
        match self.open.remove(&photo) {
            Some(before) => Some(before.or(ended)),
            None if self.parts > 1 => {
                self.open.insert(photo, ended);
                None
            }
            None => Some(ended),
        }
    }
}

/// Photos of one request that wait at a time, for each that is worked on at a time: enough that nobody is idle between
/// two, few enough that whoever asks for one photo meanwhile waits for few others. Servers get more, as theirs have to
/// be read and decoded first.
const ASKED_A_WORKER: usize = 4;
const ASKED_A_REQUEST: usize = 8;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::BoxFuture;

    use super::*;
    use crate::analysis::scheduler::Options;
    use crate::analysis::{Access, Analyzer, Failure, Subject};
    use crate::catalog::*;
    use crate::decoding::Decoders;
    use crate::library::Library;
    use crate::memory::Limit;
    use crate::source_files::{SourceFiles, stat_of};
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

        fn measured(&self, hash: &ContentHash) -> Result<Option<Measured>> {
            self.0.measured(hash)
        }

        fn analyses(&self, hash: &ContentHash) -> Result<Vec<(Analysis, i64)>> {
            self.0.analyses(hash)
        }

        fn outdated(&self) -> Result<RoaringBitmap> {
            self.0.outdated()
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

        fn gone_with_words(&self) -> Result<Vec<crate::catalog::GonePhoto>> {
            self.0.gone_with_words()
        }

        fn detail_of_gone(&self, id: PhotoId) -> Result<Option<Detail>> {
            self.0.detail_of_gone(id)
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
        let path = source.path().join("a.jpg");
        std::fs::write(&path, "a").unwrap();
        let library = Arc::new(Library::load(Arc::new(Unreadable::default())).unwrap());
        let found = Change::Found {
            known: None,
            path: SourcePath::new(*b"a.jpg"),
            stat: stat_of(&path.metadata().unwrap()),
            facts: Box::new(Facts::of(Format::Jpeg)),
        };
        library.commit(&[found]).unwrap();
        let options = Options {
            workers: 1,
            max_file_bytes: 1,
            decoders: Decoders::in_process(std::time::Duration::MAX),
            provider_store: Arc::new(Memory::default()),
            memory: Limit::of(1 << 30),
            remote: None,
        };
        let source_files = Arc::new(SourceFiles::open(source.path()).unwrap());
        let eyes = vec![Provider::here(Arc::new(Eye), Access::Asked)];
        let scheduler = Scheduler::start(library, source_files, eyes, options);
        let request = Request {
            photos: vec![PhotoId(1)],
            stale: true,
            ..Request::default()
        };
        let mut ends = Vec::new();
        let each = |photo, ended: &AnalysisResult| ends.push((photo, ended.clone()));
        scheduler.analyze_all(request, each).await;
        let damaged = AnalysisResult::Failed("catalog: damaged".into());
        assert_eq!(ends, [(PhotoId(1), damaged)]);
    }
}
