//! One thread that analyses photos: read, hash, decode once, ask the analyzers, report.
//!
//! Decides nothing about order and commits no results: see the desk and the committer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::runtime::{Builder, Runtime};

use super::committer::{End, Report};
use super::content::{self, Content};
use super::desk::{Desk, Follower};
use super::stages::Stage;
use super::verdict::Verdict;
use super::{Options, Provider};
use crate::analysis::{Analyzer, Failure, Subject, colors, phash, preview};
use crate::catalog::{Answer, Change, ContentHash, Facts, Label, Outcome, Photo, PhotoId, Status};
use crate::library::Library;
use crate::originals::Originals;

/// A buffer larger than this is given back after use.
const LARGEST_KEPT_BUFFER: usize = 32 << 20;

#[derive(Clone)]
pub struct Worker {
    pub library: Arc<Library>,
    pub originals: Arc<Originals>,
    pub providers: Arc<[Provider]>,
    pub options: Options,
    pub desk: Arc<Desk>,
    pub reports: SyncSender<Report>,
}

/// What a photo looks like: decoded once, for every analyzer.
struct Sight {
    subject: Subject,
    width: u32,
    height: u32,
    colors: Vec<Label>,
    perceptual_hash: u64,
}

impl Worker {
    /// Works until the desk stops.
    pub fn run(self) {
        let runtime = Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers asks nothing of the system");
        let mut buffer = Vec::new();
        while let Some(photo) = self.desk.take() {
            self.work(photo, &mut buffer, &runtime);
            buffer.clear();
            buffer.shrink_to(LARGEST_KEPT_BUFFER);
        }
    }

    fn work(&self, id: PhotoId, buffer: &mut Vec<u8>, runtime: &Runtime) {
        let known = self.library.index().photo(id);
        let Some(photo) = known.filter(|p| p.status == Status::Pending) else {
            return self.end(id, None, None, Verdict::Skipped);
        };
        match self.read(&photo, buffer) {
            Err(verdict) => {
                let change = verdict.change(id, photo.stat);
                self.end(id, change, None, verdict);
            }
            Ok(content) => self.work_on(&photo, &content, buffer, runtime),
        }
    }

    fn work_on(&self, photo: &Photo, content: &Content, bytes: &[u8], runtime: &Runtime) {
        let itself = Follower {
            photo: photo.id,
            stat: content.stat,
        };
        if !self.desk.claim(content.hash, itself) {
            return;
        }
        // Whoever had the content before has committed by now: see what that made of this photo.
        let verdict = match self.standing(photo) {
            Some(Status::Pending) => self.analyze(photo, content, bytes, runtime),
            Some(Status::Analyzed) => Verdict::Copied,
            _ => Verdict::Skipped,
        };
        let change = verdict.change(photo.id, content.stat);
        self.end(photo.id, change, Some(content.hash), verdict);
    }

    fn read(&self, photo: &Photo, buffer: &mut Vec<u8>) -> Result<Content, Verdict> {
        let largest = self.options.max_file_bytes;
        let read = || content::read(&self.originals, photo, largest, buffer);
        let content = self.desk.stopwatch.time(Stage::Read, read)?;
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
        committed.map_err(|error| Verdict::Postponed(error.to_string()))
    }

    /// How far a photo is now. One that turned out to be a photo that was gone goes by that one's id.
    fn standing(&self, photo: &Photo) -> Option<Status> {
        let index = self.library.index();
        if let Some(now) = index.photo(photo.id) {
            return Some(now.status);
        }
        let returned = index.photo(index.by_path(&photo.path)?)?;
        // If it is pending still, the next access asks for it by its own id.
        Some(returned.status).filter(|&status| status != Status::Pending)
    }

    fn analyze(
        &self,
        photo: &Photo,
        content: &Content,
        bytes: &[u8],
        runtime: &Runtime,
    ) -> Verdict {
        let facts = match self.library.detail(photo.id) {
            Ok(Some(detail)) => Arc::new(detail.facts),
            Ok(None) => return Verdict::Skipped,
            Err(error) => return Verdict::Postponed(error.to_string()),
        };
        let see = || contained(|| see(bytes, facts));
        match self.desk.stopwatch.time(Stage::Decode, see) {
            Ok(sight) => self.ask_all(photo.id, content, &sight, runtime),
            Err(failure) => failure.into(),
        }
    }

    /// Asks the analyzers that the access starts, in order. Each answer is reported at once; one answer is enough.
    fn ask_all(
        &self,
        photo: PhotoId,
        content: &Content,
        sight: &Sight,
        runtime: &Runtime,
    ) -> Verdict {
        let mut verdict = Verdict::Skipped;
        for provider in self.providers.iter() {
            if provider.on > self.desk.access(photo) {
                continue;
            }
            let analyzer = &*provider.analyzer;
            let ask = || contained(|| runtime.block_on(analyzer.analyze(&sight.subject)));
            match self.desk.stopwatch.time(Stage::Infer, ask) {
                Ok(answer) => {
                    self.report_answer(photo, outcome(analyzer, content, sight, answer));
                    verdict = Verdict::Analyzed;
                }
                Err(failure) => {
                    tracing::warn!(photo = photo.0, analyzer = analyzer.name(), "{failure}");
                    verdict = verdict.or(failure.into());
                }
            }
        }
        verdict
    }

    fn report_answer(&self, photo: PhotoId, outcome: Outcome) {
        self.report(Report {
            photo,
            change: Some(Change::Analyzed {
                id: photo,
                outcome: Box::new(outcome),
            }),
            end: None,
        });
    }

    fn end(
        &self,
        photo: PhotoId,
        change: Option<Change>,
        claim: Option<ContentHash>,
        verdict: Verdict,
    ) {
        let end = Some(End { verdict, claim });
        self.report(Report { photo, change, end });
    }

    fn report(&self, report: Report) {
        let sent = self.reports.send(report);
        sent.expect("the committer works for as long as there are workers");
    }
}

/// One decode for everything that looks at the picture.
fn see(bytes: &[u8], facts: Arc<Facts>) -> Result<Sight, Failure> {
    let decoded = preview::decode(bytes)?;
    Ok(Sight {
        width: decoded.width,
        height: decoded.height,
        colors: colors::labels(&decoded.picture),
        perceptual_hash: phash::hash(&decoded.picture),
        subject: Subject {
            picture: Arc::new(decoded.picture),
            facts,
        },
    })
}

fn outcome(analyzer: &dyn Analyzer, content: &Content, sight: &Sight, answer: Answer) -> Outcome {
    Outcome {
        hash: content.hash,
        stat: content.stat,
        width: sight.width,
        height: sight.height,
        colors: sight.colors.clone(),
        perceptual_hash: sight.perceptual_hash,
        analyzer: analyzer.name().to_owned(),
        model: analyzer.model().to_owned(),
        remote: analyzer.is_remote(),
        answer,
    }
}

/// A panic over one picture must not cost the others.
fn contained<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let reason = format!("the analysis broke down: {}", message(&*panic));
        Err(Failure::Permanent { reason })
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no reason was given")
}
