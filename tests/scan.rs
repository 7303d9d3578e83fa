//! What a scan makes of a folder, on real folders, with every store.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kbasefs::catalog::{Change, Edit, Facet, PhotoId, SourcePath};
use kbasefs::library::Library;
use kbasefs::originals::Originals;
use kbasefs::source::{Error, Options, Report, Sync};
use kbasefs::store::Store;
use kbasefs::store::memory::Memory;
use kbasefs::store::sqlite::Sqlite;

/// A source folder with its catalog.
struct Source {
    folder: tempfile::TempDir,
    library: Arc<Library>,
    sync: Sync,
}

impl Source {
    fn new(store: Arc<dyn Store>) -> Self {
        Self::with(store, Options::default())
    }

    fn with(store: Arc<dyn Store>, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("photos")).unwrap();
        let library = Arc::new(Library::load(store).unwrap());
        let originals = Arc::new(Originals::open(&folder.path().join("photos")).unwrap());
        let sync = Sync::new(Arc::clone(&library), originals, options);
        Self {
            folder,
            library,
            sync,
        }
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("photos").join(path)
    }

    /// Puts a picture at a path; each `look` is another content.
    fn picture(&self, path: impl AsRef<Path>, look: u32) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, picture(look)).unwrap();
    }

    fn scan(&self) -> Report {
        let report = self.sync.scan(&AtomicBool::new(false)).unwrap();
        assert!(report.complete && self.sync.progress().done);
        report
    }

    fn hash(&self) -> u64 {
        let stop = AtomicBool::new(false);
        self.sync.hash_candidates(&stop).unwrap()
    }

    fn id(&self, path: &str) -> PhotoId {
        let path = SourcePath::new(path.as_bytes());
        let id = self.library.index().by_path(&path);
        id.unwrap_or_else(|| panic!("{path} is no photo"))
    }

    fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let index = self.library.index();
        index.for_each_photo(&mut |photo| paths.push(photo.path.to_string()));
        paths.sort();
        paths
    }

    fn rename(&self, from: &str, to: &str) {
        let to = self.at(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.at(from), to).unwrap();
    }

    fn tag(&self, id: PhotoId, tag: &str) {
        let edit = Edit::Tag(tag.to_owned());
        self.library.commit(&[Change::edited(id, edit)]).unwrap();
    }

    fn tags(&self, id: PhotoId) -> Vec<String> {
        let labels = self.library.index().labels_of(id).into_iter();
        let tags = labels.filter(|(facet, _)| *facet == Facet::Tag);
        tags.map(|(_, value)| value).collect()
    }
}

