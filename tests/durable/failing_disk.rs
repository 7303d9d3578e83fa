//! A disk that fails one write, sync, rename or truncation, or all from one on: nothing that was acknowledged is lost, and
//! nothing is half there.
//!
//! The disk is a file system of the test's own on which the catalog lies. Each n-th of what it is asked for in one life of a
//! catalog fails once, and is the end of the disk once: every 25th here, all with `KBASEFS_LONG=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kbasefs::app::App;
use kbasefs::catalog::{Act, Actor, Deed, Edit, PhotoId, Role, SourcePath, TextField};
use kbasefs::config::Config;
use kbasefs::exchange::Exchange;
use kbasefs::library::Which;
use kbasefs::source_files::SourceFiles;
use kbasefs::store::sqlite;

use crate::can_mount::can_mount;
use crate::failing_fs::{FailingFs, Fails};
use crate::test_env::{TestEnv, aside, decoders, tags};

const PHOTOS: usize = 4;

/// What happens to the catalog, one after the other.
const LIFE: [Step; 17] = [
    Step::Scan,
    Step::Tag(&["0.png", "1.png", "2.png"], "beach"),
    Step::Describe("3.png", "the old harbour"),
    Step::Tag(&["3.png"], "boat"),
    Step::Undo,
    Step::Backup("first.sqlite"),
    Step::Tag(&["1.png", "3.png"], "harbour"),
    Step::Restart,
    Step::Describe("0.png", "a description"),
    Step::Import("1.png", "imported"),
    Step::Undo,
    Step::Tag(&["0.png", "1.png", "2.png", "3.png"], "summer"),
    Step::Restart,
    Step::Describe("0.png", "another description"),
    Step::Backup("second.sqlite"),
    Step::Undo,
    Step::Tag(&["2.png"], "last"),
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Scan,
    /// Photos, in one act.
    Tag(&'static [&'static str], &'static str),
    Describe(&'static str, &'static str),
    Undo,
    /// A file with a tag for one photo.
    Import(&'static str, &'static str),
    Backup(&'static str),
    /// Closes the catalog, which puts the log into the file, and opens it again.
    Restart,
}

/// What was acknowledged.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    photos: Photos,
    /// The first word of every act, the last one first.
    journal: Vec<String>,
}

/// The first word: numbers of acts that were refused are no state.
fn kind(words: &str) -> String {
    words.split(' ').next().unwrap_or_default().into()
}

type Refused = Box<dyn std::error::Error>;

impl Model {
    /// What a process says that there is.
    fn of(app: &App) -> Result<Self, Refused> {
        let mut model = Self::default();
        for id in app.library().index().all() {
            let detail = app.library().detail(PhotoId(id))?.ok_or("no such photo")?;
            let path = detail.entry.photo.path.to_string();
            let text = detail.text(TextField::Description);
            let text = text.map(|text| text.value.clone());
            model.photos.insert(path.clone(), (tags(app, &path), text));
        }
        let acts = app.library().store().acts(None, 100)?;
        model.journal = acts.into_iter().map(|act| kind(&act.words)).collect();
        Ok(model)
    }
}

/// What is said of each photo: its tags and its description.
type Photos = BTreeMap<String, (BTreeSet<String>, Option<String>)>;

/// A life of a catalog, as far as it has come.
struct Life<'a> {
    env: &'a TestEnv,
    app: Option<App>,
    model: Model,
    /// What was before each act that can be undone.
    before: Vec<Photos>,
    /// What is there, besides, if the first change that was refused is there all the same: its last bytes were written, and
    /// the disk didn't say that they are safe. The next start finds it, whole, unless another change was written over it.
    perhaps: Option<(Model, Vec<Photos>)>,
    backups: Vec<(&'static str, Model)>,
    refused: usize,
}

impl<'a> Life<'a> {
    fn new(env: &'a TestEnv) -> Self {
        Self {
            env,
            app: None,
            model: Model::default(),
            before: Vec::new(),
            perhaps: None,
            backups: Vec::new(),
            refused: 0,
        }
    }

    /// Lives it all; what is refused is left out.
    fn live(&mut self) {
        for step in LIFE {
            // A disk that failed once takes it the second time.
            for _ in 0..2 {
                if self.app.is_none() {
                    self.app = self.env.open().map_err(|_| self.refused += 1).ok();
                }
            }
            match self.take(step) {
                Ok(()) => {
                    self.acknowledge(step);
                    if !matches!(step, Step::Backup(_) | Step::Restart) {
                        self.perhaps = None;
                    }
                }
                Err(_) => self.refuse(step),
            }
            if let Some(app) = &self.app
                && let Ok(shown) = Model::of(app)
            {
                if matches!(step, Step::Restart) {
                    self.find(&shown);
                }
                assert_eq!(shown, self.model, "what is shown after {step:?}");
            }
        }
        self.app = None;
    }

