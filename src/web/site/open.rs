//! Opening the page of a daemon that runs already: asked through its control socket.

use axum::Json;
use axum::extract::State;

use super::super::failure::Failure;
use super::Site;
use crate::api::{FailureBody, OpenPageRequest, OpenedPage};
use crate::web::Parts;

/// Where the page is; it is opened unless it is open.
#[utoipa::path(
    post,
    path = "/api/v1/web",
    operation_id = "open_page",
    request_body = OpenPageRequest,
    responses(
        (status = 200, description = "It is open", body = OpenedPage),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn post(
    State(parts): State<Parts>,
    Json(body): Json<OpenPageRequest>,
) -> Result<Json<OpenedPage>, Failure> {
    if let Some(url) = parts.instance.page() {
        let (url, opened) = (url.to_owned(), false);
        return Ok(Json(OpenedPage { url, opened }));
    }
    let site = Site::bind(body.address, body.token.as_deref());
    let failed = |e| {
        Failure::hinted(
            format!("{}: {e}", body.address),
            "name another address with --web ADDR",
        )
    };
    let site = site.map_err(failed)?;
    let url = site.url();
    tokio::spawn(async move {
        if let Err(e) = site.serve(parts).await {
            tracing::error!("web page: {e}");
        }
    });
    let opened = true;
    Ok(Json(OpenedPage { url, opened }))
}
