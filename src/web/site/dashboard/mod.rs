//! What the program is doing just now, and did in the last hour: a page that goes on by itself, with a pause.
//!
//! The page holds the board once; every event is the board again, from the same template.

mod board;
mod live;
mod plot;
pub mod words;

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::failure::Failure;
use super::blocking;
use super::page::{self, Frame, Mistake};
use crate::analysis::{Retry, Scheduler};
use crate::monitor::Monitor;
use board::Board;

pub use live::Live;

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    frame: Frame,
    board: Board,
}

/// What changes of it.
#[derive(Template)]
#[template(path = "board.html")]
struct Event {
    board: Board,
}

fn board(monitor: &Monitor) -> Board {
    let snapshot = monitor.snapshot();
    let samples: Vec<_> = monitor.history().samples().copied().collect();
    Board::new(snapshot, &samples)
}

pub async fn get(State(monitor): State<Arc<Monitor>>) -> Result<Response, Mistake> {
    let board = blocking(move || Ok(board(&monitor)));
    page::html(&Dashboard {
        frame: Frame::new("Dashboard", "/dashboard"),
        board: board.await?,
    })
}

pub async fn events(
    State(monitor): State<Arc<Monitor>>,
    State(live): State<Arc<Live>>,
) -> Result<Response, Failure> {
    let make = move || {
        let monitor = Arc::clone(&monitor);
        blocking(move || {
            let board = board(&monitor);
            page::render(&Event { board })
        })
    };
    let events = live.watch(make).ok_or_else(|| {
        Failure::refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many look at the dashboard",
            "close it somewhere else",
        )
    })?;
    Ok(Sse::new(events).into_response())
}

#[derive(Deserialize)]
pub struct PauseForm {
    paused: bool,
}

/// Has analyses wait, or go on.
pub async fn pause(
    State(scheduler): State<Arc<Scheduler>>,
    Form(body): Form<PauseForm>,
) -> Redirect {
    scheduler.pause(body.paused);
    Redirect::to("/dashboard")
}

/// Gives every photo that failed another chance.
pub async fn retry(State(retry): State<Arc<Retry>>) -> Result<Redirect, Mistake> {
    let retried = blocking(move || Ok(retry.all()?));
    retried.await?;
    Ok(Redirect::to("/dashboard"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Bill, HostUse, Snapshot};
    use crate::metrics::{Counters, Histogram, History, Requests, Sample};

    fn rendered(counters: &Counters) -> String {
        let samples = [Sample::default()];
        let board = Board::new(Snapshot::of(counters, &History::default()), &samples);
        Event { board }.render().unwrap()
    }

    #[test]
    fn a_board_has_everything_that_is_counted() {
        let times = Histogram::default();
        times.add(std::time::Duration::from_millis(3));
        let host = HostUse {
            name: "desk".into(),
            running: 2,
            limit: 4,
            today: Some(Bill::default()),
            ..HostUse::default()
        };
        let board = rendered(&Counters {
            photos: Some(vec![("failed", 3)]),
            waiting: vec![("asked", 17)],
            hosts: vec![host],
            stages: vec![("infer", times.read())],
            errors: vec![("busy", 5), ("never", 0)],
            requests: vec![Requests {
                kind: "lookup",
                begun: 1,
                times: times.read(),
            }],
            ..Counters::default()
        });
        for shown in [
            "<dt>asked</dt><dd>17</dd>",
            "<dt>running</dt><dd>2 of 4</dd>",
            "<dt>cost today</dt><dd>not known</dd>",
            "<th scope=\"row\">infer</th>",
            "<th scope=\"row\">lookup</th>",
            "<th scope=\"row\">busy</th><td>5</td><td>5</td>",
            "Retry failed <span class=\"count\">3</span>",
            "aria-label=\"Memory, the last 5 min:",
        ] {
            assert!(board.contains(shown), "{shown}: {board}");
        }
        assert!(!board.contains("never"));
        assert_eq!(board.matches("role=\"img\"").count(), 6);
    }

    #[test]
    fn a_board_shows_what_is_hostile_as_text() {
        let poison = "\"><script>alert(1)</script>\u{202e}";
        let board = rendered(&Counters {
            hosts: vec![HostUse {
                name: poison.into(),
                model: poison.into(),
                trouble: Some(poison.into()),
                ..HostUse::default()
            }],
            ..Counters::default()
        });
        assert_eq!(board.matches("alert(1)").count(), 3);
        assert!(!board.contains("<script") && !board.contains('\u{202e}'));
    }

    #[test]
    fn a_catalog_that_is_being_loaded_says_so() {
        assert!(rendered(&Counters::default()).contains("The index is being loaded"));
    }
}
