//! One thread that looks at photos: read, hash, decode once; ask the analyzers here, or make ready for a server.
//!
//! Decides nothing about order and commits no results: see the desk and the committer.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::committer::{End, Report};
use super::content::{self, Content};
use super::desk::{Desk, Follower, HERE};
use super::errors::Class;
use super::parcel::Parcel;
use super::sight::{Sight, Sights};
use super::stages::Stage;
use super::verdict::Verdict;
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
    pub desk: Arc<Desk>,
    pub sights: Sights,
    pub reports: mpsc::Sender<Report>,
}

/// A photo in a lane.
#[derive(Clone, Copy)]
struct Task {
    lane: usize,
    photo: PhotoId,
}

impl Worker {
    /// Works until the desk stops.
    pub fn run(self) {
        let runtime = Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers asks nothing of the system");
        let mut buffer = Vec::new();
        while let Some((lane, photo)) = self.desk.take() {
            self.work(Task { lane, photo }, &mut buffer, &runtime);
            self.desk.done(lane);
            buffer.clear();
            buffer.shrink_to(LARGEST_KEPT_BUFFER);
        }
    }

    fn work(&self, task: Task, buffer: &mut Vec<u8>, runtime: &Runtime) {
        let known = self.library.index().photo(task.photo);
        let Some(photo) = known.filter(|photo| self.is_wanted(task, photo.status)) else {
            return self.end(task, None, None, Verdict::Skipped);
        };
        if let Some((content, preview)) = self.made_ready(task, &photo) {
            return self.make_ready(task, &photo, &content, |_, _| Ok(preview));
        }
        match self.read(&photo, buffer) {
            // What follows from it could not be kept either.
            Err(Verdict::Postponed(_)) if self.desk.why_unkept().is_some() => self.put_back(task),
            Err(verdict) => {
                let change = verdict.change(task.photo, photo.stat);
                self.end(task, change, None, verdict);
            }
            Ok(content) if task.lane == HERE => {
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
            Status::Analyzed => task.lane != HERE || self.desk.is_wanted_again(HERE, task.photo),
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
        let again = self.desk.is_wanted_again(HERE, photo.id);
        let verdict = match self.status_now(photo) {
            Some(Status::Analyzed) if !again => Verdict::Copied,
            Some(Status::Pending | Status::Analyzed) => {
                self.analyze(photo, content, bytes, runtime)
            }
            _ => Verdict::Skipped,
        };
        let change = verdict.change(photo.id, content.stat);
        self.end(task, change, Some(content.hash), verdict);
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
        match self.parcel(task, photo, content, preview) {
            Ok(parcel) => self.desk.supply(task.lane, parcel),
            Err(verdict) => {
                let change = verdict.change(photo.id, content.stat);
                self.end(task, change, Some(content.hash), verdict);
            }
        }
    }

    fn parcel(
        &self,
        task: Task,
        photo: &Photo,
        content: &Content,
        preview: impl FnOnce(ContentHash, u32) -> Result<Preview, Failure>,
    ) -> Result<Parcel, Verdict> {
        let remote = self.remote.as_ref().ok_or(Verdict::Skipped)?;
        if self.library.index().photo(photo.id).is_none() {
            // It turned out to be a photo that was gone, and goes by that one's id.
            return Err(Verdict::Skipped);
        }
        let again = self.desk.is_wanted_again(task.lane, photo.id);
        remote.standing(task.lane, &content.hash, again)?;
        let facts = self.facts(photo.id)?;
        Ok(Parcel {
            photo: photo.id,
            hash: content.hash,
            stat: content.stat,
            preview: preview(content.hash, remote.side(task.lane))?,
            facts,
            tries: 0,
            waits: 0,
            not_before: Instant::now(),
        })
    }

    /// A picture for a server that was made ready before: the original need not be read.
    fn made_ready(&self, task: Task, photo: &Photo) -> Option<(Content, Preview)> {
        let remote = self.remote.as_ref().filter(|_| task.lane != HERE)?;
        let (hash, stat) = (photo.hash?, photo.stat);
        let preview = remote.previews.get(hash, remote.side(task.lane))?;
        Some((Content { hash, stat }, preview))
    }

    fn preview(
        &self,
        hash: ContentHash,
        bytes: &mut Vec<u8>,
        side: u32,
    ) -> Result<Preview, Failure> {
        let sight = self.see(hash, bytes)?;
        let encode = || sight.preview(side);
        match &self.remote {
            Some(remote) => Ok(remote.previews.get_or_make(hash, side, encode)),
            None => Ok(encode()),
        }
    }

    fn see(&self, hash: ContentHash, bytes: &mut Vec<u8>) -> Result<Sight, Failure> {
        let see = || self.sights.see(hash, bytes);
        let seen = self.desk.stopwatch.time(Stage::Decode, see);
        seen.inspect_err(|failure| match failure {
            Failure::Permanent { .. } => self.desk.errors.count(Class::Picture),
            other => self.desk.errors.count(other),
        })
    }

    fn claims(&self, task: Task, content: &Content) -> bool {
        let itself = Follower {
            photo: task.photo,
            stat: content.stat,
        };
        self.desk.claim(task.lane, content.hash, itself)
    }

    fn read(&self, photo: &Photo, buffer: &mut Vec<u8>) -> Result<Content, Verdict> {
        let read = || content::read(&self.originals, photo, self.max_file_bytes, buffer);
        let content = self.desk.stopwatch.time(Stage::Read, read);
        let content = content.inspect_err(|verdict| {
            if *verdict != Verdict::Skipped {
                self.desk.errors.count(Class::File);
            }
        })?;
        self.record_hash(photo, &content)?;
        Ok(content)
    }

    /// Joins what is known of the content. From here on, an analysis of a copy reaches this photo too.
    fn record_hash(&self, photo: &Photo, content: &Content) -> Result<(), Verdict> {
        if photo.hash == Some(content.hash) {
            return Ok(());
        }
        let change = Change::Hashed {
            id: photo.id,
            stat: content.stat,
            hash: content.hash,
        };
        let commit = || self.library.commit(&[change]);
        let committed = self.desk.stopwatch.time(Stage::Commit, commit);
        committed.map_err(|error| {
            match error.is_outage() {
                true => self.desk.cannot_keep(&error),
                false => self.desk.errors.count(Class::Store),
            }
            Verdict::Postponed(error.to_string())
        })
    }

    /// Has a photo wait again. The committer, who finds out when something can be kept, is to know of it.
    fn put_back(&self, task: Task) {
        self.desk.put_back(task.lane, task.photo);
        self.report(Report {
            lane: task.lane,
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

    fn facts(&self, photo: PhotoId) -> Result<Arc<Facts>, Verdict> {
        match self.library.detail(photo) {
            Ok(Some(detail)) => Ok(Arc::new(detail.facts)),
            Ok(None) => Err(Verdict::Skipped),
            Err(error) => Err(Verdict::Postponed(error.to_string())),
        }
    }

    fn analyze(
        &self,
        photo: &Photo,
        content: &Content,
        bytes: &mut Vec<u8>,
        runtime: &Runtime,
    ) -> Verdict {
        let facts = match self.facts(photo.id) {
            Ok(facts) => facts,
            Err(verdict) => return verdict,
        };
        let sight = match self.see(content.hash, bytes) {
            Ok(sight) => sight,
            Err(failure) => return failure.into(),
        };
        self.keep_for_servers(photo.id, content, &sight);
        self.ask_all(photo.id, content, &sight, facts, runtime)
    }

    /// What servers will want to see soon need not be decoded again for them.
    fn keep_for_servers(&self, photo: PhotoId, content: &Content, sight: &Sight) {
        let remote = self.remote.as_ref();
        if let Some(remote) = remote.filter(|_| self.desk.servers_want(photo)) {
            for side in remote.sides() {
                remote
                    .previews
                    .get_or_make(content.hash, side, || sight.preview(side));
            }
        }
    }

    /// Asks the analyzers that the access starts, in order. Each answer is reported at once; one answer is enough.
    fn ask_all(
        &self,
        photo: PhotoId,
        content: &Content,
        sight: &Sight,
        facts: Arc<Facts>,
        runtime: &Runtime,
    ) -> Verdict {
        let subject = Subject::of(Arc::clone(&sight.picture), facts);
        let mut verdict = Verdict::Skipped;
        for provider in self.here.iter() {
            if provider.on > self.desk.access(HERE, photo) {
                continue;
            }
            let analyzer = &*provider.analyzer;
            let ask = || contained(|| runtime.block_on(analyzer.analyze(&subject)));
            match self.desk.stopwatch.time(Stage::Infer, ask) {
                Ok(answer) => {
                    let outcome = content.outcome(analyzer, &sight.looks, answer);
                    self.report(Report {
                        lane: HERE,
                        photo,
                        changes: vec![Change::Analyzed {
                            id: photo,
                            outcome: Box::new(outcome),
                        }],
                        end: None,
                        kept: None,
                    });
                    verdict = Verdict::Analyzed;
                }
                Err(failure) => {
                    self.desk.errors.count(&failure);
                    tracing::warn!(photo = photo.0, analyzer = analyzer.name(), "{failure}");
                    verdict = verdict.or(failure.into());
                }
            }
        }
        verdict
    }

    fn end(
        &self,
        task: Task,
        change: Option<Change>,
        claim: Option<ContentHash>,
        verdict: Verdict,
    ) {
        let end = Some(End { verdict, claim });
        self.report(Report {
            lane: task.lane,
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
