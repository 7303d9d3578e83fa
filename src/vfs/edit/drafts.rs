//! Files that programs are writing into folders of tags. Their bytes are kept aside, in a file without a name, so that
//! nothing is left of them however it ends. Knows nothing of what they turn out to be.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::sticky_dirs::ProcessKey;
use crate::catalog::{ContentHash, PhotoId};
use crate::source_files;
use crate::vfs::{Attr, Caller, Error, Inode, Kind, Result};

/// Files written at a time: each has a descriptor of this process, and all lookups walk them.
const MAX_DRAFTS: usize = 64;
/// Copies remembered after they are finished.
const MAX_FINISHED: usize = 1024;
/// A program is through with a copy when it leaves it alone for so long: programs that copy set times and attributes
/// right after the last byte.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a program may say of a file besides its bytes: chmod(2), chown(2), truncate(2), utimensat(2). What it leaves
/// out stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetAttr {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Bytes: truncate(2).
    pub size: Option<u64>,
    /// Nanoseconds since 1970-01-01 UTC.
    pub mtime_ns: Option<i64>,
}

/// A file that is being written.
pub struct Draft {
    inode: Inode,
    /// Who began it, on whose behalf the photo is tagged in the end.
    pub caller: Caller,
    process: ProcessKey,
    bytes: File,
    /// No photo is larger.
    max_size: u64,
    state: Mutex<State>,
}

struct State {
    parent: Inode,
    name: Vec<u8>,
    attr: Attr,
    /// How many programs have it open.
    opens: u32,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Writing,
    /// Its name was removed: whatever is written, nothing comes of it.
    Removed,
    /// It came into its folder as a photo.
    Done,
}

impl Draft {
    /// What `stat` says of it now.
    pub fn attr(&self) -> Attr {
        self.state().attr
    }

    /// Its folder and its name.
    pub fn location(&self) -> (Inode, Vec<u8>) {
        let state = self.state();
        (state.parent, state.name.clone())
    }

    /// It gets another name, and maybe another folder.
    pub(crate) fn move_to(&self, parent: Inode, name: &[u8]) {
        let mut state = self.state();
        (state.parent, state.name) = (parent, name.to_vec());
    }

    /// Whether something may still come of it.
    pub fn is_being_written(&self) -> bool {
        self.state().stage == Stage::Writing
    }

    /// Its name is removed. Who has it open may go on writing, and nothing comes of it.
    pub(crate) fn unlink(&self) {
        self.state().stage = Stage::Removed;
    }

    /// It is a photo of its folder now, and takes no more bytes.
    pub(crate) fn finish(&self) {
        self.state().stage = Stage::Done;
    }

    /// Writes at a place. Blocks on the disk.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where it grows larger than any photo, so that it can be none, or is finished.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = offset.saturating_add(data.len() as u64);
        self.check_writable(end)?;
        self.bytes.write_all_at(data, offset)?;
        self.grow(end);
        Ok(())
    }

    /// Takes bytes of another file, as many as come at once; says how many.
    pub fn copy_from(
        &self,
        offset: u64,
        from: &File,
        from_offset: u64,
        most: usize,
    ) -> Result<usize> {
        self.check_writable(offset.saturating_add(1))?;
        let room = usize::try_from(self.max_size - offset).unwrap_or(usize::MAX);
        let most = most.min(room);
        let (mut read, mut write) = (from_offset, offset);
        // Shares the blocks where the file system can.
        let shared =
            rustix::fs::copy_file_range(from, Some(&mut read), &self.bytes, Some(&mut write), most);
        let taken = match shared {
            Ok(taken) => taken,
            // Another file system, or one that can't.
            Err(_) => {
                let mut data = vec![0; most.min(1 << 20)];
                let taken = from.read_at(&mut data, from_offset)?;
                self.bytes.write_all_at(&data[..taken], offset)?;
                taken
            }
        };
        self.grow(offset + taken as u64);
        Ok(taken)
    }

    /// Up to `size` bytes from a place, fewer only at the end. Blocks on the disk.
    pub(crate) fn read(&self, offset: u64, size: usize) -> Result<Vec<u8>> {
        let mut data = vec![0; size];
        let mut filled = 0;
        while filled < size {
            match self
                .bytes
                .read_at(&mut data[filled..], offset + filled as u64)?
            {
                0 => break,
                read => filled += read,
            }
        }
        data.truncate(filled);
        Ok(data)
    }

    /// Takes over what a program says of it; a new size cuts it or fills it with zeros.
    pub(crate) fn set(&self, changes: &SetAttr) -> Result<Attr> {
        if let Some(size) = changes.size.filter(|size| *size != self.attr().size) {
            self.check_writable(size)?;
            self.bytes.set_len(size)?;
        }
        let mut state = self.state();
        let attr = &mut state.attr;
        attr.size = changes.size.unwrap_or(attr.size);
        attr.mode = changes.mode.unwrap_or(attr.mode);
        attr.uid = changes.uid.unwrap_or(attr.uid);
        attr.gid = changes.gid.unwrap_or(attr.gid);
        attr.mtime_ns = changes.mtime_ns.unwrap_or(attr.mtime_ns);
        Ok(*attr)
    }

    /// The hash of what was written so far.
    pub fn hash(&self) -> Result<ContentHash> {
        let mut bytes = FromStart(&self.bytes, 0);
        let hash = source_files::content_hash(&mut bytes, &|| true)?;
        Ok(hash.expect("nothing ends it"))
    }

    fn check_writable(&self, end: u64) -> Result<()> {
        let may = end <= self.max_size && self.state().stage != Stage::Done;
        may.then_some(()).ok_or(Error::NotPermitted)
    }

    fn grow(&self, end: u64) {
        let mut state = self.state();
        state.attr.size = state.attr.size.max(end);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// A file from its beginning, wherever others read and write it.
struct FromStart<'a>(&'a File, u64);

