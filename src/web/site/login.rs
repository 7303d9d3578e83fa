//! Showing the token once, for a cookie that only this server sees and no script.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::auth::{AccessGuard, COOKIE};
use super::page::{self, Frame, Mistake};

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    is_wrong: bool,
}

#[derive(Deserialize)]
pub struct Shown {
    token: Option<String>,
}

/// The form, or straight in by the address that was printed.
pub async fn get(
    State(access_guard): State<Arc<AccessGuard>>,
    Query(shown): Query<Shown>,
) -> Result<Response, Mistake> {
    match shown.token {
        Some(token) => enter(&access_guard, &token).await,
        None => form(StatusCode::OK),
    }
}

pub async fn post(
    State(access_guard): State<Arc<AccessGuard>>,
    Form(shown): Form<Shown>,
) -> Result<Response, Mistake> {
    enter(&access_guard, &shown.token.unwrap_or_default()).await
}

/// Guessing is slow.
const AFTER_A_GUESS: Duration = Duration::from_millis(500);

async fn enter(access_guard: &AccessGuard, token: &str) -> Result<Response, Mistake> {
    let Some(session) = access_guard.admit(token) else {
        tokio::time::sleep(AFTER_A_GUESS).await;
        return form(StatusCode::FORBIDDEN);
    };
    let cookie = format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict");
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

fn form(status: StatusCode) -> Result<Response, Mistake> {
    let page = page::render(&Login {
        frame: Frame::new("Sign in", ""),
        is_wrong: status != StatusCode::OK,
    })?;
    Ok((status, Html(page)).into_response())
}
