//! What survives what, as the table says that the code, the stores and the document share.

use std::collections::BTreeSet;

use kbasefs::catalog::{
    Change, Deed, Edit, Event, Facet, Facts, Fate, FileStat, Label, Origin, PhotoId, Role,
};
use kbasefs::store::Store;

use crate::fixture::{acted, analysis, detail, edited, facts, on_each, path, said_by, stat, tags};

const DOCUMENT: &str = include_str!("../../doc/SEMANTICS.md");

/// The tag that an origin says first. Said by nobody else.
fn first(origin: Origin) -> String {
    format!("{} first", origin.name())
}

/// What it says when it is asked again.
fn again(origin: Origin) -> String {
    format!("{} again", origin.name())
}

fn with_keyword(keyword: &str) -> Box<Facts> {
    Box::new(Facts {
        keywords: vec![keyword.into()],
        ..facts()
    })
}

fn found(id: Option<PhotoId>, stat: FileStat, keyword: &str) -> Change {
    Change::Found {
        known: id,
        path: path("a.jpg"),
        stat,
        facts: with_keyword(keyword),
    }
}

fn sidecar(photo: PhotoId, tag: &str) -> Change {
    let deed = Deed::Sidecar {
        photo,
        labels: vec![Label::sure(Facet::Tag, tag, Origin::Xmp)],
        texts: Vec::new(),
    };
    acted(Role::New, vec![deed])
}

/// Who answers for a model of this origin.
fn analyzer(origin: Origin) -> Option<&'static str> {
    match origin {
        Origin::Remote => Some("desk"),
        Origin::Embedded => Some("embedded"),
        Origin::Human | Origin::Xmp | Origin::File => None,
    }
}

/// A photo of which every origin says a tag of its own.
fn photo(store: &dyn Store) -> PhotoId {
    let id = PhotoId(1);
    store
        .commit(&[found(None, stat(1, 1), &first(Origin::File))])
        .unwrap();
    for origin in [Origin::Remote, Origin::Embedded] {
        let analysis = analysis(7, stat(1, 1), &[&first(origin)]);
        let said = said_by(analyzer(origin).unwrap(), id, 1, analysis);
        store.commit(&[said]).unwrap();
    }
    let human = edited(id, Edit::Tag(first(Origin::Human)));
    store
        .commit(&[sidecar(id, &first(Origin::Xmp)), human])
        .unwrap();
    assert_eq!(shown(store, id).len(), Origin::ALL.len());
    id
}

fn shown(store: &dyn Store, id: PhotoId) -> BTreeSet<String> {
    tags(store, id).into_iter().collect()
}

/// What has to be committed so that this happens to what an origin says of the photo.
fn happening(event: Event, id: PhotoId, origin: Origin) -> Vec<Change> {
    let hashed = |hash: u8| Change::Hashed {
        id,
        stat: stat(1, 2),
        hash: kbasefs::catalog::ContentHash([hash; 32]),
    };
    match event {
        Event::OtherBytes => vec![found(Some(id), stat(1, 2), &again(Origin::File)), hashed(8)],
        Event::SameBytes => vec![found(Some(id), stat(1, 2), &again(Origin::File)), hashed(7)],
        Event::Moved => vec![Change::Moved {
            id,
            path: path("b.jpg"),
            stat: stat(1, 1),
        }],
        Event::AnalyzedAgain => {
            let models = Origin::ALL.into_iter().filter_map(analyzer);
            let answer = |who| said_by(who, id, 2, analysis(7, stat(1, 1), &["other"]));
            models.map(answer).collect()
        }
        Event::SidecarAgain => vec![sidecar(id, &again(Origin::Xmp))],
        Event::Untagged => vec![edited(id, Edit::Untag(first(origin)))],
    }
}

#[test]
fn what_an_origin_says_has_the_fate_that_is_written() {
    for event in Event::ALL {
        for origin in Origin::ALL {
            on_each(|store| {
                let id = photo(store);
                store.commit(&happening(*event, id, origin)).unwrap();
                let is_there = |l: &Label| l.origin == origin && l.value == first(origin);
                let is_kept = detail(store, id).entry.labels.iter().any(is_there);
                let shows = shown(store, id).contains(&first(origin));
                let fate = match (is_kept, shows) {
                    (true, true) => Fate::Kept,
                    (true, false) => Fate::Hidden,
                    (false, _) => Fate::Replaced,
                };
                assert_eq!(fate, origin.fate(*event), "{origin:?}, {event:?}");
            });
        }
    }
}

#[test]
fn the_document_shows_the_table() {
    let heads = Event::ALL.iter().map(|event| event.name().to_lowercase());
    let mut table = vec![["said by".to_owned()].into_iter().chain(heads).collect()];
    for origin in Origin::ALL {
        let fates = Event::ALL.iter().map(|event| origin.fate(*event).name());
        let row = [format!("`{}`", origin.name())].into_iter();
        table.push(row.chain(fates.map(str::to_owned)).collect::<Vec<_>>());
    }
    let lines = table.iter().map(|row| format!("| {} |", row.join(" | ")));
    let ruled = lines.enumerate().flat_map(|(at, line)| match at {
        0 => vec![line, format!("|{}", " --- |".repeat(Event::ALL.len() + 1))],
        _ => vec![line],
    });
    let expected = ruled.collect::<Vec<_>>().join("\n");
    assert!(DOCUMENT.contains(&expected), "it is now:\n{expected}");
}

#[test]
fn what_a_sidecar_says_is_taken_in_as_an_act() {
    on_each(|store| {
        let id = photo(store);
        store
            .commit(&[sidecar(id, "harbour"), sidecar(id, "harbour")])
            .unwrap();
        assert!(shown(store, id).contains("harbour"));
        let last = store.acts(None, 1).unwrap().remove(0);
        assert_eq!(last.photos, 1, "the second one changed nothing");
        let (_, traces) = store.act(last.id).unwrap().unwrap();
        let undo = acted(Role::Undoes(last.id), vec![Deed::Restore(traces)]);
        store.commit(&[undo]).unwrap();
        let shown = shown(store, id);
        assert!(!shown.contains("harbour") && shown.contains(&first(Origin::Xmp)));
    });
}
