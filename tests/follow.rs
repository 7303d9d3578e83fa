//! What happens in a source shows in its catalog, without anybody's asking.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kbasefs::catalog::{Change, Edit, Facet, PhotoId, SourcePath};
use kbasefs::library::Library;
use kbasefs::source::{Follower, Mode, Options, Sync, Watching};
use kbasefs::source_files::SourceFiles;
use kbasefs::store::memory::Memory;

#[path = "common/can_mount.rs"]
mod can_mount;
use can_mount::can_mount;

/// How long a change may take on a busy machine, and fifty thousand of them.
const PATIENCE: Duration = Duration::from_secs(60);
const MUCH_PATIENCE: Duration = Duration::from_secs(600);

/// A source that is followed until this is dropped.
struct Followed {
    /// What is to be taken away before the folder is.
    mounted: Option<Mounted>,
    folder: tempfile::TempDir,
    library: Arc<Library>,
    follower: Arc<Follower>,
    stop: Arc<AtomicBool>,
    commits: Arc<(Mutex<u64>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// A file system on a folder.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg(&self.0).status();
        assert!(ended.is_ok_and(|ended| ended.success()) || std::thread::panicking());
    }
}

impl Followed {
    fn new(mode: Mode, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("photos");
        fs::create_dir(&source).unwrap();
        prepare(&source);
        let library = Arc::new(Library::load(Arc::new(Memory::default())).unwrap());
        let commits = Arc::<(Mutex<u64>, Condvar)>::default();
        let counted = Arc::clone(&commits);
        library.listen(move |_| {
            *counted.0.lock().unwrap() += 1;
            counted.1.notify_all();
        });
        let source_files = Arc::new(SourceFiles::open(&source).unwrap());
        let sync = Sync::new(Arc::clone(&library), source_files, Options::default());
        let interval = Duration::from_millis(50);
        let follower = Arc::new(Follower::new(Watching { mode, interval }).unwrap());
        let stop = Arc::<AtomicBool>::default();
        let (scanned, first) = std::sync::mpsc::channel();
        let thread = {
            let (follower, stop) = (Arc::clone(&follower), Arc::clone(&stop));
            std::thread::spawn(move || {
                follower.run(&sync, &stop, |report| scanned.send(report.is_ok()).unwrap());
            })
        };
        assert!(first.recv().unwrap());
        Self {
            mounted: None,
            folder,
            library,
            follower,
            stop,
            commits,
            thread: Some(thread),
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("photos").join(path)
    }

    fn add(&self, path: &str, look: u32) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, picture(look)).unwrap();
    }

    fn id(&self, path: &str) -> Option<PhotoId> {
        let path = SourcePath::new(path.as_bytes());
        self.library.index().by_path(&path)
    }

    fn tag(&self, path: &str, tag: &str) -> PhotoId {
        let (id, edit) = (self.id(path).unwrap(), Edit::Tag(tag.into()));
        self.library.commit(&[Change::edited(id, edit)]).unwrap();
        id
    }

    fn tags(&self, id: PhotoId) -> Vec<String> {
        let labels = self.library.index().labels_of(id).into_iter();
        let tags = labels.filter(|(facet, _)| *facet == Facet::Tag);
        tags.map(|(_, value)| value).collect()
    }

    /// Waits, commit by commit, until the catalog is as it should be.
    fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        self.in_time(PATIENCE, what, is_so);
    }

    fn in_time(&self, patience: Duration, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        let mut commits = self.commits.0.lock().unwrap();
        while !is_so(self) {
            let left = patience.checked_sub(began.elapsed());
            let left = left.unwrap_or_else(|| panic!("{what}: {:?}", self.paths()));
            commits = self.commits.1.wait_timeout(commits, left).unwrap().0;
        }
    }

    fn is_hashed(&self, id: PhotoId) -> bool {
        let photo = self.library.index().photo(id);
        photo.is_some_and(|photo| photo.hash.is_some())
    }

    fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let index = self.library.index();
        index.for_each_photo(&mut |photo| paths.push(photo.path.to_string()));
        paths.sort();
        paths
    }

    fn shows(&self, paths: &[&str]) {
        self.until(&format!("{paths:?}"), |now| now.paths() == paths);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.follower.stop();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

fn picture(look: u32) -> Vec<u8> {
    let [_, r, g, b] = look.to_be_bytes();
    let image = image::RgbImage::from_pixel(4, 4, image::Rgb([r, g, b]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Bmp).unwrap();
    bytes.into_inner()
}

fn in_each_mode(check: impl Fn(&Followed)) {
    for mode in [Mode::Auto, Mode::Poll] {
        check(&Followed::new(mode, |_| ()));
    }
}

#[test]
fn what_comes_changes_and_goes_shows() {
    in_each_mode(|source| {
        source.add("a.bmp", 1);
        source.shows(&["a.bmp"]);
        source.add("new/deep/b.bmp", 2);
        source.shows(&["a.bmp", "new/deep/b.bmp"]);
        let id = source.tag("a.bmp", "mine");
        let size = |source: &Followed| source.library.index().photo(id).unwrap().stat.size;
        let before = size(source);
        let mut longer = picture(3);
        longer.extend([0; 64]);
        fs::write(source.at("a.bmp"), longer).unwrap();
        source.until("the new content", |now| size(now) == before + 64);
        assert_eq!(source.tags(id), ["mine"]);
        fs::remove_file(source.at("a.bmp")).unwrap();
        source.shows(&["new/deep/b.bmp"]);
        fs::remove_dir_all(source.at("new")).unwrap();
        source.shows(&[]);
    });
}

/// By copying and deleting, as between disks, and without keeping the time.
#[test]
fn a_photo_of_which_people_said_something_stays_itself_wherever_its_content_goes() {
    let followed = Followed::new(Mode::Inotify, |_| ());
    followed.add("a.bmp", 1);
    followed.shows(&["a.bmp"]);
    let id = followed.tag("a.bmp", "mine");
    followed.until("read in the background", |now| now.is_hashed(id));
    fs::copy(followed.at("a.bmp"), followed.at("b.bmp")).unwrap();
    followed.shows(&["a.bmp", "b.bmp"]);
    fs::remove_file(followed.at("a.bmp")).unwrap();
    followed.until("itself", |now| now.id("b.bmp") == Some(id));
    assert_eq!(followed.tags(id), ["mine"]);
    followed.shows(&["b.bmp"]);
}

/// Writes other bytes of the same size, and puts the time back.
fn write_in_place(path: &Path, bytes: &[u8]) {
    let before = path.metadata().unwrap();
    assert_eq!(before.len(), bytes.len() as u64);
    let mut file = File::options().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
}

fn assert_rewriting_is_noticed(followed: &Followed) {
    followed.add("a.bmp", 1);
    followed.add("b.bmp", 1);
    followed.shows(&["a.bmp", "b.bmp"]);
    let [a, b] = ["a.bmp", "b.bmp"].map(|path| followed.id(path).unwrap());
    let hash = |id| {
        followed
            .library
            .index()
            .photo(id)
            .and_then(|photo| photo.hash)
    };
    followed.until("copies", |now| now.is_hashed(a) && now.is_hashed(b));
    write_in_place(&followed.at("a.bmp"), &picture(2));
    followed.until("other bytes", |_| {
        hash(a).is_some_and(|h| Some(h) != hash(b))
    });
}

#[test]
fn a_file_that_was_rewritten_with_its_time_put_back_is_another_picture() {
    in_each_mode(assert_rewriting_is_noticed);
}

#[test]
fn what_was_rewritten_and_moved_at_once_is_another_picture() {
    let followed = Followed::new(Mode::Inotify, |_| ());
    for name in ["a.bmp", "old/b.bmp", "c.bmp"] {
        followed.add(name, 1);
    }
    followed.shows(&["a.bmp", "c.bmp", "old/b.bmp"]);
    let [a, b, c] = ["a.bmp", "old/b.bmp", "c.bmp"].map(|path| followed.id(path).unwrap());
    let hash = |id| {
        followed
            .library
            .index()
            .photo(id)
            .and_then(|photo| photo.hash)
    };
    followed.until("copies", |now| {
        [a, b, c].into_iter().all(|id| now.is_hashed(id))
    });
    write_in_place(&followed.at("a.bmp"), &picture(2));
    fs::rename(followed.at("a.bmp"), followed.at("z.bmp")).unwrap();
    write_in_place(&followed.at("old/b.bmp"), &picture(3));
    fs::rename(followed.at("old"), followed.at("new")).unwrap();
    followed.shows(&["c.bmp", "new/b.bmp", "z.bmp"]);
    let is_other = |id| hash(id).is_some_and(|now| Some(now) != hash(c));
    followed.until("other bytes", |_| is_other(a) && is_other(b));
    assert_eq!(
        [a, b].map(Some),
        [followed.id("z.bmp"), followed.id("new/b.bmp")]
    );
}

/// As `cp --backup` of a large file does.
#[test]
fn a_name_keeps_what_was_said_of_it_while_the_new_file_is_still_being_written() {
    let followed = Followed::new(Mode::Inotify, |_| ());
    followed.add("a.bmp", 1);
    followed.shows(&["a.bmp"]);
    followed.tag("a.bmp", "mine");
    let (head, tail) = (picture(2), picture(3));
    fs::rename(followed.at("a.bmp"), followed.at("a.bmp~")).unwrap();
    let mut new = File::create(followed.at("a.bmp")).unwrap();
    new.write_all(&head).unwrap();
    // What happened before this was seen.
    followed.add("later.bmp", 4);
    followed.until("later", |now| now.id("later.bmp").is_some());
    new.write_all(&tail).unwrap();
    drop(new);
    fs::remove_file(followed.at("a.bmp~")).unwrap();
    followed.until("the new one", |now| {
        let id = now.id("a.bmp");
        let photo = id.and_then(|id| now.library.index().photo(id));
        photo.is_some_and(|photo| photo.stat.size == (head.len() + tail.len()) as u64)
    });
    assert_eq!(followed.tags(followed.id("a.bmp").unwrap()), ["mine"]);
}

/// Where the disk's own word on changes can't be relied on.
#[test]
fn a_write_that_the_kernel_told_of_is_a_sign_of_its_own() {
    let disk = tempfile::tempdir().unwrap();
    let mut mounted = None;
    let mut followed = Followed::new(Mode::Inotify, |source| {
        let mut bindfs = Command::new("bindfs");
        bindfs.arg("--no-allow-other").arg(disk.path()).arg(source);
        let is_mounted = can_mount() && bindfs.status().is_ok_and(|ended| ended.success());
        mounted = is_mounted.then(|| Mounted(source.to_owned()));
    });
    if mounted.is_none() {
        return eprintln!("skipped: needs FUSE and bindfs");
    }
    followed.mounted = mounted;
    assert_rewriting_is_noticed(&followed);
}

/// As `cp --backup` and exiftool do, of which the first writes the new file when the old one is aside.
#[test]
fn a_name_keeps_what_was_said_of_it_when_an_editor_puts_the_original_aside() {
    let followed = Followed::new(Mode::Inotify, |_| ());
    followed.add("a.bmp", 1);
    followed.shows(&["a.bmp"]);
    let id = followed.tag("a.bmp", "mine");
    fs::write(followed.at("a.bmp_tmp"), [picture(2), vec![0]].concat()).unwrap();
    fs::rename(followed.at("a.bmp"), followed.at("a.bmp_original")).unwrap();
    fs::rename(followed.at("a.bmp_tmp"), followed.at("a.bmp")).unwrap();
    followed.until("both", |now| {
        let new = now.id("a.bmp").filter(|new| *new != id);
        now.id("a.bmp_original") == Some(id) && new.is_some_and(|new| now.tags(new) == ["mine"])
    });
    fs::remove_file(followed.at("a.bmp_original")).unwrap();
    followed.shows(&["a.bmp"]);
    assert_eq!(followed.tags(followed.id("a.bmp").unwrap()), ["mine"]);
}

#[test]
fn a_photo_that_moves_stays_itself() {
    in_each_mode(|source| {
        source.add("a.bmp", 1);
        source.add("trip/day/b.bmp", 2);
        source.shows(&["a.bmp", "trip/day/b.bmp"]);
        let (a, b) = (
            source.tag("a.bmp", "one"),
            source.tag("trip/day/b.bmp", "two"),
        );
        fs::rename(source.at("a.bmp"), source.at("trip/c.bmp")).unwrap();
        source.shows(&["trip/c.bmp", "trip/day/b.bmp"]);
        fs::rename(source.at("trip"), source.at("voyage")).unwrap();
        source.shows(&["voyage/c.bmp", "voyage/day/b.bmp"]);
        assert_eq!(source.id("voyage/c.bmp"), Some(a));
        assert_eq!(source.id("voyage/day/b.bmp"), Some(b));
        assert_eq!(
            (source.tags(a), source.tags(b)),
            (vec!["one".into()], vec!["two".into()])
        );
        // Its folders are watched at their new place.
        source.add("voyage/day/d.bmp", 3);
        source.shows(&["voyage/c.bmp", "voyage/day/b.bmp", "voyage/day/d.bmp"]);
    });
}

#[test]
fn a_folder_that_leaves_and_comes_back_keeps_its_photos_names() {
    let source = Followed::new(Mode::Inotify, |_| ());
    source.add("trip/a.bmp", 1);
    source.shows(&["trip/a.bmp"]);
    let id = source.tag("trip/a.bmp", "mine");
    let outside = source.folder.path().join("outside");
    fs::rename(source.at("trip"), &outside).unwrap();
    source.shows(&[]);
    fs::write(outside.join("unseen.bmp"), picture(9)).unwrap();
    fs::rename(&outside, source.at("back")).unwrap();
    source.shows(&["back/a.bmp", "back/unseen.bmp"]);
    assert_eq!(source.id("back/a.bmp"), Some(id));
    assert_eq!(source.tags(id), ["mine"]);
}

#[test]
fn a_file_that_is_being_written_is_looked_at_when_it_is_complete() {
    let source = Followed::new(Mode::Inotify, |_| ());
    let bytes = picture(1);
    let mut file = File::create(source.at("slow.bmp")).unwrap();
    file.write_all(&bytes[..20]).unwrap();
    source.add("other.bmp", 2);
    source.shows(&["other.bmp"]);
    file.write_all(&bytes[20..]).unwrap();
    drop(file);
    source.shows(&["other.bmp", "slow.bmp"]);
    let photo = source
        .id("slow.bmp")
        .and_then(|id| source.library.index().photo(id));
    assert_eq!(photo.unwrap().stat.size, bytes.len() as u64);
}

#[test]
fn what_is_hidden_leaves_and_what_is_shown_again_comes() {
    let source = Followed::new(Mode::Inotify, |_| ());
    source.add("a/x.bmp", 1);
    source.add("b.bmp", 2);
    source.shows(&["a/x.bmp", "b.bmp"]);
    fs::write(source.at("a/.nomedia"), "").unwrap();
    source.shows(&["b.bmp"]);
    fs::remove_file(source.at("a/.nomedia")).unwrap();
    source.shows(&["a/x.bmp", "b.bmp"]);
    fs::write(source.at(".ignore"), "b.*").unwrap();
    source.shows(&["a/x.bmp"]);
    fs::remove_file(source.at(".ignore")).unwrap();
    source.shows(&["a/x.bmp", "b.bmp"]);
}

#[test]
fn links_and_permissions_show() {
    let source = Followed::new(Mode::Inotify, |_| ());
    source.add("a.bmp", 1);
    source.shows(&["a.bmp"]);
    fs::hard_link(source.at("a.bmp"), source.at("b.bmp")).unwrap();
    source.shows(&["a.bmp", "b.bmp"]);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    fs::set_permissions(source.at("a.bmp"), mode).unwrap();
    let shown = |now: &Followed| {
        let photo = now.library.index().photo(now.id("a.bmp")?);
        photo.map(|photo| photo.stat.mode)
    };
    source.until("the mode", |now| shown(now) == Some(0o640));
}

/// The kernel keeps 16384 events by default, and each of these files makes three: whether some are lost or not, every
/// photo shows.
#[test]
fn thousands_of_files_at_once_lose_nothing() {
    let count: u32 = match std::env::var("KBASEFS_LONG") {
        Ok(_) => 50_000,
        Err(_) => 4_000,
    };
    let source = Followed::new(Mode::Inotify, |_| ());
    let began = Instant::now();
    for n in 0..count {
        source.add(&format!("{}/{}/{n}.bmp", n % 7, n % 90), n);
    }
    let copied = began.elapsed();
    source.in_time(MUCH_PATIENCE, "all", |now| {
        now.library.index().len() == u64::from(count)
    });
    let all = began.elapsed();
    eprintln!("{count} files: written in {copied:?}, all shown after {all:?}");
    for folder in 0..7 {
        fs::rename(
            source.at(&folder.to_string()),
            source.at(&format!("moved-{folder}")),
        )
        .unwrap();
    }
    source.in_time(MUCH_PATIENCE, "moved", |now| {
        let index = now.library.index();
        let moved = (0..7).map(|n| index.photos_below(format!("moved-{n}").as_bytes()).len());
        moved.sum::<u64>() == u64::from(count) && index.len() == u64::from(count)
    });
    let mut last = 0;
    let index = source.library.index();
    index.for_each_file(&mut |id, _, _| last = id.0);
    assert_eq!(last, count, "they are the photos that they were");
}

#[test]
fn a_source_that_disappears_keeps_its_photos_and_heals() {
    for mode in [Mode::Inotify, Mode::Poll] {
        let source = Followed::new(mode, |_| ());
        source.add("a.bmp", 1);
        source.add("sub/b.bmp", 2);
        source.shows(&["a.bmp", "sub/b.bmp"]);
        let ids = (source.id("a.bmp"), source.id("sub/b.bmp"));
        let aside = source.folder.path().join("aside");
        fs::rename(source.at(""), &aside).unwrap();
        eventually("the loss", || source.follower.following().away.is_some());
        fs::create_dir(source.at("")).unwrap();
        let is_another = |away: String| away.contains("another folder is in its place");
        let away = || source.follower.following().away;
        eventually("the other", || away().is_some_and(is_another));
        assert_eq!(source.paths(), ["a.bmp", "sub/b.bmp"]);
        fs::remove_dir(source.at("")).unwrap();
        // Another folder with the same files, as a disk that is mounted again.
        copy(&aside, &source.at(""));
        eventually("the return", || away().is_none());
        assert_eq!(source.paths(), ["a.bmp", "sub/b.bmp"]);
        assert_eq!((source.id("a.bmp"), source.id("sub/b.bmp")), ids);
        source.add("sub/c.bmp", 3);
        source.shows(&["a.bmp", "sub/b.bmp", "sub/c.bmp"]);
    }
}

/// Copies with the times, as `cp -a`.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            let modified = entry.metadata().unwrap().modified().unwrap();
            let file = File::options().write(true).open(target).unwrap();
            file.set_modified(modified).unwrap();
        }
    }
}

/// For what makes no commit.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}
