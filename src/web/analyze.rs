//! Analysing on purpose: one line of JSON for each photo as it is done, and a last one that sums up.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::failure::Failure;
use super::shape::{Named, PhotoShape};
use crate::analysis::Ended;
use crate::app::App;
use crate::catalog::PhotoId;

/// How many photos the answer is about.
pub const PHOTOS_HEADER: &str = "kbasefs-photos";

#[derive(Deserialize)]
pub struct Asked {
    /// Every photo of the source when missing.
    photos: Option<Vec<Named>>,
}

pub async fn post(
    State(app): State<Arc<App>>,
    Json(asked): Json<Asked>,
) -> Result<Response, Failure> {
    let scanning = Arc::clone(&app);
    super::blocking(move || Ok(scanning.scan()?)).await?;
    let photos = match asked.photos {
        Some(named) => named
            .iter()
            .map(|n| n.resolve(&app))
            .collect::<Result<_, _>>()?,
        None => everything(&app),
    };
    let count = photos.len().to_string();
    let (lines, ready) = unbounded_channel();
    tokio::spawn(analyze(app, photos, lines));
    let lines = UnboundedReceiverStream::new(ready).map(Ok::<_, std::convert::Infallible>);
    let headers = [
        (CONTENT_TYPE.as_str(), "application/x-ndjson"),
        (PHOTOS_HEADER, count.as_str()),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

fn everything(app: &App) -> Vec<PhotoId> {
    let mut photos = Vec::new();
    app.library
        .index()
        .for_each_photo(&mut |photo| photos.push(photo.id));
    photos
}

#[derive(Default)]
struct Sum {
    analyzed: u64,
    failed: u64,
    skipped: u64,
}

/// Ends early when nobody listens any more; what is running is still committed.
async fn analyze(app: Arc<App>, photos: Vec<PhotoId>, lines: UnboundedSender<String>) {
    let start = Instant::now();
    let count = photos.len();
    let mut sum = Sum::default();
    let done = app.scheduler.analyze_all(photos, |photo, ended| {
        match ended {
            Ended::Analyzed => sum.analyzed += 1,
            Ended::Failed(_) => sum.failed += 1,
            Ended::Skipped => sum.skipped += 1,
        }
        send(&lines, &line(&app, photo, ended));
    });
    tokio::select! {
        () = done => {}
        () = lines.closed() => return,
    }
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

fn line(app: &App, photo: PhotoId, ended: &Ended) -> Value {
    let mut line = match app.library.detail(photo) {
        Ok(Some(detail)) => json!(PhotoShape::from(&detail)),
        Ok(None) => json!({"id": photo.0}),
        Err(error) => json!({"id": photo.0, "error": error.to_string()}),
    };
    line["result"] = match ended {
        Ended::Analyzed => "analyzed",
        Ended::Failed(_) => "failed",
        Ended::Skipped => "skipped",
    }
    .into();
    line
}
