//! What a file says of itself, without looking at the picture.

use super::{DateSource, Facet, Format, Label, Origin, WallClock};

/// Degrees, WGS 84: latitude -90 to 90, longitude -180 to 180.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    pub latitude: f64,
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
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub format: Format,
    /// Pixels, upright (after the orientation is applied). 0 where unknown.
    pub width: u32,
    pub height: u32,
    /// EXIF orientation, 1 to 8.
    pub orientation: u8,
    pub date: Option<WallClock>,
    pub date_source: Option<DateSource>,
    /// Maker and model as people say it: `Canon EOS R6`, `NIKON D70`.
    pub camera: Option<String>,
    /// EXIF Make and Model as written, trimmed.
    pub make: Option<String>,
    pub model: Option<String>,
    pub lens: Option<String>,
    pub position: Option<Position>,
    /// English short name of the country that `position` lies in, and the nearest city.
    pub country: Option<String>,
    pub city: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub keywords: Vec<String>,
    /// 0 to 5.
    pub rating: Option<u8>,
}

impl Facts {
    /// Facts that say no more than the format.
    pub fn of(format: Format) -> Self {
        Self {
            format,
            width: 0,
            height: 0,
            orientation: 1,
            date: None,
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

    /// The same facts as labels of origin `file`, ready to browse.
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
