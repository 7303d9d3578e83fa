//! A folder of photos and its index.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use kbasefs::app::{self, App};
use kbasefs::catalog::{
    Act, Actor, Analysis, Answer, Change, ContentHash, Deed, Edit, Facet, Label, LabelKey,
    Measured, Origin, PhotoId, Role, SourcePath, Tag, TextField,
};
use kbasefs::config::Config;
use kbasefs::decoding::Decoders;
use kbasefs::fuse::mounts;
use kbasefs::store::Store;
use kbasefs::store::provider_store::{Declined, ProviderStore, Spent};
use kbasefs::store::sqlite::Sqlite;

use crate::isolated::isolated;

/// As a program has them that isn't `kbasefs`.
pub fn decoders() -> Decoders {
    Decoders::in_process(Duration::from_secs(60))
}

pub struct TestEnv {
    folder: tempfile::TempDir,
}

impl TestEnv {
    pub fn new(photos: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "photos", "mnt", "index"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let env = Self { folder };
        for n in 0..photos {
            picture(&env.path(&format!("photos/{n}.png")), n);
        }
        env
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn index(&self) -> PathBuf {
        self.path("index/catalog.sqlite")
    }

    pub fn config(&self) -> Config {
        Config {
            catalog: Some(self.index()),
            ..Config::default()
        }
    }

    pub fn app(&self) -> App {
        self.open().unwrap()
    }

    pub fn open(&self) -> Result<App, app::Error> {
        App::open(&self.path("photos"), self.config(), decoders())
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &self.path("home"));
        command.args(args).arg("--catalog").arg(self.index());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

impl Drop for TestEnv {
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
        .library()
        .index()
        .by_path(&SourcePath::new(path.as_bytes()));
    let (id, edit) = (id.unwrap(), Edit::Tag(tag.into()));
    app.library().commit(&[Change::edited(id, edit)]).unwrap();
}

pub fn tags(app: &App, path: &str) -> BTreeSet<String> {
    let index = app.library().index();
    let id = index.by_path(&SourcePath::new(path.as_bytes())).unwrap();
    let labels = index.labels_of(id).into_iter();
    let tags = labels.filter(|(facet, _)| *facet == Facet::Tag);
    tags.map(|(_, value)| value).collect()
}

/// The indexes that were set aside, without their logs.
pub fn aside(env: &TestEnv) -> Vec<PathBuf> {
    let mut all = kept_aside(env);
    all.retain(|path| !path.to_str().unwrap().ends_with("-wal"));
    all
}

/// Removes what was set aside.
pub fn clear_aside(env: &TestEnv) {
    for file in kept_aside(env) {
        fs::remove_file(file).unwrap();
    }
}

fn kept_aside(env: &TestEnv) -> Vec<PathBuf> {
    let all = fs::read_dir(env.path("index")).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let is_aside = |p: &PathBuf| p.to_str().unwrap().contains(".sqlite.damaged-");
    all.filter(is_aside).collect()
}

/// A catalog of some photos with a tag each, closed again.
pub fn tagged(photos: usize) -> TestEnv {
    let env = TestEnv::new(photos);
    let app = env.app();
    app.scan().unwrap();
    for n in 0..photos {
        tag(&app, &format!("{n}.png"), &format!("tag {n}"));
    }
    env
}

/// A catalog with rows in every table, closed again: twelve photos, of which one is gone, and all that can be said of them.
pub fn settled() -> TestEnv {
    let env = tagged(12);
    fs::remove_file(env.path("photos/11.png")).unwrap();
    let app = env.app();
    app.scan().unwrap();
    drop(app);
    let store = Sqlite::open(&env.index(), &env.path("photos").canonicalize().unwrap());
    let store = store.unwrap();
    for n in 1..=12 {
        said_of(&store, PhotoId(n));
    }
    let made = |name: &str| Deed::Make(name.into());
    let renamed = Deed::Rename {
        tag: LabelKey::new(Facet::Tag, "dog"),
        to: "hound".into(),
    };
    let saved = Deed::Save {
        name: "dogs".into(),
        query: Some("hound".into()),
    };
    for deed in [saved, renamed, made("empty"), made("Other")] {
        act(&store, vec![deed], Role::New);
    }
    let last = store.acts(None, 1).unwrap()[0].id;
    act(&store, Vec::new(), Role::Undoes(last));
    let content = ContentHash([1; 32]);
    for provider in ["desk", "elsewhere"] {
        let reason = "too dark".into();
        let why = Declined {
            refused: true,
            reason,
        };
        let declined = Change::Declined {
            content,
            provider: provider.into(),
            version: "v1".into(),
            why,
        };
        store.commit(&[declined]).unwrap();
        let spent = Spent {
            requests: 3,
            cost: 1.5,
            ..Spent::default()
        };
        store.spend(provider, "2026-01-31", &spent).unwrap();
        store.learn(provider, "{}").unwrap();
    }
    drop(store);
    env
}

fn said_of(store: &Sqlite, id: PhotoId) {
    let Some(detail) = store.detail(id).unwrap() else {
        return;
    };
    let tag = |name: &str| Tag {
        name: name.into(),
        confidence: 0.5,
    };
    let answer = Answer {
        title: Some(format!("Title {id}")),
        description: Some("What is seen".into()),
        tags: vec![tag("dog"), tag("sea")],
    };
    let analysis = Analysis {
        hash: ContentHash([id.0 as u8; 32]),
        stat: detail.entry.photo.stat,
        analyzer: "desk".into(),
        model: "m".into(),
        version: "v1".into(),
        remote: true,
        answer,
    };
    let measured = Change::Measured {
        id,
        stat: analysis.stat,
        hash: analysis.hash,
        measured: Box::new(Measured {
            width: 9,
            height: 9,
            colors: vec![Label::new(Facet::Color, "blue", Origin::File, 0.5)],
            perceptual_hash: u64::from(id.0),
        }),
    };
    let analysis = Box::new(analysis);
    let changes = [measured, Change::Analyzed { id, analysis }];
    store.commit(&changes).unwrap();
    let words = Edit::SetText(TextField::Description, format!("mine {id}"));
    for edit in [words, Edit::Untag("sea".into())] {
        store.commit(&[Change::edited(id, edit)]).unwrap();
    }
}

fn act(store: &Sqlite, deeds: Vec<Deed>, role: Role) {
    let act = Act {
        by: Actor::default(),
        words: "do".into(),
        role,
        deeds,
    };
    store.commit(&[Change::Acted(Box::new(act))]).unwrap();
}
