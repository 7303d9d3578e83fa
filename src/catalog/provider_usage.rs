//! What providers took, and where they failed or declined.

/// Why there is no answer, and won't be from the same version of the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Declined {
    /// Whether the model declined to look. If not, it failed.
    pub refused: bool,
    /// For people: lower case, no full stop.
    pub reason: String,
}

/// What requests took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// How many were sent, whether their price is known or not.
    pub requests: u64,
    /// Tokens of prompts and pictures, as the servers count them.
    pub input_tokens: u64,
    /// Tokens of answers, as the servers count them.
    pub output_tokens: u64,
    /// What the requests of known price cost, in the currency that the prices are configured in.
    pub cost: f64,
    /// How many requests have no known price: no price is configured, or the server didn't count tokens.
    pub unpriced: u64,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.input_tokens = self.input_tokens.saturating_add(more.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(more.output_tokens);
        self.cost += more.cost;
        self.unpriced = self.unpriced.saturating_add(more.unpriced);
    }
}
