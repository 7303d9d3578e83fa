//! A damaged schema, replaced by the same one of a new index.
//!
//! Which tables there are, and where, stands on a few pages, the first of the file among them. Without one of these, nothing
//! can be read though all rows are there. Migrations put the tables of every new index at the same places, so the pages
//! that say so are the same in all of them, until one is vacuumed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::{create, files_of, migrate};

/// Leaves an index as it is.
pub const READ: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Where it begins in the file, and what stands on it.
type Page = (u64, Vec<u8>);

/// What stands before the schema on the first page: sizes and counters, which differ.
const HEADER: usize = 100;
/// Of the number of pages in the header, which is big-endian.
const PAGES: std::ops::Range<usize> = 28..32;

/// A copy whose schema can be read, in a folder that goes away with it.
pub struct Graft {
    pub index: PathBuf,
    _folder: TempDir,
}

/// Copies an index whose schema can't be read, and mends it. `None` where it can be, or more than one page of it is other
/// than in a new index: then the tables may be elsewhere.
pub fn graft(damaged: &Path) -> Result<Option<Graft>, Failed> {
    // Whoever may write puts the log into the file when done: the damaged one stays as it is.
    if Connection::open_with_flags(damaged, READ).is_ok_and(|index| has_schema(&index)) {
        return Ok(None);
    }
    let beside = damaged.parent().ok_or("an index is in a folder")?;
    let folder = tempfile::tempdir_in(beside)?;
    let pages = schema_of_new(&folder.path().join("new.sqlite"))?;
    let index = folder.path().join("grafted.sqlite");
    for (from, to) in files_of(damaged).into_iter().zip(files_of(&index)).take(2) {
        match fs::copy(from, to) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
    }
    let file = File::options().read(true).write(true).open(&index)?;
    let mut different = 0;
    for (at, new) in &pages {
        let mut old = vec![0; new.len()];
        file.read_exact_at(&mut old, *at)?;
        let from = if *at == 0 { HEADER } else { 0 };
        different += usize::from(old[from..] != new[from..]);
    }
    if different > 1 {
        return Ok(None);
    }
    for (at, mut page) in pages {
        if at == 0 {
            let count = u32::try_from(file.metadata()?.len() / page.len() as u64)?;
            page[PAGES].copy_from_slice(&count.to_be_bytes());
        }
        file.write_all_at(&page, at)?;
    }
    Ok(Some(Graft {
        index,
        _folder: folder,
    }))
}

fn has_schema(index: &Connection) -> bool {
    let found = index.query_row("SELECT count(sql) FROM sqlite_schema", [], |row| {
        row.get::<_, i64>(0)
    });
    found.is_ok_and(|count| count > 0)
}

/// The pages of the schema in an index that is made for this.
fn schema_of_new(path: &Path) -> Result<Vec<Page>, Failed> {
    let mut new = create(path)?;
    migrate(&mut new)?;
    let size: u32 = new.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let numbers: Vec<u64> = new
        .prepare("SELECT pageno - 1 FROM dbstat WHERE name = 'sqlite_schema'")?
        .query_map([], |row| row.get::<_, u32>(0).map(u64::from))?
        .collect::<Result<_, _>>()?;
    // Brings all of it into the file.
    new.close().map_err(|(_, error)| error)?;
    let file = File::open(path)?;
    let read = |number: u64| {
        let (at, mut page) = (number * u64::from(size), vec![0; size as usize]);
        file.read_exact_at(&mut page, at)?;
        Ok((at, page))
    };
    let pages = numbers.into_iter().map(read);
    Ok(pages.collect::<io::Result<_>>()?)
}
