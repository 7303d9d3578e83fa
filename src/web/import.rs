//! What other programs, other catalogs and sidecars know of the photos, taken in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, State};

use super::export::{below, format, report_shape};
use super::failure::Failure;
use super::parts::{Options, Parts};
use super::shape;
use crate::analysis::scheduler::Adopted;
use crate::analysis::tag_normalizer::TagNormalizer;
use crate::analysis::{AnalysisResult, Scheduler, parse};
use crate::api::{ExchangeReport, FailureBody, ImportRequest};
use crate::catalog::{PhotoId, clean};
use crate::exchange::{Exchange, ForeignAnswer, Format};
use crate::library::Library;
use crate::monitor::Instance;
use crate::source_files::SourceFiles;

/// Takes in what other programs, other catalogs and sidecars know of the photos.
#[utoipa::path(
    post,
    path = "/api/v1/import",
    operation_id = "import",
    request_body = ImportRequest,
    responses(
        (status = 200, description = "How it went", body = ExchangeReport),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn post(
    State(into): State<ImportTarget>,
    Json(body): Json<ImportRequest>,
) -> Result<Json<ExchangeReport>, Failure> {
    let source_files = Arc::clone(&into.source_files);
    super::at_source(&source_files, move || import(&into, &body).map(Json)).await
}

/// What answers and facts are taken into.
#[derive(Clone)]
pub struct ImportTarget {
    library: Arc<Library>,
    source_files: Arc<SourceFiles>,
    scheduler: Arc<Scheduler>,
    instance: Arc<Instance>,
    options: Options,
}

impl FromRef<Parts> for ImportTarget {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            library: FromRef::from_ref(parts),
            source_files: FromRef::from_ref(parts),
            scheduler: FromRef::from_ref(parts),
            instance: FromRef::from_ref(parts),
            options: FromRef::from_ref(parts),
        }
    }
}

fn import(into: &ImportTarget, body: &ImportRequest) -> Result<ExchangeReport, Failure> {
    let wanted = body.format.as_deref().map(format).transpose()?;
    let within = shape::within(body.within_base64.as_ref())?;
    let (from, format) = match &body.from {
        Some(path) => (path.resolve(&into.instance)?, wanted),
        None => (below(into.source_files.root(), &within), Some(Format::Xmp)),
    };
    let exchange = Exchange {
        library: &into.library,
        source_files: &into.source_files,
        folder: within,
    };
    let adopt = |photo, said: &ForeignAnswer| adopt(into, photo, said);
    Ok(report_shape(exchange.import(&from, format, &adopt)?))
}

/// Takes over what another program's model said, as if a provider of this one had: cleaned, and beside what the picture is.
fn adopt(into: &ImportTarget, photo: PhotoId, said: &ForeignAnswer) -> Result<bool, String> {
    let answer = parse::of_object(&said.answer, &TagNormalizer::new(false));
    let model = said.model.as_deref().and_then(|model| clean(model, 200));
    let adopted = Adopted {
        photo,
        model: model.unwrap_or_else(|| "unknown".into()),
        at: said.at,
        answer: answer.map_err(|why| why.to_string())?,
    };
    let largest = into.options.largest_photo;
    match into.scheduler.adopt(&into.source_files, largest, adopted) {
        AnalysisResult::Analyzed => Ok(true),
        AnalysisResult::Skipped => Ok(false),
        AnalysisResult::Failed(why) | AnalysisResult::Refused(why) => Err(why),
    }
}
