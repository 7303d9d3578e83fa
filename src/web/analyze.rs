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
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::failure::Failure;
use super::shape::{self, Named, PhotoShape};
use crate::analysis::budget::Usage;
use crate::analysis::scheduler::Request;
use crate::analysis::{AnalysisResult, Scheduler};
use crate::blocking::unblock;
use crate::catalog::{PhotoId, SourcePath};
use crate::library::Library;
use crate::source::Scanner;

/// How many photos the answer is about.
pub const PHOTOS_HEADER: &str = "kbasefs-photos";

#[derive(Deserialize)]
pub struct AnalyzeRequest {
    /// Every photo of the source, or of a folder of it, when missing.
    photos: Option<Vec<Named>>,
    within_base64: Option<String>,
    /// Only this one is to look; else all inside the program, and the preferred server.
    provider: Option<String>,
    /// Also at photos that it has looked at with another model or prompt.
    #[serde(default)]
    stale: bool,
    /// Only say what it would take.
    #[serde(default)]
    dry_run: bool,
}

pub async fn post(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    State(scheduler): State<Arc<Scheduler>>,
    Json(body): Json<AnalyzeRequest>,
) -> Result<Response, Failure> {
    let within = shape::within(body.within_base64.as_deref())?;
    let (named, index) = (body.photos, Arc::clone(&library));
    let photos = super::blocking(move || {
        scanner.scan_below(&within)?;
        let one = |named: &Named| named.resolve(&index, &scanner);
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
    let (lines, ready) = unbounded_channel();
    tokio::spawn(analyze(library, scheduler, request, lines));
    let lines = UnboundedReceiverStream::new(ready).map(Ok::<_, std::convert::Infallible>);
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
fn estimate(scheduler: &Scheduler, request: &Request) -> Value {
    let parts = scheduler.estimate(request).into_iter();
    let parts = parts.map(|(provider, images)| {
        let name = provider.analyzer.name();
        let model = provider.analyzer.model();
        let Some(server) = &provider.server else {
            return json!({
                "name": name, "model": model, "images": images, "input_tokens": 0, "output_tokens": 0, "cost": 0.0,
                "seconds": null,
            });
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
        json!({
            "name": name,
            "model": model,
            "images": images,
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "cost": server.budget.price().map(|price| price.of(usage)),
            "seconds": scheduler.pace(name).map(|each| each * images as f64),
        })
    });
    json!({"photos": request.photos.len(), "providers": parts.collect::<Vec<_>>()})
}

#[derive(Default)]
struct Sum {
    analyzed: u64,
    failed: u64,
    skipped: u64,
}

impl Sum {
    fn add(&mut self, ended: &AnalysisResult) {
        match ended {
            AnalysisResult::Analyzed => self.analyzed += 1,
            AnalysisResult::Failed(_) | AnalysisResult::Refused(_) => self.failed += 1,
            AnalysisResult::Skipped => self.skipped += 1,
        }
    }
}

/// Ends early when nobody listens any more; what is running is still committed.
async fn analyze(
    library: Arc<Library>,
    scheduler: Arc<Scheduler>,
    request: Request,
    lines: UnboundedSender<String>,
) {
    let start = Instant::now();
    let count = request.photos.len();
    // What is known of each photo is read by a thread that may wait for the disk, until nobody tells it more.
    let (tell, mut told) = unbounded_channel();
    let written = lines.clone();
    let counting = unblock(move || {
        let mut sum = Sum::default();
        while let Some((photo, ended)) = told.blocking_recv() {
            sum.add(&ended);
            send(&written, &line(&library, photo, &ended));
        }
        sum
    });
    let done = async move {
        let each = |photo, ended: &AnalysisResult| {
            // Fails when that thread broke down, which `counting` tells.
            let _ = tell.send((photo, ended.clone()));
        };
        scheduler.analyze_all(request, each).await;
        drop(tell);
    };
    let (_, sum) = tokio::select! {
        both = async { tokio::join!(done, counting) } => both,
        () = lines.closed() => return,
    };
    let seconds = start.elapsed().as_secs_f64();
    send(
        &lines,
        &json!({
            "photos": count,
            "analyzed": sum.analyzed,
            "failed": sum.failed,
            "skipped": sum.skipped,
            "seconds": seconds,
        }),
    );
}

/// Who has stopped listening is told nothing.
fn send(lines: &UnboundedSender<String>, line: &Value) {
    let _ = lines.send(format!("{line}\n"));
}

fn line(library: &Library, photo: PhotoId, ended: &AnalysisResult) -> Value {
    let mut line = match library.detail(photo) {
        Ok(Some(detail)) => json!(PhotoShape::from(&detail)),
        Ok(None) => json!({"id": photo.0}),
        Err(error) => json!({"id": photo.0, "error": error.to_string()}),
    };
    line["result"] = match ended {
        AnalysisResult::Analyzed => "analyzed",
        AnalysisResult::Failed(_) => "failed",
        AnalysisResult::Refused(_) => "refused",
        AnalysisResult::Skipped => "skipped",
    }
    .into();
    if let AnalysisResult::Failed(reason) | AnalysisResult::Refused(reason) = ended {
        line["reason"] = reason.as_str().into();
    }
    line
}
