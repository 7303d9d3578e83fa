//! The vision models inside the program: tags, a title and a sentence without a server, a key or a download.
//!
//! Two networks look at a picture, `vote` makes words of what they say, `compose` makes sentences of the words.
//! Where the models come from is in `contrib/models/README.md`.

mod classify;
mod compose;
mod detect;
mod input;
mod labels;
mod network;
mod vote;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use self::classify::Lite2;
use self::compose::Seen;
use self::detect::NanoDet;
use self::labels::Labels;
use self::network::Lanes;
use self::vote::Vote;
use crate::analysis::{Analyzer, Failure, Picture, Subject};
use crate::catalog::{Answer, Tag, clean};

/// Characters, as for the answers of servers.
const LONGEST_TITLE: usize = 120;
const LONGEST_DESCRIPTION: usize = 4_000;

/// The models could not be made ready: a fault of this build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime doesn't take a network: its own words.
    #[error("embedded model: {0}")]
    Load(String),
    /// `labels.tsv` hasn't a row for each class and object, in their order.
    #[error("embedded model: the table of labels is broken")]
    Labels,
}

/// Loaded once and shared; each call computes on one thread of its own.
pub struct Embedded {
    labels: Labels,
    lite2: Lite2,
    nanodet: NanoDet,
    lanes: Lanes,
}

impl Embedded {
    /// Makes both networks ready: some 20 MB of weights, which are part of the program.
    pub fn load() -> Result<Self, Error> {
        Ok(Self {
            labels: Labels::load()?,
            lite2: Lite2::load()?,
            nanodet: NanoDet::load()?,
            lanes: Lanes::default(),
        })
    }

    /// The probabilities of ImageNet's 1000 classes, in their order.
    pub fn classes(&self, picture: &Picture) -> Result<Vec<f32>, Failure> {
        self.lanes.with(|lane| self.lite2.classify(picture, lane))
    }

    /// Looks at one picture; computes on the thread that calls and one more.
    pub fn look(&self, subject: &Subject) -> Result<Answer, Failure> {
        let picture = &*subject.picture()?;
        let (classes, found) = self.lanes.with(|lane| {
            let classes = self.lite2.classify(picture, lane)?;
            Ok::<_, Failure>((classes, self.nanodet.detect(picture, lane)?))
        })?;
        let votes = vote::vote(&self.labels, &classes, &found);
        let title = compose::title(&self.seen(&votes));
        let description = compose::description(title.as_deref(), &subject.facts);
        Ok(Answer {
            title: title.and_then(|text| clean(&text, LONGEST_TITLE)),
            description: description.and_then(|text| clean(&text, LONGEST_DESCRIPTION)),
            tags: votes.iter().map(|vote| self.tag(vote)).collect(),
        })
    }

    /// What a sentence is about: the narrowest words; general ones only where nothing else was seen.
    fn seen(&self, votes: &[Vote]) -> Vec<Seen<'_>> {
        let narrow = |vote: &&Vote| !self.labels.is_general(vote.word);
        let any_narrow = votes.iter().any(|vote| narrow(&vote));
        let told = votes
            .iter()
            .filter(|vote| vote.specific && (!any_narrow || narrow(vote)));
        let seen = told.map(|vote| Seen {
            word: self.labels.name(vote.word),
            count: vote.count,
        });
        seen.collect()
    }

    fn tag(&self, vote: &Vote) -> Tag {
        Tag {
            name: self.labels.name(vote.word).to_owned(),
            confidence: vote.confidence,
        }
    }
}

impl Analyzer for Embedded {
    fn name(&self) -> &str {
        "embedded"
    }

    fn model(&self) -> &str {
        "efficientnet-lite2+nanodet/1"
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn analyze<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>> {
        async move { self.look(subject) }.boxed()
    }
}
