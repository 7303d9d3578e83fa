//! What becomes of what is said of a photo, by who says it and what happens.
//!
//! Only what is derived from the bytes is derived again; nothing that a person or a sidecar says is. `doc/SEMANTICS.md`
//! shows the same table, and the contract of the stores goes through it.

use strum::{IntoStaticStr, VariantArray};

use super::Origin;

/// What happens to a photo of which something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "title_case")]
pub enum Event {
    /// Its file has other bytes.
    OtherBytes,
    /// Its file was written, or is read, again: the bytes are the same.
    SameBytes,
    /// Its file is at another path.
    Moved,
    /// The analyzer that said it answers again.
    AnalyzedAgain,
    /// Its sidecar is imported again.
    SidecarAgain,
    /// A person takes the tag away.
    Untagged,
}

/// What becomes of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Fate {
    /// It stays, and holds as it did.
    Kept,
    /// It goes; what the same origin says now comes in its place, which may be nothing.
    Replaced,
    /// It stays, and does not show: a person's word holds against it.
    Hidden,
}

impl Event {
    /// Every event, in the order of the table.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// How tables head it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Fate {
    /// The word that stands in tables.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Origin {
    /// What becomes of what this origin says when something happens.
    pub fn fate(self, event: Event) -> Fate {
        use Event::{AnalyzedAgain, OtherBytes, SameBytes, SidecarAgain, Untagged};
        match (self, event) {
            (Self::Human, Untagged) => Fate::Replaced,
            (_, Untagged) => Fate::Hidden,
            (Self::Xmp, SidecarAgain) => Fate::Replaced,
            (Self::File, OtherBytes | SameBytes) => Fate::Replaced,
            (Self::Remote | Self::Embedded, OtherBytes | AnalyzedAgain) => Fate::Replaced,
            _ => Fate::Kept,
        }
    }

    /// Whether what this origin says is still there after something happened, shown or not.
    pub fn survives(self, event: Event) -> bool {
        self.fate(event) != Fate::Replaced
    }
}