fn picture(look: u32) -> Vec<u8> {
    let [_, r, g, b] = look.to_be_bytes();
    let image = image::RgbImage::from_pixel(8, 8, image::Rgb([r, g, b]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    // Uncompressed, so that every look has the same size.
    image.write_to(&mut bytes, image::ImageFormat::Bmp).unwrap();
    bytes.into_inner()
}

fn on_each_store(check: impl Fn(&Source)) {
    check(&Source::new(Arc::new(Memory::default())));
    let index = tempfile::tempdir().unwrap();
    let file = index.path().join("catalog.sqlite");
    check(&Source::new(Arc::new(
        Sqlite::open(&file, Path::new("/photos")).unwrap(),
    )));
}

fn in_memory() -> Source {
    Source::new(Arc::new(Memory::default()))
}

#[test]
fn names_of_every_kind_are_photos() {
    on_each_store(|source| {
        let longest = [b"x".repeat(251), b".bmp".to_vec()].concat();
        let names: [&[u8]; 7] = [
            b"plain.bmp",
            b"latin1-\xe9\xff.bmp",
            b"new\nline.bmp",
            b"deep/er/ tab\there .bmp",
            b".hidden.bmp",
            b"-rf *?\"'\\.bmp",
            &longest,
        ];
        for (look, name) in names.into_iter().enumerate() {
            source.picture(OsStr::from_bytes(name), u32::try_from(look).unwrap());
        }
        let report = source.scan();
        assert_eq!((report.photos, report.added, report.unreadable), (7, 7, 0));
        for name in names {
            let path = SourcePath::new(name);
            assert!(source.library.index().by_path(&path).is_some(), "{path}");
        }
    });
}

#[test]
fn pictures_are_told_by_content() {
    let source = in_memory();
    source.picture("no-extension", 1);
    source.picture("wrong.txt", 2);
    fs::write(source.at("notes"), "just text").unwrap();
    fs::write(source.at("film.mp4"), "a film").unwrap();
    fs::write(source.at("torn.jpg"), "").unwrap();
    let report = source.scan();
    assert_eq!(source.paths(), ["no-extension", "torn.jpg", "wrong.txt"]);
    assert_eq!((report.files_seen, report.other), (5, 2));
}

#[test]
fn what_people_hide_is_left_out() {
    let options = Options {
        exclude: vec!["*.png".into(), "/raw/".into(), String::new()],
        ..Options::default()
    };
    let source = Source::with(Arc::new(Memory::default()), options);
    for path in [
        "a.bmp",
        "sub/.nomedia/x.bmp",
        ".git/b.bmp",
        "c.png",
        "raw/d.bmp",
        "x/raw/e.bmp",
    ] {
        source.picture(path, 1);
    }
    source.picture("drafts/f.bmp", 1);
    source.picture("git/g.bmp", 1);
    fs::write(source.at(".ignore"), "drafts/\n").unwrap();
    fs::write(source.at(".gitignore"), "git/\n").unwrap();
    source.picture("private/deep/h.bmp", 1);
    fs::write(source.at("private/.nomedia"), "").unwrap();
    source.scan();
    assert_eq!(source.paths(), ["a.bmp", "git/g.bmp", "x/raw/e.bmp"]);
}

#[test]
fn a_photo_that_is_hidden_later_leaves() {
    let source = in_memory();
    source.picture("sub/a.bmp", 1);
    source.scan();
    fs::write(source.at("sub/.nomedia"), "").unwrap();
    assert_eq!(source.scan().gone, 1);
    assert!(source.paths().is_empty());
}

#[test]
fn links_and_devices_are_not_touched() {
    let source = in_memory();
    source.picture("real/a.bmp", 1);
    symlink(source.at("real/a.bmp"), source.at("link.bmp")).unwrap();
    symlink(source.at("real"), source.at("folder")).unwrap();
    symlink(source.at(""), source.at("real/loop")).unwrap();
    fifo(&source.at("fifo.bmp"));
    let _socket = std::os::unix::net::UnixListener::bind(source.at("socket.bmp")).unwrap();
    let report = source.scan();
    assert_eq!(source.paths(), ["real/a.bmp"]);
    assert_eq!(
        (report.files_seen, report.opened, report.unreadable),
        (1, 1, 0)
    );
}

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_folder_whose_ignore_file_is_a_fifo_is_unreadable_not_a_trap() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    source.picture("sub/b.bmp", 2);
    source.scan();
    fifo(&source.at("sub/.ignore"));
    let report = source.scan();
    assert_eq!((report.unreadable, report.gone, report.photos), (1, 0, 2));
    fifo(&source.at(".ignore"));
    let error = source.sync.scan(&AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}

#[test]
fn a_rescan_opens_nothing() {
    on_each_store(|source| {
        for look in 0..20 {
            source.picture(format!("{}/{look}.bmp", look % 3), look);
        }
        fs::write(source.at("notes"), "text").unwrap();
        let first = source.scan();
        assert_eq!((first.opened, first.added, first.other), (21, 20, 1));
        let again = source.scan();
        assert_eq!((again.opened, again.bytes_read), (0, 0));
        assert_eq!((again.files_seen, again.photos, again.other), (21, 20, 1));
        assert_eq!(
            (again.added, again.changed, again.moved, again.gone),
            (0, 0, 0, 0)
        );
    });
}

#[test]
fn other_permissions_are_noted_without_opening() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        fs::set_permissions(source.at("a.bmp"), fs::Permissions::from_mode(0o400)).unwrap();
        let report = source.scan();
        assert_eq!((report.opened, report.changed), (0, 1));
        let photo = source.library.index().photo(source.id("a.bmp")).unwrap();
        assert_eq!(photo.stat.mode, 0o400);
    });
}

#[test]
fn a_changed_photo_keeps_what_a_person_said() {
    on_each_store(|source| {
        source.picture("in-place.bmp", 1);
        source.picture("replaced.bmp", 2);
        source.scan();
        let ids = [source.id("in-place.bmp"), source.id("replaced.bmp")];
        for id in ids {
            source.tag(id, "mine");
        }
        fs::write(source.at("in-place.bmp"), [picture(3), vec![0]].concat()).unwrap();
        source.picture("new.tmp", 4);
        source.rename("new.tmp", "replaced.bmp");
        let report = source.scan();
        assert_eq!((report.changed, report.added, report.gone), (2, 0, 0));
        assert_eq!(ids, [source.id("in-place.bmp"), source.id("replaced.bmp")]);
        assert_eq!(ids.map(|id| source.tags(id)), [["mine"], ["mine"]]);
    });
}

