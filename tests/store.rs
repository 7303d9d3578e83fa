//! What every store must do: one suite, run on each, and a model test that holds SQLite to the store in RAM.

use std::path::Path;

use kbasefs::catalog::{
    Act, ActId, Actor, Answer, Change, ContentHash, DateSource, Deed, Detail, Done, Edit, Effect,
    Entry, Facet, Facts, FileStat, Format, Label, LabelKey, Origin, Outcome, PhotoId, Position,
    Role, Said, Slot, SourcePath, Status, Tag, TextField, Trace, WallClock, Words,
};
use kbasefs::store::cached::Cached;
use kbasefs::store::cached::Room;
use kbasefs::store::memory::Memory;
use kbasefs::store::sqlite::Sqlite;
use kbasefs::store::{Error, Store};
use proptest::prelude::*;

fn sqlite(folder: &Path) -> Sqlite {
    Sqlite::open(&folder.join("index/catalog.sqlite"), Path::new("/photos")).unwrap()
}

/// For three photos.
const ROOM: Room = Room {
    entries: 3,
    bytes: 1 << 16,
    ttl: None,
};

/// Runs a check on every store.
fn on_each(check: impl Fn(&dyn Store)) {
    check(&Memory::default());
    let folder = tempfile::tempdir().unwrap();
    check(&sqlite(folder.path()));
    let folder = tempfile::tempdir().unwrap();
    check(&Cached::new(
        std::sync::Arc::new(sqlite(folder.path())),
        ROOM,
    ));
}

fn stat(ino: u64, mtime_ns: i64) -> FileStat {
    FileStat {
        dev: u64::MAX,
        ino,
        size: 1000 + ino,
        mtime_ns,
        mode: 0o644,
        uid: 1000,
        gid: 1000,
    }
}

fn path(text: &str) -> SourcePath {
    SourcePath::new(text.as_bytes())
}

fn found(known: Option<PhotoId>, at: &str, stat: FileStat) -> Change {
    let facts = Box::new(facts());
    let path = path(at);
    Change::Found {
        known,
        path,
        stat,
        facts,
    }
}

