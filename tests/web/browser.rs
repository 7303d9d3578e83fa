//! The page in a real browser: Chromium without a window, as people use it.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use thirtyfour::{Key, TypingData};

use crate::test_server::{PATIENCE, TestServer};
use crate::webdriver::Page;

struct Browser<'a> {
    server: &'a TestServer,
    page: Page,
}

impl<'a> Browser<'a> {
    /// `None` where there is no browser.
    async fn open(server: &'a TestServer, width: u32, height: u32) -> Option<Self> {
        let page = Page::open(&server.client, &server.path("profile"), width, height).await;
        Some(Self {
            server,
            page: page?,
        })
    }

    async fn go(&self, path: &str) {
        self.page.go(&format!("{}{path}", self.server.url)).await;
    }

    async fn click(&self, selector: &str) {
        self.page.click(selector).await;
    }

    async fn write(&self, selector: &str, text: impl Into<TypingData>) {
        self.page.write(selector, text).await;
    }

    /// Keys for whatever has the focus.
    async fn press(&self, keys: impl Into<TypingData>) {
        self.page.press(keys).await;
    }

    async fn run(&self, script: &str) -> Value {
        self.page.run(script).await
    }

    async fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector('{selector}').innerText");
        self.run(&script).await.as_str().unwrap().to_owned()
    }

    async fn count(&self, selector: &str) -> u64 {
        let script = format!("return document.querySelectorAll('{selector}').length");
        self.run(&script).await.as_u64().unwrap()
    }

    /// Waits until a script says true.
    async fn until(&self, condition: &str) {
        let start = Instant::now();
        while self.run(&format!("return Boolean({condition})")).await != true {
            if start.elapsed() > PATIENCE {
                let shown = self.run("return document.body.innerText").await;
                let errors = self.page.errors().await;
                panic!("it never came to: {condition}; {errors:?}; shown is: {shown}");
            }
        }
    }

    /// Nothing went wrong unseen, and nobody else was asked for anything.
    async fn end(self) {
        let errors = self.page.errors().await;
        assert!(errors.is_empty(), "{errors:?}");
        let asked = self
            .run("return performance.getEntriesByType('resource').map((e) => e.name)")
            .await;
        for address in asked.as_array().unwrap() {
            let address = address.as_str().unwrap();
            assert!(address.starts_with(&self.server.url), "{address}");
        }
    }
}

