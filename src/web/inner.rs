//! Taking over the catalog of a folder within the source.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::export::report_shape;
use super::failure::Failure;
use crate::api::{AdoptRequest, Adopted, FailureBody};
use crate::exchange::Takeover;
use crate::monitor::Instance;
use crate::source_files::SourceFiles;

/// Takes over the catalog of a folder within the source.
#[utoipa::path(
    post,
    path = "/api/v1/catalog/adopt",
    operation_id = "adopt",
    request_body = AdoptRequest,
    responses(
        (status = 200, description = "What was taken over", body = Adopted),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn adopt(
    State(takeover): State<Arc<Takeover>>,
    State(source_files): State<Arc<SourceFiles>>,
    State(instance): State<Arc<Instance>>,
    Json(body): Json<AdoptRequest>,
) -> Result<Json<Adopted>, Failure> {
    super::at_source(&source_files, move || {
        let folder = body.source.resolve(&instance)?;
        let taken = takeover.run(&folder, &body.index.resolve(&instance)?)?;
        Ok(Json(Adopted {
            report: report_shape(taken.report),
            aside: taken.aside.to_string_lossy().into_owned(),
        }))
    })
    .await
}
