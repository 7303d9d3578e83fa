//! The properties that kbasefs knows, and the namespaces that tell them from others of the same name.

use quick_xml::name::{LocalName, ResolveResult};

/// Namespaces, by which properties of the same name are told apart:
/// <https://developer.adobe.com/xmp/docs/XMPNamespaces/>.
pub const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub const DC: &str = "http://purl.org/dc/elements/1.1/";
pub const XMP: &str = "http://ns.adobe.com/xap/1.0/";
pub const LIGHTROOM: &str = "http://ns.adobe.com/lightroom/1.0/";
pub const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const EXIF_AUX: &str = "http://ns.adobe.com/exif/1.0/aux/";
const EXIF_EX: &str = "http://cipa.jp/exif/1.0/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";

/// A property that kbasefs reads, whichever of its names the packet uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `dc:title`, a text in several languages.
    Title,
    /// `dc:description`, a text in several languages.
    Description,
    /// `xmp:Rating`, -1 to 5.
    Rating,
    /// `dc:subject`, a list of tags.
    Subject,
    /// Lightroom's: `Places|Italy|Rome`.
    Hierarchical,
    /// digiKam's: `Places/Italy/Rome`.
    TagsList,
    /// When the picture was taken.
    Original,
    /// When it was digitized.
    Created,
    /// Any other date: `xmp:ModifyDate` or `photoshop:DateCreated`.
    OtherDate,
    /// The maker of the camera.
    Make,
    /// The model of the camera.
    Model,
    /// The model of the lens.
    Lens,
    /// `41,13.218N`: degrees, then minutes with a fraction.
    Latitude,
    /// `12,29.5E`, likewise.
    Longitude,
}

impl Name {
    /// Whether kbasefs writes it. What it only reads belongs to others and stays where it is.
    pub fn is_written(self) -> bool {
        matches!(
            self,
            Self::Title
                | Self::Description
                | Self::Rating
                | Self::Subject
                | Self::Hierarchical
                | Self::TagsList
        )
    }
}

/// What each property is called, and where. Of a property with several names, all are read.
const NAMES: [(&str, &str, Name); 17] = [
    (DC, "title", Name::Title),
    (DC, "description", Name::Description),
    (XMP, "Rating", Name::Rating),
    (DC, "subject", Name::Subject),
    (LIGHTROOM, "hierarchicalSubject", Name::Hierarchical),
    (DIGIKAM, "TagsList", Name::TagsList),
    (EXIF, "DateTimeOriginal", Name::Original),
    (XMP, "CreateDate", Name::Created),
    (EXIF, "DateTimeDigitized", Name::Created),
    (XMP, "ModifyDate", Name::OtherDate),
    (PHOTOSHOP, "DateCreated", Name::OtherDate),
    (TIFF, "Make", Name::Make),
    (TIFF, "Model", Name::Model),
    (EXIF_AUX, "Lens", Name::Lens),
    (EXIF_EX, "LensModel", Name::Lens),
    (EXIF, "GPSLatitude", Name::Latitude),
    (EXIF, "GPSLongitude", Name::Longitude),
];

/// Whether a name is of a namespace, whatever the packet calls that.
pub fn is(namespace: &ResolveResult, uri: &str) -> bool {
    matches!(namespace, ResolveResult::Bound(bound) if bound.as_ref() == uri)
}

/// The property of a name, if it is one that kbasefs knows.
pub fn known(namespace: &ResolveResult, local: LocalName) -> Option<Name> {
    let mut names = NAMES.iter();
    let found = names.find(|(uri, name, _)| local.as_ref() == *name && is(namespace, uri));
    found.map(|(.., name)| *name)
}