#[tokio::test]
async fn scrolling_shows_every_photo_and_moves_nothing() {
    const PHOTOS: u32 = 10_000;
    let server = TestServer::with_photos(PHOTOS);
    server.pause_analysis().await;
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    browser.go("/").await;
    browser
        .run(
            "window.moved = 0; new PerformanceObserver((list) => { for (const e of list.getEntries()) \
             if (!e.hadRecentInput) window.moved += e.value; }).observe({type: 'layout-shift', buffered: true})",
        )
        .await;
    browser
        .until("document.querySelectorAll('.tile img')[0].complete")
        .await;
    let moved = browser.run("return window.moved").await;
    assert!(moved.as_f64().unwrap() < 0.02, "{moved}");
    let (mut shown, mut since) = (0, Instant::now());
    while browser.count(".more").await > 0 {
        browser
            .run("window.scrollTo(0, document.documentElement.scrollHeight)")
            .await;
        let now = browser.count(".tile").await;
        if now > shown {
            (shown, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "after {shown} photos no more");
    }
    let links = browser
        .run(
            "return [...document.querySelectorAll('.tile > a')].map((a) => a.getAttribute('href'))",
        )
        .await;
    let mut links: Vec<_> = links
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    links.sort();
    links.dedup();
    assert_eq!(links.len(), PHOTOS as usize);
    browser.end().await;
}

#[tokio::test]
async fn a_search_an_edit_and_its_undoing() {
    let server = TestServer::with_photos(12);
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    browser.go("/").await;
    browser.write("#q", "folder:\"trip 1\"" + Key::Enter).await;
    browser
        .until("document.querySelectorAll('.tile').length === 4")
        .await;
    assert_eq!(browser.count(".chips li").await, 1);
    browser.click(".tile a").await;
    browser
        .until("document.querySelector('.edit summary')")
        .await;
    browser.click(".edit summary").await;
    browser
        .write(".edit input[name=title]", "At <the> sea")
        .await;
    browser.click(".edit .main").await;
    browser
        .until("document.querySelector('.title').textContent === 'At <the> sea'")
        .await;
    browser.click(".notice button").await;
    browser
        .until("document.querySelector('.title').textContent !== 'At <the> sea'")
        .await;
    assert_eq!(browser.text(".notice button").await, "Redo");
    browser.click(".rating button:nth-of-type(3)").await;
    browser
        .until("document.querySelectorAll('.rating [aria-pressed=true]').length === 3")
        .await;
    browser.end().await;
}

#[tokio::test]
async fn an_analysis_shows_that_it_runs_and_what_it_found() {
    let server = TestServer::with_photos(2);
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    browser.go("/photo/1").await;
    browser
        .run(
            "window.ran = false; new MutationObserver(() => { if (document.querySelector('#analysis progress')) \
             window.ran = true; }).observe(document.body, {childList: true, subtree: true})",
        )
        .await;
    browser.click("#analysis button").await;
    browser
        .until("document.querySelector('.facts').innerText.includes('Looked at by')")
        .await;
    assert_eq!(browser.run("return window.ran").await, true);
    browser.end().await;
}

/// The end of an analysis, and edits by other buttons, replace all that is shown of a photo.
#[tokio::test]
async fn what_is_being_typed_stays_whatever_else_happens_to_the_photo() {
    let server = TestServer::with_photos(2);
    server.pause_analysis().await;
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    browser.go("/photo/1").await;
    browser.click("#analysis button").await;
    browser
        .until("document.querySelector('#analysis progress')")
        .await;
    browser.click(".edit summary").await;
    browser
        .write(".edit input[name=title]", "Half a title")
        .await;
    browser
        .run(
            "window.kept = 0; document.addEventListener('htmx:beforeSwap', (event) => { \
             if (event.detail.target.id === 'details' && !event.detail.shouldSwap) window.kept += 1; })",
        )
        .await;
    let resume = server.post("/dashboard/pause", &[("paused", "false")]);
    assert_eq!(resume.send().await.unwrap().status(), 303);
    browser.until("window.kept > 1").await;
    let title = "document.querySelector('.edit input[name=title]').value";
    let typed = format!("return {title}");
    assert_eq!(browser.run(&typed).await, "Half a title");
    assert_eq!(
        server.json("/api/v1/photo?id=1").await["status"],
        "analyzed"
    );
    browser.click(".rating button:nth-of-type(3)").await;
    browser
        .until("document.querySelectorAll('.rating [aria-pressed=true]').length === 3")
        .await;
    assert_eq!(browser.run(&typed).await, "Half a title");
    assert_eq!(browser.count(".edit[open]").await, 1);
    browser.write("#add", "harbour" + Key::Enter).await;
    browser
        .until(
            "[...document.querySelectorAll('.tags li a')].some((a) => a.textContent === 'harbour')",
        )
        .await;
    assert_eq!(browser.run(&typed).await, "Half a title");
    browser.click(".edit .main").await;
    browser
        .until("document.querySelector('.title').textContent === 'Half a title'")
        .await;
    assert_eq!(browser.count("[role=alert]").await, 0, "no conflict");
    let tags = browser.text(".tags").await;
    assert!(tags.contains("harbour"), "{tags}");
    let facts = browser.text(".facts").await;
    assert!(facts.contains("Looked at by"), "{facts}");
    browser.end().await;
}

#[tokio::test]
async fn the_dashboard_goes_on_by_itself() {
    let server = TestServer::with_photos(2);
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    browser.go("/dashboard").await;
    browser
        .until("document.querySelector('#connection').textContent === 'Live'")
        .await;
    browser
        .run(
            "window.pause = document.querySelector('[name=paused]'); window.pause.focus(); \
             getSelection().selectAllChildren(document.querySelector('.card h2'))",
        )
        .await;
    server.post("/photo/1/analyze", &[]).send().await.unwrap();
    browser
        .until("document.querySelector('.cards dd').textContent === '1'")
        .await;
    browser
        .until("document.querySelector('polyline').points.length > 3")
        .await;
    // Whoever was about to press something, or to copy, still is.
    assert_eq!(
        browser
            .run("return document.activeElement === window.pause && getSelection().toString()")
            .await,
        "Images"
    );
    browser.press(Key::Enter).await;
    browser
        .until("document.querySelector('[name=paused]')?.textContent === 'Resume analyses'")
        .await;
    browser.click("#hold").await;
    assert_eq!(browser.text("#connection").await, "Stopped");
    browser.click("#hold").await;
    browser
        .until("document.querySelector('#connection').textContent === 'Live'")
        .await;
    browser.end().await;
}

#[tokio::test]
async fn the_dashboard_says_when_it_is_old() {
    let server = TestServer::with_photos(1);
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    browser.go("/dashboard").await;
    browser
        .until("document.querySelector('#connection').textContent === 'Live'")
        .await;
    server.ask_to_end();
    browser
        .until("document.querySelector('#connection').textContent.includes('is lost')")
        .await;
    // A server that is gone is an error in the log of the browser, as it should be.
}

#[tokio::test]
async fn everything_can_be_done_with_keys_alone() {
    let server = TestServer::with_photos(9);
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    browser.go("/?sort=name").await;
    browser.press("/").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "q");
    browser.press("trip" + Key::Enter).await;
    browser.until("location.search.includes('q=trip')").await;
    for (key, at) in [
        (Key::Right, 0),
        (Key::Right, 1),
        (Key::Right, 2),
        (Key::Left, 1),
    ] {
        browser.press(key).await;
        let focused =
            "return [...document.querySelectorAll('.tile > a')].indexOf(document.activeElement)";
        assert_eq!(browser.run(focused).await, at);
    }
    browser.press(Key::Enter).await;
    browser.until("document.querySelector('.one')").await;
    let first = browser.run("return location.pathname").await;
    browser.press(Key::Right).await;
    browser
        .until(&format!("location.pathname !== {first}"))
        .await;
    browser.press("t").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "add");
    browser.press("harbour" + Key::Enter).await;
    browser
        .until("document.querySelector('.tags li a')?.textContent === 'harbour'")
        .await;
    // Another tag could follow.
    assert_eq!(browser.run("return document.activeElement.id").await, "add");
    browser.press(Key::Escape).await;
    browser.press("4").await;
    browser
        .until("document.querySelectorAll('.rating [aria-pressed=true]').length === 4")
        .await;
    browser.press("?").await;
    browser.until("document.querySelector('#keys[open]')").await;
    browser.press(Key::Escape).await;
    browser
        .until("!document.querySelector('#keys[open]')")
        .await;
    browser.press(Key::Escape).await;
    browser
        .until("location.pathname === '/' && location.search.includes('q=trip')")
        .await;
    browser.end().await;
}

