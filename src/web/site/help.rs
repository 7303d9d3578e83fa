//! How to write queries, and which keys there are.

use askama::Template;
use axum::response::Response;

use super::page::{self, Frame, Mistake};
use crate::catalog::FIELDS;

#[derive(Template)]
#[template(path = "help.html")]
struct Help {
    frame: Frame,
    fields: Vec<(&'static str, &'static str)>,
}

pub async fn get() -> Result<Response, Mistake> {
    page::html(&Help {
        frame: Frame::new("Help", ""),
        fields: FIELDS
            .iter()
            .map(|field| (field.example, field.means))
            .collect(),
    })
}