fn facts() -> Facts {
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

fn outcome(hash: u8, stat: FileStat, tags: &[&str]) -> Outcome {
    let tag = |name: &&str| Tag {
        name: (*name).into(),
        confidence: 0.75,
    };
    Outcome {
        hash: ContentHash([hash; 32]),
        stat,
        width: 400,
        height: 300,
        colors: vec![Label::new(Facet::Color, "blue", Origin::File, 0.5)],
        perceptual_hash: u64::MAX - 5,
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

fn analyzed(id: PhotoId, outcome: Outcome) -> Change {
    let outcome = Box::new(outcome);
    Change::Analyzed { id, outcome }
}

fn edited(id: PhotoId, edit: Edit) -> Change {
    acted(Role::New, vec![Deed::Edit(id, vec![edit])])
}

fn acted(role: Role, deeds: Vec<Deed>) -> Change {
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
fn add(store: &dyn Store, at: &str, ino: u64) -> PhotoId {
    match &store.commit(&[found(None, at, stat(ino, 1))]).unwrap()[..] {
        [Effect::Upsert(entry)] => entry.photo.id,
        other => panic!("one photo appears, not {other:?}"),
    }
}

fn detail(store: &dyn Store, id: PhotoId) -> Detail {
    store.detail(id).unwrap().expect("the photo is there")
}

fn tags(store: &dyn Store, id: PhotoId) -> Vec<String> {
    let entry = detail(store, id).entry;
    let labels = Label::effective(&entry.labels);
    let tags = labels.into_iter().filter(|l| l.facet == Facet::Tag);
    tags.map(|l| l.value.clone()).collect()
}

fn all(store: &dyn Store) -> Vec<Entry> {
    let mut entries = Vec::new();
    let each = &mut |effect| match effect {
        Effect::Upsert(entry) => entries.push(entry),
        Effect::Made { .. } | Effect::Saved { .. } => {}
        other => panic!("a store is not loaded with {other:?}"),
    };
    store.load(each).unwrap();
    entries
}

#[test]
fn what_is_committed_comes_back_whole() {
    on_each(|store| {
        let id = add(store, "2024/a.jpg", 1);
        let change = analyzed(id, outcome(7, stat(1, 1), &["dog", "beach"]));
        let effects = store.commit(&[change]).unwrap();
        let detail = detail(store, id);
        assert_eq!(effects, [Effect::Upsert(detail.entry.clone())]);
        assert_eq!(all(store), std::slice::from_ref(&detail.entry));
        assert_eq!(detail.entry.photo.status, Status::Analyzed);
        assert_eq!(detail.entry.photo.hash, Some(ContentHash([7; 32])));
        let photo = &detail.entry.photo;
        assert_eq!(photo.perceptual_hash, Some(u64::MAX - 5));
        assert_eq!((photo.width, photo.height), (400, 300));
        let expected = Facts {
            width: 400,
            height: 300,
            ..facts()
        };
        assert_eq!(detail.facts, expected);
        assert_eq!(tags(store, id), ["beach", "dog", "Family", "sea"]);
        let title = detail.text(TextField::Title).unwrap();
        assert_eq!((title.origin, &*title.value), (Origin::File, "Our holiday"));
        assert_eq!(detail.analyses[0].0, "embedded");
    });
}

#[test]
fn a_name_is_given_once_and_for_good() {
    on_each(|store| {
        let first = add(store, "a/x.jpg", 1);
        let second = add(store, "b/x.jpg", 2);
        let name = |id| detail(store, id).entry.photo.name;
        assert_eq!(&*name(first), b"x.jpg");
        assert_eq!(&*name(second), b"x~2.jpg");
        store.commit(&[Change::Gone { id: first }]).unwrap();
        let third = add(store, "c/x.jpg", 3);
        assert_eq!(&*name(second), b"x~2.jpg");
        assert_eq!(&*name(third), b"x~3.jpg", "a gone photo keeps its name");
    });
}

#[test]
fn a_title_gives_a_name_that_only_its_own_change_changes() {
    on_each(|store| {
        let (a, b) = (add(store, "a.jpg", 1), add(store, "x/b.jpg", 2));
        let set = |id, title: &str| {
            let edit = Edit::SetText(TextField::Title, title.into());
            store.commit(&[edited(id, edit)]).unwrap();
        };
        let name = |id| detail(store, id).entry.photo.title_name;
        let named = |text: &str| Some(text.as_bytes().into());
        assert_eq!(name(a), named("Our holiday.jpg"));
        assert_eq!(name(b), named("Our holiday~2.jpg"));
        set(a, "Sunset/2");
        assert_eq!(name(a), named("Sunset%2F2.jpg"));
        store.commit(&[Change::Gone { id: a }]).unwrap();
        store.commit(&[edited(b, Edit::SetRating(3))]).unwrap();
        assert_eq!(name(b), named("Our holiday~2.jpg"));
        set(b, "Sunset/2");
        assert_eq!(name(b), named("Sunset%2F2~2.jpg"));
        set(b, "");
        assert_eq!(name(b), None);
    });
}

#[test]
fn the_length_of_what_is_known_is_kept_up() {
    on_each(|store| {
        let id = add(store, "a.jpg", 1);
        let text_bytes = || detail(store, id).entry.photo.text_bytes as usize;
        assert_eq!(text_bytes(), "Our holiday\nFamily\nsea\n".len());
        store
            .commit(&[edited(id, Edit::Untag("sea".into()))])
            .unwrap();
        assert_eq!(text_bytes(), "Our holiday\nFamily\n".len());
    });
}

#[test]
fn other_content_keeps_only_what_a_person_said() {
    on_each(|store| {
        let id = add(store, "a.jpg", 1);
        let title = Edit::SetText(TextField::Title, "Mine".into());
        let changes = [
            analyzed(id, outcome(1, stat(1, 1), &["dog"])),
            edited(id, Edit::Tag("Rex".into())),
            edited(id, title),
            found(Some(id), "a.jpg", stat(1, 2)),
        ];
        store.commit(&changes).unwrap();
        let now = detail(store, id);
        assert_eq!(now.entry.photo.status, Status::Pending);
        assert_eq!(now.entry.photo.hash, None);
        assert_eq!(tags(store, id), ["Family", "Rex", "sea"]);
        assert_eq!(now.text(TextField::Title).unwrap().value, "Mine");
        assert_eq!(now.text(TextField::Description), None);
        // The same without knowing the photo: whatever is at the path is meant.
        let same = found(None, "a.jpg", stat(1, 3));
        let effects = store.commit(&[same]).unwrap();
        assert!(matches!(&effects[..], [Effect::Upsert(e)] if e.photo.id == id));
    });
}

#[test]
fn a_moved_photo_stays_itself_and_what_was_there_is_gone() {
    on_each(|store| {
        let (a, b) = (add(store, "a.jpg", 1), add(store, "b.jpg", 2));
        let moved = Change::Moved {
            id: a,
            path: path("b.jpg"),
            stat: stat(1, 1),
        };
        let effects = store.commit(&[moved]).unwrap();
        assert!(effects.contains(&Effect::Remove(b)));
        assert_eq!(detail(store, a).entry.photo.path, path("b.jpg"));
        assert_eq!(store.detail(b).unwrap(), None);
        assert_eq!(all(store).len(), 1);
    });
}

#[test]
fn two_photos_swap_their_places_in_one_commit() {
    on_each(|store| {
        let (a, b) = (add(store, "a.jpg", 1), add(store, "b.jpg", 2));
        let to = |id, at: &str, ino| Change::Moved {
            id,
            path: path(at),
            stat: stat(ino, 1),
        };
        store
            .commit(&[to(a, "b.jpg", 1), to(b, "a.jpg", 2)])
            .unwrap();
        assert_eq!(detail(store, a).entry.photo.path, path("b.jpg"));
        assert_eq!(detail(store, b).entry.photo.path, path("a.jpg"));
    });
}

#[test]
fn a_photo_that_turns_up_again_is_known_by_its_content() {
    on_each(|store| {
        let old = add(store, "a.jpg", 1);
        let changes = [
            analyzed(old, outcome(9, stat(1, 1), &["dog"])),
            edited(old, Edit::Tag("Rex".into())),
            Change::Gone { id: old },
        ];
        store.commit(&changes).unwrap();
        assert_eq!(store.gone_sizes().unwrap(), [1001]);
        let new = add(store, "elsewhere/a.jpg", 5);
        let hash = ContentHash([9; 32]);
        let stat = stat(5, 1);
        let hashed = Change::Hashed {
            id: new,
            stat,
            hash,
        };
        let effects = store.commit(&[hashed]).unwrap();
        assert!(effects.contains(&Effect::Remove(new)));
        let photo = detail(store, old).entry.photo;
        assert_eq!(photo.path, path("elsewhere/a.jpg"));
        assert_eq!((photo.stat, photo.status), (stat, Status::Analyzed));
        assert!(tags(store, old).contains(&"Rex".to_owned()));
        assert!(store.gone_sizes().unwrap().is_empty());
    });
}

#[test]
fn a_file_that_comes_back_is_the_photo_it_was() {
    on_each(|store| {
        let id = add(store, "a.jpg", 1);
        let tag = edited(id, Edit::Tag("Rex".into()));
        store.commit(&[tag, Change::Gone { id }]).unwrap();
        assert_eq!(add(store, "back/a.jpg", 1), id);
        assert!(tags(store, id).contains(&"Rex".to_owned()));
    });
}

#[test]
fn copies_share_what_an_analysis_gave() {
    on_each(|store| {
        let (a, b, c) = (
            add(store, "a.jpg", 1),
            add(store, "b.jpg", 2),
            add(store, "c.jpg", 3),
        );
        let hash = ContentHash([4; 32]);
        let hashed = |id, ino| Change::Hashed {
            id,
            stat: stat(ino, 1),
            hash,
        };
        store.commit(&[hashed(b, 2)]).unwrap();
        let effects = store
            .commit(&[analyzed(a, outcome(4, stat(1, 1), &["cat"]))])
            .unwrap();
        assert_eq!(effects.len(), 2);
        store.commit(&[hashed(c, 3)]).unwrap();
        for id in [a, b, c] {
            assert_eq!(detail(store, id).entry.photo.status, Status::Analyzed);
            assert!(tags(store, id).contains(&"cat".to_owned()));
        }
    });
}

#[test]
fn an_analysis_of_content_that_changed_meanwhile_waits_for_that_content() {
    on_each(|store| {
        let id = add(store, "a.jpg", 1);
        store
            .commit(&[analyzed(id, outcome(1, stat(1, 0), &["dog"]))])
            .unwrap();
        assert_eq!(detail(store, id).entry.photo.status, Status::Pending);
        let failed = |mtime| Change::Failed {
            id,
            stat: stat(1, mtime),
            reason: "torn".into(),
        };
        store.commit(&[failed(0)]).unwrap();
        assert_eq!(detail(store, id).failure, None);
        store.commit(&[failed(1)]).unwrap();
        assert_eq!(detail(store, id).failure.as_deref(), Some("torn"));
        assert_eq!(detail(store, id).entry.photo.status, Status::Failed);
    });
}

#[test]
fn a_person_denies_and_takes_back() {
    on_each(|store| {
        let id = add(store, "a.jpg", 1);
        let all_of_it = || tags(store, id).join(" ");
        let edit = |edit| store.commit(&[edited(id, edit)]).unwrap();
        edit(Edit::Untag("family".into()));
        edit(Edit::Tag("Dog".into()));
        assert_eq!(all_of_it(), "Dog sea");
        edit(Edit::Untag("dog".into()));
        assert_eq!(all_of_it(), "sea");
        edit(Edit::ClearTags);
        assert_eq!(all_of_it(), "Family sea");
        let rating = || {
            let entry = detail(store, id).entry;
            let labels = Label::effective(&entry.labels);
            let ratings = labels.into_iter().filter(|l| l.facet == Facet::Rating);
            ratings.map(|l| l.value.clone()).collect::<Vec<_>>()
        };
        edit(Edit::SetRating(5));
        assert_eq!(rating(), ["5"]);
        edit(Edit::ClearRating);
        assert_eq!(rating(), ["3"]);
    });
}

#[test]
fn a_photo_is_edited_while_something_holds_that_a_person_said() {
    on_each(|store| {
        let id = add(store, "a.jpg", 1);
        let edited_after = |edit| match &store.commit(&[edited(id, edit)]).unwrap()[..] {
            [Effect::Acted { .. }, Effect::Upsert(entry)] => {
                assert_eq!(all(store), std::slice::from_ref(entry));
                entry.photo.edited
            }
            other => panic!("one photo changes, not {other:?}"),
        };
        assert!(!detail(store, id).entry.photo.edited);
        let text = Edit::SetText(TextField::Description, "Mine".into());
        assert!(edited_after(text));
        assert!(!edited_after(Edit::ClearText(TextField::Description)));
        assert!(edited_after(Edit::Untag("sea".into())), "a denial counts");
        assert!(!edited_after(Edit::ClearTags));
    });
}

#[test]
fn a_list_of_tags_is_all_the_tags() {
    on_each(|store| {
        let id = add(store, "a.jpg", 1);
        let set = |list: &[&str]| {
            let names = list.iter().map(|t| (*t).to_owned()).collect();
            store.commit(&[edited(id, Edit::SetTags(names))]).unwrap();
            tags(store, id).join(" ")
        };
        assert_eq!(set(&["dog", "FAMILY"]), "dog FAMILY");
        store
            .commit(&[edited(id, Edit::Tag("a,b".into()))])
            .unwrap();
        assert_eq!(set(&["a;b", "dog"]), "a,b dog", "as a list writes it");
        assert_eq!(set(&[]), "");
    });
}

#[test]
fn what_people_do_is_in_the_journal_with_what_was_before() {
    on_each(|store| {
        let (a, b) = (add(store, "a.jpg", 1), add(store, "b.jpg", 2));
        let tag = |id, name: &str| Deed::Edit(id, vec![Edit::Tag(name.into())]);
        let untag = |id, name: &str| Deed::Edit(id, vec![Edit::Untag(name.into())]);
        let act = |role, deeds: Vec<Deed>| {
            let effects = store.commit(&[acted(role, deeds)]).unwrap();
            effects.iter().find_map(|effect| match effect {
                Effect::Acted { act, .. } => Some(*act),
                _ => None,
            })
        };
        let first = act(
            Role::New,
            vec![tag(a, "dog"), untag(b, "sea"), tag(PhotoId(99), "x")],
        )
        .unwrap();
        assert_eq!(act(Role::New, vec![tag(a, "dog")]), None, "nothing changed");
        let same = act(Role::Continues(first), vec![untag(a, "dog"), tag(b, "cat")]);
        assert_eq!(same, Some(first));
        let (done, traces) = store.act(first).unwrap().unwrap();
        assert_eq!(
            (done.photos, done.photo, done.by.process.as_str()),
            (1, Some(b), "mv")
        );
        let said = |value: &str, holds| {
            Some(Said {
                value: value.into(),
                holds,
            })
        };
        let trace = |name: &str, after| Trace {
            photo: Some(b),
            slot: Slot::Label(LabelKey::new(Facet::Tag, name)),
            before: None,
            after,
        };
        let expected = [
            trace("cat", said("cat", true)),
            trace("sea", said("sea", false)),
        ];
        assert_eq!(traces, expected, "a dog that came and went is no change");
        store.commit(&[edited(b, Edit::Tag("sea".into()))]).unwrap();
        let undo = act(Role::Undoes(first), vec![Deed::Restore(traces)]).unwrap();
        assert_eq!(
            tags(store, b).join(" "),
            "Family sea",
            "what was edited since stays"
        );
        assert_eq!(store.act(undo).unwrap().unwrap().1.len(), 1);
        assert_eq!(store.act(first).unwrap().unwrap().0.undone_by, Some(undo));
        assert_ne!(
            act(Role::Continues(first), vec![tag(a, "owl")]),
            Some(first)
        );
        act(Role::Redoes(first), Vec::new());
        assert_eq!(store.act(first).unwrap().unwrap().0.undone_by, None);
        let ids: Vec<_> = store
            .acts(None, 9)
            .unwrap()
            .iter()
            .map(|d| d.id.0)
            .collect();
        assert_eq!(ids, [5, 4, 3, 2, 1]);
        assert_eq!(store.acts(Some(ActId(3)), 1).unwrap()[0].id, ActId(2));
    });
}

#[test]
fn a_tag_that_was_made_is_there_without_photos() {
    on_each(|store| {
        let made = |store: &dyn Store| {
            let mut made = Vec::new();
            let each = &mut |effect| {
                if let Effect::Made { written, .. } = effect {
                    made.extend(written);
                }
            };
            store.load(each).unwrap();
            made
        };
        store
            .commit(&[acted(Role::New, vec![Deed::Make("Trip".into())])])
            .unwrap();
        assert_eq!(made(store), ["Trip"]);
        let tag = LabelKey::new(Facet::Tag, "trip");
        store
            .commit(&[acted(Role::New, vec![Deed::Unmake(tag)])])
            .unwrap();
        assert!(made(store).is_empty());
        let (_, traces) = store.act(ActId(2)).unwrap().unwrap();
        store
            .commit(&[acted(Role::Undoes(ActId(2)), vec![Deed::Restore(traces)])])
            .unwrap();
        assert_eq!(made(store), ["Trip"]);
    });
}

#[test]
fn words_find_photos() {
    on_each(|store| {
        let id = add(store, "Urlaub 2024/a.jpg", 1);
        add(store, "b.jpg", 2);
        store
            .commit(&[analyzed(id, outcome(1, stat(1, 1), &["dog"]))])
            .unwrap();
        let check = |text: &str, hits: &[u32]| {
            let found = store.full_text(&words(text)).unwrap();
            assert_eq!(found.iter().collect::<Vec<_>>(), hits, "{text:?}");
        };
        check("dog", &[1]);
        check("Dog Running", &[1]);
        check("running dog", &[]);
        check("urlau", &[]);
        check("urlau*", &[1]);
        check("urlaub 20*", &[1]);
        check("holiday", &[1, 2]);
        check("dog unknown", &[]);
        check("\" OR NEAR( dog *", &[]);
        store.commit(&[Change::Gone { id }]).unwrap();
        check("dog", &[]);
    });
}

fn words(text: &str) -> Words {
    Words::new(text).unwrap()
}

#[test]
fn sqlite_knows_forms_of_words_and_finds_them_without_accents() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path());
    let id = add(&store, "Ko\u{308}ln/\u{439}.jpg", 1);
    let text = "Dogs running through a caf\u{e9}".to_owned();
    let edit = Edit::SetText(TextField::Description, text);
    store.commit(&[edited(id, edit)]).unwrap();
    for found in [
        "dog",
        "run",
        "cafe",
        "caf\u{e9}s",
        "k\u{f6}ln",
        "koln",
        "\u{439}",
        "thro*",
    ] {
        assert!(
            store.full_text(&words(found)).unwrap().contains(id.0),
            "{found}"
        );
    }
}

#[test]
fn what_fits_words_best_counts_most() {
    on_each(|store| {
        let add = |at: &str, ino, edit: Option<Edit>| {
            let facts = Box::new(Facts::of(Format::Jpeg));
            let found = Change::Found {
                known: None,
                path: path(at),
                stat: stat(ino, 1),
                facts,
            };
            let effects = store.commit(&[found]).unwrap();
            let [Effect::Upsert(entry)] = &effects[..] else {
                panic!("one photo appears, not {effects:?}");
            };
            let id = entry.photo.id;
            let edits = edit.map(|edit| edited(id, edit));
            store.commit(edits.as_slice()).unwrap();
            id
        };
        let text = |field, text: &str| Some(Edit::SetText(field, text.into()));
        let in_path = add("sea/a.jpg", 1, None);
        let in_text = add("b.jpg", 2, text(TextField::Description, "at the sea"));
        let in_tags = add("c.jpg", 3, Some(Edit::Tag("sea".into())));
        let in_title = add("d.jpg", 4, text(TextField::Title, "The sea"));
        for n in 5..25 {
            add(&format!("{n}.jpg"), n, None);
        }
        let (sea, other) = (words("sea"), words("nothing"));
        let mut ranked = store.relevance(&[&sea, &other]).unwrap();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let ids: Vec<_> = ranked.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [in_title, in_tags, in_text, in_path]);
        assert!(ranked.iter().all(|(_, score)| *score > 0.0));
        assert!(store.relevance(&[]).unwrap().is_empty());
    });
}

#[test]
fn an_index_survives_and_belongs_to_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let open = |source: &str| Sqlite::open(&file, Path::new(source));
    let id = add(&open("/photos").unwrap(), "a.jpg", 1);
    assert_eq!(detail(&open("/photos").unwrap(), id).facts, facts());
    assert!(
        matches!(open("/others"), Err(Error::OtherSource { owner, .. }) if owner == Path::new("/photos"))
    );
    assert!(open("/photos").unwrap().size_bytes().unwrap() > 0);
}

