//! Files of which the disk noted a change that may be one of their bytes, though their size and time are as they were.
//!
//! Some programs put the time back after writing; so do those that only look. The file is read as a whole, and only one with
//! other bytes is taken for written to: what is known of the others holds. Runs in the background, when the source is quiet.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::batch::Batch;
use super::disks::Disks;
use super::report::count;
use super::scan::Scan;
use super::scan_scope::{ScanScope, Sign};
use super::{Error, Sync};
use crate::catalog::{Change, FileStat, Photo, PhotoId, SourcePath};
use crate::source_files::content_hash;

/// Photos whose file may have other bytes, though its size and its time are as they were.
#[derive(Default)]
pub struct Suspects(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    photos: RoaringBitmap,
    has_news: bool,
}

impl Suspects {
    fn note(&self, id: PhotoId) {
        let mut noted = self.0.lock();
        noted.has_news |= noted.photos.insert(id.0);
    }

    fn take(&self) -> RoaringBitmap {
        mem::take(&mut self.0.lock().photos)
    }

    fn give_back(&self, photos: &RoaringBitmap) {
        self.0.lock().photos |= photos;
    }

    /// Whether there are some of which this wasn't said yet: who is told again and again never finds it quiet.
    pub(super) fn take_news(&self) -> bool {
        mem::take(&mut self.0.lock().has_news)
    }
}

impl Scan<'_> {
    /// Whether it were the attributes of a file that changed.
    pub(super) fn explains(&self, path: &SourcePath, was: &FileStat) -> bool {
        let is_known = was.attributes != 0 && was.ctime_ns != FileStat::SUSPECT;
        is_known && ![0, was.attributes].contains(&self.attributes(path))
    }

    /// 0 where nobody can say, as of a file that may not be read.
    fn attributes(&self, path: &SourcePath) -> u32 {
        self.source_files.attributes(path).unwrap_or(0)
    }

    /// The photo is the same; what the disk says of it may be other.
    pub(super) fn note_stat(&self, id: PhotoId, path: SourcePath, stat: FileStat) {
        self.note_seen(id);
        let stat = FileStat {
            attributes: self.attributes(&path),
            ..stat
        };
        self.send(Change::Moved { id, path, stat });
    }

    /// A file that may have other bytes is read as a whole when there is time: the catalog says so until then, or nobody
    /// would know after a restart, or when something else happens to the file. One whose hash isn't known is read at once.
    pub(super) fn suspect(&self, id: PhotoId, path: SourcePath, was: &FileStat, stat: FileStat) {
        if self.library.index().hash(id).is_none() {
            return self.open_again(id, path, was, &stat);
        }
        self.note_other_names(was, &stat);
        self.suspects.note(id);
        self.note_seen(id);
        if !stat.same_owner(was) {
            count(&self.counts.changed);
        }
        let stat = unread(was, stat);
        if stat != *was {
            self.send(Change::Moved { id, path, stat });
        }
    }

    /// Reads the facts of a file that was written to.
    pub(super) fn open_again(
        &self,
        id: PhotoId,
        path: SourcePath,
        was: &FileStat,
        stat: &FileStat,
    ) {
        self.note_other_names(was, stat);
        self.open(path, stat, Some(id));
    }

    /// What the catalog is to know of a file that moved. The disk notes that as any change, so that one which had been
    /// written to before looks the same.
    pub(super) fn until_read(&self, id: PhotoId, stat: FileStat) -> FileStat {
        let Some(photo) = self.library.index().photo(id) else {
            return stat;
        };
        let is_signed = self.scope.sign(&photo.path).is_some();
        let one_name = photo.stat.links.max(stat.links) < 2;
        let may_differ = is_signed || (one_name && !photo.stat.same_change(&stat));
        if may_differ && photo.hash.is_some() {
            self.suspects.note(id);
            return unread(&photo.stat, stat);
        }
        FileStat {
            attributes: photo.stat.attributes,
            ..stat
        }
    }

    /// Takes note of a file that has other names: what was written is in all of them.
    fn note_other_names(&self, was: &FileStat, now: &FileStat) {
        if was.links.max(now.links) > 1 {
            self.notes.linked.lock().push(*was);
        }
    }

    /// Looks at the other names of files that were written to, wherever they are.
    pub(super) fn look_at_other_names(&self) {
        loop {
            let linked = mem::take(&mut *self.notes.linked.lock());
            if linked.is_empty() || self.is_over() {
                return;
            }
            for was in linked {
                let named = self.library.index().with_file(&was).into_iter();
                named.for_each(|id| self.look_at_other_name(id));
            }
        }
    }

    fn look_at_other_name(&self, id: PhotoId) {
        let photo = self.library.index().photo(id);
        let Some(photo) = photo.filter(|_| !self.is_seen(id)) else {
            return;
        };
        let Ok(Some(now)) = self.source_files.stat(&photo.path) else {
            return;
        };
        let now = FileStat {
            mode: photo.stat.mode,
            ..self.disks.reliable(&photo.path, now)
        };
        if now.same_content(&photo.stat) {
            self.suspect(id, photo.path, &photo.stat, now);
        } else if now.same_inode(&photo.stat) {
            self.open_again(id, photo.path, &photo.stat, &now);
        }
    }
}

