//! What goes wrong, as an answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::FailureBody;
use crate::catalog::QueryError;
use crate::{backups, exchange, source, store};

#[derive(Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub error: String,
    pub hint: Option<String>,
    /// A query with a mark below the place that is wrong.
    pub pointed: Option<String>,
}

impl Failure {
    /// A query that can't be understood.
    pub fn query(query: &str, error: QueryError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            pointed: Some(error.pointed(query)),
            error: format!("query: {} at character {}", error.message, error.at),
            hint: Some(error.hint),
        }
    }

    pub fn internal(error: String) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error,
            hint: None,
            pointed: None,
        }
    }

    pub fn bad_request(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: error.into(),
            hint: None,
            pointed: None,
        }
    }

    /// Somebody asks for what they may not have.
    pub fn refused(status: StatusCode, error: &str, hint: &str) -> Self {
        Self {
            status,
            ..Self::hinted(error, hint)
        }
    }

    pub fn hinted(error: impl Into<String>, hint: &str) -> Self {
        Self {
            hint: Some(hint.into()),
            ..Self::bad_request(error)
        }
    }

    pub fn not_found(error: impl Into<String>, hint: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            error: error.into(),
            hint: Some(hint.into()),
            pointed: None,
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy => Self::refused(
                StatusCode::SERVICE_UNAVAILABLE,
                &error.to_string(),
                "end what holds the catalog's file, or try again when it is done",
            ),
            error => Self::internal(error.to_string()),
        }
    }
}

impl From<exchange::Error> for Failure {
    fn from(error: exchange::Error) -> Self {
        match error {
            exchange::Error::Store(error) => error.into(),
            exchange::Error::Scan(error) => error.into(),
            exchange::Error::Disk { .. } => Self::bad_request(error.to_string()),
            exchange::Error::Malformed { .. } => Self::hinted(
                error.to_string(),
                "import takes an export of kbasefs, sidecars, or JSON or CSV with the path of each photo",
            ),
        }
    }
}

impl From<backups::Error> for Failure {
    fn from(error: backups::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<source::Error> for Failure {
    fn from(error: source::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = FailureBody {
            error: self.error,
            hint: self.hint,
            pointed: self.pointed,
        };
        (self.status, Json(body)).into_response()
    }
}