#[tokio::test]
async fn a_phone_shows_all_of_it_without_scrolling_sideways() {
    let server = TestServer::with_photos(30);
    let Some(browser) = Browser::open(&server, 500, 844).await else {
        return;
    };
    browser.page.be_phone(390, 844).await;
    for path in crate::security::PAGES {
        // A part of a page says nothing of the screen.
        if path.ends_with("/details") {
            continue;
        }
        browser.go(path).await;
        let wide = browser
            .run("return Math.max(document.documentElement.scrollWidth, innerWidth)")
            .await;
        assert_eq!(wide, 390, "{path}");
    }
    browser.go("/").await;
    browser.until("!document.querySelector('.boxes').checkVisibility({contentVisibilityAuto: true}) || document.querySelector('.boxes').offsetHeight === 0").await;
    browser.click(".fold > summary").await;
    browser
        .until("document.querySelector('.boxes').offsetHeight > 0")
        .await;
    browser.end().await;
}

/// axe-core, as `contrib/setup` installs it.
const AXE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/target/axe/node_modules/axe-core/axe.min.js"
);

#[tokio::test]
async fn axe_finds_nothing_serious() {
    if !Path::new(AXE).exists() {
        return eprintln!("skipped: axe-core is not installed");
    }
    let server = TestServer::with_photos(12);
    let Some(browser) = Browser::open(&server, 1280, 900).await else {
        return;
    };
    let axe = std::fs::read_to_string(AXE).unwrap();
    server
        .post(
            "/photo/1/edit",
            &[("tags", "sea, dog"), ("title", "A day"), ("rating", "3")],
        )
        .send()
        .await
        .unwrap();
    server.post("/photo/1/analyze", &[]).send().await.unwrap();
    server
        .eventually("/photo/1", |page| page.contains("Looked at by"))
        .await;
    for path in crate::security::PAGES
        .iter()
        .chain(&["/?q=kind:x", "/nowhere", "/?q=tag:sea"])
    {
        if path.ends_with("/details") {
            continue;
        }
        browser.go(path).await;
        browser.run(&axe).await;
        let found = browser
            .page
            .run_async(
                "const done = arguments[0]; axe.run().then((r) => done(r.violations.map((v) => \
                 ({id: v.id, impact: v.impact, nodes: v.nodes.map((n) => n.html + ' ' + n.failureSummary)}))))",
            )
            .await;
        let serious = found.as_array().unwrap().iter();
        let serious: Vec<_> = serious
            .filter(|v| v["impact"] == "serious" || v["impact"] == "critical")
            .collect();
        assert!(serious.is_empty(), "{path}: {serious:#?}");
    }
    // Pages that aren't there say so in the log of the browser, too.
}
