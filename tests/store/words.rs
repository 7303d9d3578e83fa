//! Words that find photos.

use kbasefs::catalog::{Change, Edit, Effect, Facts, Format, TextField};
use kbasefs::store::Store;

use crate::fixture::{add, analysis, analyzed, edited, on_each, path, sqlite, stat, words};

#[test]
fn words_find_photos() {
    on_each(|store| {
        let id = add(store, "Urlaub 2024/a.jpg", 1);
        add(store, "b.jpg", 2);
        store
            .commit(&[analyzed(id, analysis(1, stat(1, 1), &["dog"]))])
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
