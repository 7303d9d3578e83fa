//! One thread that looks at photos: read, hash, decode once; ask the analyzers here, or make ready for a server.
//!
//! Decides nothing about order and commits no results: see the state and the committer.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::committer::{End, Report};
use super::content::{self, Content};
use super::decoder::{DecodedPicture, Decoder};
use super::errors::Class;
use super::outcome::JobOutcome;
use super::remote_job::RemoteJob;
use super::stages::Stage;
use super::state::{Duplicate, QueueId, SchedulerState};
use super::{Provider, Remote};
use crate::analysis::previews::Preview;
use crate::analysis::{Failure, Subject};
use crate::catalog::{Change, ContentHash, Facts, Photo, PhotoId, Status};
use crate::library::Library;
use crate::originals::Originals;
use crate::panics;

/// A buffer larger than this is given back after use.
const LARGEST_KEPT_BUFFER: usize = 32 << 20;

#[derive(Clone)]
pub struct Worker {
    pub library: Arc<Library>,
    pub originals: Arc<Originals>,
    /// Those inside the program, in the order in which they are asked.
    pub here: Arc<[Provider]>,
    pub remote: Option<Arc<Remote>>,
    pub max_file_bytes: u64,
    pub state: Arc<SchedulerState>,
    pub decoder: Decoder,
    pub reports: mpsc::Sender<Report>,
}

/// A photo in a queue.
#[derive(Clone, Copy)]
struct Task {
    queue: QueueId,
    photo: PhotoId,
}

impl Worker {
    /// Works until the state stops.
    pub fn run(self) {
        let runtime = Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers asks nothing of the system");
        let mut buffer = Vec::new();
        while let Some((queue, photo)) = self.state.take() {
            self.work(Task { queue, photo }, &mut buffer, &runtime);
            self.state.done(queue);
            buffer.clear();
            buffer.shrink_to(LARGEST_KEPT_BUFFER);
        }
    }

    fn work(&self, task: Task, buffer: &mut Vec<u8>, runtime: &Runtime) {
        let known = self.library.index().photo(task.photo);
        let Some(photo) = known.filter(|photo| self.is_wanted(task, photo.status)) else {
            return self.end(task, None, None, JobOutcome::Skipped);
        };
        if let Some((content, preview)) = self.made_ready(task, &photo) {
            return self.make_ready(task, &photo, &content, |_, _| Ok(preview));
        }
        match self.read(&photo, buffer) {
            // What follows from it could not be kept either.
            Err(JobOutcome::RetryLater(_)) if self.state.why_unkept().is_some() => {
                self.put_back(task)
            }
            Err(outcome) => {
                let change = outcome.change(task.photo, photo.stat);
                self.end(task, change, None, outcome);
            }
            Ok(content) if task.queue == QueueId::LOCAL => {
                self.look(task, &photo, &content, buffer, runtime);
            }
            Ok(content) => self.make_ready(task, &photo, &content, |hash, side| {
                self.preview(hash, buffer, side)
            }),
        }
    }

    fn is_wanted(&self, task: Task, status: Status) -> bool {
        match status {
            Status::Pending => true,
            Status::Analyzed => {
                task.queue != QueueId::LOCAL
                    || self.state.is_wanted_again(QueueId::LOCAL, task.photo)
            }
            Status::Failed | Status::Unsupported => false,
        }
    }

    /// Has the analyzers inside the program look at a photo.
    fn look(
        &self,
        task: Task,
        photo: &Photo,
        content: &Content,
        bytes: &mut Vec<u8>,
        runtime: &Runtime,
    ) {
        if !self.claims(task, content) {
            return;
        }
        // Whoever had the content before has committed by now: see what that made of this photo.
        let again = self.state.is_wanted_again(QueueId::LOCAL, photo.id);
        let outcome = match self.status_now(photo) {
            Some(Status::Analyzed) if !again => JobOutcome::Copied,
            Some(Status::Pending | Status::Analyzed) => {
                self.analyze(photo, content, bytes, runtime)
            }
            _ => JobOutcome::Skipped,
        };
        let change = outcome.change(photo.id, content.stat);
        self.end(task, change, Some(content.hash), outcome);
    }

