//! What a person changes, and what the journal keeps of it so that it can be taken back.

use std::collections::BTreeMap;
use std::fmt;

use super::{Label, LabelKey, Origin, PhotoId, Text, TextField};

/// One change that a person makes to one photo. Stored with origin `human`.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The photo has this tag.
    Tag(String),
    /// The photo has not this tag, whoever says so. A list that is closed is open again, if it had the tag.
    Untag(String),
    /// What the photo has as the first tag is called like the second one.
    Rename(String, String),
    /// The photo has not this tag, and won't have it when somebody says so later.
    Deny(String),
    /// The photo has these tags and no others: what is new is added, what isn't among them is denied, and the list is
    /// closed. A tag with a comma in it is also meant by the same with a semicolon, which is how lists write it.
    SetTags(Vec<String>),
    /// The tags that people gave are a closed list: models add nothing to it.
    CloseList,
    /// Forget what people said about tags; what others say shows again, and the list is open.
    ClearTags,
    /// Replace a text.
    SetText(TextField, String),
    /// Replace a text, if it is still the one that the edit is based on, or what a model says by now.
    ReplaceText {
        /// Which text.
        field: TextField,
        /// What has to hold; empty for nothing.
        from: String,
        /// What holds then.
        to: String,
    },
    /// Forget the person's text; what others say shows again.
    ClearText(TextField),
    /// Stars, 0 to 5, in the place of whatever others give.
    SetRating(u8),
    /// Forget the person's rating; what others say shows again.
    ClearRating,
}

/// The number of an act in the journal. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId(pub u64);

impl fmt::Display for ActId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The program that did something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// Linux's name of the process (`comm`): at most 15 bytes; empty where the system doesn't tell.
    pub process: String,
    /// The number of the process, which another one may have by now; 0 where it isn't known.
    pub pid: u32,
    /// The number of the user that it ran as.
    pub uid: u32,
}

/// What a person does at one time. It ends in the journal as one, and is taken back as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Who did it.
    pub by: Actor,
    /// What it is, without naming photos: `untag beach`.
    pub words: String,
    /// Whether it stands for itself, or takes back or goes on with an earlier one.
    pub role: Role,
    /// What it does besides what its role says, in this order.
    pub deeds: Vec<Deed>,
}

/// What an act is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It stands for itself.
    New,
    /// More of the same act; by itself where that is taken back already.
    Continues(ActId),
    /// Takes that act back, which holds: what is still as it left it is again as it was before.
    Undoes(ActId),
    /// Does that act again, which was taken back, by taking that back.
    Redoes(ActId),
}

/// One thing that an act does.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A person changes what is said of a photo.
    Edit(PhotoId, Vec<Edit>),
    /// A person has what a sidecar says of a photo taken in, in the place of what one said before: all of origin `xmp`.
    Sidecar {
        /// The photo beside which the sidecar lies.
        photo: PhotoId,
        /// Tags and rating, kept as of origin `xmp` whatever they say.
        labels: Vec<Label>,
        /// Title and description, kept likewise.
        texts: Vec<Text>,
    },
    /// A tag, written like this, is there from now on, though no photo has it.
    Make(String),
    /// A tag is there only where a photo has it.
    Unmake(LabelKey),
    /// What models call like this is called `to` from now on.
    Rename {
        /// The tag under the name that models give it.
        tag: LabelKey,
        /// The new name, as it is written.
        to: String,
    },
    /// This query is kept under this name from now on, in the place of an earlier one; without one it is forgotten.
    Save {
        /// The name of its folder below `saved/`.
        name: String,
        /// The query as it was written.
        query: Option<String>,
    },
    /// What people and its sidecar say of a photo that is gone is said of another one from now on. What people say of that
    /// already stays, and so does a sidecar of its own.
    GiveWords {
        /// The photo that is gone; one that is back keeps its words.
        gone: PhotoId,
        /// The photo that has them then.
        to: PhotoId,
    },
    /// What is as it was after these traces is again as it was before; what is different by now is left alone.
    Restore(Vec<Trace>),
    /// What this act changed there of a photo is again as it was before, if both hold.
    TakeBack(ActId, PhotoId, Slot),
}

/// Something that people, or sidecars that they had taken in, say one thing about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Of a photo: whether it has the label. Of the catalog: that the label is there.
    Label(LabelKey),
    /// Of a photo: a text.
    Text(TextField),
    /// Of a photo: whether its sidecar says the label.
    SidecarLabel(LabelKey),
    /// Of a photo: a text of its sidecar.
    SidecarText(TextField),
    /// Of the catalog: the query that is kept under this name.
    Saved(String),
    /// Of the catalog: what this tag of models is called.
    Renamed(LabelKey),
}

/// What a person says, or a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// A text, or a label as it is written.
    pub value: String,
    /// False: the photo has not this label.
    pub holds: bool,
}

/// All that people say of a photo.
pub fn said(labels: &[Label], texts: &[Text]) -> BTreeMap<Slot, Said> {
    said_by(Origin::Human, labels, texts, Slot::Label, Slot::Text)
}

/// All that its sidecar says of a photo.
pub fn said_by_sidecar(labels: &[Label], texts: &[Text]) -> BTreeMap<Slot, Said> {
    let (of_label, of_text) = (Slot::SidecarLabel, Slot::SidecarText);
    said_by(Origin::Xmp, labels, texts, of_label, of_text)
}

fn said_by(
    origin: Origin,
    labels: &[Label],
    texts: &[Text],
    of_label: fn(LabelKey) -> Slot,
    of_text: fn(TextField) -> Slot,
) -> BTreeMap<Slot, Said> {
    let labels = labels.iter().filter(|l| l.origin == origin);
    let labels = labels.map(|l| {
        let (value, holds) = (l.value.clone(), !l.is_denial());
        (of_label(l.key()), Said { value, holds })
    });
    let texts = texts.iter().filter(|t| t.origin == origin);
    let texts = texts.map(|t| {
        let (value, holds) = (t.value.clone(), true);
        (of_text(t.field), Said { value, holds })
    });
    labels.chain(texts).collect()
}

/// What an act changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// `None` for the catalog itself.
    pub photo: Option<PhotoId>,
    /// What people said something else of afterwards.
    pub slot: Slot,
    /// What they said before the act; `None` for nothing.
    pub before: Option<Said>,
    /// What they said after it; `None` for nothing.
    pub after: Option<Said>,
}

/// An act as the journal has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The number under which it can be taken back.
    pub id: ActId,
    /// Seconds since 1970.
    pub at: i64,
    /// Who did it.
    pub by: Actor,
    /// What it is, without naming photos: `untag beach`.
    pub words: String,
    /// Never [`Role::Continues`].
    pub role: Role,
    /// The act that took it back, if it is taken back.
    pub undone_by: Option<ActId>,
    /// How many photos it changed.
    pub photos: u64,
    /// One of them.
    pub photo: Option<PhotoId>,
}