/// As the catalog is to know a file that is still to be read.
fn unread(was: &FileStat, now: FileStat) -> FileStat {
    FileStat {
        ctime_ns: FileStat::SUSPECT,
        attributes: was.attributes,
        ..now
    }
}

/// What a file that was read as a whole turned out to be.
enum Verdict {
    /// It holds what it did; with what the disk says of it now.
    SameBytes(FileStat),
    OtherBytes,
    /// It can't be read now, or changed meanwhile.
    Open,
}

impl Sync {
    /// Reads the files that may have other bytes, and looks again at those that have; says how many it read. One that can't
    /// be read now stays suspect. Waits for a scan that is under way.
    ///
    /// # Errors
    /// When the catalog can't be read or written, or the source as a whole isn't there.
    pub(super) fn verify_suspects(&self, stop: &AtomicBool) -> Result<u64, Error> {
        let suspects = self.suspects.take();
        if suspects.is_empty() {
            return Ok(0);
        }
        let (mut left, mut rewritten) = (RoaringBitmap::new(), ScanScope::default());
        let read = self.verify_all(&suspects, &mut left, &mut rewritten, stop);
        self.suspects
            .give_back(if read.is_ok() { &left } else { &suspects });
        let read = read?;
        if !rewritten.is_empty() {
            self.update(&rewritten, stop)?;
        }
        // Whoever looked at a picture meanwhile knew its bytes before its facts.
        self.read_outdated(stop)?;
        Ok(read)
    }

    fn verify_all(
        &self,
        suspects: &RoaringBitmap,
        left: &mut RoaringBitmap,
        rewritten: &mut ScanScope,
        stop: &AtomicBool,
    ) -> Result<u64, Error> {
        let disks = Disks::new(&self.source_files);
        let mut batch = Batch::new(&self.library, self.options.batch());
        let mut read = 0;
        for id in suspects {
            let Some(photo) = self.library.index().photo(PhotoId(id)) else {
                continue;
            };
            let verdict = match stop.load(Relaxed) {
                true => Verdict::Open,
                false => self.verify(&photo, &disks, stop),
            };
            read += u64::from(!matches!(verdict, Verdict::Open));
            match verdict {
                Verdict::SameBytes(stat) => batch.add(Change::Moved {
                    id: photo.id,
                    path: photo.path,
                    stat,
                })?,
                Verdict::OtherBytes => rewritten.add_signed(&photo.path, Sign::OtherBytes),
                Verdict::Open => drop(left.insert(id)),
            }
        }
        batch.commit()?;
        Ok(read)
    }

    fn verify(&self, photo: &Photo, disks: &Disks<'_>, stop: &AtomicBool) -> Verdict {
        self.try_verify(photo, disks, stop).unwrap_or_else(|error| {
            tracing::debug!(path = %photo.path, %error, "can't be verified");
            Verdict::Open
        })
    }

    fn try_verify(
        &self,
        photo: &Photo,
        disks: &Disks<'_>,
        stop: &AtomicBool,
    ) -> io::Result<Verdict> {
        let go_on = || !stop.load(Relaxed);
        let read = self.source_files.with_file(&photo.path, &go_on, |file| {
            let attributes = file.attributes();
            let hash = content_hash(&mut { file }, &|| file.goes_on())?;
            Ok((*file.stat(), attributes, hash, file.stat_now()?))
        });
        let (before, attributes, hash, after) = read?;
        if !before.same_content(&photo.stat) || !after.is_as(&before) || hash.is_none() {
            return Ok(Verdict::Open);
        }
        if hash != photo.hash {
            return Ok(Verdict::OtherBytes);
        }
        let FileStat {
            ctime_ns, links, ..
        } = disks.reliable(&photo.path, before);
        Ok(Verdict::SameBytes(FileStat {
            ctime_ns,
            links,
            attributes,
            ..photo.stat
        }))
    }
}