    /// Makes a photo ready for a server, unless it has seen the content.
    fn make_ready(
        &self,
        task: Task,
        photo: &Photo,
        content: &Content,
        preview: impl FnOnce(ContentHash, u32) -> Result<Preview, Failure>,
    ) {
        if !self.claims(task, content) {
            return;
        }
        match self.remote_job(task, photo, content, preview) {
            Ok(job) => self.state.push_ready(task.queue, job),
            Err(outcome) => {
                let change = outcome.change(photo.id, content.stat);
                self.end(task, change, Some(content.hash), outcome);
            }
        }
    }

    fn remote_job(
        &self,
        task: Task,
        photo: &Photo,
        content: &Content,
        preview: impl FnOnce(ContentHash, u32) -> Result<Preview, Failure>,
    ) -> Result<RemoteJob, JobOutcome> {
        let remote = self.remote.as_ref().ok_or(JobOutcome::Skipped)?;
        if self.library.index().photo(photo.id).is_none() {
            // It turned out to be a photo that was gone, and goes by that one's id.
            return Err(JobOutcome::Skipped);
        }
        let again = self.state.is_wanted_again(task.queue, photo.id);
        remote.check_unanswered(task.queue, &content.hash, again)?;
        let facts = self.facts(photo.id)?;
        Ok(RemoteJob {
            photo: photo.id,
            hash: content.hash,
            stat: content.stat,
            preview: preview(content.hash, remote.side(task.queue))?,
            facts,
            failed_attempts: 0,
            busy_attempts: 0,
            not_before: Instant::now(),
        })
    }

    /// A picture for a server that was made ready before: the original need not be read.
    fn made_ready(&self, task: Task, photo: &Photo) -> Option<(Content, Preview)> {
        let remote = self
            .remote
            .as_ref()
            .filter(|_| task.queue != QueueId::LOCAL)?;
        let (hash, stat) = (photo.hash?, photo.stat);
        let preview = remote.previews.get(hash, remote.side(task.queue))?;
        Some((Content { hash, stat }, preview))
    }

    fn preview(
        &self,
        hash: ContentHash,
        bytes: &mut Vec<u8>,
        side: u32,
    ) -> Result<Preview, Failure> {
        let decoded = self.see(hash, bytes)?;
        let encode = || decoded.preview(side);
        match &self.remote {
            Some(remote) => Ok(remote.previews.get_or_make(hash, side, encode)),
            None => Ok(encode()),
        }
    }

    fn see(&self, hash: ContentHash, bytes: &mut Vec<u8>) -> Result<DecodedPicture, Failure> {
        let see = || self.decoder.see(hash, bytes);
        let seen = self.state.stopwatch.time(Stage::Decode, see);
        seen.inspect_err(|failure| match failure {
            Failure::Permanent { .. } => self.state.errors.count(Class::Picture),
            other => self.state.errors.count(other),
        })
    }

    fn claims(&self, task: Task, content: &Content) -> bool {
        let itself = Duplicate {
            photo: task.photo,
            stat: content.stat,
        };
        self.state.claim(task.queue, content.hash, itself)
    }

    fn read(&self, photo: &Photo, buffer: &mut Vec<u8>) -> Result<Content, JobOutcome> {
        let read = || content::read(&self.originals, photo, self.max_file_bytes, buffer);
        let content = self.state.stopwatch.time(Stage::Read, read);
        let content = content.inspect_err(|outcome| {
            if *outcome != JobOutcome::Skipped {
                self.state.errors.count(Class::File);
            }
        })?;
        self.record_hash(photo, &content)?;
        Ok(content)
    }

    /// Joins what is known of the content. From here on, an analysis of a copy reaches this photo too.
    fn record_hash(&self, photo: &Photo, content: &Content) -> Result<(), JobOutcome> {
        if photo.hash == Some(content.hash) {
            return Ok(());
        }
        let change = Change::Hashed {
            id: photo.id,
            stat: content.stat,
            hash: content.hash,
        };
        let commit = || self.library.commit(&[change]);
        let committed = self.state.stopwatch.time(Stage::Commit, commit);
        committed.map_err(|error| {
            match error.is_outage() {
                true => self.state.cannot_keep(&error),
                false => self.state.errors.count(Class::Store),
            }
            JobOutcome::RetryLater(error.to_string())
        })
    }

