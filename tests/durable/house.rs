//! A folder of photos and its index.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kbasefs::app::App;
use kbasefs::catalog::{Change, Edit, Facet, SourcePath};
use kbasefs::config::Config;
use kbasefs::fuse::mounts;

pub struct House {
    folder: tempfile::TempDir,
}

impl House {
    pub fn new(photos: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "photos", "mnt", "index"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let house = Self { folder };
        for n in 0..photos {
            picture(&house.path(&format!("photos/{n}.png")), n);
        }
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn index(&self) -> PathBuf {
        self.path("index/catalog.sqlite")
    }

    pub fn config(&self) -> Config {
        Config {
            index: Some(self.index()),
            ..Config::default()
        }
    }

    pub fn app(&self) -> App {
        App::open(&self.path("photos"), self.config()).unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let ours = |name: &str| name.starts_with("XDG_") || name.starts_with("KBASEFS_");
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.env("HOME", self.path("home"));
        command.args(args).arg("--index").arg(self.index());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Most tests don't mount, or have unmounted.
        let _ = mounts::detach(&self.path("mnt"));
        let _ = mounts::detach(&self.path("index"));
    }
}

pub fn picture(path: &Path, look: usize) {
    let (look, more) = ((look % 251) as u8, (look / 251) as u8);
    let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([look, more, 3]));
    picture.save(path).unwrap();
}

pub fn tag(app: &App, path: &str, tag: &str) {
    let id = app
        .library
        .index()
        .by_path(&SourcePath::new(path.as_bytes()));
    let (id, edit) = (id.unwrap(), Edit::Tag(tag.into()));
    app.library.commit(&[Change::edited(id, edit)]).unwrap();
}

pub fn tags(app: &App, path: &str) -> BTreeSet<String> {
    let index = app.library.index();
    let id = index.by_path(&SourcePath::new(path.as_bytes())).unwrap();
    let labels = index.labels_of(id).into_iter();
    let tags = labels.filter(|(facet, _)| *facet == Facet::Tag);
    tags.map(|(_, value)| value).collect()
}

/// The files beside the index that were set aside.
pub fn aside(house: &House) -> Vec<PathBuf> {
    let all = fs::read_dir(house.path("index")).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let is_aside = |p: &PathBuf| {
        p.extension()
            .is_some_and(|e| e.to_str() == Some("damaged-1"))
    };
    all.filter(is_aside).collect()
}

/// A catalog of some photos with a tag each, closed again.
pub fn tagged(photos: usize) -> House {
    let house = House::new(photos);
    let app = house.app();
    app.scan().unwrap();
    for n in 0..photos {
        tag(&app, &format!("{n}.png"), &format!("tag {n}"));
    }
    house
}
