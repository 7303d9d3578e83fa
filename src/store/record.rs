//! Everything kept of one photo, and what a change makes of it.
//!
//! The one meaning of changes, whatever holds the records. Knows nothing of how and where they are kept.

mod edits;

use std::cmp::Reverse;

use crate::catalog::{
    Analysis, ContentHash, Detail, Entry, Event, Facet, Facts, FileStat, Format, Label, Measured,
    Origin, Photo, PhotoId, SourcePath, Status, Text, TextField,
};
use crate::media::is_decodable;

/// The status of a photo of which this one is kept. That it is unsupported follows from what can be decoded today, not
/// from what could be when it was found.
pub fn status(format: Format, kept: Status) -> Status {
    match (kept, is_decodable(format)) {
        (Status::Pending | Status::Unsupported, true) => Status::Pending,
        (Status::Pending | Status::Unsupported, false) => Status::Unsupported,
        (Status::Analyzed | Status::Failed, _) => kept,
    }
}

/// The status to keep: what [`status`] makes of it again.
pub fn kept_status(status: Status) -> Status {
    match status {
        Status::Unsupported => Status::Pending,
        status => status,
    }
}

/// An analysis and when it was recorded, in seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// What was said, and by whom.
    pub analysis: Analysis,
    /// Of several analyzers of one kind, the text of the latest holds.
    pub at: i64,
}

/// All that a store keeps of one photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What the index holds of it. Its size in pixels is that in `facts`.
    pub photo: Photo,
    /// What its file says of itself.
    pub facts: Facts,
    /// One a key, origin and analyzer, sorted.
    pub labels: Vec<Label>,
    /// One a field, origin and analyzer, in the order of [`Detail::texts`].
    pub texts: Vec<Text>,
    /// Why its file can't be read or decoded.
    pub failure: Option<String>,
    /// As in [`Detail::analyses`].
    pub analyses: Vec<(String, String, i64)>,
    /// The file isn't there; kept for when it turns up again.
    pub gone: bool,
}

/// What labels are in order of.
fn place(label: &Label) -> (Facet, Origin, &str, Option<&str>) {
    let Label { facet, origin, .. } = *label;
    (facet, origin, &label.value, label.analyzer.as_deref())
}

impl Record {
    /// A photo of which nothing is known but its file.
    pub fn new(id: PhotoId, name: Box<[u8]>, path: SourcePath, stat: FileStat) -> Self {
        let facts = Facts::of(Format::Unknown);
        Self {
            photo: Photo {
                id,
                path,
                name,
                title_name: None,
                text_bytes: 0,
                stat,
                format: facts.format,
                status: Status::Pending,
                date: None,
                hash: None,
                width: facts.width,
                height: facts.height,
                perceptual_hash: None,
                edited: false,
                edition: 0,
            },
            facts,
            labels: Vec::new(),
            texts: Vec::new(),
            failure: None,
            analyses: Vec::new(),
            gone: false,
        }
    }

    /// Other content, as far as is known yet: what is derived from the old one goes. If the bytes turn out to be the same,
    /// what models said of them joins the photo again.
    pub fn replace_content(&mut self, stat: FileStat, facts: Facts) {
        self.labels.retain(|l| l.origin.survives(Event::OtherBytes));
        self.texts.retain(|t| t.origin.survives(Event::OtherBytes));
        self.failure = None;
        self.analyses.clear();
        // Whoever keeps what the picture looked like tells by size and time that it is another one, else by this.
        if self.photo.stat.same_size_and_time(&stat) {
            self.photo.edition = self.photo.edition.wrapping_add(1);
        }
        self.photo.stat = stat;
        self.photo.hash = None;
        self.photo.perceptual_hash = None;
        self.photo.status = status(facts.format, Status::Pending);
        self.take_facts(facts);
    }

    /// Bytes were read of which no scan knows: what is derived from others goes, and its facts are read again.
    pub fn note_bytes(&mut self, stat: &FileStat, hash: &ContentHash) {
        let same_change = self.photo.stat.same_change(stat);
        if self.photo.hash.map_or(!same_change, |known| known != *hash) {
            self.replace_content(self.photo.stat, self.facts.clone());
            self.facts.version = 0;
        }
        if !same_change {
            self.photo.stat.ctime_ns = stat.ctime_ns;
            self.photo.stat.links = stat.links;
        }
    }

    /// Content that hasn't changed, in which more was found: what the file says of itself is said anew.
    pub fn read_again(&mut self, facts: Facts) {
        let survives = |origin: Origin| origin.survives(Event::SameBytes);
        // Colours were measured, by whoever decoded the picture.
        self.labels
            .retain(|l| survives(l.origin) || l.facet == Facet::Color);
        self.texts.retain(|t| survives(t.origin));
        let was = match self.photo.status {
            // It was another format that nobody could decode.
            Status::Failed if facts.format != self.facts.format => Status::Pending,
            was => was,
        };
        self.photo.status = status(facts.format, was);
        if self.photo.status != Status::Failed {
            self.failure = None;
        }
        self.take_facts(facts);
    }

    fn take_facts(&mut self, facts: Facts) {
        self.photo.format = facts.format;
        self.photo.date = facts.date;
        for label in facts.labels() {
            self.put_label(label);
        }
        let texts = [
            (TextField::Title, &facts.title),
            (TextField::Description, &facts.description),
        ];
        for (field, value) in texts {
            if let Some(value) = value {
                self.put_text(Text::new(field, Origin::File, value));
            }
        }
        self.facts = facts;
    }

    /// Joins the labels that follow from its facts to the others.
    pub fn join_labels_of_facts(&mut self) {
        for label in self.labels_of_facts() {
            self.put_label(label);
        }
    }

