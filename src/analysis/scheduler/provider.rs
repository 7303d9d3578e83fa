//! What is asked: analyzers, and what the scheduler has to know of each.

use std::sync::Arc;

use crate::analysis::budget::BudgetGuard;
use crate::analysis::{Access, Analyzer};

/// An analyzer, and from what kind of access on it is started.
#[derive(Clone)]
pub struct Provider {
    /// Who looks.
    pub analyzer: Arc<dyn Analyzer>,
    /// The weakest access that has it look.
    pub on: Access,
    /// `None` for one that computes on the thread that asks it.
    pub server: Option<Server>,
}

/// What the scheduler has to know of a server.
#[derive(Clone)]
pub struct Server {
    /// What providers on the same machine have in common.
    pub host: String,
    /// Requests at the same time, at most.
    pub parallel: usize,
    /// Longest side of the pictures that it is sent, in pixels.
    pub max_side: u32,
    /// What each request is paid from.
    pub budget: Arc<BudgetGuard>,
}

impl Provider {
    /// An analyzer inside the program.
    pub fn here(analyzer: Arc<dyn Analyzer>, on: Access) -> Self {
        let server = None;
        Self {
            analyzer,
            on,
            server,
        }
    }
}
