//! The stores that every check runs on, and the changes that it makes.

use std::collections::BTreeSet;
use std::path::Path;

use kbasefs::catalog::{
    Act, Actor, Analysis, Answer, Change, ContentHash, DateSource, Deed, Detail, Edit, Effect,
    Entry, Facet, Facts, FileStat, Format, Label, Measured, Origin, PhotoId, Position, Role,
    SourcePath, Stored, Tag, WallClock, Words,
};
use kbasefs::store::Store;
use kbasefs::store::cached::{Cached, Capacity};
use kbasefs::store::memory::Memory;
use kbasefs::store::sqlite::Sqlite;

pub fn sqlite(folder: &Path) -> Sqlite {
    Sqlite::open(&folder.join("index/catalog.sqlite"), Path::new("/photos")).unwrap()
}

/// For three photos.
const CAPACITY: Capacity = Capacity {
    entries: 3,
    bytes: 1 << 16,
    ttl: None,
};

/// Runs a check on every store.
pub fn on_each(check: impl Fn(&dyn Store)) {
    check(&Memory::default());
    let folder = tempfile::tempdir().unwrap();
    check(&sqlite(folder.path()));
    let folder = tempfile::tempdir().unwrap();
    check(&Cached::new(
        std::sync::Arc::new(sqlite(folder.path())),
        &kbasefs::memory::Limit::of(1 << 30),
        CAPACITY,
    ));
}

pub fn stat(ino: u64, mtime_ns: i64) -> FileStat {
    FileStat {
        dev: u64::MAX,
        ino,
        size: 1000 + ino,
        mtime_ns,
        ctime_ns: 3,
        links: 1,
        attributes: 4,
        mode: 0o644,
        uid: 1000,
        gid: 1000,
    }
}

pub fn path(text: &str) -> SourcePath {
    SourcePath::new(text.as_bytes())
}

pub fn found(known: Option<PhotoId>, at: &str, stat: FileStat) -> Change {
    let facts = Box::new(facts());
    let path = path(at);
    Change::Found {
        known,
        path,
        stat,
        facts,
    }
}

pub fn replaced(id: PhotoId, aside: (&str, FileStat), new: (&str, FileStat)) -> Change {
    Change::Replaced {
        id,
        aside: (path(aside.0), aside.1),
        path: path(new.0),
        stat: new.1,
        facts: Box::new(facts()),
    }
}

pub fn facts() -> Facts {
    Facts {
        width: 40,
        height: 30,
        orientation: 6,
        date: WallClock::new(2024, 7, 14, 18, 3, 59),
        date_source: Some(DateSource::Original),
        camera: Some("Canon EOS R6".into()),
        make: Some("Canon".into()),
        model: Some("EOS R6".into()),
        lens: Some("RF 35mm".into()),
        position: Some(Position {
            latitude: 43.7,
            longitude: 7.25,
        }),
        country: Some("France".into()),
        city: Some("Nice".into()),
        title: Some("Our holiday".into()),
        description: None,
        keywords: vec!["Family".into(), "sea".into()],
        rating: Some(3),
        ..Facts::of(Format::Jpeg)
    }
}

pub fn analysis(hash: u8, stat: FileStat, tags: &[&str]) -> Analysis {
    let tag = |name: &&str| Tag {
        name: (*name).into(),
        confidence: 0.75,
    };
    Analysis {
        hash: ContentHash([hash; 32]),
        stat,
        analyzer: "embedded".into(),
        model: "m/1".into(),
        version: "1".into(),
        remote: false,
        answer: Answer {
            title: Some("A dog".into()),
            description: Some("A dog running on a beach".into()),
            tags: tags.iter().map(tag).collect(),
        },
    }
}

/// What is measured in a content.
pub fn measured(id: PhotoId, hash: u8, stat: FileStat) -> Change {
    Change::Measured {
        id,
        stat,
        hash: ContentHash([hash; 32]),
        measured: Box::new(Measured {
            width: 400 + u32::from(hash),
            height: 300,
            colors: vec![Label::new(Facet::Color, "blue", Origin::File, 0.3)],
            perceptual_hash: u64::MAX - u64::from(hash),
        }),
    }
}

