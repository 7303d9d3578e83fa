//! The models that look: whether they are of use now, what they did and what they cost.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::blocking;
use super::page::{self, Frame, Mistake, counted, visible};
use crate::analysis::Scheduler;
use crate::analysis::scheduler::ProviderState;
use crate::catalog::Status;
use crate::library::Library;
use crate::store::provider_store::Spent;

#[derive(Template)]
#[template(path = "providers.html")]
struct Providers {
    frame: Frame,
    analyzed: String,
    pending: String,
    queued: String,
    running: String,
    providers: Vec<Shown>,
    any_server: bool,
}

/// A provider as the page shows it.
struct Shown {
    name: String,
    model: String,
    /// What keeps it from working, if something does.
    trouble: Option<String>,
    answered: String,
    stale: u64,
    declined: u64,
    queued: String,
    running: u64,
    limit: usize,
    /// `None` inside the program, which costs nothing.
    bills: Option<Bills>,
}

struct Bills {
    today: Bill,
    month: Bill,
}

struct Bill {
    requests: String,
    tokens: String,
    cost: String,
}

impl From<Spent> for Bill {
    fn from(spent: Spent) -> Self {
        Self {
            requests: counted(spent.requests),
            tokens: counted(spent.input_tokens + spent.output_tokens),
            // What part of the requests cost isn't known makes the sum unknown, not small.
            cost: match spent.unpriced {
                0 => format!("{:.4}", spent.cost),
                _ => "not known".into(),
            },
        }
    }
}

pub async fn get(
    State(library): State<Arc<Library>>,
    State(scheduler): State<Arc<Scheduler>>,
) -> Result<Response, Mistake> {
    let page = blocking(move || Ok(make(&library, &scheduler)));
    page::html(&page.await?)
}

fn make(library: &Library, scheduler: &Scheduler) -> Providers {
    let work = scheduler.progress();
    let providers = scheduler.providers();
    Providers {
        frame: Frame::new("Providers", "/providers"),
        analyzed: counted(library.index().count_with(Status::Analyzed)),
        pending: counted(library.index().count_with(Status::Pending)),
        queued: counted(work.queued),
        running: counted(work.running),
        any_server: providers
            .iter()
            .any(|state| state.provider.server.is_some()),
        providers: providers.into_iter().map(shown).collect(),
    }
}

fn shown(state: ProviderState) -> Shown {
    let budget = state.provider.server.as_ref().map(|server| &server.budget);
    let paused = budget.and_then(|budget| budget.is_open().err());
    let bills = budget.map(|budget| budget.spending()).map(|spent| Bills {
        today: spent.today.into(),
        month: spent.month.into(),
    });
    let trouble = state.down.or(paused.map(|why| why.to_string()));
    Shown {
        name: visible(state.provider.analyzer.name()),
        model: visible(state.provider.analyzer.model()),
        trouble: trouble.map(|why| visible(&why)),
        answered: counted(state.answered),
        stale: state.stale,
        declined: state.declined,
        queued: counted(state.counts.queued),
        running: state.counts.running,
        limit: state.limit,
        bills,
    }
}
