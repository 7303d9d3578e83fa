//! Bytes by position, from a file that is read in pieces or from memory: what the walks over a file's parts go on.

use std::io;

/// Where bytes are had from.
pub trait Pieces {
    /// `length` bytes from `at` on, or fewer where there are no more. Empty only where nothing more will come.
    ///
    /// # Errors
    /// When the disk does not give the file's content.
    fn piece(&mut self, at: u64, length: u64) -> io::Result<&[u8]>;

    /// Exactly `N` bytes, or `None` where the file ends before.
    ///
    /// # Errors
    /// As above.
    fn array<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.piece(at, N as u64)?.try_into().ok())
    }
}

impl Pieces for &[u8] {
    fn piece(&mut self, at: u64, length: u64) -> io::Result<&[u8]> {
        let from = usize::try_from(at).map_or(self.len(), |at| at.min(self.len()));
        let rest = &self[from..];
        Ok(&rest[..usize::try_from(length).map_or(rest.len(), |l| l.min(rest.len()))])
    }
}
