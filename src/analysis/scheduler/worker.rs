//! One thread that looks at photos: read, hash, decode once for all who want it; ask the analyzers here, and make ready for
//! servers.
//!
//! Decides nothing about order and commits no results: see the state and the committer.

mod ends;

use std::sync::Arc;

use roaring::RoaringBitmap;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Server;
use super::answers::Answers;
use super::committer::Report;
use super::content::{self, Content};
use super::decoder::{DecodedPicture, Decoder};
use super::errors::Class;
use super::outcome::{JobOutcome, contained};
use super::remote_job::RemoteJob;
use super::spans;
use super::stages::Stage;
use super::state::{Duplicate, QueueId, SchedulerState, Taken};
use crate::analysis::previews::{Preview, Previews};
use crate::analysis::{Failure, Subject};
use crate::catalog::{Change, ContentHash, Facts, Photo, PhotoId};
use crate::library::Library;
use crate::source_files::SourceFiles;

/// A buffer larger than this is given back after use: most photos fit, and each worker keeps one.
const LARGEST_KEPT_BUFFER: usize = 32 << 20;

/// What each worker has of its own and in common with the others: clones are of the same.
#[derive(Clone)]
pub struct Worker {
    pub library: Arc<Library>,
    pub source_files: Arc<SourceFiles>,
    pub answers: Answers,
    /// Where there are servers: pictures on their way to them.
    pub previews: Option<Arc<Previews>>,
    pub max_file_bytes: u64,
    pub state: Arc<SchedulerState>,
    pub decoder: Decoder,
    pub reports: mpsc::Sender<Report>,
}

/// What a worker needs beside the photo, kept from one to the next.
struct Tools {
    bytes: Vec<u8>,
    /// Polls the analyzers inside the program.
    runtime: Runtime,
}

/// A photo whose content is known.
struct Read<'a> {
    photo: &'a Photo,
    content: Content,
    /// It turned out to be a photo that was gone, and goes by that one's id now.
    has_returned: bool,
}

impl Worker {
    /// Works until the state stops.
    pub fn run(self) {
        let runtime = Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers asks nothing of the system");
        let bytes = Vec::new();
        let mut tools = Tools { bytes, runtime };
        while let Some(taken) = self.state.take() {
            let _span = spans::photo(taken.photo).entered();
            self.work(taken, &mut tools);
            tools.bytes.clear();
            tools.bytes.shrink_to(LARGEST_KEPT_BUFFER);
        }
    }

    fn work(&self, Taken { photo, queues }: Taken, tools: &mut Tools) {
        let known = self.library.index().photo(photo);
        let Some(photo) = known.filter(|photo| photo.status.may_be_analyzed()) else {
            return self.end_all(photo, None, &queues, None, &JobOutcome::Skipped);
        };
        let queues = self.without_reading(&photo, queues);
        if queues.is_empty() {
            return;
        }
        match self.read(&photo, &mut tools.bytes) {
            // What follows from it could not be kept either.
            Err(JobOutcome::RetryLater(_)) if self.state.why_unkept().is_some() => {
                queues.iter().for_each(|&q| self.put_back(photo.id, q));
            }
            Err(outcome) => {
                let change = outcome.change(photo.id, photo.stat);
                self.end_all(photo.id, None, &queues, change, &outcome);
            }
            Ok(content) => {
                let read = Read {
                    photo: &photo,
                    content,
                    has_returned: self.library.index().status(photo.id).is_none(),
                };
                self.look(&read, queues, tools);
            }
        }
    }

    /// Ends what takes no look at the file: where an answer is there, or a picture for a server that was made ready
    /// before. Gives the other queues.
    fn without_reading(&self, photo: &Photo, queues: Vec<QueueId>) -> Vec<QueueId> {
        let Some(hash) = photo.hash else {
            return queues;
        };
        let stat = photo.stat;
        let content = Content { hash, stat };
        let read = Read {
            photo,
            content,
            has_returned: false,
        };
        let takes_a_look = |&queue: &QueueId| match self.made_ready(&read, queue) {
            Some(preview) => {
                self.send_made_ready(&read, queue, preview);
                false
            }
            None => match self.check_unanswered(&read, queue) {
                Err(
                    outcome @ (JobOutcome::Copied
                    | JobOutcome::AnsweredBy(_)
                    | JobOutcome::Declined { .. }),
                ) => {
                    self.end(&read, queue, None, outcome, false);
                    false
                }
                _ => true,
            },
        };
        queues.into_iter().filter(takes_a_look).collect()
    }

    /// Has everybody look at a photo who is to, with one picture.
    fn look(&self, read: &Read, queues: Vec<QueueId>, tools: &mut Tools) {
        let queues = self.unanswered(read, queues);
        if queues.is_empty() {
            return;
        }
        let shown = self.show(read, &mut tools.bytes);
        let (facts, decoded) = match shown {
            Ok(shown) => shown,
            Err(outcome) => {
                let change = outcome.change(read.photo.id, read.content.stat);
                return self.end_all(read.photo.id, Some(read), &queues, change, &outcome);
            }
        };
        let is_server = |queue: &QueueId| self.server(*queue).is_some();
        let (servers, local): (Vec<_>, Vec<_>) = queues.into_iter().partition(is_server);
        for queue in servers {
            let preview = self.preview(read, queue, &decoded);
            self.push_ready(read, queue, preview, &facts);
        }
        self.keep_for_servers(read, &decoded);
        let subject = Subject::of(Arc::clone(&decoded.picture), facts);
        for queue in local {
            self.ask(read, queue, &decoded, &subject, &tools.runtime);
        }
    }

