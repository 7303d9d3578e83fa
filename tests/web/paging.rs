//! Page after page, every photo comes exactly once; a search finds what the folder `search/` shows.

use std::collections::BTreeSet;
use std::process::Command;

use crate::test_server::TestServer;

/// What stands between two marks.
pub fn all_between(text: &str, before: &str, after: &str) -> Vec<String> {
    let parts = text.split(before).skip(1);
    parts
        .map(|part| part.split(after).next().unwrap().replace("&#38;", "&"))
        .collect()
}

/// The numbers of the photos on a page, in order.
fn ids(page: &str) -> Vec<u64> {
    let links = all_between(page, "href=\"/photo/", "\"");
    let number = |link: &String| link.split('?').next().unwrap().parse().unwrap();
    links.iter().map(number).collect()
}

/// The photos of all pages that follow each other, by the link that works without scripts.
async fn walk(server: &TestServer, first: &str) -> Vec<u64> {
    let (mut path, mut seen) = (first.to_owned(), Vec::new());
    loop {
        let page = server.text(&path).await;
        seen.extend(ids(&page));
        match all_between(&page, "<li class=\"more\"><a href=\"", "\"").pop() {
            Some(next) => path = next,
            None => return seen,
        }
    }
}

#[tokio::test]
async fn every_photo_is_on_exactly_one_page_in_every_order() {
    let server = TestServer::with_photos(50);
    let all: BTreeSet<u64> = server.ids().await.into_iter().collect();
    assert_eq!(all.len(), 50);
    for sort in ["newest", "oldest", "name", "added", "relevance"] {
        for n in [1, 7, 50, 1000] {
            let seen = walk(&server, &format!("/?sort={sort}&n={n}")).await;
            assert_eq!(seen.len(), 50, "{sort} {n}");
            assert_eq!(
                seen.iter().copied().collect::<BTreeSet<_>>(),
                all,
                "{sort} {n}"
            );
        }
    }
    for (sort, is_newest) in [("newest", true), ("oldest", false)] {
        let page = server
            .json(&format!("/api/v1/photos?sort={sort}&limit=50"))
            .await;
        let dates = page["photos"].as_array().unwrap().iter();
        let mut dates: Vec<_> = dates.map(|p| p["date"].as_str().unwrap()).collect();
        if is_newest {
            dates.reverse();
        }
        assert!(dates.is_sorted(), "{sort}: {dates:?}");
    }
}

#[tokio::test]
async fn a_photo_that_goes_meanwhile_moves_no_other_to_another_page() {
    let server = TestServer::with_photos(20);
    let first = server.text("/?n=10").await;
    let next = all_between(&first, "<li class=\"more\"><a href=\"", "\"")
        .pop()
        .unwrap();
    let last = *ids(&first).last().unwrap();
    let photo = server.json(&format!("/api/v1/photo?id={last}")).await;
    let gone = server.path("photos").join(photo["path"].as_str().unwrap());
    std::fs::remove_file(gone).unwrap();
    let photos = server.path("photos");
    server.run(&["scan", photos.to_str().unwrap()]);
    let second = ids(&server.text(&next).await);
    assert_eq!(second.len(), 10);
    assert!(second.iter().all(|id| !ids(&first).contains(id)));
}

#[tokio::test]
async fn neighbours_are_those_of_what_is_looked_at() {
    let server = TestServer::with_photos(12);
    let order = walk(&server, "/?q=folder:%22trip+1%22&sort=name").await;
    assert_eq!(order.len(), 4);
    for pair in order.windows(2) {
        let page = server
            .text(&format!(
                "/photo/{}?q=folder%3A%22trip+1%22&sort=name",
                pair[0]
            ))
            .await;
        let next = all_between(&page, "rel=\"next\" href=\"/photo/", "?");
        assert_eq!(next, [pair[1].to_string()]);
        assert!(page.contains(" of 4</span>"));
    }
}

const QUERIES: [&str; 9] = [
    "trip",
    "folder:\"trip 1\"",
    "name:IMG_001*",
    "date:2008",
    "type:png -folder:\"trip 2\"",
    "is:portrait OR is:square",
    "width:>=100",
    "has:tag",
    "tag:beach",
];

#[tokio::test]
async fn a_search_finds_what_the_folder_shows() {
    let mut server = TestServer::new();
    (0..24).for_each(|n| server.photo(format!("trip {}/IMG_{n:04}.png", n % 3), n));
    let (photos, mnt) = (server.path("photos"), server.path("mnt"));
    let one = photos.join("trip 1/IMG_0001.png");
    // Who opens folders has photos looked at: what is found would change while it is compared.
    server.run(&["analyze", photos.to_str().unwrap()]);
    server.run(&["tag", one.to_str().unwrap(), "beach"]);
    if !server.mount() {
        return;
    }
    for query in QUERIES {
        let folder = mnt.join("search").join(query.replace('/', "%2F"));
        let listed: BTreeSet<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        let asked: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let found = server
            .json(&format!("/api/v1/photos?limit=1000&q={asked}"))
            .await;
        let names = found["photos"].as_array().unwrap().iter();
        let names: BTreeSet<_> = names
            .map(|p| p["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, listed, "{query}");
        let shown = walk(&server, &format!("/?n=5&sort=name&q={asked}")).await;
        assert_eq!(shown.len(), listed.len(), "{query}");
    }
    // The mount is served by the process that opened the page; a second asks for it.
    let again = server.run(&["serve", mnt.to_str().unwrap()]);
    let again = String::from_utf8(again.stdout).unwrap();
    assert_eq!(
        again.trim(),
        format!("the page is already at {}/", server.url)
    );
    let ended = Command::new(env!("CARGO_BIN_EXE_kbasefs"))
        .arg("umount")
        .arg(&mnt)
        .status();
    assert!(ended.unwrap().success());
}

#[tokio::test]
async fn a_query_with_a_mistake_is_explained() {
    let server = TestServer::with_photos(1);
    let response = server.get("/?q=a%20kind%3Ab").send().await.unwrap();
    assert_eq!(response.status(), 400);
    let page = response.text().await.unwrap();
    assert!(page.contains("unknown field kind at character 3"), "{page}");
    assert!(page.contains("a kind:b\n  ^^^^"), "{page}");
}