    fn refuse(&mut self, step: Step) {
        self.refused += 1;
        // It takes in one photo after the other.
        if let (Step::Scan, Some(Ok(shown))) = (step, self.app.as_ref().map(Model::of)) {
            self.model.photos = shown.photos;
        }
        let can_be = match step {
            Step::Scan | Step::Backup(_) | Step::Restart => false,
            Step::Undo => !self.before.is_empty(),
            Step::Tag(..) | Step::Describe(..) | Step::Import(..) => {
                self.model.photos.len() == PHOTOS
            }
        };
        if can_be && self.perhaps.is_none() {
            let known = (self.model.clone(), self.before.clone());
            self.acknowledge(step);
            let there = std::mem::replace(&mut self.model, known.0);
            self.perhaps = Some((there, std::mem::replace(&mut self.before, known.1)));
        }
    }

    /// A start finds what was acknowledged, with or without what was refused.
    fn find(&mut self, shown: &Model) {
        match self.perhaps.take() {
            Some((model, before)) if *shown == model => {
                (self.model, self.before) = (model, before);
            }
            _ => {}
        }
    }

    fn take(&mut self, step: Step) -> Result<(), Refused> {
        let app = self.app.as_ref().ok_or("it can't be opened")?;
        match step {
            Step::Scan => {
                app.scan()?;
            }
            Step::Tag(photos, tag) => edit(app, photos, "tag", Edit::Tag(tag.into()))?,
            Step::Describe(photo, text) => {
                let edit_text = Edit::SetText(TextField::Description, text.into());
                edit(app, &[photo], "describe", edit_text)?;
            }
            Step::Undo => {
                app.library().undo(Which::Last, &Actor::default())?;
            }
            Step::Import(..) => self.import(app, step)?,
            Step::Backup(name) => {
                sqlite::backup(&self.env.index(), &self.env.path("index").join(name))?;
            }
            Step::Restart => {
                self.app = None;
                self.app = Some(self.env.open()?);
            }
        }
        Ok(())
    }

    fn import(&self, app: &App, step: Step) -> Result<(), Refused> {
        let Step::Import(photo, tag) = step else {
            unreachable!("only imports are imported")
        };
        let file = self.env.path("import.csv");
        fs::write(&file, format!("path,tags\n{photo},{tag}\n"))?;
        let exchange = Exchange {
            library: app.library(),
            source_files: &SourceFiles::open(&self.env.path("photos"))?,
            folder: SourcePath::default(),
        };
        let report = exchange.import(&file, None, &|_, _| Err("no model's".into()))?;
        match report.failed.first() {
            None => Ok(()),
            Some((_, why)) => Err(why.clone().into()),
        }
    }

    fn acknowledge(&mut self, step: Step) {
        let before = self.model.photos.clone();
        let photos = &mut self.model.photos;
        let of_all = "a photo that was edited is known";
        let words = match step {
            Step::Tag(tagged, tag) => {
                for photo in tagged {
                    photos.get_mut(*photo).expect(of_all).0.insert(tag.into());
                }
                "tag"
            }
            Step::Import(photo, tag) => {
                photos.get_mut(photo).expect(of_all).0.insert(tag.into());
                "import"
            }
            Step::Describe(photo, text) => {
                photos.get_mut(photo).expect(of_all).1 = Some(text.into());
                "describe"
            }
            Step::Undo => {
                *photos = self.before.pop().expect("something was undone");
                return self.model.journal.insert(0, "undo".into());
            }
            Step::Backup(name) => return self.backups.push((name, self.model.clone())),
            Step::Scan => {
                let names = (0..PHOTOS).map(|n| (format!("{n}.png"), Default::default()));
                return *photos = names.collect();
            }
            Step::Restart => return,
        };
        self.before.push(before);
        self.model.journal.insert(0, words.into());
    }
}

fn edit(app: &App, photos: &[&str], words: &str, edit: Edit) -> Result<(), Refused> {
    let mut deeds = Vec::new();
    for photo in photos {
        let id = app
            .library()
            .index()
            .by_path(&SourcePath::new(photo.as_bytes()));
        deeds.push(Deed::Edit(id.ok_or("no such photo")?, vec![edit.clone()]));
    }
    let act = Act {
        by: Actor::default(),
        words: words.into(),
        role: Role::New,
        deeds,
    };
    let acted = app.library().act(act)?;
    acted.map(|_| ()).ok_or_else(|| "nothing changed".into())
}