impl std::io::Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read_at(buffer, self.1)?;
        self.1 += read as u64;
        Ok(read)
    }
}

/// What is being written, and what has just been. The table's lock is taken before that of a draft, and nobody touches
/// the disk under either: lookups take both.
#[derive(Default)]
pub struct Drafts(Mutex<DraftTable>);

#[derive(Default)]
struct DraftTable {
    open: Vec<Arc<Draft>>,
    last: u64,
    finished: VecDeque<(ProcessKey, PhotoId, Instant)>,
}

impl DraftTable {
    fn must_have_room(&self) -> Result<()> {
        let has_room = self.open.len() < MAX_DRAFTS;
        has_room.then_some(()).ok_or(Error::TooMany)
    }
}

/// A file to be begun.
pub struct NewDraft<'a> {
    pub parent: Inode,
    pub name: &'a [u8],
    pub caller: Caller,
    pub process: ProcessKey,
    pub mode: u32,
    pub gid: u32,
    pub mtime_ns: i64,
    pub max_size: u64,
}

impl Drafts {
    /// Begins a file whose bytes are kept in what `spool` makes, while nobody waits for the disk who only looks a name up.
    pub fn begin(&self, new: NewDraft, spool: impl FnOnce() -> Result<File>) -> Result<Arc<Draft>> {
        self.lock().must_have_room()?;
        let bytes = spool()?;
        let mut table = self.lock();
        table.must_have_room()?;
        table.last += 1;
        let inode = Inode::of_draft(table.last);
        let attr = Attr {
            inode,
            kind: Kind::File,
            size: 0,
            bytes_on_disk: 0,
            mtime_ns: new.mtime_ns,
            mode: new.mode,
            nlink: 1,
            uid: new.caller.uid,
            gid: new.gid,
        };
        let state = State {
            parent: new.parent,
            name: new.name.to_vec(),
            attr,
            opens: 1,
            stage: Stage::Writing,
        };
        let draft = Arc::new(Draft {
            inode,
            caller: new.caller,
            process: new.process,
            bytes,
            max_size: new.max_size,
            state: Mutex::new(state),
        });
        table.open.push(draft.clone());
        Ok(draft)
    }

    /// The file of a number, whoever is writing it.
    pub fn get(&self, inode: Inode) -> Option<Arc<Draft>> {
        let table = self.lock();
        table.open.iter().find(|d| d.inode == inode).cloned()
    }

    /// The file that a process is writing under a name. Nobody else sees it.
    pub fn find(
        &self,
        parent: Inode,
        name: &[u8],
        process: impl FnOnce() -> ProcessKey,
    ) -> Option<Arc<Draft>> {
        let is_it = |draft: &&Arc<Draft>| {
            let state = draft.state();
            state.stage == Stage::Writing && state.parent == parent && state.name == name
        };
        let called_so: Vec<_> = self.lock().open.iter().filter(is_it).cloned().collect();
        // Most names are nobody's, and finding out who asks takes its time, which nobody is to wait for under the lock.
        let process = (!called_so.is_empty()).then(process)?;
        let mut own = called_so.into_iter().rev();
        own.find(|draft| draft.process == process)
    }

    /// One more program opens a file.
    pub fn open(&self, inode: Inode) -> Option<Arc<Draft>> {
        let draft = self.get(inode)?;
        draft.state().opens += 1;
        Some(draft)
    }