#[test]
fn a_renamed_photo_stays_itself() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("album/b.bmp", 2);
        source.scan();
        let (a, b) = (source.id("a.bmp"), source.id("album/b.bmp"));
        source.tag(a, "mine");
        source.rename("a.bmp", "2019/05/z.bmp");
        source.rename("album", "Album");
        let report = source.scan();
        assert_eq!(
            (report.moved, report.opened, report.gone, report.added),
            (2, 0, 0, 0)
        );
        assert_eq!(
            (a, b),
            (source.id("2019/05/z.bmp"), source.id("Album/b.bmp"))
        );
        assert_eq!(source.tags(a), ["mine"]);
    });
}

#[test]
fn photos_that_change_places_stay_themselves() {
    on_each_store(|source| {
        for (look, path) in ["a.bmp", "b.bmp", "c.bmp", "d.bmp"].into_iter().enumerate() {
            source.picture(path, u32::try_from(look).unwrap());
        }
        source.scan();
        let [a, b, c, d] = ["a.bmp", "b.bmp", "c.bmp", "d.bmp"].map(|p| source.id(p));
        source.rename("a.bmp", "t");
        source.rename("b.bmp", "a.bmp");
        source.rename("t", "b.bmp");
        source.rename("d.bmp", "c.bmp");
        let report = source.scan();
        assert_eq!((report.moved, report.gone, report.opened), (3, 1, 0));
        assert_eq!([b, a, d], ["a.bmp", "b.bmp", "c.bmp"].map(|p| source.id(p)));
        assert!(source.library.index().photo(c).is_none());
    });
}

#[test]
fn a_new_file_in_the_place_of_a_photo_that_moved_is_a_new_photo() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        let a = source.id("a.bmp");
        source.rename("a.bmp", "z.bmp");
        source.picture("a.bmp", 2);
        let report = source.scan();
        assert_eq!((report.moved, report.added, report.changed), (1, 1, 0));
        assert_eq!(source.id("z.bmp"), a);
        assert_ne!(source.id("a.bmp"), a);
    });
}

#[test]
fn hard_links_are_photos_of_their_own() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        let a = source.id("a.bmp");
        fs::hard_link(source.at("a.bmp"), source.at("b.bmp")).unwrap();
        assert_eq!(source.scan().added, 1);
        assert_eq!(source.paths(), ["a.bmp", "b.bmp"]);
        assert_eq!(source.id("a.bmp"), a);
        source.rename("a.bmp", "c.bmp");
        assert_eq!(source.scan().moved, 1);
        assert_eq!(source.id("c.bmp"), a);
    });
}

#[test]
fn a_photo_copied_and_deleted_comes_back_by_its_hash() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("same-size.bmp", 2);
        source.scan();
        assert_eq!(source.hash(), 2);
        assert_eq!(source.hash(), 0);
        let a = source.id("a.bmp");
        source.tag(a, "mine");
        source.picture("copy/b.bmp", 1);
        fs::remove_file(source.at("a.bmp")).unwrap();
        let report = source.scan();
        assert_eq!((report.added, report.gone), (1, 1));
        assert_eq!(source.hash(), 1);
        assert_eq!(source.id("copy/b.bmp"), a);
        assert_eq!(source.tags(a), ["mine"]);
    });
}

#[test]
fn a_file_of_a_size_of_its_own_is_not_read_for_its_hash() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    fs::write(source.at("longer.bmp"), [picture(1), vec![0]].concat()).unwrap();
    source.scan();
    assert_eq!(source.hash(), 0);
}

#[test]
fn big_files_of_one_size_are_read_whole_only_where_they_look_alike() {
    let source = in_memory();
    let big = |end: u8| [picture(1), vec![0; 100_000], vec![end]].concat();
    for (path, end) in [("a.bmp", 1), ("copy.bmp", 1), ("other.bmp", 2)] {
        fs::write(source.at(path), big(end)).unwrap();
    }
    source.scan();
    assert_eq!(source.hash(), 2);
    let hash = |path| source.library.index().photo(source.id(path)).unwrap().hash;
    assert!(hash("a.bmp").is_some());
    assert_eq!(hash("a.bmp"), hash("copy.bmp"));
    assert_eq!(hash("other.bmp"), None);
    fs::write(source.at("second.bmp"), big(2)).unwrap();
    source.scan();
    assert_eq!(source.hash(), 2);
    assert_eq!(hash("other.bmp"), hash("second.bmp"));
}

