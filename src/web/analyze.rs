//! Analysing on purpose: one line of JSON for each photo as it is done, and a last one that sums up.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::failure::Failure;
use super::shape;
use crate::analysis::budget::Usage;
use crate::analysis::scheduler::{Provider, Request};
use crate::analysis::{AnalysisResult, Scheduler};
use crate::api::{
    AnalyzeLine, AnalyzeRequest, AnalyzeResult, AnalyzedPhoto, AnalyzedSum, Estimate, FailureBody,
    PHOTOS_HEADER, Photo, PhotoName, ProviderEstimate, UnreadPhoto,
};
use crate::blocking::unblock;
use crate::catalog::{PhotoId, SourcePath};
use crate::library::Library;
use crate::source::Scanner;
use crate::source_files::SourceFiles;

/// Has photos looked at, and tells of each as it is done.
#[utoipa::path(
    post,
    path = "/api/v1/analyze",
    operation_id = "analyze",
    request_body = AnalyzeRequest,
    responses(
        (
            status = 200,
            description = "A line of JSON for each photo, and a last one that sums up; with dry_run, only what it would \
                           take",
            content((AnalyzeLine = "application/x-ndjson"), (Estimate = "application/json")),
            headers(("kbasefs-photos" = u64, description = "How many photos the answer is about")),
        ),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
        (status = 404, description = "What is wrong, and what to do", body = FailureBody),
        (status = 409, description = "Analyses are paused, or the file has changed since the last scan", body = FailureBody),
    )
)]
pub async fn post(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    State(source_files): State<Arc<SourceFiles>>,
    State(scheduler): State<Arc<Scheduler>>,
    Json(body): Json<AnalyzeRequest>,
) -> Result<Response, Failure> {
    let within = shape::within(body.within_base64.as_ref())?;
    let (named, index) = (body.photos, Arc::clone(&library));
    let photos = super::at_source(&source_files, move || {
        scanner.scan_below(&within)?;
        scanner.verify_suspects()?;
        let one = |named: &PhotoName| named.resolve(&index, &scanner);
        match named {
            Some(named) => named.iter().map(one).collect(),
            None => Ok(below(&index, &within)),
        }
    });
    let photos = photos.await?;
    if let Some(name) = body.provider.as_deref().filter(|name| !scheduler.has(name)) {
        let hint = "`kbasefs provider list` names those that are configured";
        return Err(Failure::not_found(
            format!("no provider is called {name}"),
            hint,
        ));
    }
    let count = photos.len().to_string();
    let request = Request {
        photos,
        provider: body.provider,
        stale: body.stale,
    };
    if body.dry_run {
        let estimate = super::blocking(move || Ok(estimate(&scheduler, &request))).await?;
        return Ok(Json(estimate).into_response());
    }
    if scheduler.is_paused() {
        let hint = "the dashboard of the web page lets them go on, or POST /api/v1/pause with paused = false on the control socket";
        return Err(Failure::refused(
            StatusCode::CONFLICT,
            "analyses are paused",
            hint,
        ));
    }
    let (lines, ready) = mpsc::channel(UNREAD);
    tokio::spawn(analyze(library, scheduler, request, lines));
    let lines = ReceiverStream::new(ready).map(Ok::<_, std::convert::Infallible>);
    let headers = [
        (CONTENT_TYPE.as_str(), "application/x-ndjson"),
        (PHOTOS_HEADER, count.as_str()),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

fn below(library: &Library, folder: &SourcePath) -> Vec<PhotoId> {
    let photos = library.index().photos_below(folder.as_bytes());
    photos.into_iter().map(PhotoId).collect()
}

/// What one photo took so far, where nothing is known yet: a picture of 768 pixels and a description.
const USUAL_INPUT: f64 = 1100.0;
const USUAL_OUTPUT: f64 = 250.0;

/// What an analysis would take, by what the requests of this month took.
fn estimate(scheduler: &Scheduler, request: &Request) -> Estimate {
    let parts = scheduler.estimate(request).into_iter();
    Estimate {
        photos: request.photos.len() as u64,
        providers: parts
            .map(|(provider, images)| estimate_of(scheduler, &provider, images))
            .collect(),
    }
}

fn estimate_of(scheduler: &Scheduler, provider: &Provider, images: u64) -> ProviderEstimate {
    let (name, model) = (provider.analyzer.name(), provider.analyzer.model());
    let free = ProviderEstimate {
        name: name.into(),
        model: model.into(),
        images,
        input_tokens: 0,
        output_tokens: 0,
        cost: Some(0.0),
        seconds: None,
    };
    let Some(server) = &provider.server else {
        return free;
    };
    let month = server.budget.spending().month;
    let told = (month.requests > 0 && month.input_tokens > 0).then_some(month.requests as f64);
    let each = |sum: u64, usual: f64| told.map_or(usual, |requests| sum as f64 / requests);
    let input = each(month.input_tokens, USUAL_INPUT) * images as f64;
    let output = each(month.output_tokens, USUAL_OUTPUT) * images as f64;
    let usage = Usage {
        input: input as u64,
        output: output as u64,
    };
    ProviderEstimate {
        input_tokens: usage.input,
        output_tokens: usage.output,
        cost: server.budget.price().map(|price| price.of(usage)),
        seconds: scheduler.pace(name).map(|each| each * images as f64),
        ..free
    }
}

/// Lines, and photos of which no line is written yet, that wait for a slow reader. Then the photos wait as well.
const UNREAD: usize = 64;

/// Ends early when nobody listens any more; what is running is still committed.
async fn analyze(
    library: Arc<Library>,
    scheduler: Arc<Scheduler>,
    request: Request,
    lines: mpsc::Sender<String>,
) {
    let start = Instant::now();
    let photos = request.photos.len() as u64;
    let (tell, told) = mpsc::channel(UNREAD);
    let done = scheduler.analyze_to(request, tell);
    let telling = tell_each(&library, told, &lines);
    let sum = tokio::select! {
        (_, sum) = async { tokio::join!(done, telling) } => sum,
        () = lines.closed() => return,
    };
    let seconds = start.elapsed().as_secs_f64();
    let sum = AnalyzedSum {
        photos,
        seconds,
        ..sum
    };
    send(&lines, &AnalyzeLine::Sum(sum)).await;
}

/// What is known of each photo is read by a thread that may wait for the disk.
async fn tell_each(
    library: &Arc<Library>,
    mut told: mpsc::Receiver<(PhotoId, AnalysisResult)>,
    lines: &mpsc::Sender<String>,
) -> AnalyzedSum {
    let mut sum = AnalyzedSum::default();
    while let Some((photo, ended)) = told.recv().await {
        let result = result(&ended);
        sum.add(result);
        let library = Arc::clone(library);
        let line = unblock(move || line(&library, photo, result, reason(ended)));
        send(lines, &line.await).await;
    }
    sum
}

/// Who has stopped listening is told nothing.
async fn send(lines: &mpsc::Sender<String>, line: &AnalyzeLine) {
    let line = serde_json::to_string(line).expect("it has text for keys");
    let _ = lines.send(line + "\n").await;
}

fn line(
    library: &Library,
    photo: PhotoId,
    result: AnalyzeResult,
    reason: Option<String>,
) -> AnalyzeLine {
    let error = match library.detail(photo) {
        Ok(Some(detail)) => {
            let mut photo = Photo::from(&detail);
            photo.reason = reason.or(photo.reason);
            return AnalyzeLine::Photo(Box::new(AnalyzedPhoto { photo, result }));
        }
        Ok(None) => None,
        Err(error) => Some(error.to_string()),
    };
    AnalyzeLine::Unread(UnreadPhoto {
        id: photo.0,
        error,
        reason,
        result,
    })
}

fn result(ended: &AnalysisResult) -> AnalyzeResult {
    match ended {
        AnalysisResult::Analyzed => AnalyzeResult::Analyzed,
        AnalysisResult::Failed(_) => AnalyzeResult::Failed,
        AnalysisResult::Refused(_) => AnalyzeResult::Refused,
        AnalysisResult::Skipped => AnalyzeResult::Skipped,
    }
}

fn reason(ended: AnalysisResult) -> Option<String> {
    match ended {
        AnalysisResult::Failed(reason) | AnalysisResult::Refused(reason) => Some(reason),
        AnalysisResult::Analyzed | AnalysisResult::Skipped => None,
    }
}
