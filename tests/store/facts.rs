//! What photos say of themselves, as it is kept: through versions of the tables and of the readers.

use std::path::{Path, PathBuf};

use kbasefs::catalog::{
    Change, Deed, Edit, Facet, Facts, Format, Label, Origin, PhotoId, Position, Role, Status,
    TextField,
};
use kbasefs::store::Store;
use kbasefs::store::sqlite::{self, Sqlite};
use rusqlite::{Connection, params};

use crate::fixture::{
    acted, add, all, analysis, analyzed, detail, edited, facts, found, measured, on_each, stat,
    tags,
};
use crate::forms;

fn twelfth(folder: &Path, kept: &[Facts]) -> PathBuf {
    // Then every fact had a column.
    let (file, connection) = forms::of_version(12, folder);
    for (facts, id) in kept.iter().zip(1..) {
        let row = "INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, gone, \
            width, height, date, orientation, date_source, camera, make, model, lens, latitude, longitude, country, city, \
            title, description, keywords, rating) VALUES (?1, CAST(?1 AS BLOB), CAST(?1 AS BLOB), 1, ?1, 1, 1, 420, 0, 0, \
            ?2, 'pending', 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
        let values = params![
            id,
            facts.format.name(),
            facts.width,
            facts.height,
            facts.date.map(|d| d.to_string()),
            facts.orientation,
            facts.date_source.map(|s| s.name()),
            facts.camera,
            facts.make,
            facts.model,
            facts.lens,
            facts.position.map(|p| p.latitude),
            facts.position.map(|p| p.longitude),
            facts.country,
            facts.city,
            facts.title,
            facts.description,
            facts.keywords.join("\n"),
            facts.rating,
        ];
        connection.execute(row, values).unwrap();
    }
    let deleted = "UPDATE sqlite_sequence SET seq = seq + 7 WHERE name = 'photo'";
    connection.execute(deleted, []).unwrap();
    file
}

/// Facts that are hard to write down.
fn hard() -> Vec<Facts> {
    let text = |text: &str| Some(text.to_owned());
    let at = |latitude, longitude| Facts {
        position: Position::new(latitude, longitude),
        ..Facts::of(Format::Heic)
    };
    let words = |words: &[&str]| Facts {
        keywords: words.iter().map(|w| (*w).to_owned()).collect(),
        ..Facts::of(Format::Png)
    };
    let quoted = Facts {
        camera: text(r#"A "B" \n \\ \"#),
        make: text("null"),
        model: text("{}"),
        lens: text("['"),
        title: text("Grüße 🦊 \u{2028}"),
        description: text("two\nlines\tand a tab"),
        ..facts()
    };
    vec![
        facts(),
        Facts::of(Format::Unknown),
        quoted,
        words(&["one"]),
        words(&["a\\", "nb", "\\n", "\\\\n", "\"", "\",\"", "é", "x y"]),
        at(43.701_234_567_890_12, 7.250_000_000_000_001),
        at(-89.999_999_999_999_99, 179.999_999_999_999_97),
        at(1.0 / 3.0, -2.0 / 3.0),
        at(f64::MIN_POSITIVE, 0.1 + 0.2),
        at(48.0, -7.0),
    ]
}

/// What was read before there were versions.
fn unversioned(facts: Facts) -> Facts {
    Facts {
        version: 0,
        ..facts
    }
}

#[test]
fn what_an_earlier_catalog_knew_of_photos_is_kept_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let file = twelfth(folder.path(), &hard());
    for _ in 0..2 {
        let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
        for (expected, id) in hard().into_iter().zip(1..) {
            let known = detail(&store, PhotoId(id)).facts;
            assert_eq!(known, unversioned(expected), "photo {id}");
        }
        assert_eq!(store.outdated().unwrap().len(), hard().len() as u64);
        assert_eq!(all(&store).len(), hard().len());
        drop(store);
        assert_eq!(sqlite::check(&file).unwrap(), Vec::<String>::new());
    }
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    let next = u32::try_from(hard().len()).unwrap() + 7 + 1;
    assert_eq!(add(&store, "new.jpg", 99), PhotoId(next), "no number twice");
}

#[test]
fn what_is_kept_is_what_was_read() {
    for (expected, ino) in hard().into_iter().zip(1..) {
        on_each(|store| {
            let mut change = found(None, "a.jpg", stat(ino, 1));
            if let Change::Found { facts, .. } = &mut change {
                **facts = expected.clone();
            }
            store.commit(&[change]).unwrap();
            assert_eq!(detail(store, PhotoId(1)).facts, expected);
        });
    }
}

fn kept(file: &Path) -> String {
    let connection = Connection::open(file).unwrap();
    let sql = "SELECT facts FROM photo WHERE id = 1";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn keep(file: &Path, value: &str) {
    let connection = Connection::open(file).unwrap();
    let sql = "UPDATE photo SET facts = ?1 WHERE id = 1";
    connection.execute(sql, [value]).unwrap();
}

#[test]
fn a_fact_that_only_a_newer_version_knows_outlives_what_this_one_writes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let open = || Sqlite::open(&file, Path::new("/photos")).unwrap();
    let id = add(&open(), "a.jpg", 1);
    let newer = r#"{"version":99,"camera":"Canon EOS R6","shutter":"1/60","orientation":6}"#;
    let other_form = r#"{"version":99,"camera":{"maker":"Canon"},"keywords":7}"#;
    for (value, camera) in [(newer, Some("Canon EOS R6")), (other_form, None)] {
        keep(&file, value);
        assert_eq!(sqlite::check(&file).unwrap(), Vec::<String>::new());
        let store = open();
        assert_eq!(detail(&store, id).facts.camera.as_deref(), camera);
        assert!(store.outdated().unwrap().is_empty());
        store
            .commit(&[
                edited(id, Edit::Tag("Rex".into())),
                measured(id, 7, stat(1, 1)),
            ])
            .unwrap();
        drop(store);
        assert_eq!(kept(&file), value);
        assert_eq!(sqlite::recovered(&file).unwrap(), None);
    }
    // With other content it is of this version, for the newer one to read again.
    let store = open();
    store
        .commit(&[found(Some(id), "a.jpg", stat(1, 2))])
        .unwrap();
    drop(store);
    assert!(kept(&file).contains(&format!("\"version\":{}", Facts::VERSION)));
}