/// What an analyzer of this name said, and when. Those with "desk" in their name are on servers.
pub fn said_by(analyzer: &str, id: PhotoId, at: i64, analysis: Analysis) -> Change {
    let analysis = Box::new(Analysis {
        analyzer: analyzer.into(),
        remote: analyzer.contains("desk"),
        answer: Answer {
            title: Some(format!("As {analyzer} says")),
            ..analysis.answer
        },
        ..analysis
    });
    Change::Learned { id, analysis, at }
}

pub fn analyzed(id: PhotoId, analysis: Analysis) -> Change {
    let analysis = Box::new(analysis);
    Change::Analyzed { id, analysis }
}

pub fn edited(id: PhotoId, edit: Edit) -> Change {
    acted(Role::New, vec![Deed::Edit(id, vec![edit])])
}

pub fn acted(role: Role, deeds: Vec<Deed>) -> Change {
    let by = Actor {
        process: "mv".into(),
        pid: 7,
        uid: 1000,
    };
    let words = "tag".into();
    Change::Acted(Box::new(Act {
        by,
        words,
        role,
        deeds,
    }))
}

/// Adds a photo and gives its id.
pub fn add(store: &dyn Store, at: &str, ino: u64) -> PhotoId {
    match &store.commit(&[found(None, at, stat(ino, 1))]).unwrap()[..] {
        [Effect::Upsert(entry)] => entry.photo.id,
        other => panic!("one photo appears, not {other:?}"),
    }
}

pub fn detail(store: &dyn Store, id: PhotoId) -> Detail {
    let detail = store.detail(id).unwrap().expect("the photo is there");
    if let Some(at_hand) = store.detail_at_hand(id) {
        assert_eq!(*at_hand, detail);
    }
    detail
}

pub fn tags(store: &dyn Store, id: PhotoId) -> Vec<String> {
    let entry = detail(store, id).entry;
    let labels = Label::effective(&entry.labels);
    let tags = labels.into_iter().filter(|l| l.facet == Facet::Tag);
    tags.map(|l| l.value.clone()).collect()
}

/// Every photo that a load hands over, with the labels that it has then, which are those of its details.
pub fn all(store: &dyn Store) -> Vec<Entry> {
    let (mut labels, mut photos, mut at_most) = (Vec::new(), Vec::new(), 0);
    let each = &mut |stored| match stored {
        Stored::Label(label) => labels.push(label),
        Stored::Photo(photo, numbers) => {
            let labels = numbers.iter().map(|&n| said(&labels[n as usize]));
            photos.push((photo, labels.collect::<BTreeSet<_>>()));
        }
        Stored::Anew => {
            labels.clear();
            photos.clear();
        }
        Stored::AtMost(most) => at_most = most as usize,
        Stored::Made { .. } | Stored::Saved { .. } => {}
    };
    store.load(each).unwrap();
    assert!(photos.len() <= at_most);
    let photos = photos.into_iter().map(|(photo, labels)| {
        let entry = detail(store, photo.id).entry;
        assert_eq!(entry.photo, photo);
        assert_eq!(
            entry.labels.iter().map(said).collect::<BTreeSet<_>>(),
            labels
        );
        entry
    });
    photos.collect()
}

/// A label without how sure it is.
fn said(label: &Label) -> (Facet, String, Origin, bool) {
    let Label {
        facet,
        value,
        origin,
        ..
    } = label.clone();
    (facet, value, origin, label.is_denial())
}

pub fn words(text: &str) -> Words {
    Words::new(text).unwrap()
}

/// Every query that is kept.
pub fn saved(store: &dyn Store) -> Vec<(String, String)> {
    let mut saved = Vec::new();
    let each = &mut |stored| {
        if let Stored::Saved { name, query } = stored {
            saved.push((name, query));
        }
    };
    store.load(each).unwrap();
    saved.sort();
    saved
}
