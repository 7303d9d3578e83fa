//! What happens to a catalog, and what comes of it. The order is always: store commit, index, kernel notification.

use std::str::FromStr;

use super::{
    Act, ActId, Actor, Analysis, ContentHash, Declined, Deed, Edit, Facts, FileStat, Label,
    LabelKey, Measured, Origin, Photo, PhotoId, Role, SourcePath, Spent,
};

/// Something that happened. `Store::commit` makes it durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A file that the catalog does not know (`known` is `None`), or whose content changed (`known` is its photo):
    /// everything derived from the old content goes, what a person said stays.
    Found {
        known: Option<PhotoId>,
        path: SourcePath,
        stat: FileStat,
        facts: Box<Facts>,
    },
    /// The same content at another path, or with other permissions.
    Moved {
        id: PhotoId,
        path: SourcePath,
        stat: FileStat,
    },
    /// The file is no longer there. Everything known of it is kept aside, for when it turns up again.
    Gone { id: PhotoId },
    /// The content was read as a whole. Joins what is known of copies, and of a photo that is gone.
    Hashed {
        id: PhotoId,
        stat: FileStat,
        hash: ContentHash,
    },
    /// The picture was decoded and measured; holds for every photo of the same content.
    Measured {
        id: PhotoId,
        stat: FileStat,
        hash: ContentHash,
        measured: Box<Measured>,
    },
    /// An analysis ended well; holds for every photo of the same content.
    Analyzed {
        id: PhotoId,
        analysis: Box<Analysis>,
    },
    /// An analysis of the same content that was made elsewhere. `at` is when, in seconds since 1970.
    Learned {
        id: PhotoId,
        analysis: Box<Analysis>,
        at: i64,
    },
    /// What a sidecar says of a photo, in place of what one said before: all of origin `xmp`.
    Sidecar {
        id: PhotoId,
        labels: Vec<Label>,
        texts: Vec<Text>,
    },
    /// The picture can't be analysed. Not tried again until the file changes.
    Failed {
        id: PhotoId,
        stat: FileStat,
        /// For people: lower case, no full stop.
        reason: String,
    },
    /// A provider failed or declined to answer on a content. An answer of an earlier version goes on holding.
    Declined {
        provider: String,
        content: ContentHash,
        version: String,
        why: Declined,
    },
    /// A provider took something on a day, `2026-01-31`.
    Spent {
        provider: String,
        day: String,
        spent: Spent,
    },
    /// A person did something. It enters the journal with what it changed.
    Acted(Box<Act>),
}

impl Change {
    /// Whether it comes of work that goes on by itself, photo after photo: nobody waits to see each at once.
    pub fn is_analysis(&self) -> bool {
        matches!(
            self,
            Self::Analyzed { .. }
                | Self::Measured { .. }
                | Self::Failed { .. }
                | Self::Hashed { .. }
                | Self::Declined { .. }
                | Self::Spent { .. }
        )
    }

    /// Whether it is, or may be, paid: what it says can't be found out again for nothing.
    pub fn is_paid(&self) -> bool {
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
    pub photo: Photo,
    pub labels: Vec<Label>,
}

/// What a committed change means for whoever mirrors the store.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Upsert(Entry),
    Remove(PhotoId),
    /// Whether a tag is there even where no photo has it, and how it is written then.
    Made {
        tag: LabelKey,
        written: Option<String>,
    },
    /// The query that is kept under a name, if one is.
    Saved {
        name: String,
        query: Option<String>,
    },
    /// An act is in the journal under this number; how many things it changed just now.
    Acted {
        act: ActId,
        changed: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextField {
    Title,
    Description,
}

impl TextField {
    pub const ALL: [Self; 2] = [Self::Title, Self::Description];

    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
        }
    }
}

impl FromStr for TextField {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|x| x.name() == s).ok_or(())
    }
}

/// A title or description and who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub field: TextField,
    pub origin: Origin,
    /// Which analyzer wrote it, where it is one.
    pub analyzer: Option<Box<str>>,
    pub value: String,
}

impl Text {
    pub fn new(field: TextField, origin: Origin, value: impl Into<String>) -> Self {
        Self {
            field,
            origin,
            analyzer: None,
            value: value.into(),
        }
    }

    /// The same text, as an analyzer writes it.
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
    pub entry: Entry,
    pub facts: Facts,
    /// Of several that analyzers of one origin wrote, the one that was recorded last comes first; of those of the same
    /// second, the one whose analyzer comes last by name.
    pub texts: Vec<Text>,
    /// Why the analysis failed.
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

    /// Whether there is no description and an analysis may bring one.
    pub fn awaits_description(&self) -> bool {
        let text = self.text(TextField::Description);
        let is_missing = text.is_none_or(|t| t.value.is_empty() && t.origin != Origin::Human);
        self.entry.photo.status.may_be_analyzed() && is_missing
    }

    /// Whether an analysis may bring a description that holds instead of the one that is there: what people, sidecars
    /// and the file itself say is not replaced.
    pub fn may_be_described_better(&self) -> bool {
        let text = self.text(TextField::Description);
        let is_of_model =
            text.is_some_and(|t| matches!(t.origin, Origin::Remote | Origin::Embedded));
        self.awaits_description() || self.entry.photo.status.may_be_analyzed() && is_of_model
    }
}