#[test]
fn an_index_of_the_first_version_learns_what_people_edited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let connection = rusqlite::Connection::open(&file).unwrap();
    let tables = include_str!("../src/store/sqlite/migrations/0001_catalog.sql");
    connection.execute_batch(tables).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    for id in 1..=3 {
        let photo = "INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, \
                     gone, width, height, orientation, keywords) \
                     VALUES (?1, CAST(?1 AS BLOB), CAST(?1 AS BLOB), 1, ?1, 1, 1, 420, 0, 0, 'jpeg', 'pending', 0, 4, 3, 1, '')";
        connection.execute(photo, [id]).unwrap();
    }
    let label = "INSERT INTO label VALUES (?1, 'tag', 'x', ?2, 1.0)";
    connection.execute(label, (1, "human")).unwrap();
    connection.execute(label, (2, "file")).unwrap();
    drop(connection);
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    let edited = all(&store).into_iter().map(|e| e.photo.edited);
    assert_eq!(edited.collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn an_index_from_the_future_or_of_another_kind_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    drop(Sqlite::open(&file, Path::new("/photos")).unwrap());
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let refused = |file: &Path| match Sqlite::open(file, Path::new("/photos")) {
        Err(error @ Error::Open { .. }) => error.to_string(),
        _ => panic!("{} is refused", file.display()),
    };
    assert!(refused(&file).contains("newer version"));
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, and long enough to see it".repeat(50),
    )
    .unwrap();
    refused(&text);
    assert!(
        std::fs::read_to_string(&text)
            .unwrap()
            .starts_with("not a database")
    );
}

