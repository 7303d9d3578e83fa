//! A page on its way to the browser: made from a template, kept for a while, or the one that says what went wrong.

use std::time::Duration;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;

use super::super::failure::Failure;
use crate::memory::{Bounds, Cache, Limit};

/// What stands around every page.
pub struct Frame {
    pub title: String,
    /// What is in the search field.
    pub q: String,
    pub sort: Option<&'static str>,
    /// Which of [`PLACES`] it is.
    pub here: &'static str,
}

/// The parts of the page, as the navigation names them.
pub const PLACES: [(&str, &str); 6] = [
    ("/", "Photos"),
    ("/duplicates", "Duplicates"),
    ("/failures", "Failures"),
    ("/providers", "Providers"),
    ("/activity", "Activity"),
    ("/dashboard", "Dashboard"),
];

impl Frame {
    pub fn new(title: impl Into<String>, here: &'static str) -> Self {
        Self {
            title: title.into(),
            q: String::new(),
            sort: None,
            here,
        }
    }

    pub fn places(&self) -> &'static [(&'static str, &'static str)] {
        &PLACES
    }
}

/// Makes it.
pub fn render(template: &impl Template) -> Result<String, Failure> {
    template
        .render()
        .map_err(|e| Failure::internal(e.to_string()))
}

pub fn html(template: &impl Template) -> Result<Response, Mistake> {
    Ok(Html(render(template)?).into_response())
}

/// A failure, as people see it.
pub struct Mistake(pub Failure);

impl<F: Into<Failure>> From<F> for Mistake {
    fn from(failure: F) -> Self {
        Self(failure.into())
    }
}

#[derive(Template)]
#[template(path = "mistake.html")]
struct MistakePage {
    frame: Frame,
    error: String,
    hint: Option<String>,
}

impl IntoResponse for Mistake {
    fn into_response(self) -> Response {
        let Failure {
            status,
            error,
            hint,
            ..
        } = self.0;
        if status.is_server_error() {
            tracing::error!("web page: {error}");
        }
        let page = MistakePage {
            frame: Frame::new("Something is wrong", ""),
            error,
            hint,
        };
        match page.render() {
            Ok(page) => (status, Html(page)).into_response(),
            Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
        }
    }
}

pub async fn not_found() -> Mistake {
    Mistake(Failure::not_found(
        "there is no such page",
        "the photos are behind the name at the top left",
    ))
}

/// Pages kept as they were made, for as long as the catalog stays the same and their time isn't over.
pub struct PageCache(Option<Cache<(String, u64), Bytes>>);

/// Bytes of pages.
const ROOM: u64 = 16 << 20;

impl PageCache {
    pub fn new(memory: &Limit, seconds: u64) -> Self {
        let bounds = Bounds {
            bytes: ROOM,
            age: Some(Duration::from_secs(seconds)),
            ..Bounds::default()
        };
        let weight = |_: &(String, u64), page: &Bytes| page.len();
        Self((seconds > 0).then(|| memory.cache(bounds, weight)))
    }

    /// The page of this name in the catalog after so many commits.
    pub fn get_or_make(
        &self,
        name: String,
        commits: u64,
        make: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<Bytes, Failure> {
        let Some(cache) = &self.0 else {
            return Ok(make()?.into());
        };
        let key = (name, commits);
        if let Some(page) = cache.get(&key) {
            return Ok(page);
        }
        let page = Bytes::from(make()?);
        cache.insert(key, page.clone());
        Ok(page)
    }
}

/// A page, or the part of it that a script asked for.
pub fn part(page: Bytes) -> Response {
    (
        [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (VARY, "HX-Request"),
        ],
        page,
    )
        .into_response()
}

/// Whether a script asks, which wants a part of the page only.
pub fn is_for_script(headers: &axum::http::HeaderMap) -> bool {
    headers.contains_key("hx-request") && !headers.contains_key("hx-history-restore-request")
}

/// An address with its parameters, without those that are empty.
pub fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// A text from outside as it is shown: what would print nothing, or change how the rest prints, is written out.
pub fn visible(text: &str) -> String {
    let misleads = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match misleads(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

/// `10,000`
pub fn counted(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_are_written_as_people_read_them() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(counted(number), text);
        }
        assert_eq!(link("/", &[("q", ""), ("sort", "")]), "/");
        assert_eq!(
            link("/", &[("q", "a&b \"c\""), ("sort", "name")]),
            "/?q=a%26b+%22c%22&sort=name"
        );
        assert_eq!(visible("a\u{202e}gpj\n"), "a\\u{202e}gpj\\u{a}");
    }

    #[test]
    fn a_page_is_made_anew_when_the_catalog_changed() {
        let pages = PageCache::new(&Limit::of(1 << 30), 60);
        let page = |commits, text: &str| {
            pages
                .get_or_make("/".into(), commits, || Ok(text.into()))
                .unwrap()
        };
        assert_eq!(page(1, "first"), "first");
        assert_eq!(page(1, "second"), "first");
        assert_eq!(page(2, "third"), "third");
        let never = PageCache::new(&Limit::of(1 << 30), 0);
        let page = |text: &str| {
            never
                .get_or_make("/".into(), 1, || Ok(text.into()))
                .unwrap()
        };
        assert_eq!(
            (page("first"), page("second")),
            ("first".into(), "second".into())
        );
    }
}
