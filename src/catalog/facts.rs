//! What a file says of itself, without looking at the picture.
//!
//! A fact is a field here and nowhere else: stores keep all of them as the one value that serde makes of them.

use serde::{Deserialize, Serialize};

use super::{DateSource, Facet, Format, Label, Origin, WallClock};

/// Degrees, WGS 84: latitude -90 to 90, longitude -180 to 180.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees north of the equator, negative to its south.
    pub latitude: f64,
    /// Degrees east of Greenwich, negative to its west.
    pub longitude: f64,
}

impl Position {
    /// A position on earth. 0/0 is none: cameras without a fix write it.
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let valid = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        let is_set = latitude != 0.0 || longitude != 0.0;
        (valid && is_set).then_some(Self {
            latitude,
            longitude,
        })
    }
}

/// Everything that the scan reads from one file. Texts are NFC, trimmed, free of control characters and never empty.
///
/// What isn't said of a photo in the value that is kept is as in a file that says nothing; fields that this version
/// doesn't know are passed over. A fact that had another meaning before needs another name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default = "Facts::unread")]
pub struct Facts {
    /// Of the readers that found them: photos whose facts an earlier version read are read again.
    pub version: u32,
    /// What the content is; not what the file's name claims. This and the next three are kept beside the value, with
    /// what is in memory of every photo.
    #[serde(skip)]
    pub format: Format,
    /// Pixels across, once the orientation is applied. 0 where unknown.
    #[serde(skip)]
    pub width: u32,
    /// Pixels from top to bottom, likewise.
    #[serde(skip)]
    pub height: u32,
    /// When the picture was taken, as far as the file tells.
    #[serde(skip)]
    pub date: Option<WallClock>,
    /// How the stored pixels are to be turned, 1 to 8, as EXIF's tag 0x0112 counts; 1 where nothing is said.
    pub orientation: u8,
    /// Which of several dates that is; there where `date` is.
    pub date_source: Option<DateSource>,
    /// Maker and model as people say it: `Canon EOS R6`, `NIKON D70`.
    pub camera: Option<String>,
    /// The maker as written: EXIF's tag 0x010f, else `tiff:Make` of XMP.
    pub make: Option<String>,
    /// The model as written: EXIF's tag 0x0110, else `tiff:Model` of XMP.
    pub model: Option<String>,
    /// The lens as written: EXIF's tag 0xa434, else `exifEX:LensModel` or `aux:Lens` of XMP.
    pub lens: Option<String>,
    /// Where the camera was: EXIF's GPS directory, else `exif:GPSLatitude` and `exif:GPSLongitude` of XMP.
    pub position: Option<Position>,
    /// English short name of the country that `position` lies in or near.
    pub country: Option<String>,
    /// The nearest city to `position`; `None` far from all of them.
    pub city: Option<String>,
    /// What somebody called it: `dc:title` of XMP, IPTC 2:05, PNG's `Title`, Windows' XPTitle.
    pub title: Option<String>,
    /// What somebody wrote of it: `dc:description` of XMP, IPTC 2:120, EXIF's ImageDescription, PNG's `Description`.
    pub description: Option<String>,
    /// What somebody tagged it with, each once whatever its case: XMP, IPTC 2:25, Windows' XPKeywords.
    pub keywords: Vec<String>,
    /// Stars, 0 to 5: `xmp:Rating`, else EXIF's tag 0x4746.
    pub rating: Option<u8>,
}

impl Facts {
    /// The version of the readers: goes up by one whenever they find more in a file, or find another thing.
    pub const VERSION: u32 = 1;

    /// Facts that say no more than the format.
    pub fn of(format: Format) -> Self {
        Self {
            version: Self::VERSION,
            format,
            width: 0,
            height: 0,
            date: None,
            orientation: 1,
            date_source: None,
            camera: None,
            make: None,
            model: None,
            lens: None,
            position: None,
            country: None,
            city: None,
            title: None,
            description: None,
            keywords: Vec::new(),
            rating: None,
        }
    }

    /// What is known of a file that no version has read.
    pub fn unread() -> Self {
        Self {
            version: 0,
            ..Self::of(Format::Unknown)
        }
    }

    /// Whether every fact is one that a file can say. Others come of damage.
    pub fn are_possible(&self) -> bool {
        let on_earth = |p: Position| p.latitude.abs() <= 90.0 && p.longitude.abs() <= 180.0;
        (1..=8).contains(&self.orientation)
            && self.rating.is_none_or(|stars| stars <= 5)
            && self.position.is_none_or(on_earth)
    }

    /// These facts as labels of origin `file`, ready to browse.
    pub fn labels(&self) -> Vec<Label> {
        let label = |facet, value: &str| Label::sure(facet, value, Origin::File);
        let texts = [
            (Facet::Camera, &self.camera),
            (Facet::Lens, &self.lens),
            (Facet::Country, &self.country),
            (Facet::City, &self.city),
        ];
        let mut labels = vec![label(Facet::Type, self.format.name())];
        labels.extend(self.keywords.iter().map(|k| label(Facet::Tag, k)));
        labels.extend(
            texts
                .into_iter()
                .filter_map(|(facet, text)| Some(label(facet, text.as_deref()?))),
        );
        if let Some(date) = &self.date {
            labels.push(label(Facet::Year, &date.year_label()));
            labels.push(label(Facet::Month, &date.month_label()));
            labels.push(label(Facet::Day, &date.day_label()));
        }
        if let Some(rating) = self.rating {
            labels.push(label(Facet::Rating, &rating.to_string()));
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_earth_is_no_position() {
        for (latitude, longitude) in [(0.0, 0.0), (91.0, 0.0), (0.0, -180.1), (f64::NAN, 1.0)] {
            assert_eq!(Position::new(latitude, longitude), None);
        }
        assert!(Position::new(0.0, 1.0).is_some());
    }
}