/// A change drawn from few photos, paths, contents and words, so that they meet.
fn any_change() -> impl Strategy<Value = Change> {
    let id = || (1..8u32).prop_map(PhotoId);
    let at = || (0..5u8).prop_map(|n| format!("d/{n}.jpg"));
    let stat = || (1..4u64, 1..3i64).prop_map(|(ino, time)| stat(ino, time));
    let word =
        || prop::sample::select(vec!["dog", "Dog", "sea", "caf\u{e9}"]).prop_map(str::to_owned);
    let edit = prop_oneof![
        word().prop_map(Edit::Tag),
        word().prop_map(Edit::Untag),
        Just(Edit::ClearTags),
        word().prop_map(|w| Edit::SetText(TextField::Description, w)),
        Just(Edit::ClearText(TextField::Description)),
        (0..6u8).prop_map(Edit::SetRating),
        Just(Edit::ClearRating),
    ];
    let tag = || word().prop_map(|w| LabelKey::new(Facet::Tag, &w));
    let said = || {
        prop::option::of((word(), any::<bool>()).prop_map(|(value, holds)| Said { value, holds }))
    };
    let trace = (prop::option::of(id()), tag(), said(), said());
    let trace = trace.prop_map(|(photo, tag, before, after)| Trace {
        photo,
        slot: Slot::Label(tag),
        before,
        after,
    });
    let deed = prop_oneof![
        (id(), word()).prop_map(|(id, tag)| Deed::Edit(id, vec![Edit::SetTags(vec![tag])])),
        word().prop_map(Deed::Make),
        (word(), prop::option::of(word())).prop_map(|(name, query)| Deed::Save { name, query }),
        tag().prop_map(Deed::Unmake),
        (tag(), word()).prop_map(|(tag, to)| Deed::Rename { tag, to }),
        prop::collection::vec(trace, 1..3).prop_map(Deed::Restore),
        (id(), tag()).prop_map(|(id, tag)| Deed::TakeBack(id, Slot::Label(tag))),
    ];
    let act = || (1..6u64).prop_map(ActId);
    let role = prop_oneof![
        Just(Role::New),
        act().prop_map(Role::Continues),
        act().prop_map(Role::Undoes),
        act().prop_map(Role::Redoes),
    ];
    prop_oneof![
        3 => (prop::option::of(id()), at(), stat()).prop_map(|(known, at, stat)| found(known, &at, stat)),
        2 => (id(), at(), stat()).prop_map(|(id, at, stat)| Change::Moved { id, path: path(&at), stat }),
        1 => id().prop_map(|id| Change::Gone { id }),
        2 => (id(), stat(), 0..3u8).prop_map(|(id, stat, n)| Change::Hashed { id, stat, hash: ContentHash([n; 32]) }),
        2 => (id(), stat(), 0..3u8, word()).prop_map(|(id, stat, n, tag)| analyzed(id, outcome(n, stat, &[&tag]))),
        1 => (id(), stat()).prop_map(|(id, stat)| Change::Failed { id, stat, reason: "torn".into() }),
        2 => (id(), edit).prop_map(|(id, edit)| edited(id, edit)),
        2 => (role, prop::collection::vec(deed, 1..4)).prop_map(|(role, deeds)| acted(role, deeds)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn sqlite_means_the_same_as_the_store_in_ram(
        commits in prop::collection::vec(prop::collection::vec(any_change(), 1..6), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (memory, sqlite) = (Memory::default(), sqlite(folder.path()));
        for changes in &commits {
            prop_assert_eq!(memory.commit(changes).unwrap(), sqlite.commit(changes).unwrap());
        }
        prop_assert_eq!(all(&memory), all(&sqlite));
        prop_assert_eq!(journal(&memory), journal(&sqlite));
        prop_assert_eq!(saved(&memory), saved(&sqlite));
        for id in (1..60).map(PhotoId) {
            prop_assert_eq!(untimed(memory.detail(id).unwrap()), untimed(sqlite.detail(id).unwrap()));
        }
        for text in ["dog", "caf\u{e9}", "d 1*", "our holiday"] {
            prop_assert_eq!(memory.full_text(&words(text)).unwrap(), sqlite.full_text(&words(text)).unwrap());
        }
        let (mut a, mut b) = (memory.gone_sizes().unwrap(), sqlite.gone_sizes().unwrap());
        a.sort_unstable();
        a.dedup();
        b.sort_unstable();
        prop_assert_eq!(a, b);
    }
}

#[test]
fn a_renamed_tag_holds_for_what_models_say_later() {
    on_each(|store| {
        let stats = [stat(1, 1), stat(2, 1)];
        let both = [
            found(None, "a.jpg", stats[0]),
            found(None, "b.jpg", stats[1]),
        ];
        store.commit(&both).unwrap();
        let (a, b) = (PhotoId(1), PhotoId(2));
        let say = |id: PhotoId, hash: u8, tags: &[&str]| {
            let outcome = outcome(hash, stats[id.0 as usize - 1], tags);
            store.commit(&[analyzed(id, outcome)]).unwrap();
        };
        let rename = |from: &str, to: &str, photos: &[PhotoId]| {
            let edits = vec![Edit::Untag(from.into()), Edit::Tag(to.into())];
            let edits = photos.iter().map(|id| Deed::Edit(*id, edits.clone()));
            let (tag, to) = (LabelKey::new(Facet::Tag, from), to.to_owned());
            let deeds = edits.chain([Deed::Rename { tag, to }]).collect();
            store.commit(&[acted(Role::New, deeds)]).unwrap();
            store.acts(None, 1).unwrap()[0].id
        };
        let undo = |id: ActId| {
            let (_, traces) = store.act(id).unwrap().unwrap();
            let undo = acted(Role::Undoes(id), vec![Deed::Restore(traces)]);
            store.commit(&[undo]).unwrap();
        };
        let check = |id: PhotoId, expected: &str| assert_eq!(tags(store, id).join(" "), expected);
        say(a, 1, &["Dog", "sea"]);
        let first = rename("dog", "Hound", &[a]);
        check(a, "Family Hound sea");
        say(b, 2, &["dog", "hound", "sea"]);
        check(b, "Family Hound sea");
        // What a person took away stays away, under whichever name.
        store
            .commit(&[edited(a, Edit::Untag("hound".into()))])
            .unwrap();
        say(a, 1, &["dog", "sea"]);
        check(a, "Family sea");
        let second = rename("hound", "pet", &[b]);
        say(b, 2, &["dog", "sea"]);
        check(b, "Family pet sea");
        say(a, 1, &["dog", "sea"]);
        check(a, "Family sea");
        undo(second);
        check(b, "Family Hound sea");
        undo(first);
        check(b, "dog Family sea");
        // A name that is given to something is one of its own again.
        rename("dog", "hound", &[b]);
        store
            .commit(&[acted(Role::New, vec![Deed::Make("Dog".into())])])
            .unwrap();
        say(b, 3, &["dog"]);
        check(b, "Family hound sea");
        say(a, 4, &["dog", "cat"]);
        check(a, "cat dog Family sea");
    });
}

/// Every query that is kept.
fn saved(store: &dyn Store) -> Vec<(String, String)> {
    let mut saved = Vec::new();
    let each = &mut |effect| {
        if let Effect::Saved { name, query } = effect {
            saved.push((name, query.expect("what is loaded is there")));
        }
    };
    store.load(each).unwrap();
    saved.sort();
    saved
}

#[test]
fn a_query_is_kept_under_a_name_until_it_is_forgotten() {
    on_each(|store| {
        let save = |name: &str, query: Option<&str>| {
            let (name, query) = (name.to_owned(), query.map(str::to_owned));
            let change = acted(Role::New, vec![Deed::Save { name, query }]);
            store.commit(&[change]).unwrap()
        };
        let kept = |name: &str, query: &str| (name.to_owned(), query.to_owned());
        let effects = save("Sea", Some("dog sea"));
        let (name, query) = ("Sea".to_owned(), Some("dog sea".to_owned()));
        assert!(effects.contains(&Effect::Saved { name, query }));
        save("sea", Some("cat"));
        save("Sea", Some("dog"));
        assert_eq!(saved(store), [kept("Sea", "dog"), kept("sea", "cat")]);
        save("Sea", None);
        assert_eq!(saved(store), [kept("sea", "cat")]);
        let (_, traces) = store.act(ActId(4)).unwrap().unwrap();
        let undo = acted(Role::Undoes(ActId(4)), vec![Deed::Restore(traces)]);
        store.commit(&[undo]).unwrap();
        assert_eq!(saved(store), [kept("Sea", "dog"), kept("sea", "cat")]);
    });
}

/// The whole journal, whenever it was written.
fn journal(store: &dyn Store) -> Vec<(Done, Vec<Trace>)> {
    let acts = store.acts(None, 1000).unwrap().into_iter();
    acts.map(|done| {
        let (same, traces) = store.act(done.id).unwrap().unwrap();
        assert_eq!(done, same);
        (Done { at: 0, ..done }, traces)
    })
    .collect()
}

/// The two stores write at different seconds.
fn untimed(detail: Option<Detail>) -> Option<Detail> {
    detail.map(|mut detail| {
        detail.analyses.iter_mut().for_each(|a| a.2 = 0);
        detail
    })
}
