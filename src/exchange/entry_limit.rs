//! How much of a file is read for what it says of one photo: a line without an end would fill the memory.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Bytes of one entry: many times what a photo with every text at its longest takes.
const LONGEST: usize = 16 << 20;

/// Reads on as long as entries end.
pub struct EntryLimit<R> {
    file: R,
    left: Rc<Cell<usize>>,
}

/// Tells that an entry has ended.
pub struct EntryEnd(Rc<Cell<usize>>);

impl<R> EntryLimit<R> {
    pub fn of(file: R) -> (Self, EntryEnd) {
        let left = Rc::new(Cell::new(LONGEST));
        let end = EntryEnd(Rc::clone(&left));
        (Self { file, left }, end)
    }
}

impl EntryEnd {
    pub fn reached(&self) {
        self.0.set(LONGEST);
    }
}

impl<R: Read> Read for EntryLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            let mebibytes = LONGEST >> 20;
            let error = format!("what it says of one photo is longer than {mebibytes} MiB");
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let most = left.min(buffer.len());
        let read = self.file.read(&mut buffer[..most])?;
        self.left.set(left - read);
        Ok(read)
    }
}