    /// A program closes a file; after the last nothing is left of it.
    pub fn close(&self, draft: &Draft) {
        let mut table = self.lock();
        let mut state = draft.state();
        state.opens -= 1;
        if state.opens == 0 {
            table.open.retain(|d| d.inode != draft.inode);
        }
    }

    /// Remembers that a process has just brought a photo in.
    pub fn note_finished(&self, draft: &Draft, photo: PhotoId) {
        let mut table = self.lock();
        if table.finished.len() == MAX_FINISHED {
            table.finished.pop_front();
        }
        table
            .finished
            .push_back((draft.process, photo, Instant::now()));
    }

    /// Whether a process has just brought a photo in, and is maybe not through with it.
    pub fn is_fresh(&self, photo: PhotoId, process: ProcessKey) -> bool {
        let mut table = self.lock();
        let mut fresh = table.finished.iter_mut().rev();
        let found = fresh.find(|(by, what, _)| (*by, *what) == (process, photo));
        let found = found.filter(|(.., last)| last.elapsed() < IDLE_TIMEOUT);
        found.map(|(.., last)| *last = Instant::now()).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, DraftTable> {
        self.0.lock()
    }
}

/// A file without a name, which goes with the last who has it open.
pub fn spool(folder: &Path) -> Result<File> {
    use std::os::unix::fs::DirBuilderExt;
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true).mode(0o700).create(folder)?;
    Ok(tempfile::tempfile_in(folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(drafts: &Drafts, process: ProcessKey, name: &[u8]) -> Result<Arc<Draft>> {
        drafts.begin(new_draft(process, name), || spool(&std::env::temp_dir()))
    }

    fn new_draft(process: ProcessKey, name: &[u8]) -> NewDraft<'_> {
        NewDraft {
            parent: Inode::ROOT,
            name,
            caller: Caller::NOBODY,
            process,
            mode: 0o600,
            gid: 0,
            mtime_ns: 0,
            max_size: 10,
        }
    }

    #[test]
    fn what_is_written_is_seen_by_its_writer_until_the_last_close() {
        let (drafts, me, other) = (Drafts::default(), Some((1, 1)), Some((2, 1)));
        let draft = begin(&drafts, me, b"a").unwrap();
        assert!(drafts.find(Inode::ROOT, b"a", || me).is_some());
        assert!(drafts.find(Inode::ROOT, b"a", || other).is_none());
        let again = drafts.open(draft.inode).unwrap();
        drafts.close(&draft);
        assert!(drafts.get(draft.inode).is_some());
        drafts.close(&again);
        assert!(
            drafts.get(draft.inode).is_none() && drafts.find(Inode::ROOT, b"a", || me).is_none()
        );
    }

    #[test]
    fn a_spool_that_hangs_keeps_no_lookup_waiting() {
        let drafts = Drafts::default();
        let hangs = || {
            assert!(drafts.0.try_lock().is_some(), "lookups take this lock");
            spool(&std::env::temp_dir())
        };
        drafts.begin(new_draft(None, b"a"), hangs).unwrap();
        let asks = || {
            assert!(drafts.0.try_lock().is_some(), "who asks is found out apart");
            None
        };
        assert!(drafts.find(Inode::ROOT, b"a", asks).is_some());
    }

    #[test]
    fn a_file_is_no_larger_than_the_largest_photo() {
        let drafts = Drafts::default();
        let draft = begin(&drafts, None, b"a").unwrap();
        draft.write(2, b"cdefghij").unwrap();
        draft.write(0, b"ab").unwrap();
        assert!(matches!(draft.write(9, b"jk"), Err(Error::NotPermitted)));
        assert!(matches!(
            draft.write(u64::MAX, b"x"),
            Err(Error::NotPermitted)
        ));
        let longer = SetAttr {
            size: Some(11),
            ..SetAttr::default()
        };
        assert!(matches!(draft.set(&longer), Err(Error::NotPermitted)));
        assert_eq!(draft.attr().size, 10);
        assert_eq!(draft.read(1, 99).unwrap(), b"bcdefghij");
        assert_eq!(
            draft.hash().unwrap().0,
            *blake3::hash(b"abcdefghij").as_bytes()
        );
    }

    #[test]
    fn not_many_are_written_at_a_time() {
        let drafts = Drafts::default();
        let all: Vec<_> = (0..MAX_DRAFTS)
            .map(|_| begin(&drafts, None, b"a").unwrap())
            .collect();
        assert!(matches!(begin(&drafts, None, b"a"), Err(Error::TooMany)));
        drafts.close(&all[0]);
        assert!(begin(&drafts, None, b"a").is_ok());
    }
}