fn read_again(id: PhotoId, facts: Facts) -> Change {
    let (stat, facts) = (stat(1, 1), Box::new(facts));
    Change::ReadAgain { id, stat, facts }
}

#[test]
fn a_photo_that_is_read_again_loses_nothing_that_others_said() {
    on_each(|store| {
        let mut change = found(None, "a.jpg", stat(1, 1));
        if let Change::Found { facts, .. } = &mut change {
            facts.version = 0;
        }
        store.commit(&[change]).unwrap();
        let id = PhotoId(1);
        let sidecar = Deed::Sidecar {
            photo: id,
            labels: vec![Label::sure(Facet::Tag, "by hand", Origin::Xmp)],
            texts: Vec::new(),
        };
        let sidecar = acted(Role::New, vec![sidecar]);
        store
            .commit(&[
                measured(id, 7, stat(1, 1)),
                analyzed(id, analysis(7, stat(1, 1), &["dog"])),
                sidecar,
                edited(id, Edit::Tag("Rex".into())),
                edited(id, Edit::Untag("Family".into())),
                edited(id, Edit::SetText(TextField::Title, "Mine".into())),
            ])
            .unwrap();
        let before = detail(store, id);
        assert_eq!(Vec::from_iter(store.outdated().unwrap()), [1]);
        let more = Facts {
            keywords: vec!["Family".into(), "Places|Nice".into()],
            title: Some("Another title".into()),
            description: Some("What is seen".into()),
            lens: None,
            ..facts()
        };
        store.commit(&[read_again(id, more.clone())]).unwrap();
        let now = detail(store, id);
        assert!(store.outdated().unwrap().is_empty());
        assert_eq!(
            tags(store, id),
            ["by hand", "dog", "Places|Nice", "Rex"],
            "a keyword that is gone and one that a person denies aren't there"
        );
        assert_eq!(now.text(TextField::Title).unwrap().value, "Mine");
        let said = |who: Origin| {
            let of = |d: &kbasefs::catalog::Detail| {
                let labels = d.entry.labels.iter().filter(|l| l.origin == who);
                let texts = d.texts.iter().filter(|t| t.origin == who);
                (
                    labels.cloned().collect::<Vec<_>>(),
                    texts.cloned().collect::<Vec<_>>(),
                )
            };
            (of(&before), of(&now))
        };
        for who in [Origin::Human, Origin::Xmp, Origin::Embedded] {
            let (before, now) = said(who);
            assert_eq!(before, now, "{who:?}");
        }
        let is_color = |l: &&Label| l.facet == Facet::Color;
        assert!(now.entry.labels.iter().any(|l| is_color(&l)));
        assert!(!now.entry.labels.iter().any(|l| l.facet == Facet::Lens));
        let (was, is) = (&before.entry.photo, &now.entry.photo);
        assert_eq!((is.width, is.height), (was.width, was.height), "as decoded");
        assert_eq!((is.status, is.hash), (Status::Analyzed, was.hash));
        assert_eq!(now.analyses, before.analyses);
        // Whoever comes late, or speaks of another file, is not listened to.
        let late = Facts {
            keywords: vec!["late".into()],
            ..more.clone()
        };
        let another = Change::ReadAgain {
            id,
            stat: stat(1, 2),
            facts: Box::new(Facts {
                version: 99,
                ..late.clone()
            }),
        };
        store.commit(&[read_again(id, late), another]).unwrap();
        assert_eq!(detail(store, id), now);
    });
}

#[test]
fn a_photo_that_turns_up_again_says_what_this_version_finds_in_it() {
    on_each(|store| {
        let old = |ino| {
            let mut change = found(None, &format!("{ino}.jpg"), stat(ino, 1));
            if let Change::Found { facts, .. } = &mut change {
                facts.version = 0;
                facts.keywords.clear();
            }
            change
        };
        store.commit(&[old(1), old(2)]).unwrap();
        let (one, two) = (PhotoId(1), PhotoId(2));
        let gone = [
            analyzed(two, analysis(9, stat(2, 1), &["dog"])),
            Change::Gone { id: one },
            Change::Gone { id: two },
        ];
        store.commit(&gone).unwrap();
        // The same file, and another one of the same content.
        assert_eq!(add(store, "back/1.jpg", 1), one);
        let copy = add(store, "copy.jpg", 5);
        let hashed = Change::Hashed {
            id: copy,
            stat: stat(5, 1),
            hash: kbasefs::catalog::ContentHash([9; 32]),
        };
        store.commit(&[hashed]).unwrap();
        for id in [one, two] {
            assert!(tags(store, id).contains(&"Family".to_owned()), "{id}");
        }
        assert!(store.outdated().unwrap().is_empty());
    });
}
