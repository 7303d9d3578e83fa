//! What happens to a catalog, and what comes of it. The order is always: store commit, index, kernel notification.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{
    Act, ActId, Actor, Analysis, ContentHash, Declined, Deed, Edit, Facts, FileStat, Label,
    LabelKey, Measured, Origin, Photo, PhotoId, Role, SourcePath, Spent,
};

/// Something that happened. `Store::commit` makes it durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A file that the catalog does not know, or whose content changed: everything derived from the old content goes, what
    /// a person said stays.
    Found {
        /// The photo whose content changed; `None` for a file that the catalog does not know.
        known: Option<PhotoId>,
        /// Where the file is.
        path: SourcePath,
        /// The file as it was when its facts were read.
        stat: FileStat,
        /// What its metadata says.
        facts: Box<Facts>,
    },
    /// The file was read again, by a version that finds more in it than the one before. The content is the same: what
    /// everybody else said of it stays.
    ReadAgain {
        /// The photo whose file it is.
        id: PhotoId,
        /// The file as it was when its facts were read.
        stat: FileStat,
        /// What its metadata says now.
        facts: Box<Facts>,
    },
    /// A file that the catalog knows is at another path, or has other permissions.
    Moved {
        /// The photo whose file it is.
        id: PhotoId,
        /// Where the file is now.
        path: SourcePath,
        /// What the disk says of it there.
        stat: FileStat,
    },
    /// A new file has taken the name of a photo whose own file was put aside, as editors do that keep a backup. It is a
    /// photo of its own, of which people said what they said of the other one: the name is what they see.
    Replaced {
        /// The photo that was put aside.
        id: PhotoId,
        /// Where its file is now, and what the disk says of it there.
        aside: (SourcePath, FileStat),
        /// Where its file was and the new one is.
        path: SourcePath,
        /// The new file as it was when its facts were read.
        stat: FileStat,
        /// What the metadata of the new file says.
        facts: Box<Facts>,
    },
    /// The file is no longer there. Everything known of it is kept aside, for when it turns up again.
    Gone {
        /// The photo whose file isn't there.
        id: PhotoId,
    },
    /// A photo that is gone, and of which people said something, has turned up again as one that is there. They become one,
    /// with what was said of both; where both say something, the one that is there is right.
    Returned {
        /// The photo that is gone.
        id: PhotoId,
        /// The one that is there. It has the same content as far as the catalog knows, or else the same size and time.
        now: PhotoId,
    },
    /// The content was read as a whole. Joins what is known of copies, and of a photo that is gone.
    Hashed {
        /// The photo whose file was read.
        id: PhotoId,
        /// The file as it was while it was read. The hash of another state of it is dropped.
        stat: FileStat,
        /// The hash of the whole file.
        hash: ContentHash,
    },
    /// The picture was decoded and measured; holds for every photo of the same content.
    Measured {
        /// The photo whose file was decoded.
        id: PhotoId,
        /// The file as it was while it was read.
        stat: FileStat,
        /// The content that was measured.
        hash: ContentHash,
        /// What was found out, in the place of what was known before.
        measured: Box<Measured>,
    },
    /// An analysis ended well; holds for every photo of the same content.
    Analyzed {
        /// The photo that the analyzer was given.
        id: PhotoId,
        /// The answer, in the place of an earlier one of this analyzer.
        analysis: Box<Analysis>,
    },
    /// An analysis of the same content that was made elsewhere.
    Learned {
        /// A photo of the content.
        id: PhotoId,
        /// The answer that was brought along.
        analysis: Box<Analysis>,
        /// When it was given, in seconds since 1970.
        at: i64,
    },
    /// More photos of a content that many have learn what is known of it: those after this one.
    Joined {
        /// What is in their files.
        hash: ContentHash,
        /// The last photo that has learned it.
        after: PhotoId,
    },
    /// The picture can't be analysed. Not tried again until the file changes.
    Failed {
        /// The photo that can't be read or decoded.
        id: PhotoId,
        /// The file as it was then: one that changed since is tried again.
        stat: FileStat,
        /// For people: lower case, no full stop.
        reason: String,
    },
    /// A provider failed or declined to answer on a content. An answer of an earlier version goes on holding.
    Declined {
        /// The configured name of the analyzer.
        provider: String,
        /// What it was given.
        content: ContentHash,
        /// Its version: another one is asked again.
        version: String,
        /// Whether it failed or declined, and why.
        why: Declined,
    },
    /// Requests to a provider took tokens and money on a day.
    Spent {
        /// The configured name of the analyzer.
        provider: String,
        /// The local day, `2026-01-31`: budgets are per day and month.
        day: String,
        /// What is added to the sum of the day.
        spent: Spent,
    },
    /// A person did something. It enters the journal with what it changed.
    Acted(Box<Act>),
}

impl Change {
    /// Whether it comes of work that goes on by itself, photo after photo: nobody waits to see each at once.
    pub(crate) fn is_analysis(&self) -> bool {
        matches!(
            self,
            Self::Analyzed { .. }
                | Self::Measured { .. }
                | Self::Joined { .. }
                | Self::Failed { .. }
                | Self::Hashed { .. }
                | Self::ReadAgain { .. }
                | Self::Declined { .. }
                | Self::Spent { .. }
        )
    }

