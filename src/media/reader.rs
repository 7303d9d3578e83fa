//! Reads pieces of one file by position, as few and as small as will do, and never more than a fixed amount.
//!
//! Metadata lies at the start of most files, so the first read is a large one and is kept; further pieces are
//! fetched where they are. Past the end of the file, or once the allowance is used up, pieces come back short:
//! whoever parses them sees a torn file. Knows nothing of formats, nor of where the bytes are kept.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::pieces::Pieces;

/// The first read. It brings all metadata of a usual JPEG in one call, where smaller reads took up to 18.
const FIRST: usize = 32 * 1024;
/// Every further read is at least this long: the disk gives no less than a page anyway.
const NEXT: usize = 4 * 1024;
/// No piece is longer: a packet of XMP, the longest metadata there is, has some KiB, with a history some hundred.
const LONGEST: u64 = 512 * 1024;
/// Nothing more is read of a file after this many bytes: what a scan costs does not depend on what files claim.
const ALLOWANCE: u64 = 1024 * 1024;

trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// A stretch of the file that is in memory.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn piece(&self, at: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.at)?).ok()?;
        self.bytes.get(from..from.checked_add(length)?)
    }

    /// From `at` on, what there is of `length` bytes.
    fn start_of(&self, at: u64, length: usize) -> &[u8] {
        let from = at
            .checked_sub(self.at)
            .and_then(|n| usize::try_from(n).ok());
        let rest = from.and_then(|n| self.bytes.get(n..)).unwrap_or_default();
        &rest[..length.min(rest.len())]
    }
}

/// One file, or what stands for one in memory.
pub struct Reader<'a> {
    source: Box<dyn Source + 'a>,
    /// Where the source stands.
    position: u64,
    size: u64,
    first: Option<Window>,
    latest: Window,
    bytes_read: u64,
}

impl<'a> Reader<'a> {
    /// Of a source that stands at its start. `size` in bytes, as the file's stat says.
    pub fn new(source: impl Read + Seek + 'a, size: u64) -> Self {
        Self {
            source: Box::new(source),
            position: 0,
            size,
            first: None,
            latest: Window::default(),
            bytes_read: 0,
        }
    }

    /// Of bytes that somebody read already, or unpacked.
    pub fn of_memory(bytes: &'a [u8]) -> Self {
        Self::new(Cursor::new(bytes), bytes.len() as u64)
    }

    /// Bytes of the whole file, as its stat says: it may hold less by now.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that were asked of the source so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Whether the piece is already in memory.
    pub fn has(&self, at: u64, length: usize) -> bool {
        let windows = self.first.iter().chain([&self.latest]);
        windows.into_iter().any(|w| w.piece(at, length).is_some())
    }

    fn fetch(&mut self, at: u64, length: usize) -> io::Result<Window> {
        let left = (ALLOWANCE - self.bytes_read).min(self.size.saturating_sub(at));
        let length = length.min(usize::try_from(left).unwrap_or(length));
        let mut bytes = Vec::with_capacity(length);
        // Past the end of the file, or of what may be read, there is nothing to go to.
        if length > 0 {
            if self.position != at {
                self.source.seek(SeekFrom::Start(at))?;
            }
            let mut source = (&mut self.source).take(length as u64);
            source.read_to_end(&mut bytes)?;
        }
        self.position = at + bytes.len() as u64;
        self.bytes_read += bytes.len() as u64;
        Ok(Window { at, bytes })
    }
}

impl Pieces for Reader<'_> {
    fn piece(&mut self, at: u64, length: u64) -> io::Result<&[u8]> {
        let length = length.min(LONGEST).min(self.size.saturating_sub(at)) as usize;
        if self.first.is_none() {
            self.first = Some(self.fetch(0, FIRST)?);
        }
        let in_first = self
            .first
            .as_ref()
            .is_some_and(|w| w.piece(at, length).is_some());
        if !in_first && self.latest.piece(at, length).is_none() {
            // Who reads on and on reads in larger steps.
            let step = usize::try_from(self.bytes_read / 8)
                .unwrap_or(NEXT)
                .max(NEXT);
            self.latest = self.fetch(at, length.max(step))?;
        }
        let window = self
            .first
            .as_ref()
            .filter(|_| in_first)
            .unwrap_or(&self.latest);
        Ok(window.start_of(at, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n / 256) as u8).collect()
    }

    #[test]
    fn far_pieces_cost_one_small_read_each() {
        let content = numbered(10_000_000);
        let mut reader = Reader::of_memory(&content);
        assert_eq!(reader.array::<2>(0).unwrap(), Some([0, 0]));
        assert_eq!(reader.bytes_read(), FIRST as u64);
        assert_eq!(
            reader.piece(9_000_000, 3).unwrap(),
            &content[9_000_000..9_000_003]
        );
        assert_eq!(
            reader.piece(9_000_100, 3).unwrap(),
            &content[9_000_100..9_000_103]
        );
        assert_eq!(reader.piece(5, 3).unwrap(), [0, 0, 0]);
        assert_eq!(reader.bytes_read(), (FIRST + NEXT) as u64);
    }

    #[test]
    fn past_the_end_pieces_are_short() {
        let mut reader = Reader::of_memory(b"abc");
        assert_eq!(reader.piece(1, 10).unwrap(), b"bc");
        assert_eq!(reader.piece(7, 10).unwrap(), b"");
        assert_eq!(reader.piece(u64::MAX, u64::MAX).unwrap(), b"");
        assert_eq!(reader.array::<4>(0).unwrap(), None);
    }

    #[test]
    fn the_allowance_is_never_exceeded() {
        let content = numbered(20_000_000);
        let mut reader = Reader::of_memory(&content);
        for at in (0..20_000_000).step_by(50_000) {
            reader.piece(at, u64::MAX).unwrap();
        }
        assert_eq!(reader.bytes_read(), ALLOWANCE);
        assert_eq!(reader.piece(19_000_000, 5).unwrap(), b"");
        assert_eq!(reader.piece(0, 2).unwrap(), [0, 0]);
    }
}
