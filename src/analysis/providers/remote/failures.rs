//! What the failure of a request means: for this picture, for the moment, or for the whole server. Decided here only.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use serde_json::Value;

use crate::analysis::{Failure, Outage};
use crate::catalog::clean;

/// Characters of a server's own words that are kept.
const LONGEST_WORDS: usize = 200;

/// The longest that a server may ask to be left alone: quotas of a day say so, and no typing mistake is to end a
/// provider for a year.
const LONGEST_REST: Duration = Duration::from_secs(24 * 3600);

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// The server understands the request and doesn't like it; in its words.
    Rejected(String),
    Failed(Failure),
    /// It was on its way, and how it ended isn't known: it may have to be paid.
    Lost(Failure),
}

impl Trouble {
    /// What it means for the scheduler. A rejection that no capability explains is about this picture.
    pub fn failure(self) -> Failure {
        match self {
            Self::Rejected(reason) => Failure::Permanent { reason },
            Self::Failed(failure) | Self::Lost(failure) => failure,
        }
    }

    /// Whether the server may have computed an answer, which it then counts.
    pub fn may_cost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

/// An answer with a status that isn't success. `name` is the provider's.
pub fn of_status(
    name: &str,
    status: StatusCode,
    body: &str,
    retry_after: Option<Duration>,
) -> Trouble {
    let (words, kind) = error_of(&serde_json::from_str(body).unwrap_or(Value::Null));
    let words =
        words.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_lowercase());
    let said = format!("{name}: {words} (status {})", status.as_u16());
    by_code(status.as_u16(), &kind, said, retry_after)
}

/// An error inside an answer that claims to be one, if there is one.
pub fn inside(name: &str, body: &Value) -> Option<Trouble> {
    let error = &body["error"];
    if error.is_null()
        || (error.is_object() && error.as_object().is_some_and(serde_json::Map::is_empty))
    {
        return None;
    }
    let (words, kind) = error_of(body);
    let said = format!(
        "{name}: {}",
        words.unwrap_or_else(|| "an error without words".into())
    );
    let code = ["code", "status", "http_code"]
        .iter()
        .find_map(|key| number(&error[key]));
    Some(match code {
        Some(code) => by_code(code, &kind, said, None),
        None => by_kind(&kind, said),
    })
}

fn number(value: &Value) -> Option<u16> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().and_then(|n| u16::try_from(n).ok()).or(text)
}