    /// Whether it is, or may be, paid: what it says can't be found out again for nothing.
    pub(crate) fn is_paid(&self) -> bool {
        match self {
            Self::Analyzed { analysis, .. } => analysis.remote,
            Self::Declined { .. } | Self::Spent { .. } => true,
            _ => false,
        }
    }

    /// One edit, of a program that isn't known.
    pub fn edited(id: PhotoId, edit: Edit) -> Self {
        Self::Acted(Box::new(Act {
            by: Actor::default(),
            words: "edit".into(),
            role: Role::New,
            deeds: vec![Deed::Edit(id, vec![edit])],
        }))
    }
}

/// A photo with all its labels, of every origin: what the index is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Everything that doesn't come as a label.
    pub photo: Photo,
    /// One a key, origin and analyzer; [`Label::effective`] says which of them hold.
    pub labels: Vec<Label>,
}

/// What a committed change means for whoever mirrors the store.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The photo is there, new or changed, and looks like this.
    Upsert(Entry),
    /// The photo is gone, or was joined to another one.
    Remove(PhotoId),
    /// Whether a tag is there even where no photo has it, and how it is written then.
    Made {
        /// Of facet `tag`.
        tag: LabelKey,
        /// `None` where it is there only for the photos that have it.
        written: Option<String>,
    },
    /// The query that is kept under a name, if one is.
    Saved {
        /// The name of its folder below `saved/`.
        name: String,
        /// The query as a person wrote it; `None` where it is forgotten.
        query: Option<String>,
    },
    /// More photos have a content than can learn in one commit what is known of it: [`Change::Joined`] is to be committed.
    Unjoined {
        /// What is in their files.
        hash: ContentHash,
        /// The last photo that has learned it.
        after: PhotoId,
    },
    /// An act is in the journal under this number; how many things it changed just now.
    Acted {
        /// The number under which it can be taken back.
        act: ActId,
        /// Slots of photos and of the catalog; 0 where everything was so already.
        changed: usize,
    },
}

/// Which of the texts that a photo may have.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum TextField {
    /// A few words, on one line.
    Title,
    /// Sentences.
    Description,
}

impl TextField {
    /// Every field, the shorter first.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The word that stands in the store and in the interfaces for programs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A title or description and who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Whether it is a title or a description.
    pub field: TextField,
    /// Who wrote it.
    pub origin: Origin,
    /// Which analyzer wrote it, where it is one.
    pub analyzer: Option<Box<str>>,
    /// Outside data. An empty one of origin `human` says that there is none, whatever others say.
    pub value: String,
}

impl Text {
    /// A text that no analyzer wrote.
    pub fn new(field: TextField, origin: Origin, value: impl Into<String>) -> Self {
        Self {
            field,
            origin,
            analyzer: None,
            value: value.into(),
        }
    }

    /// This text, as an analyzer writes it.
    pub fn by(self, analyzer: &str) -> Self {
        let analyzer = Some(analyzer.into());
        Self { analyzer, ..self }
    }

    /// The text of a field that holds: the one of the most trusted origin, and there the first.
    pub fn effective(texts: &[Self], field: TextField) -> Option<&Self> {
        let of_field = texts.iter().filter(|t| t.field == field);
        of_field.min_by_key(|t| t.origin)
    }
}

/// Everything known of one photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// The photo and all that is said of it in labels.
    pub entry: Entry,
    /// What the metadata of its file says.
    pub facts: Facts,
    /// Of several that analyzers of one origin wrote, the one that was recorded last comes first; of those of the same
    /// second, the one whose analyzer comes last by name.
    pub texts: Vec<Text>,
    /// Why the file can't be read or decoded; `None` where that isn't known of it.
    pub failure: Option<String>,
    /// Name and model of the analyzers that answered, and when (seconds since 1970), the latest last.
    pub analyses: Vec<(String, String, i64)>,
}

impl Detail {
    /// The text that holds: a person's, else a sidecar's, the file's, a remote model's, an embedded model's; of several
    /// models of one origin, that of the one that answered last.
    pub fn text(&self, field: TextField) -> Option<&Text> {
        Text::effective(&self.texts, field)
    }

    /// Whether a person closed the list of tags, so that models add nothing to it.
    pub(crate) fn has_closed_list(&self) -> bool {
        self.entry.labels.iter().any(Label::closes_list)
    }

    /// Whether there is no description and an analysis may bring one.
    pub(crate) fn awaits_description(&self) -> bool {
        let text = self.text(TextField::Description);
        let is_missing = text.is_none_or(|t| t.value.is_empty() && t.origin != Origin::Human);
        self.entry.photo.status.may_be_analyzed() && is_missing
    }

    /// Whether an analysis may bring a description that holds instead of the one that is there: what people, sidecars
    /// and the file itself say is not replaced.
    pub(crate) fn may_be_described_better(&self) -> bool {
        let text = self.text(TextField::Description);
        let is_of_model =
            text.is_some_and(|t| matches!(t.origin, Origin::Remote | Origin::Embedded));
        self.awaits_description() || self.entry.photo.status.may_be_analyzed() && is_of_model
    }
}
