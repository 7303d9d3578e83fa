//! Pictures made ready for servers: built once, kept in memory and on disk, both bounded.
//!
//! A file is one line of JSON, what the decoded original was like, and the JPEG after it. Damaged or foreign files are
//! as good as none. Knows nothing of servers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::catalog::{ContentHash, Facet, Label, Measured, Origin};
use crate::memory::{Bounds, Cache, Limit};

/// A small JPEG of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// sRGB, without metadata.
    pub jpeg: Bytes,
    /// What the decode found out beside it, so that a preview spares the original's decode.
    pub measured: Arc<Measured>,
}

type Key = (ContentHash, u32);

/// Previews by content and longest side, kept for the next that asks.
pub struct Previews {
    memory: Cache<Key, Preview>,
    folder: Option<Folder>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Previews {
    /// At most so many bytes in memory, unused for at most `ttl`; none on disk.
    pub fn in_memory(memory: &Limit, bytes: u64, ttl: Option<Duration>) -> Self {
        let bounds = Bounds {
            bytes,
            idle: ttl,
            ..Bounds::default()
        };
        Self {
            memory: memory.cache(bounds, |_, preview: &Preview| preview.jpeg.len()),
            folder: None,
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    /// Keeps them in a folder as well, at most so many bytes.
    pub fn and_in(mut self, folder: PathBuf, bytes: u64) -> Self {
        self.folder = (bytes > 0).then(|| Folder::new(folder, bytes));
        self
    }

    /// The preview of a content, with no side longer than `side`.
    pub fn get(&self, content: ContentHash, side: u32) -> Option<Preview> {
        let key = (content, side);
        let found = self.memory.get(&key).or_else(|| {
            let preview = self.folder.as_ref()?.read(key)?;
            self.memory.insert(key, preview.clone());
            Some(preview)
        });
        let counter = if found.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// The preview of a content, which is made where there is none, by one of those who want it at the same time.
    pub fn get_or_make(
        &self,
        content: ContentHash,
        side: u32,
        make: impl FnOnce() -> Preview,
    ) -> Preview {
        if let Some(preview) = self.get(content, side) {
            return preview;
        }
        let key = (content, side);
        self.memory.get_with(key, || {
            let preview = make();
            if let Some(folder) = &self.folder {
                folder.write(key, &preview);
            }
            preview
        })
    }

    /// How many were there when they were asked for, since the start.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How many were not.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }
}

struct Folder {
    path: PathBuf,
    most: u64,
    /// Bytes in it; `None` until it was counted. Held while files are counted and removed: who writes a preview waits for
    /// that, who reads one doesn't.
    used: Mutex<Option<u64>>,
}

/// The first line of a file.
#[derive(Serialize, Deserialize)]
struct Head {
    width: u32,
    height: u32,
    colors: Vec<(String, f32)>,
    perceptual_hash: u64,
    jpeg_bytes: usize,
}

impl Folder {
    fn new(path: PathBuf, most: u64) -> Self {
        Self {
            path,
            most,
            used: Mutex::default(),
        }
    }

    fn file(&self, (content, side): Key) -> PathBuf {
        let name = content.to_string();
        // Spread over 256 folders: one of a million files is slow to list and to search.
        self.path.join(&name[..2]).join(format!("{name}-{side}"))
    }

    fn read(&self, key: Key) -> Option<Preview> {
        let path = self.file(key);
        let bytes = fs::read(&path).ok()?;
        let end = bytes.iter().position(|&b| b == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
        let jpeg = Bytes::from(bytes).slice(end + 1..);
        if jpeg.len() != head.jpeg_bytes {
            return None;
        }
        // What is used is kept longest. Failing that, it goes sooner.
        let touched = fs::File::open(&path).and_then(|f| f.set_modified(SystemTime::now()));
        touched.unwrap_or_default();
        let color =
            |(name, share): &(String, f32)| Label::new(Facet::Color, name, Origin::File, *share);
        let measured = Measured {
            width: head.width,
            height: head.height,
            colors: head.colors.iter().map(color).collect(),
            perceptual_hash: head.perceptual_hash,
        };
        Some(Preview {
            jpeg,
            measured: Arc::new(measured),
        })
    }

    /// Only a cache: what can't be written is made again.
    fn write(&self, key: Key, preview: &Preview) {
        if let Err(error) = self.try_write(key, preview) {
            tracing::debug!("preview not kept in {}: {error}", self.path.display());
        }
    }

    fn try_write(&self, key: Key, preview: &Preview) -> io::Result<()> {
        let measured = &preview.measured;
        let head = Head {
            width: measured.width,
            height: measured.height,
            colors: measured
                .colors
                .iter()
                .map(|l| (l.value.clone(), l.confidence))
                .collect(),
            perceptual_hash: measured.perceptual_hash,
            jpeg_bytes: preview.jpeg.len(),
        };
        let mut bytes = serde_json::to_vec(&head)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&preview.jpeg);
        let path = self.file(key);
        let folder = path.parent().unwrap_or(&self.path);
        private_folder(folder)?;
        // Renamed when it is whole: whoever reads meanwhile, this process or another, sees the old one or none.
        let new = path.with_extension(format!("new-{}", std::process::id()));
        let written = fs::write(&new, &bytes).and_then(|()| fs::rename(&new, &path));
        // Half of it would take the room that there isn't.
        written.inspect_err(|_| fs::remove_file(&new).unwrap_or_default())?;
        self.account(bytes.len() as u64)
    }

    fn account(&self, more: u64) -> io::Result<()> {
        let mut used = self.used.lock();
        let sum = match *used {
            Some(sum) => sum + more,
            None => self.files()?.iter().map(|(_, size, _)| size).sum(),
        };
        *used = Some(if sum > self.most { self.shrink()? } else { sum });
        Ok(())
    }

    /// Removes what was used longest ago until a tenth is free, so that not each new file walks the folder; gives what
    /// is left.
    fn shrink(&self) -> io::Result<u64> {
        let mut files = self.files()?;
        files.sort_by_key(|(used, ..)| *used);
        let mut sum: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if sum <= self.most / 10 * 9 {
                break;
            }
            fs::remove_file(path)?;
            sum -= size;
        }
        Ok(sum)
    }

    /// When each file was used last, its size and its path.
    fn files(&self) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
        let mut files = Vec::new();
        for folder in fs::read_dir(&self.path)? {
            let folder = folder?.path();
            if !folder.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                let used = metadata.modified()?;
                files.push((used, metadata.len(), entry.path()));
            }
        }
        Ok(files)
    }
}

/// Pictures are nobody else's business.
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(bytes: usize) -> Preview {
        let measured = Measured {
            width: 4000,
            height: 3000,
            colors: vec![Label::new(Facet::Color, "blue", Origin::File, 0.5)],
            perceptual_hash: u64::MAX - 3,
        };
        Preview {
            jpeg: vec![b'\n'; bytes].into(),
            measured: Arc::new(measured),
        }
    }

