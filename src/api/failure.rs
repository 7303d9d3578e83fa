//! What goes wrong.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is wrong, and what to do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureBody {
    /// What is wrong, in words.
    pub error: String,
    /// What to do about it.
    #[schema(required)]
    pub hint: Option<String>,
    /// A query with a mark below the place that is wrong.
    #[schema(required)]
    pub pointed: Option<String>,
}
