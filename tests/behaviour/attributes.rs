//! Every attribute that can be set, with every kind of value: it is refused, or reads back as it was set.

use std::collections::BTreeSet;

use kbasefs::vfs::Attributes;
use unicode_normalization::UnicodeNormalization;

use crate::fixture::{Fixture, Surface};
use crate::mount::Mount;
use crate::suite::{check_soon, refused};
use crate::tree::Bare;

const PHOTOS: &str = "a.jpg; b.jpg dog sea";

fn on_each(test: fn(&dyn Surface)) {
    let fixture = Fixture::new(PHOTOS);
    test(&Bare::new(&fixture));
    let fixture = Fixture::new(PHOTOS);
    if let Some(mount) = Mount::new(&fixture) {
        test(&mount);
    }
}

/// What people and programs may try on any of them.
fn values() -> Vec<String> {
    let plain = [
        "",
        " ",
        ",",
        ",,,",
        "x",
        " x ",
        "x\n",
        "one\ntwo",
        "one,two",
        "one, two",
        "two,,one",
        "one,",
        ",one",
        "Dog",
        "dog,dog",
        "dog,DOG",
        "a;b",
        "..",
        "a/b",
        "%41",
        "-1",
        "11",
        "06",
        "+6",
        " 6",
        "6.0",
        "1e1",
        "many",
        "\0",
        "6\0",
        "a\0b",
        "\u{1b}[31m",
        "cafe\u{301}",
        "tag:dog",
        " tag:dog",
        "date:nonsense",
    ];
    let numbers = (0..=10).map(|n| n.to_string());
    let long = [5_000, 60_000].map(|n| "x".repeat(n));
    let plain = plain.map(str::to_owned).into_iter();
    plain.chain(numbers).chain(long).collect()
}

/// What a value means: the tags of a list in any order, other texts to the letter.
fn meaning(attribute: &str, value: &str) -> BTreeSet<String> {
    match attribute.ends_with("tags") {
        true => {
            let tags = value.split(',').map(|tag| tag.trim().nfc().collect());
            tags.collect::<BTreeSet<String>>()
        }
        false => BTreeSet::from([value.to_owned()]),
    }
}

/// Tries every value; gives those that were refused.
fn refused_values(surface: &dyn Surface, path: &str, attribute: &str) -> Vec<String> {
    let mut all = Vec::new();
    for value in values() {
        let before = surface.get(path, attribute);
        let short: String = value.chars().take(20).collect();
        match surface.set(path, attribute, &value) {
            Ok(()) if value.is_empty() => {
                let read = surface.get(path, attribute);
                assert!(read.as_deref().unwrap_or_default().is_empty(), "{read:?}");
            }
            Ok(()) => {
                let read = surface.get(path, attribute);
                let read = read.map(|read| meaning(attribute, &read));
                assert!(
                    read == Ok(meaning(attribute, &value)),
                    "{attribute}: {short:?} is taken, and reads back otherwise"
                );
            }
            Err(refusal) => {
                assert_eq!(refusal, "EINVAL", "{attribute}: {short:?}");
                assert!(
                    surface.get(path, attribute) == before,
                    "{attribute}: {short:?}"
                );
                all.push(value);
            }
        }
    }
    all
}

#[test]
fn what_is_set_reads_back_or_is_refused() {
    on_each(|surface| {
        let expected = |attribute: &str| match attribute {
            "user.xdg.tags" | "user.kbasefs.tags" => {
                let refused = [
                    " ", ",", ",,,", "two,,one", "one,", ",one", "dog,DOG", "\0", "6\0", "a\0b",
                ];
                Some(refused.to_vec())
            }
            "user.xdg.comment" | "user.kbasefs.description" => Some(vec![" ", "\0", "6\0", "a\0b"]),
            "user.kbasefs.title" => Some(vec![" ", "x\n", "one\ntwo", "\0", "6\0", "a\0b"]),
            _ => None,
        };
        let mut tried = 0;
        for attribute in Attributes::settable() {
            let refused = refused_values(surface, "/all/a.jpg", attribute);
            match expected(attribute) {
                Some(expected) => assert_eq!(refused, expected, "{attribute}"),
                None => {
                    assert_eq!(attribute, "user.baloo.rating");
                    let taken = values().into_iter().filter(|v| !refused.contains(v));
                    assert!(taken.eq(["", "0", "2", "4", "6", "8", "10"].map(str::to_owned)));
                }
            }
            tried += 1;
        }
        assert_eq!(tried, 6);
    });
}

#[test]
fn a_query_that_is_set_reads_back_or_is_refused() {
    on_each(|surface| {
        surface.make_folder("/saved/kept = tag:dog").unwrap();
        let refused = refused_values(surface, "/saved/kept", "user.kbasefs.query");
        assert!(refused.contains(&"date:nonsense".to_owned()), "{refused:?}");
        assert!(!refused.contains(&" tag:dog".to_owned()), "{refused:?}");
    });
}

#[test]
fn a_list_that_was_set_is_open_again_without_the_attribute() {
    on_each(|surface| {
        let photo = "/all/b.jpg";
        let tags = || surface.get(photo, "user.xdg.tags");
        surface.set(photo, "user.xdg.tags", "mine").unwrap();
        assert_eq!(tags().as_deref(), Ok("mine"));
        surface.remove(photo, "user.xdg.tags").unwrap();
        assert_eq!(tags().as_deref(), Ok("dog,sea"));
        surface.set(photo, "user.xdg.tags", "").unwrap();
        refused(tags(), "ENODATA");
        surface.remove(photo, "user.xdg.tags").unwrap();
        check_soon(surface, "/tags/sea", "b.jpg");
        surface.set(photo, "user.xdg.tags", "sea").unwrap();
        surface.set(photo, "user.xdg.tags", "Sea").unwrap();
        assert_eq!(tags().as_deref(), Ok("Sea"), "as it was written last");
    });
}
