//! What was said of photos that are gone, given to others.

use kbasefs::catalog::{Change, Deed, Edit, Facet, Label, Origin, PhotoId, Role, TextField};
use kbasefs::store::{Error, Store};

use crate::fixture::{acted, add, detail, edited, on_each, tags};

/// A photo that was tagged, rated and called something by a person and has a tag of a sidecar, and that is gone.
fn gone(store: &dyn Store) -> PhotoId {
    let id = add(store, "a.jpg", 1);
    let sidecar = Deed::Sidecar {
        photo: id,
        labels: vec![Label::sure(Facet::Tag, "harbour", Origin::Xmp)],
        texts: Vec::new(),
    };
    let words = vec![
        Edit::Tag("dog".into()),
        Edit::Untag("sea".into()),
        Edit::SetRating(4),
        Edit::SetText(TextField::Title, "Rex".into()),
    ];
    let said = acted(Role::New, vec![sidecar, Deed::Edit(id, words)]);
    store.commit(&[said, Change::Gone { id }]).unwrap();
    id
}

fn give(gone: PhotoId, to: PhotoId) -> Change {
    acted(Role::New, vec![Deed::GiveWords { gone, to }])
}

fn title(store: &dyn Store, id: PhotoId) -> String {
    let title = detail(store, id).text(TextField::Title).cloned();
    title.unwrap().value
}

fn ids(store: &dyn Store) -> Vec<PhotoId> {
    let gone = store.gone_with_words().unwrap();
    gone.into_iter().map(|photo| photo.id).collect()
}

#[test]
fn what_was_said_of_a_photo_that_is_gone_goes_to_another_one_and_back() {
    on_each(|store| {
        let old = gone(store);
        let before = store.detail_of_gone(old).unwrap().unwrap();
        assert_eq!(store.detail(old).unwrap(), None);
        let new = add(store, "b.jpg", 2);
        assert_eq!(store.detail_of_gone(new).unwrap(), None);
        let untouched = detail(store, new);
        store.commit(&[give(old, new)]).unwrap();
        assert_eq!(tags(store, new).join(" "), "dog Family harbour");
        assert_eq!(title(store, new), "Rex");
        assert_eq!(ids(store), [], "nothing is said of the other one any more");
        let adopted = store.acts(None, 1).unwrap()[0].clone();
        assert_eq!(adopted.photos, 2);
        let take_back = acted(Role::Undoes(adopted.id), Vec::new());
        store.commit(&[take_back]).unwrap();
        assert_eq!(detail(store, new), untouched);
        assert_eq!(store.detail_of_gone(old).unwrap().unwrap(), before);
        assert_eq!(ids(store), [old]);
        let again = acted(Role::Redoes(adopted.id), Vec::new());
        store.commit(&[again]).unwrap();
        assert_eq!(title(store, new), "Rex");
        assert_eq!(ids(store), []);
    });
}

#[test]
fn what_people_said_of_the_other_one_already_stays() {
    on_each(|store| {
        let old = gone(store);
        let new = add(store, "b.jpg", 2);
        let title_of_new = Edit::SetText(TextField::Title, "Rover".into());
        store.commit(&[edited(new, title_of_new)]).unwrap();
        store.commit(&[edited(new, Edit::SetRating(1))]).unwrap();
        store.commit(&[give(old, new)]).unwrap();
        assert_eq!(title(store, new), "Rover");
        assert_eq!(tags(store, new).join(" "), "dog Family harbour");
        let entry = detail(store, new).entry;
        let ratings = Label::effective(&entry.labels).into_iter();
        let ratings: Vec<_> = ratings.filter(|l| l.facet == Facet::Rating).collect();
        assert_eq!(ratings[0].value, "1");
        assert_eq!(ratings.len(), 1);
    });
}

#[test]
fn a_photo_that_is_back_keeps_its_words_and_one_that_is_not_there_is_given_none() {
    on_each(|store| {
        let old = gone(store);
        let new = add(store, "b.jpg", 2);
        store.commit(&[Change::Gone { id: new }]).unwrap();
        let refused = store.commit(&[give(old, new)]);
        assert!(matches!(refused, Err(Error::NoSuchPhoto(id)) if id == new));
        assert_eq!(ids(store), [old]);
        let (other, acts) = (add(store, "c.jpg", 3), store.acts(None, 9).unwrap().len());
        assert_eq!(add(store, "a.jpg", 1), old, "it is back");
        store.commit(&[give(old, other)]).unwrap();
        assert_eq!(title(store, old), "Rex");
        assert_eq!(store.acts(None, 9).unwrap().len(), acts, "that was no act");
    });
}
