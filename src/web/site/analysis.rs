//! Looking at one photo on purpose. It goes on by itself; whoever wants to know asks again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use parking_lot::{Mutex, MutexGuard};

use super::super::failure::Failure;
use super::blocking;
use super::details::{DetailSources, Details, DetailsQuery};
use super::page::{self, Mistake, counted, visible};
use super::view::ViewQuery;
use crate::analysis::scheduler::Request;
use crate::analysis::{AnalysisResult, Retry, Scheduler};
use crate::catalog::{Detail, PhotoId, Status};

/// The analyses that were asked for here, and how they ended, until somebody has seen it.
#[derive(Default)]
pub struct Analyses(Mutex<HashMap<PhotoId, Run>>);

struct Run {
    since: Instant,
    ended: Option<AnalysisResult>,
}

/// Ends that nobody came back for, at most.
const MOST_UNSEEN: usize = 1000;

/// What is shown of it.
pub struct Panel {
    /// Where to ask how far it is.
    pub link: String,
    pub button: Option<&'static str>,
    pub running: Option<String>,
    pub ended: Option<String>,
}

impl Analyses {
    /// False when it runs already.
    fn begin(&self, photo: PhotoId) -> bool {
        let mut runs = self.lock();
        if runs.get(&photo).is_some_and(|run| run.ended.is_none()) {
            return false;
        }
        if runs.len() >= MOST_UNSEEN {
            runs.retain(|_, run| run.ended.is_none());
        }
        let since = Instant::now();
        runs.insert(photo, Run { since, ended: None });
        true
    }

    fn end(&self, photo: PhotoId, ended: AnalysisResult) {
        if let Some(run) = self.lock().get_mut(&photo) {
            run.ended = Some(ended);
        }
    }

    pub fn is_running(&self, photo: PhotoId) -> bool {
        self.lock()
            .get(&photo)
            .is_some_and(|run| run.ended.is_none())
    }

    /// What is to be shown now. An end is shown once.
    pub fn panel(&self, scheduler: &Scheduler, detail: &Detail, view_query: &ViewQuery) -> Panel {
        let photo = detail.entry.photo.id;
        let mut runs = self.lock();
        let ended = runs.get(&photo).and_then(|run| run.ended.clone());
        if ended.is_some() {
            runs.remove(&photo);
        }
        let since = runs.get(&photo).map(|run| run.since);
        Panel {
            link: view_query.link(&format!("/photo/{photo}/analysis")),
            button: button(detail.entry.photo.status),
            running: since.map(|since| running(scheduler, since)),
            ended: ended.map(words),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PhotoId, Run>> {
        self.0.lock()
    }
}

fn button(status: Status) -> Option<&'static str> {
    match status {
        Status::Pending => Some("Look at it"),
        Status::Analyzed => Some("Look again"),
        Status::Failed => Some("Try again"),
        Status::Unsupported => None,
    }
}

fn running(scheduler: &Scheduler, since: Instant) -> String {
    if scheduler.is_paused() {
        return "It waits: analyses are paused, the dashboard lets them go on".into();
    }
    let waiting = scheduler.progress().queued;
    let others = match waiting {
        0 => String::new(),
        n => format!(", {} in the queue", counted(n)),
    };
    format!("Looking at it: {} s{others}", since.elapsed().as_secs())
}

fn words(ended: AnalysisResult) -> String {
    match ended {
        AnalysisResult::Analyzed => "Looked at just now".into(),
        AnalysisResult::Failed(reason) => format!("It failed: {}", visible(&reason)),
        AnalysisResult::Refused(reason) => format!("The model declined: {}", visible(&reason)),
        AnalysisResult::Skipped => "Nothing new: every model that may look has looked".into(),
    }
}

pub async fn post(
    State(sources): State<DetailSources>,
    State(retry): State<Arc<Retry>>,
    Path(id): Path<u32>,
    headers: HeaderMap,
    Form(params): Form<DetailsQuery>,
) -> Result<Response, Mistake> {
    let photo = PhotoId(id);
    super::pictures::there(&sources.library, id).await?;
    if sources.analyses.begin(photo) {
        tokio::spawn(look(retry, sources.clone(), photo));
    }
    match page::is_for_script(&headers) {
        true => fragment(sources, photo, params).await,
        false => {
            Ok(Redirect::to(&params.view_query().link(&format!("/photo/{id}"))).into_response())
        }
    }
}

/// Goes on whether somebody waits or not.
async fn look(retry: Arc<Retry>, sources: DetailSources, photo: PhotoId) {
    let reset = blocking(move || Ok(retry.reset(&[photo])?)).await;
    if let Err(failure) = reset {
        sources
            .analyses
            .end(photo, AnalysisResult::Failed(failure.error));
        return;
    }
    let request = Request {
        photos: vec![photo],
        provider: None,
        stale: true,
    };
    let mut end = AnalysisResult::Skipped;
    sources
        .scheduler
        .analyze_all(request, |_, ended| end = ended.clone())
        .await;
    sources.analyses.end(photo, end);
}

#[derive(Template)]
#[template(path = "analysis.html")]
struct Fragment {
    id: u32,
    view_query: ViewQuery,
    analysis: Panel,
}

/// How far it is: asked by the page while it runs.
pub async fn get(
    State(sources): State<DetailSources>,
    Path(id): Path<u32>,
    Query(params): Query<DetailsQuery>,
) -> Result<Response, Mistake> {
    fragment(sources, PhotoId(id), params).await
}

/// The progress alone; once it is over, all details, for they are others now.
async fn fragment(
    sources: DetailSources,
    photo: PhotoId,
    params: DetailsQuery,
) -> Result<Response, Mistake> {
    let view_query = params.view_query();
    if !sources.analyses.is_running(photo) {
        let page = blocking(move || Details::of(&sources, photo, view_query, None));
        let whole = [("hx-retarget", "#details"), ("hx-reswap", "outerHTML")];
        return Ok((whole, page::html(&page.await?)?).into_response());
    }
    let page = blocking(move || {
        let gone = || Failure::not_found("the photo has just gone", "look where it moved to");
        let detail = sources.library.detail(photo)?.ok_or_else(gone)?;
        let analysis = sources
            .analyses
            .panel(&sources.scheduler, &detail, &view_query);
        Ok(Fragment {
            id: photo.0,
            view_query,
            analysis,
        })
    });
    page::html(&page.await?)
}
