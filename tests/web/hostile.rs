//! Whatever names and labels hold, every page shows it as text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::security::PAGES;
use crate::test_server::TestServer;

/// What must never be in a page as it is.
const POISON: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "{{7*7}}${7*7}<%= 7 %>",
];

const NAMES: [&[u8]; 8] = [
    b"<script>alert(1)<%2fscript>.png",
    b"\"><img src=x onerror=alert(1)>.png",
    b"'><svg onload=alert(1)>.png",
    b"line\nbreak\r\ttab.png",
    b"\xff\xfe not utf8 \x80.png",
    "\u{202e}gnp.exe.png".as_bytes(),
    "\u{2066}isolated\u{200f}.png".as_bytes(),
    b"javascript:alert(1).png",
];

async fn server() -> TestServer {
    let mut server = TestServer::new();
    for (n, name) in (0..).zip(NAMES) {
        server.photo(OsStr::from_bytes(name), n);
        // Copies of each other, for the page of duplicates.
        let copy = [&b"copy/"[..], name].concat();
        server.photo(OsStr::from_bytes(&copy), n);
    }
    for name in &NAMES[..3] {
        let broken = [&b"broken "[..], name].concat();
        let path = server.path("photos").join(OsStr::from_bytes(&broken));
        std::fs::write(path, b"\x89PNG\r\n\x1a\n torn").unwrap();
    }
    server.serve(&[]);
    for (n, poison) in POISON.iter().enumerate() {
        let said = [
            ("title", *poison),
            ("description", poison),
            ("tags", poison),
        ];
        let path = format!("/photo/{}/edit", n + 1);
        let answer = server.post(&path, &said).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{poison}");
        let answer = server
            .post(&path, &[("add", *poison)])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 303, "{poison}");
    }
    server.analyze_all().await;
    server
}

fn check(path: &str, page: &str) {
    for poison in [
        "<script>alert",
        "<img src=x",
        "<svg onload",
        "onerror=alert(1)>",
    ] {
        assert!(!page.contains(poison), "{path} holds {poison}");
    }
    let misleads = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(page.chars().find(misleads), None, "{path}");
}

#[tokio::test]
async fn every_page_shows_what_is_hostile_as_text() {
    let server = server().await;
    let ids = server.ids().await;
    assert_eq!(ids.len(), 2 * NAMES.len() + 3);
    let photos = ids
        .iter()
        .flat_map(|id| [format!("/photo/{id}"), format!("/photo/{id}/details")]);
    let pages = PAGES.iter().map(|page| (*page).to_owned());
    for path in pages.chain(photos) {
        check(&path, &server.text(&path).await);
    }
    for poison in POISON
        .iter()
        .chain(&["\u{202e}x", "a\nb", "kind:<script>alert(1)</script>"])
    {
        let asked: String = form_urlencoded::byte_serialize(poison.as_bytes()).collect();
        for path in [
            format!("/?q={asked}"),
            format!("/photo/1?q={asked}"),
            format!("/login?token={asked}"),
        ] {
            let page = server
                .get(&path)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            check(&path, &page.replace("\u{202e}", ""));
        }
    }
    for id in ids {
        for path in [format!("/thumbnail/{id}/256"), format!("/original/{id}")] {
            let answer = server.get(&path).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(
                crate::test_server::header(&answer, "x-content-type-options"),
                "nosniff"
            );
        }
    }
}

/// Torn, fuzzed and oversized pictures from the suites of decoders.
#[tokio::test]
async fn files_that_break_decoders_break_no_page() {
    let Some(testdata) = std::env::var_os("KBASEFS_TESTDATA") else {
        return eprintln!("skipped: KBASEFS_TESTDATA is not set");
    };
    let mut server = TestServer::new();
    std::fs::remove_dir(server.path("photos")).unwrap();
    let broken = Path::new(&testdata).join("bad");
    std::os::unix::fs::symlink(broken, server.path("photos")).unwrap();
    server.serve(&[]);
    server.analyze_all().await;
    let ids = server.ids().await;
    assert!(ids.len() > 100, "{} photos", ids.len());
    for page in PAGES {
        check(page, &server.text(page).await);
    }
    for id in ids {
        let path = format!("/photo/{id}");
        check(&path, &server.text(&path).await);
        for path in [format!("/thumbnail/{id}/512"), format!("/original/{id}")] {
            let answer = server.get(&path).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn what_settings_hold_is_text_as_well() {
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    let provider = |(n, model): (usize, &&str)| {
        format!("[[provider]]\nname = \"p{n}\"\nkind = \"ollama\"\nmodel = '''{model}\u{202e}'''\n")
    };
    let providers = POISON.iter().enumerate().map(provider);
    server.configure(&providers.collect::<String>());
    server.serve(&[]);
    for path in ["/providers", "/dashboard"] {
        let page = server.text(path).await;
        assert!(page.contains("alert(1)"), "{path}");
        check(path, &page);
    }
}

#[tokio::test]
async fn a_tag_that_is_markup_can_be_looked_for_and_taken_away() {
    let server = server().await;
    let facets = server.json("/api/v1/facets").await;
    let tags = facets["facets"]["tag"].as_array().unwrap();
    let hostile = tags.iter().find(|tag| tag["value"] == POISON[0]);
    let query = hostile.expect("it is among the tags")["query"]
        .as_str()
        .unwrap();
    let asked: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    assert_eq!(
        server.json(&format!("/api/v1/photos?q={asked}")).await["total"],
        1
    );
    server
        .post("/photo/1/edit", &[("remove", POISON[0])])
        .send()
        .await
        .unwrap();
    assert_eq!(
        server.json(&format!("/api/v1/photos?q={asked}")).await["total"],
        0
    );
}
