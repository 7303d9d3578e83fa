//! Opening the web page of a process that runs already.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Method, Request};

/// Where the page is to be, and what opens it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenPageRequest {
    /// `127.0.0.1:8080`
    #[schema(value_type = String)]
    pub address: SocketAddr,
    /// What opens the page; where one is needed and none is given, one is made up.
    pub token: Option<String>,
}

impl Request for OpenPageRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/web";
    type Answer = OpenedPage;
}

/// Where the page is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenedPage {
    /// What people enter in their browser.
    pub url: String,
    /// False where it was open already.
    pub opened: bool,
}
