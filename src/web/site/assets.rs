//! What is served as it is: styles, scripts, the icon. All of it is in the program.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use tower_http::compression::Predicate;

use super::super::failure::Failure;
use super::page::render;
use crate::catalog::clean;
use crate::web::Options;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 5] = [
    Asset {
        name: "page.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../assets/page.css"),
    },
    Asset {
        name: "page.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/page.js"),
    },
    Asset {
        name: "dashboard.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/dashboard.js"),
    },
    Asset {
        name: "htmx.min.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/htmx.min.js"),
    },
    Asset {
        name: "icon.svg",
        kind: "image/svg+xml",
        bytes: include_bytes!("../assets/icon.svg"),
    },
];

/// What shows where a photo has no picture.
#[derive(Template)]
#[template(path = "none.svg", escape = "html")]
struct NoPicture {
    why: String,
}

pub async fn get(
    State(options): State<Options>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    named(&options, &name)
}

/// Where browsers look for it that know no page.
pub async fn icon(State(options): State<Options>) -> Result<Response, Failure> {
    named(&options, "icon.svg")
}

fn named(options: &Options, name: &str) -> Result<Response, Failure> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| Failure::not_found("no such file", "go back to the page"))?;
    let headers = [
        (CONTENT_TYPE, asset.kind.to_owned()),
        (CACHE_CONTROL, kept(options.assets_kept)),
    ];
    Ok((headers, asset.bytes).into_response())
}

/// For so many seconds, by the browser alone.
pub fn kept(seconds: u64) -> String {
    format!("private, max-age={seconds}")
}

/// What shows where a photo has no picture; its title says why.
pub fn no_picture(why: &str) -> Result<Response, Failure> {
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "private, max-age=60"),
    ];
    let why = clean(why, 300).unwrap_or_default();
    Ok((headers, render(&NoPicture { why })?).into_response())
}

/// What is worth compressing: text of some length. Pictures are compressed, and lines that come one by one must not wait.
#[derive(Clone, Copy)]
pub struct IsText<P>(pub P);

impl<P: Predicate> Predicate for IsText<P> {
    fn should_compress<B: http_body::Body>(&self, response: &axum::http::Response<B>) -> bool {
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        let is_text = kind.is_some_and(|kind| {
            let kinds = [
                "text/html",
                "text/css",
                "text/javascript",
                "application/json",
                "image/svg+xml",
            ];
            kinds.iter().any(|text| kind.starts_with(text))
        });
        is_text && self.0.should_compress(response)
    }
}