    /// The labels that don't follow from its facts.
    pub fn labels_beside_facts(&self) -> Vec<&Label> {
        let following = self.labels_of_facts();
        let labels = self.labels.iter();
        labels.filter(|label| !following.contains(label)).collect()
    }

    /// The labels that follow from its facts. Of facts from before there were versions none does: what was made of them then
    /// stands until the file is read again.
    fn labels_of_facts(&self) -> Vec<Label> {
        if self.facts.version == 0 {
            return Vec::new();
        }
        let mut labels = self.facts.labels();
        // Outside data: no folder is called by an empty text.
        labels.retain(|label| !label.value.is_empty());
        labels
    }

    /// Joins what was measured in the same content, in the place of what the file says of itself.
    pub fn measure(&mut self, measured: &Measured) {
        self.photo.perceptual_hash = Some(measured.perceptual_hash);
        (self.facts.width, self.facts.height) = (measured.width, measured.height);
        let is_old = |l: &Label| l.facet == Facet::Color && l.origin == Origin::File;
        self.labels.retain(|l| !is_old(l));
        for color in &measured.colors {
            self.put_label(color.clone());
        }
    }

    /// Joins what an analysis of the same content gave, in the place of what the same analyzer said before. What was
    /// kept of this origin without the name of its analyzer comes of an earlier version, and goes.
    pub fn attach(&mut self, recorded: &Recorded) {
        let Recorded { analysis, at } = recorded;
        let origin = match analysis.remote {
            true => Origin::Remote,
            false => Origin::Embedded,
        };
        self.photo.hash = Some(analysis.hash);
        self.photo.status = Status::Analyzed;
        self.failure = None;
        let who = analysis.analyzer.as_str();
        let is_old = |of: Origin, by: &Option<Box<str>>| {
            of == origin && by.as_deref().is_none_or(|by| by == who)
        };
        self.labels.retain(|l| !is_old(l.origin, &l.analyzer));
        self.texts.retain(|t| !is_old(t.origin, &t.analyzer));
        for tag in &analysis.answer.tags {
            let label = Label::new(Facet::Tag, &tag.name, origin, tag.confidence);
            self.put_label(label.by(who));
        }
        let answer = &analysis.answer;
        for (field, value) in [
            (TextField::Title, &answer.title),
            (TextField::Description, &answer.description),
        ] {
            if let Some(value) = value {
                self.put_text(Text::new(field, origin, value).by(who));
            }
        }
        self.analyses.retain(|(who, ..)| *who != analysis.analyzer);
        let (analyzer, model) = (analysis.analyzer.clone(), analysis.model.clone());
        self.analyses.push((analyzer, model, *at));
        self.analyses.sort_by(|a, b| (a.2, &a.0).cmp(&(b.2, &b.0)));
        self.sort_texts();
    }

    /// Replaces what a sidecar said.
    pub fn take_sidecar(&mut self, labels: &[Label], texts: &[Text]) {
        self.labels
            .retain(|l| l.origin.survives(Event::SidecarAgain));
        self.texts
            .retain(|t| t.origin.survives(Event::SidecarAgain));
        for label in labels {
            self.put_label(Label {
                origin: Origin::Xmp,
                ..label.clone()
            });
        }
        for text in texts {
            self.put_text(Text::new(text.field, Origin::Xmp, &text.value));
        }
    }

    /// Marks a picture that can't be analysed.
    pub fn fail(&mut self, reason: String) {
        self.photo.status = Status::Failed;
        self.failure = Some(reason);
    }

    /// Whether a person said anything of it.
    pub fn is_edited(&self) -> bool {
        self.labels.iter().any(|l| l.origin == Origin::Human)
            || self.texts.iter().any(|t| t.origin == Origin::Human)
    }

    fn put_label(&mut self, label: Label) {
        let key = label.key();
        self.labels.retain(|l| {
            (l.facet, l.origin, &l.analyzer) != (label.facet, label.origin, &label.analyzer)
                || l.key() != key
        });
        let at = self.labels.partition_point(|l| place(l) < place(&label));
        self.labels.insert(at, label);
    }

    fn put_text(&mut self, text: Text) {
        let key = |t: &Text| (t.field, t.origin, t.analyzer.clone());
        self.texts.retain(|t| key(t) != key(&text));
        self.texts.push(text);
        self.sort_texts();
    }

    /// Puts the text that holds, of each field and origin, before the others.
    pub fn sort_texts(&mut self) {
        let analyses = &self.analyses;
        let recorded = |text: &Text| {
            let who = text.analyzer.as_deref();
            analyses
                .iter()
                .position(|(name, ..)| Some(name.as_str()) == who)
        };
        self.texts
            .sort_by_key(|t| (t.field, t.origin, Reverse(recorded(t))));
    }

    /// The title that holds; an empty one says that there is none.
    pub fn title(&self) -> Option<&str> {
        let title = Text::effective(&self.texts, TextField::Title)?;
        Some(title.value.as_str()).filter(|t| !t.is_empty())
    }

    /// What the index is told of it.
    pub fn entry(&self) -> Entry {
        let photo = Photo {
            width: self.facts.width,
            height: self.facts.height,
            edited: self.is_edited(),
            ..self.photo.clone()
        };
        Entry {
            photo,
            labels: self.labels.clone(),
        }
    }

    /// Everything known of it.
    pub fn detail(&self) -> Detail {
        Detail {
            entry: self.entry(),
            facts: self.facts.clone(),
            texts: self.texts.clone(),
            failure: self.failure.clone(),
            analyses: self.analyses.clone(),
        }
    }
}