#[test]
fn a_photo_written_again_is_hashed_again() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    source.picture("copy.bmp", 1);
    source.scan();
    assert_eq!(source.hash(), 2);
    fs::write(source.at("copy.bmp"), [picture(1), vec![0]].concat()).unwrap();
    source.scan();
    let id = source.id("a.bmp");
    let hash = || source.library.index().photo(id).unwrap().hash;
    let before = hash();
    source.picture("restored.tmp", 1);
    source.rename("restored.tmp", "a.bmp");
    assert_eq!(source.scan().changed, 1);
    assert_eq!(hash(), None);
    assert_eq!(source.hash(), 1);
    assert_eq!((source.id("a.bmp"), hash()), (id, before));
}

#[test]
fn a_deleted_photo_is_gone() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("sub/deep/b.bmp", 2);
        source.scan();
        fs::remove_dir_all(source.at("sub")).unwrap();
        let report = source.scan();
        assert_eq!((report.gone, report.photos), (1, 1));
        assert_eq!(source.paths(), ["a.bmp"]);
    });
}

#[test]
fn an_unreadable_folder_keeps_its_photos() {
    let source = in_memory();
    source.picture("locked/deep/a.bmp", 1);
    source.picture("b.bmp", 2);
    source.scan();
    let locked = source.at("locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let is_locked = fs::read_dir(&locked).is_err();
    let report = source.scan();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    if !is_locked {
        eprintln!("skipped: this user can read every folder");
        return;
    }
    assert_eq!((report.unreadable, report.gone, report.photos), (1, 0, 2));
}

#[test]
fn a_source_that_is_replaced_or_missing_loses_no_photo() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        let scan = || source.sync.scan(&AtomicBool::new(false)).unwrap_err();
        let aside = source.folder.path().join("aside");
        fs::rename(source.at(""), &aside).unwrap();
        assert!(matches!(scan(), Error::Unreadable { .. }));
        fs::create_dir(source.at("")).unwrap();
        assert!(matches!(scan(), Error::Replaced { .. }));
        fs::remove_dir(source.at("")).unwrap();
        fs::rename(&aside, source.at("")).unwrap();
        let report = source.scan();
        assert_eq!((report.opened, report.gone, report.photos), (0, 0, 1));
    });
}

#[test]
fn a_disk_that_is_not_mounted_keeps_its_photos() {
    on_each_store(|source| {
        source.picture("disk/2019/a.bmp", 1);
        source.picture("b.bmp", 2);
        source.scan();
        fs::remove_dir_all(source.at("disk/2019")).unwrap();
        put_on_another_disk(source, "disk/2019/a.bmp");
        let report = source.scan();
        assert_eq!((report.gone, report.photos), (0, 2));

        fs::remove_dir_all(source.at("disk")).unwrap();
        fs::remove_file(source.at("b.bmp")).unwrap();
        put_on_another_disk(source, "b.bmp");
        let error = source.sync.scan(&AtomicBool::new(false)).unwrap_err();
        assert!(matches!(error, Error::Unmounted { .. }), "{error}");
        assert_eq!(source.paths().len(), 2);
    });
}

/// As if the photo had been seen there.
fn put_on_another_disk(source: &Source, path: &str) {
    let photo = source.library.index().photo(source.id(path)).unwrap();
    let (id, path, mut stat) = (photo.id, photo.path, photo.stat);
    stat.dev += 1;
    let moved = Change::Moved { id, path, stat };
    source.library.commit(&[moved]).unwrap();
}

#[test]
fn a_stopped_scan_loses_no_photo() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    source.scan();
    fs::remove_file(source.at("a.bmp")).unwrap();
    let report = source.sync.scan(&AtomicBool::new(true)).unwrap();
    assert!(!report.complete);
    assert_eq!((report.gone, report.photos), (0, 1));
}

#[test]
fn a_bad_exclude_pattern_is_refused() {
    let options = Options {
        exclude: vec!["[a".into()],
        ..Options::default()
    };
    let source = Source::with(Arc::new(Memory::default()), options);
    let error = source.sync.scan(&AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, Error::Exclude { .. }), "{error}");
}
