//! The header of a catalog's file: what stands there in every one of them.
//!
//! SQLite refuses a file with another value there, or writes nothing to it, and calls neither damage.
//! The format is at <https://www.sqlite.org/fileformat.html#the_database_header>.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What every database begins with.
pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes of it, before the first page of the schema begins.
pub const LENGTH: usize = 100;

/// Where the number of the program stands that made it.
const APPLICATION_AT: u64 = 68;

/// Bytes at a place, the first of which is what is written there.
struct Field {
    at: u64,
    allowed: &'static [&'static [u8]],
}

const FIELDS: [Field; 5] = [
    // Who may write and read: anybody with a log, or a journal.
    Field {
        at: 18,
        allowed: &[&[2], &[1]],
    },
    Field {
        at: 19,
        allowed: &[&[2], &[1]],
    },
    // How much of a page a row may take, in 255ths: the format allows nothing else.
    Field {
        at: 21,
        allowed: &[&[64, 32, 32]],
    },
    // The format of the schema; none where there is none.
    Field {
        at: 44,
        allowed: &[
            &[0, 0, 0, 4],
            &[0; 4],
            &[0, 0, 0, 1],
            &[0, 0, 0, 2],
            &[0, 0, 0, 3],
        ],
    },
    // Texts are UTF-8.
    Field {
        at: 56,
        allowed: &[&[0, 0, 0, 1], &[0; 4]],
    },
];

/// Whether the file is a database, and nothing of its header is other than it has to be.
///
/// # Errors
/// When it can't be read.
pub fn is_sound(catalog: &Path) -> io::Result<bool> {
    let mut header = [0; LENGTH];
    let file = File::open(catalog)?;
    match file.read_exact_at(&mut header, 0) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    }
    let is_good = |field: &Field| {
        let there = &header[field.at as usize..];
        field.allowed.iter().any(|good| there.starts_with(good))
    };
    Ok(header.starts_with(MAGIC) && FIELDS.iter().all(is_good))
}

/// Whether the file says that it is of this program. Nothing else of it has to be readable.
///
/// # Errors
/// When it can't be read.
pub fn is_signed(file: &Path, application: i32) -> io::Result<bool> {
    let mut there = [0; size_of::<i32>()];
    match File::open(file)?.read_exact_at(&mut there, APPLICATION_AT) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| i32::from_be_bytes(there) == application),
    }
}

/// Writes what has to be there where something else is.
pub fn mend(catalog: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(catalog)?;
    let mut header = [0; LENGTH];
    file.read_exact_at(&mut header, 0)?;
    file.write_all_at(MAGIC, 0)?;
    for Field { at, allowed } in FIELDS {
        let there = &header[at as usize..];
        if !allowed.iter().any(|good| there.starts_with(good)) {
            file.write_all_at(allowed[0], at)?;
        }
    }
    Ok(())
}
