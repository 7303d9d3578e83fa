//! Photos side by side: what is shown of each in a gallery.

use super::page::visible;
use super::view::ViewQuery;
use crate::catalog::{Photo, PhotoId, Status, TextField, WallClock};
use crate::library::Library;
use crate::thumbnails::Size;

pub enum Tile {
    /// A month or a year begins.
    Heading(String),
    Photo(Box<PhotoTile>),
}

pub struct PhotoTile {
    pub id: u32,
    pub href: String,
    pub small: String,
    pub large: String,
    /// Tenths of its height that it is wide, within bounds.
    pub shape: u32,
    /// Of the tile where rows are as high as on large screens, in pixels.
    pub width: u32,
    pub height: u32,
    pub alt: String,
    pub title: String,
    /// Why there may be no picture.
    pub mark: Option<&'static str>,
}

/// The height of a row, in pixels.
const HEIGHT: u32 = 200;
/// How wide and narrow a tile may be.
const WIDEST: f64 = 2.2;
const NARROWEST: f64 = 0.6;

impl PhotoTile {
    /// May block on the disk.
    pub fn of(library: &Library, id: PhotoId, view_query: &ViewQuery) -> Option<Self> {
        let photo = library.index().photo(id)?;
        let detail = library.detail(id).ok().flatten();
        let text = |field| {
            detail
                .as_ref()
                .and_then(|d| d.text(field))
                .map(|t| visible(&t.value))
        };
        let not_empty = |text: Option<String>| text.filter(|t| !t.is_empty());
        let name = visible(&String::from_utf8_lossy(photo.path.file_name()));
        let title = not_empty(text(TextField::Title)).unwrap_or_else(|| name.clone());
        let described = not_empty(text(TextField::Description));
        Some(Self {
            id: id.0,
            href: view_query.link(&format!("/photo/{id}")),
            small: thumbnail(&photo, Size::Large),
            large: thumbnail(&photo, Size::XLarge),
            shape: shape(&photo),
            width: shape(&photo) * HEIGHT / 10,
            height: HEIGHT,
            alt: described.unwrap_or_else(|| format!("Photo {title}")),
            title,
            mark: mark(&photo),
        })
    }
}

/// Its address changes with the file, so that browsers may keep it.
pub fn thumbnail(photo: &Photo, size: Size) -> String {
    format!(
        "/thumbnail/{}/{}?v={:x}.{}",
        photo.id,
        size.pixels(),
        photo.stat.mtime_ns,
        photo.edition
    )
}

fn shape(photo: &Photo) -> u32 {
    let known = photo.width > 0 && photo.height > 0;
    let shape = match known {
        true => f64::from(photo.width) / f64::from(photo.height),
        false => 1.5,
    };
    (shape.clamp(NARROWEST, WIDEST) * 10.0).round() as u32
}

fn mark(photo: &Photo) -> Option<&'static str> {
    match photo.status {
        Status::Failed => Some("failed"),
        Status::Unsupported => Some(photo.format.name()),
        Status::Pending | Status::Analyzed => None,
    }
}

/// How finely a gallery in order of time is divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Division {
    None,
    Years,
    Months,
}

impl Division {
    /// As finely as leaves whole rows.
    pub fn of(photos: u64, years: u64, months: u64) -> Self {
        const A_ROW: u64 = 10;
        match photos {
            photos if months > 1 && photos >= months * A_ROW => Self::Months,
            photos if years > 1 && photos >= years * A_ROW => Self::Years,
            _ => Self::None,
        }
    }

    pub fn heading(self, date: Option<WallClock>) -> Option<String> {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let Some(date) = date else {
            return (self != Self::None).then(|| "Without a date".into());
        };
        match self {
            Self::None => None,
            Self::Years => Some(date.year().to_string()),
            Self::Months => Some(format!(
                "{} {}",
                MONTHS[usize::from(date.month()) - 1],
                date.year()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gallery_is_divided_as_finely_as_leaves_whole_rows() {
        let date: Option<WallClock> = "2024-07-14T00:00:00".parse().ok();
        let check = |photos, expected: Option<&str>| {
            let heading = Division::of(photos, 5, 40).heading(date);
            assert_eq!(heading.as_deref(), expected, "{photos}");
        };
        check(10_000, Some("July 2024"));
        check(100, Some("2024"));
        check(20, None);
        assert_eq!(Division::of(500, 1, 1), Division::None);
        assert_eq!(
            Division::Years.heading(None).as_deref(),
            Some("Without a date")
        );
    }
}
