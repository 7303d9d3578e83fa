//! What goes wrong, as an answer: `{"error": …, "hint": …}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::catalog::QueryError;
use crate::{app, store};

#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    error: String,
    hint: Option<String>,
}

impl Failure {
    pub fn internal(error: String) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error,
            hint: None,
        }
    }

    pub fn bad_request(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: error.into(),
            hint: None,
        }
    }

    pub fn not_found(error: impl Into<String>, hint: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            error: error.into(),
            hint: Some(hint.into()),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<app::Error> for Failure {
    fn from(error: app::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: format!("query: {} at character {}", error.message, error.at),
            hint: Some(error.hint),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "hint": self.hint});
        (self.status, Json(body)).into_response()
    }
}