/// The words, and everything that tells what kind of error it is, in lower case.
fn error_of(body: &Value) -> (Option<String>, String) {
    let error = &body["error"];
    let words = error["message"]
        .as_str()
        .or_else(|| error.as_str())
        .or_else(|| body["message"].as_str());
    let tells = [&error["type"], &error["code"], &error["status"]];
    let mut kind = tells
        .iter()
        .filter_map(|v| v.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    kind.push(' ');
    kind.push_str(words.unwrap_or_default());
    let words = words.and_then(|words| clean(words, LONGEST_WORDS));
    (words, kind.to_lowercase())
}

fn by_code(code: u16, kind: &str, said: String, retry_after: Option<Duration>) -> Trouble {
    let denied = says(kind, &DENIED) || (kind.contains("model") && says(kind, &MISSING));
    Trouble::Failed(match code {
        401 | 402 | 403 | 404 | 405 | 407 | 410 | 421 | 501 => denial(said),
        300..=399 => denial(format!("{said}: it redirects, which is not followed")),
        400 | 422 if denied => denial(said),
        400 | 422 => return Trouble::Rejected(said),
        413..=415 | 431 => Failure::Permanent { reason: said },
        429 if says(kind, &NO_MONEY) => denial(said),
        429 | 503 | 529 => Failure::Busy {
            reason: said,
            retry_after,
        },
        _ => Failure::Transient {
            reason: said,
            retry_after,
        },
    })
}

fn by_kind(kind: &str, said: String) -> Trouble {
    let code = match kind {
        _ if says(kind, &NO_MONEY) => 402,
        _ if says(kind, &DENIED) => 401,
        _ if kind.contains("model") && says(kind, &MISSING) => 404,
        _ if says(
            kind,
            &[
                "rate_limit",
                "rate limit",
                "overloaded",
                "too many requests",
            ],
        ) =>
        {
            429
        }
        _ if says(kind, &["invalid_request", "invalid request", "unsupported"]) => 400,
        _ => 500,
    };
    by_code(code, kind, said, None)
}

fn denial(reason: String) -> Failure {
    Failure::Host {
        reason,
        outage: Outage::Denied,
    }
}

// Words in `type`, `code`, `status` or the message, by which servers that answer everything with 400 or 200 say more.
const DENIED: [&str; 6] = [
    "api key",
    "api_key",
    "authentication",
    "unauthorized",
    "permission",
    "credential",
];
const NO_MONEY: [&str; 6] = [
    "insufficient_quota",
    "exceeded your current quota",
    "billing",
    "credit",
    "payment",
    "insufficient balance",
];
const MISSING: [&str; 4] = ["not found", "not_found", "does not exist", "unknown model"];

fn says(kind: &str, words: &[&str]) -> bool {
    words.iter().any(|word| kind.contains(word))
}

/// `Retry-After`, in seconds or as a date.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let rest = match value.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds.max(0.0)).ok()?,
        Err(_) => {
            let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
            date.duration_since(now).try_into().unwrap_or_default()
        }
    };
    Some(rest.min(LONGEST_REST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        let shown = shown(of_status("desk", status, body, None));
        assert_eq!(shown, expected, "{body}");
    }

    fn shown(trouble: Trouble) -> String {
        match trouble {
            Trouble::Rejected(said) => format!("rejected {said}"),
            Trouble::Failed(Failure::Host { outage, reason }) => format!("{outage:?} {reason}"),
            Trouble::Failed(Failure::Busy { reason, .. }) => format!("busy {reason}"),
            Trouble::Failed(Failure::Transient { reason, .. }) => format!("transient {reason}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn statuses_say_whom_a_failure_concerns() {
        check(
            500,
            "",
            "transient desk: internal server error (status 500)",
        );
        check(502, "<html>", "transient desk: bad gateway (status 502)");
        check(
            429,
            r#"{"error": {"message": "Slow down", "type": "requests"}}"#,
            "busy desk: Slow down (status 429)",
        );
        check(
            429,
            r#"{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}"#,
            "Denied desk: You exceeded your current quota (status 429)",
        );
        check(
            401,
            r#"{"error": "bad\u001b[1m key"}"#,
            "Denied desk: bad[1m key (status 401)",
        );
        check(
            404,
            r#"{"error": "model 'x' not found"}"#,
            "Denied desk: model 'x' not found (status 404)",
        );
        check(
            400,
            r#"{"error": {"message": "API key not valid."}}"#,
            "Denied desk: API key not valid. (status 400)",
        );
        check(
            400,
            r#"{"error": {"message": "no json_schema here"}}"#,
            "rejected desk: no json_schema here (status 400)",
        );
        check(503, "", "busy desk: service unavailable (status 503)");
        assert!(matches!(
            of_status("desk", StatusCode::PAYLOAD_TOO_LARGE, "", None),
            Trouble::Failed(Failure::Permanent { .. })
        ));
        check(
            302,
            "",
            "Denied desk: found (status 302): it redirects, which is not followed",
        );
    }

    #[test]
    fn errors_inside_answers_count_like_statuses() {
        let check = |body: &str, expected: &str| {
            let body = serde_json::from_str(body).unwrap();
            assert_eq!(
                inside("desk", &body).map(shown).unwrap_or_default(),
                expected
            );
        };
        check(r#"{"choices": []}"#, "");
        check(r#"{"error": null}"#, "");
        check(
            r#"{"error": {"code": 429, "message": "later"}}"#,
            "busy desk: later",
        );
        check(
            r#"{"error": {"code": "502", "message": "x"}}"#,
            "transient desk: x",
        );
        check(
            r#"{"error": {"type": "overloaded_error", "message": "Overloaded"}}"#,
            "busy desk: Overloaded",
        );
        check(
            r#"{"error": "out of memory"}"#,
            "transient desk: out of memory",
        );
        check(
            r#"{"error": {"type": "authentication_error", "message": "invalid"}}"#,
            "Denied desk: invalid",
        );
    }

    #[test]
    fn servers_may_ask_for_rest_in_seconds_or_until_a_date() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let check = |value: &str, expected: Option<u64>| {
            assert_eq!(
                retry_after(value, now),
                expected.map(Duration::from_secs),
                "{value}"
            );
        };
        check("7", Some(7));
        check("Thu, 01 Jan 2026 00:02:00 GMT", Some(120));
        check("Wed, 01 Jan 2025 00:02:00 GMT", Some(0));
        check("99999999", Some(24 * 3600));
        check("soon", None);
        check("-3", Some(0));
    }
}