    /// Those who lead the content and have not answered about it; the others end or follow.
    fn unanswered(&self, read: &Read, mut queues: Vec<QueueId>) -> Vec<QueueId> {
        queues.retain(|&queue| {
            if !self.claims(read, queue) {
                return false;
            }
            let Err(outcome) = self.check_unanswered(read, queue) else {
                return true;
            };
            self.end(read, queue, None, outcome, true);
            false
        });
        queues
    }

    /// Whoever had the content before has committed by now: whether it is known what a provider says of it.
    fn check_unanswered(&self, read: &Read, queue: QueueId) -> Result<(), JobOutcome> {
        let again = self.state.is_wanted_again(queue, read.photo.id);
        let hash = &read.content.hash;
        self.answers.check_unanswered(queue, hash, again)?;
        match self.state.is_named(queue, read.photo.id) {
            true => Ok(()),
            false => self.answers.check_needed(queue, hash),
        }
    }

    fn show(
        &self,
        read: &Read,
        bytes: &mut Vec<u8>,
    ) -> Result<(Arc<Facts>, DecodedPicture), JobOutcome> {
        // A photo that turned out to be one that was gone goes by that one's id, and has no facts by its own.
        let facts = self.facts(read.photo.id)?;
        Ok((facts, self.see(read.content.hash, bytes)?))
    }

    fn server(&self, queue: QueueId) -> Option<&Server> {
        self.answers.provider(queue).server.as_ref()
    }

    /// A picture for a server that was made ready before: the original need not be read.
    fn made_ready(&self, read: &Read, queue: QueueId) -> Option<Preview> {
        let side = self.server(queue)?.max_side;
        self.previews.as_ref()?.get(read.content.hash, side)
    }

    fn send_made_ready(&self, read: &Read, queue: QueueId, preview: Preview) {
        if self.unanswered(read, vec![queue]).is_empty() {
            return;
        }
        match self.facts(read.photo.id) {
            Ok(facts) => self.push_ready(read, queue, preview, &facts),
            Err(outcome) => self.end(read, queue, None, outcome, true),
        }
    }

    fn push_ready(&self, read: &Read, queue: QueueId, preview: Preview, facts: &Arc<Facts>) {
        let job = RemoteJob {
            photo: read.photo.id,
            hash: read.content.hash,
            stat: read.content.stat,
            preview,
            facts: Arc::clone(facts),
            failed_attempts: 0,
            busy_attempts: 0,
            not_before: Instant::now(),
        };
        self.state.push_ready(queue, job);
        self.state.done(queue);
    }

    fn preview(&self, read: &Read, queue: QueueId, decoded: &DecodedPicture) -> Preview {
        let side = self.server(queue).map_or(0, |server| server.max_side);
        let make = || decoded.preview(side);
        match &self.previews {
            Some(previews) => previews.get_or_make(read.content.hash, side, make),
            None => make(),
        }
    }

    /// What servers will want to see soon need not be decoded again for them.
    fn keep_for_servers(&self, read: &Read, decoded: &DecodedPicture) {
        for queue in self.state.servers_that_want(read.photo.id) {
            self.preview(read, queue, decoded);
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

    fn claims(&self, read: &Read, queue: QueueId) -> bool {
        let itself = Duplicate {
            photo: read.photo.id,
            stat: read.content.stat,
        };
        let leads = self.state.claim(queue, read.content.hash, itself);
        if !leads {
            self.state.done(queue);
        }
        leads
    }

    fn read(&self, photo: &Photo, buffer: &mut Vec<u8>) -> Result<Content, JobOutcome> {
        let (source_files, largest) = (&self.source_files, self.max_file_bytes);
        let go_on = || !self.state.is_stopped();
        let read = || content::read(source_files, photo, largest, &go_on, buffer);
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
        if photo.hash.is_some() {
            // Another picture that looks the same from outside.
            self.state.forget(&RoaringBitmap::from_iter([photo.id.0]));
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

    fn facts(&self, photo: PhotoId) -> Result<Arc<Facts>, JobOutcome> {
        match self.library.detail(photo) {
            Ok(Some(detail)) => Ok(Arc::new(detail.facts)),
            Ok(None) => Err(JobOutcome::Skipped),
            Err(error) => Err(JobOutcome::RetryLater(error.to_string())),
        }
    }

    /// Asks an analyzer inside the program. What it can't do concerns no other one.
    fn ask(
        &self,
        read: &Read,
        queue: QueueId,
        decoded: &DecodedPicture,
        subject: &Subject,
        runtime: &Runtime,
    ) {
        let analyzer = &*self.answers.provider(queue).analyzer;
        let (photo, hash) = (read.photo.id, &read.content.hash);
        let _span = spans::job(photo, hash, analyzer.name(), 1).entered();
        let ask = || contained(|| runtime.block_on(analyzer.analyze(subject)));
        let (id, content) = (read.photo.id, &read.content);
        let (changes, outcome) = match self.state.stopwatch.time(Stage::Infer, ask) {
            Ok(answer) => {
                let changes = content.changes(id, analyzer, &decoded.measured, answer);
                (Vec::from(changes), JobOutcome::Analyzed)
            }
            Err(failure) => {
                self.state.errors.count(&failure);
                tracing::warn!(photo = id.0, analyzer = analyzer.name(), "{failure}");
                let outcome = JobOutcome::of_analyzer(&failure);
                let declined = self.declined(queue, content.hash, &outcome);
                (Vec::from_iter(declined), outcome)
            }
        };
        self.end(read, queue, changes, outcome, true);
    }
}
