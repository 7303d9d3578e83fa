//! Queries that are kept as folders.

use kbasefs::catalog::{Act, Actor, Deed, Role};
use kbasefs::library::Which;

use crate::fixture::{Fixture, Surface};
use crate::suite::{check, check_soon, refused};

/// The part of the suite about saved queries.
pub fn run(surface: &dyn Surface) {
    a_query_is_kept_under_its_words_or_a_name(surface);
    a_saved_query_is_an_attribute_of_its_folder(surface);
    a_saved_query_gets_another_name(surface);
    what_is_no_query_is_not_kept(surface);
    a_saved_query_is_forgotten(surface);
}

fn a_query_is_kept_under_its_words_or_a_name(surface: &dyn Surface) {
    check(surface, "/saved", "");
    surface.make_folder("/saved/dog -beach").unwrap();
    surface.make_folder("/saved/sea = beach OR sunset").unwrap();
    check_soon(surface, "/saved", "dog -beach/, sea/");
    check(surface, "/saved/dog -beach", "c.jpg");
    check(surface, "/saved/sea", "a.jpg, b.jpg");
    refused(surface.make_folder("/saved/sea"), "EEXIST");
    refused(surface.make_folder("/saved/sea = cat"), "EEXIST");
    refused(surface.stat("/saved/dog"), "ENOENT");
    refused(surface.remove_file("/saved/sea/a.jpg"), "EPERM");
}

fn a_saved_query_is_an_attribute_of_its_folder(surface: &dyn Surface) {
    const QUERY: &str = "user.kbasefs.query";
    let query = || surface.get("/saved/sea", QUERY);
    assert_eq!(query().as_deref(), Ok("beach OR sunset"));
    surface.set("/saved/sea", QUERY, "tag:dog").unwrap();
    assert_eq!(query().as_deref(), Ok("tag:dog"));
    check_soon(surface, "/saved/sea", "b.jpg, c.jpg");
    surface.eventually(&mut || surface.stat("/saved/sea/a.jpg").is_err());
    refused(surface.set("/saved/sea", QUERY, "(dog"), "EINVAL");
    refused(surface.set("/search/dog", QUERY, "cat"), "EPERM");
    refused(surface.remove("/saved/sea", QUERY), "EPERM");
    assert_eq!(query().as_deref(), Ok("tag:dog"));
}

fn a_saved_query_gets_another_name(surface: &dyn Surface) {
    surface
        .rename("/saved/sea", "/saved/my dogs", false)
        .unwrap();
    check_soon(surface, "/saved", "dog -beach/, my dogs/");
    check(surface, "/saved/my dogs", "b.jpg, c.jpg");
    let taken = surface.rename("/saved/my dogs", "/saved/dog -beach", false);
    refused(taken, "EEXIST");
    // As file managers make a folder.
    surface.make_folder("/saved/untitled folder").unwrap();
    surface
        .rename("/saved/untitled folder", "/saved/sunset", false)
        .unwrap();
    check_soon(surface, "/saved/sunset", "a.jpg");
    refused(surface.rename("/saved/sunset", "/tags/x", false), "EPERM");
    surface.remove_folder("/saved/sunset").unwrap();
}

fn what_is_no_query_is_not_kept(surface: &dyn Surface) {
    refused(surface.make_folder("/saved/kind:x"), "EINVAL");
    refused(surface.make_folder("/saved/dogs = (dog"), "EINVAL");
    refused(surface.make_folder("/saved/.Trash-0"), "EPERM");
    refused(surface.make_folder("/search/dog sea"), "EEXIST");
    check_soon(surface, "/saved", "dog -beach/, my dogs/");
}

fn a_saved_query_is_forgotten(surface: &dyn Surface) {
    surface.remove_folder("/saved/my dogs").unwrap();
    check_soon(surface, "/saved", "dog -beach/");
    refused(surface.stat("/saved/my dogs"), "ENOENT");
    surface.make_folder("/saved/my dogs = sunset").unwrap();
    check_soon(surface, "/saved/my dogs", "a.jpg");
    surface.remove_folder("/saved/my dogs").unwrap();
    surface.remove_folder("/saved/dog -beach").unwrap();
    check_soon(surface, "/saved", "");
}

#[test]
fn a_forgotten_query_comes_back_when_that_is_undone() {
    let fixture = Fixture::new("a.jpg dog");
    let save = |query: Option<&str>| {
        let act = Act {
            by: Actor::default(),
            words: "save".into(),
            role: Role::New,
            deeds: vec![Deed::Save {
                name: "dogs".into(),
                query: query.map(str::to_owned),
            }],
        };
        fixture.library.act(act).unwrap();
    };
    let saved = || fixture.library.index().saved("dogs").map(|s| s.query);
    save(Some("dog"));
    save(None);
    assert_eq!(saved(), None);
    fixture
        .library
        .undo(Which::Last, &Actor::default())
        .unwrap();
    assert_eq!(saved().as_deref(), Some("dog"));
}
