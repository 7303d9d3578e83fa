//! What people say of photos.

use kbasefs::catalog::{
    ActId, Deed, Edit, Effect, Facet, Label, LabelKey, PhotoId, Role, TextField,
};
use kbasefs::store::Store;

use crate::fixture::{
    acted, add, all, analyzed, detail, edited, found, on_each, outcome, saved, stat, tags,
};

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