    /// Has a photo wait again. The committer, who finds out when something can be kept, is to know of it.
    fn put_back(&self, task: Task) {
        self.state.put_back(task.queue, task.photo);
        self.report(Report {
            queue: task.queue,
            photo: task.photo,
            changes: Vec::new(),
            end: None,
            kept: None,
        });
    }

    /// How far a photo is now. One that turned out to be a photo that was gone goes by that one's id.
    fn status_now(&self, photo: &Photo) -> Option<Status> {
        let index = self.library.index();
        if let Some(now) = index.photo(photo.id) {
            return Some(now.status);
        }
        let returned = index.photo(index.by_path(&photo.path)?)?;
        // If it is pending still, the next access asks for it by its own id.
        Some(returned.status).filter(|&status| status != Status::Pending)
    }

    fn facts(&self, photo: PhotoId) -> Result<Arc<Facts>, JobOutcome> {
        match self.library.detail(photo) {
            Ok(Some(detail)) => Ok(Arc::new(detail.facts)),
            Ok(None) => Err(JobOutcome::Skipped),
            Err(error) => Err(JobOutcome::RetryLater(error.to_string())),
        }
    }

    fn analyze(
        &self,
        photo: &Photo,
        content: &Content,
        bytes: &mut Vec<u8>,
        runtime: &Runtime,
    ) -> JobOutcome {
        let facts = match self.facts(photo.id) {
            Ok(facts) => facts,
            Err(outcome) => return outcome,
        };
        let decoded = match self.see(content.hash, bytes) {
            Ok(decoded) => decoded,
            Err(failure) => return failure.into(),
        };
        self.keep_for_servers(photo.id, content, &decoded);
        self.ask_all(photo.id, content, &decoded, facts, runtime)
    }

    /// What servers will want to see soon need not be decoded again for them.
    fn keep_for_servers(&self, photo: PhotoId, content: &Content, decoded: &DecodedPicture) {
        let remote = self.remote.as_ref();
        if let Some(remote) = remote.filter(|_| self.state.servers_want(photo)) {
            for side in remote.sides() {
                remote
                    .previews
                    .get_or_make(content.hash, side, || decoded.preview(side));
            }
        }
    }

    /// Asks the analyzers that the access starts, in order. Each answer is reported at once; one answer is enough.
    fn ask_all(
        &self,
        photo: PhotoId,
        content: &Content,
        decoded: &DecodedPicture,
        facts: Arc<Facts>,
        runtime: &Runtime,
    ) -> JobOutcome {
        let subject = Subject::of(Arc::clone(&decoded.picture), facts);
        let mut outcome = JobOutcome::Skipped;
        for provider in self.here.iter() {
            if provider.on > self.state.access(QueueId::LOCAL, photo) {
                continue;
            }
            let analyzer = &*provider.analyzer;
            let ask = || contained(|| runtime.block_on(analyzer.analyze(&subject)));
            match self.state.stopwatch.time(Stage::Infer, ask) {
                Ok(answer) => {
                    let analysis = content.analysis(analyzer, &decoded.measured, answer);
                    self.report(Report {
                        queue: QueueId::LOCAL,
                        photo,
                        changes: vec![Change::Analyzed {
                            id: photo,
                            analysis: Box::new(analysis),
                        }],
                        end: None,
                        kept: None,
                    });
                    outcome = JobOutcome::Analyzed;
                }
                Err(failure) => {
                    self.state.errors.count(&failure);
                    tracing::warn!(photo = photo.0, analyzer = analyzer.name(), "{failure}");
                    outcome = outcome.or(failure.into());
                }
            }
        }
        outcome
    }

    fn end(
        &self,
        task: Task,
        change: Option<Change>,
        claim: Option<ContentHash>,
        outcome: JobOutcome,
    ) {
        let end = Some(End { outcome, claim });
        self.report(Report {
            queue: task.queue,
            photo: task.photo,
            changes: change.into_iter().collect(),
            end,
            kept: None,
        });
    }

    fn report(&self, report: Report) {
        let sent = self.reports.blocking_send(report);
        assert!(
            sent.is_ok(),
            "the committer works for as long as there are workers"
        );
    }
}

/// A panic over one picture must not cost the others.
pub fn contained<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panics::contained(work).unwrap_or_else(|panic| {
        let reason = format!("the analysis broke down: {}", panics::message(&panic));
        Err(Failure::Permanent { reason })
    })
}