    fn hash(n: u8) -> ContentHash {
        ContentHash([n; 32])
    }

    fn previews(folder: &Path, most: u64) -> Previews {
        Previews::in_memory(&Limit::of(1 << 30), 1 << 20, None).and_in(folder.into(), most)
    }

    #[test]
    fn what_was_made_once_is_found_again_also_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let first = previews(folder.path(), 1 << 20);
        assert_eq!(first.get(hash(1), 768), None);
        first.get_or_make(hash(1), 768, || preview(100));
        let again = first.get_or_make(hash(1), 768, || panic!("made twice"));
        let second = previews(folder.path(), 1 << 20);
        assert_eq!(second.get(hash(1), 768), Some(again));
        assert_eq!(second.get(hash(1), 512), None);
        assert_eq!((second.hits(), second.misses()), (1, 1));
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        previews(folder.path(), 1 << 20).get_or_make(hash(1), 768, || preview(100));
        let file = Folder::new(folder.path().into(), 0).file((hash(1), 768));
        for damaged in [&b"{}"[..], b"", b"\n\n\n", &[b'{'; 4000]] {
            fs::write(&file, damaged).unwrap();
            assert_eq!(previews(folder.path(), 1 << 20).get(hash(1), 768), None);
        }
    }

    #[test]
    fn the_folder_stays_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let previews = previews(folder.path(), 10_000);
        for n in 0..50 {
            previews.get_or_make(hash(n), 768, || preview(1000));
        }
        let files = Folder::new(folder.path().into(), 0).files().unwrap();
        let sum: u64 = files.iter().map(|(_, size, _)| size).sum();
        assert!((5_000..=10_000).contains(&sum), "{sum}");
    }
}
