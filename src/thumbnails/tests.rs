use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::catalog::{Format, SourcePath, Status};

struct TestEnv {
    source: tempfile::TempDir,
    cache: tempfile::TempDir,
    source_files: SourceFiles,
}

impl TestEnv {
    fn new() -> Self {
        let source = tempfile::tempdir().unwrap();
        let picture = image::RgbImage::from_pixel(900, 600, image::Rgb([250, 150, 50]));
        picture.save(source.path().join("a b.jpg")).unwrap();
        std::fs::write(source.path().join("broken.jpg"), b"\xff\xd8\xff no").unwrap();
        Self {
            source_files: SourceFiles::open(source.path()).unwrap(),
            source,
            cache: tempfile::tempdir().unwrap(),
        }
    }

    fn thumbnails(&self) -> Thumbnails {
        Thumbnails::new(
            &Limit::of(1 << 30),
            1 << 20,
            Some(self.cache.path().into()),
            1 << 20,
            Decoders::in_process(std::time::Duration::from_secs(60)),
        )
    }

    fn photo(&self, name: &str) -> Photo {
        let path = SourcePath::new(name.as_bytes());
        Photo {
            id: PhotoId(1),
            name: path.file_name().into(),
            title_name: None,
            text_bytes: 0,
            stat: self.source_files.stat(&path).unwrap().unwrap(),
            path,
            format: Format::Jpeg,
            status: Status::Pending,
            date: None,
            hash: None,
            width: 0,
            height: 0,
            perceptual_hash: None,
            edited: false,
            edition: 0,
        }
    }

    fn get(&self, name: &str, size: Size) -> Result<(u32, u32), Error> {
        let jpeg = self
            .thumbnails()
            .get(&self.source_files, &self.photo(name), size)?;
        let picture = preview::decode(&jpeg).unwrap().picture;
        Ok((picture.width, picture.height))
    }

    fn files(&self, folder: &str) -> Vec<std::path::PathBuf> {
        let entries = self.cache.path().join(folder).read_dir();
        entries.map_or(Vec::new(), |e| e.map(|e| e.unwrap().path()).collect())
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn one_decode_gives_both_sizes_where_file_managers_look() {
    let env = TestEnv::new();
    assert_eq!(env.get("a b.jpg", Size::Large).unwrap(), (256, 171));
    let [large, x_large] = ["large", "x-large"].map(|folder| env.files(folder));
    assert_eq!((large.len(), x_large.len()), (1, 1));
    assert_eq!(mode(&large[0]), 0o600);
    assert_eq!(mode(large[0].parent().unwrap()), 0o700);
    let source = env.source.path().canonicalize().unwrap();
    let uri = format!("file://{}/a%20b.jpg", source.display());
    let name = large[0].file_stem().unwrap().to_str().unwrap();
    use md5::Digest;
    let expected: String = md5::Md5::digest(uri.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(name, expected);
}

#[test]
fn what_is_there_is_served_without_the_original_being_read() {
    let env = TestEnv::new();
    env.get("a b.jpg", Size::XLarge).unwrap();
    let photo = env.photo("a b.jpg");
    std::fs::remove_file(env.source.path().join("a b.jpg")).unwrap();
    let served = env.thumbnails().get(&env.source_files, &photo, Size::Large);
    assert!(served.is_ok());
    let later = Photo {
        stat: FileStat {
            mtime_ns: photo.stat.mtime_ns + 1_000_000_000,
            ..photo.stat
        },
        ..photo
    };
    let of_another_time = env.thumbnails().get(&env.source_files, &later, Size::Large);
    assert!(matches!(of_another_time, Err(Error::Unread(_))));
}

#[test]
fn other_bytes_of_the_same_size_and_time_have_another_thumbnail() {
    let env = TestEnv::new();
    env.get("a b.jpg", Size::Large).unwrap();
    let edited = Photo {
        edition: 1,
        ..env.photo("a b.jpg")
    };
    let get = || {
        let made = env.thumbnails();
        let served = made.get(&env.source_files, &edited, Size::Large);
        (served.is_ok(), made.misses())
    };
    assert_eq!(get(), (true, 1));
    assert_eq!(get(), (true, 0));
}

#[test]
fn a_foreign_or_damaged_thumbnail_is_as_good_as_none() {
    let env = TestEnv::new();
    env.get("a b.jpg", Size::Large).unwrap();
    for folder in ["large", "x-large"] {
        std::fs::write(&env.files(folder)[0], b"\x89PNG\r\n\x1a\n torn").unwrap();
    }
    assert_eq!(env.get("a b.jpg", Size::Large).unwrap(), (256, 171));
}

#[test]
fn a_broken_picture_has_none_and_the_screen_size_stays_in_memory() {
    let env = TestEnv::new();
    assert!(matches!(
        env.get("broken.jpg", Size::Large),
        Err(Error::NoPicture(_))
    ));
    assert_eq!(env.get("a b.jpg", Size::Screen).unwrap(), (900, 600));
    assert!(env.files("xx-large").is_empty());
}