/// What is to be found on the disk when it is sound again.
fn check_what_is_left(env: &TestEnv, mut life: Life) {
    let app = env.open().unwrap();
    let left = Model::of(&app).unwrap();
    life.find(&left);
    let mut expected = life.model;
    if expected.photos.is_empty() {
        // A scan that was refused may have come to some photos.
        expected.photos = left.photos.clone();
        assert!(left.photos.values().all(|said| *said == Default::default()));
    }
    assert_eq!(left, expected);
    assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
    assert!(aside(env).is_empty(), "a disk that fails is no damage");
    app.scan().unwrap();
    edit(&app, &["1.png"], "tag", Edit::Tag("afterwards".into())).unwrap();
    drop(app);
    assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
    for (name, model) in &life.backups {
        check_backup(env, name, model);
    }
}

/// A backup that was said to be one is it.
fn check_backup(env: &TestEnv, name: &str, model: &Model) {
    let copy = Config {
        catalog: Some(env.path("index").join(name)),
        ..Config::default()
    };
    let app = App::open(&env.path("photos"), copy, decoders()).unwrap();
    assert_eq!(&Model::of(&app).unwrap(), model, "{name}");
}

/// Lives it on a disk that fails so; gives how many writes, syncs, renames and truncations the disk was asked for.
fn live_on(fails: Fails) -> u64 {
    let env = TestEnv::new(PHOTOS);
    let disk = env.path("disk");
    fs::create_dir(&disk).unwrap();
    let failing = FailingFs::mount(&disk, &env.path("index"), fails);
    let mut life = Life::new(&env);
    life.live();
    let done = failing.done();
    failing.unmount();
    fs::rename(&disk, env.path("index")).unwrap();
    if fails == Fails::Nothing {
        assert_eq!(life.refused, 0);
        assert_eq!(life.backups.len(), 2);
    }
    check_what_is_left(&env, life);
    done
}

/// Lives it on disks that fail at one after the other.
fn live_on_all(fails: fn(u64) -> Fails) {
    if !can_mount() {
        return;
    }
    let all = live_on(Fails::Nothing);
    let every = match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 1,
        None => 25,
    };
    let mut wrong = Vec::new();
    let (mut lives, mut reached) = (0, 0);
    for n in (1..=all).step_by(every) {
        lives += 1;
        match std::panic::catch_unwind(|| live_on(fails(n))) {
            Ok(done) => reached += u64::from(done >= n),
            Err(_) => wrong.push(n),
        }
    }
    eprintln!(
        "{lives} lives of {all} writes, syncs, renames and truncations: {reached} failed one"
    );
    assert!(wrong.is_empty(), "{} of {lives}: {wrong:?}", wrong.len());
    assert!(reached > lives * 9 / 10, "{reached} of {lives}");
}

#[test]
fn nothing_acknowledged_is_lost_on_a_disk_that_fails_once() {
    live_on_all(Fails::Only);
}

#[test]
fn nothing_acknowledged_is_lost_on_a_disk_that_dies() {
    live_on_all(Fails::From);
}

/// The commands, each a process of its own.
#[test]
fn nothing_that_the_program_acknowledged_is_lost_on_a_disk_that_fails() {
    if !can_mount() {
        return;
    }
    let moments = [1, 160, 205, 250, 290, 330];
    for fails in moments
        .map(Fails::Only)
        .into_iter()
        .chain(moments.map(Fails::From))
    {
        let env = TestEnv::new(PHOTOS);
        let disk = env.path("disk");
        fs::create_dir(&disk).unwrap();
        let failing = FailingFs::mount(&disk, &env.path("index"), fails);
        let source = env.path("photos");
        // What is refused is no fault.
        let _scanned = env.run(&["scan", source.to_str().unwrap()]);
        let names = (0..PHOTOS).map(|n| format!("{n}.png"));
        let tagged = |name: &String| {
            let photo = source.join(name);
            env.run(&["tag", photo.to_str().unwrap(), "said"])
                .status
                .success()
        };
        let acknowledged: Vec<_> = names.filter(tagged).collect();
        failing.unmount();
        fs::rename(&disk, env.path("index")).unwrap();
        let app = env.open().unwrap();
        for name in &acknowledged {
            assert_eq!(
                tags(&app, name),
                ["said".to_owned()].into(),
                "{fails:?}: {name}"
            );
        }
        drop(app);
        let check = env.run(&["catalog", "check", source.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&check.stdout);
        assert_eq!(said, "the catalog is sound\n", "{fails:?}");
        assert!(aside(&env).is_empty(), "{fails:?}");
        eprintln!("{fails:?}: {} of {PHOTOS} acknowledged", acknowledged.len());
    }
}
