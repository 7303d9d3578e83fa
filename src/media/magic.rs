//! By what a format's files can be told at their start.

/// What the first bytes must be.
pub enum Magic {
    /// These bytes at this place.
    Bytes(usize, &'static [u8]),
    /// These at the very start, too few to be believed where the file's name isn't a picture's.
    Named(&'static [u8]),
    /// A RIFF file of this kind.
    Riff(&'static [u8; 4]),
    /// An ISO media file that says that it is of one of these brands, whatever else it is.
    Brands(&'static [&'static [u8; 4]]),
    /// Bytes of which this holds.
    Where(fn(&[u8]) -> bool),
}

impl Magic {
    pub fn fits(&self, start: &[u8], is_named: bool) -> bool {
        match self {
            Self::Bytes(at, bytes) => start.get(*at..).is_some_and(|s| s.starts_with(bytes)),
            Self::Named(bytes) => is_named && start.starts_with(bytes),
            Self::Riff(kind) => start.starts_with(b"RIFF") && start.get(8..12) == Some(*kind),
            Self::Brands(wanted) => brands(start).any(|brand| wanted.contains(&brand)),
            Self::Where(holds) => holds(start),
        }
    }
}

/// The major brand of an ISO media file and the compatible ones, as many as are there.
fn brands(start: &[u8]) -> impl Iterator<Item = &[u8; 4]> {
    let is_media = start.get(4..8) == Some(b"ftyp");
    let size = start
        .first_chunk()
        .map_or(0, |size| u32::from_be_bytes(*size)) as usize;
    let listed = start.get(8..size.min(start.len())).filter(|_| is_media);
    let (brands, _) = listed.unwrap_or_default().as_chunks::<4>();
    // The second is a version.
    let brands = brands.iter().enumerate();
    brands.filter(|(at, _)| *at != 1).map(|(_, brand)| brand)
}
