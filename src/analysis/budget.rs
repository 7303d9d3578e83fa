//! What a provider may take and what it took: requests, tokens, money.
//!
//! What was spent is kept in the store, by local day: people read their bills by the calendar on the wall. Leave is
//! asked for before each request, and what one cost is recorded after it, so that requests that run are counted as if
//! each cost what one costs usually. Knows nothing of servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan, Zoned};
use parking_lot::{Mutex, MutexGuard};

use super::{Failure, Outage};
use crate::store::provider_store::{ProviderStore, Spent};

/// Tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt and the picture.
    pub input: u64,
    /// Of the answer, and of the thinking before it where a server counts that.
    pub output: u64,
}

/// What a million tokens cost, in whatever currency the limits are in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Of the prompt and the picture.
    pub input: f64,
    /// Of the answer.
    pub output: f64,
}

impl Price {
    /// What so many tokens cost.
    pub fn of(&self, usage: Usage) -> f64 {
        (self.input * usage.input as f64 + self.output * usage.output as f64) / 1e6
    }
}

/// The most that may be taken in a minute, a day and a month, in this order; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BudgetLimits {
    /// Those that run count.
    pub requests: [Option<u64>; 3],
    /// In the currency of the [`Price`].
    pub cost: [Option<f64>; 3],
}

const MINUTE: usize = 0;
const SPANS: [&str; 3] = ["minute", "day", "month"];
/// What tells one of each span from the next.
const FORMATS: [&str; 3] = ["%Y-%m-%dT%H:%M", "%Y-%m-%d", "%Y-%m"];

/// What was spent today and this month, for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spending {
    pub today: Spent,
    pub month: Spent,
}

/// The budget of one provider: asked before each request, told after it.
pub struct BudgetGuard {
    provider: String,
    price: Option<Price>,
    limits: BudgetLimits,
    provider_store: Arc<dyn ProviderStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The minute, day and month that `spent` is of.
    spans: [String; 3],
    spent: [Spent; 3],
    /// What was spent on each day and isn't in the store yet.
    owed: BTreeMap<String, Spent>,
    running: u64,
    /// Of the requests so far, for those that are running.
    usual_cost: f64,
}

/// A request that is running; it has to say in the end what it took.
pub struct Reservation(Arc<BudgetGuard>);

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

impl BudgetGuard {
    /// A budget of which nothing is read yet: the sums come from the store with the first request.
    pub fn new(
        provider: &str,
        price: Option<Price>,
        limits: BudgetLimits,
        provider_store: Arc<dyn ProviderStore>,
    ) -> Self {
        Self {
            provider: provider.into(),
            price,
            limits,
            provider_store,
            state: Mutex::default(),
        }
    }

    pub(crate) fn price(&self) -> Option<Price> {
        self.price
    }

    /// Takes leave for one more request. May block on the disk, where a day begins.
    ///
    /// # Errors
    /// [`Failure::Host`] with the moment from which on there is money again, [`Failure::Busy`] for the next minute.
    pub fn reserve(self: &Arc<Self>) -> Result<Reservation, Failure> {
        self.reserve_at(&Zoned::now())
    }

    fn reserve_at(self: &Arc<Self>, now: &Zoned) -> Result<Reservation, Failure> {
        let mut state = self.lock();
        self.turn_to(&mut state, now)?;
        if let Some(span) = (0..SPANS.len()).find(|&span| self.is_spent(&state, span)) {
            return Err(spent(&self.provider, span, now));
        }
        state.running += 1;
        Ok(Reservation(Arc::clone(self)))
    }

    /// Whether there is money; for people: why not, and until when.
    pub fn is_open(self: &Arc<Self>) -> Result<(), Failure> {
        self.reserve().map(|_| ())
    }

    fn is_spent(&self, state: &State, span: usize) -> bool {
        let spent = &state.spent[span];
        let requests = spent.requests + state.running;
        let cost = spent.cost + state.usual_cost * state.running as f64;
        self.limits.requests[span].is_some_and(|most| requests >= most)
            || self.limits.cost[span].is_some_and(|most| cost >= most)
    }

    /// Notes what a request took, until it is [taken](Self::take_owed) to the store; a server that doesn't say counts
    /// as one whose price isn't known.
    pub fn record(&self, usage: Option<Usage>) {
        self.record_at(usage, &Zoned::now());
    }

    fn record_at(&self, usage: Option<Usage>, now: &Zoned) {
        let cost = self.price.zip(usage).map(|(price, usage)| price.of(usage));
        let usage = usage.unwrap_or_default();
        let spent = Spent {
            requests: 1,
            input_tokens: usage.input,
            output_tokens: usage.output,
            cost: cost.unwrap_or(0.0),
            unpriced: u64::from(cost.is_none()),
        };
        let mut state = self.lock();
        let names = FORMATS.map(|format| now.strftime(format).to_string());
        // A sum that is of another day is read when the next request asks for leave, with what is owed then: nothing is to
        // wait for the disk between an answer and its way to the store.
        if state.spans[MINUTE] != names[MINUTE] {
            state.spent[MINUTE] = Spent::default();
            state.spans[MINUTE] = names[MINUTE].clone();
        }
        for (span, name) in names.iter().enumerate() {
            if state.spans[span] == *name {
                state.spent[span] += spent;
            }
        }
        if let Some(cost) = cost {
            // An average over about the last ten requests: pictures differ in what they cost.
            state.usual_cost = match state.usual_cost {
                0.0 => cost,
                usual => usual * 0.9 + cost * 0.1,
            };
        }
        let day = now.strftime("%Y-%m-%d").to_string();
        *state.owed.entry(day).or_default() += spent;
    }

    /// What was spent, by day, and isn't in the store: whoever takes it puts it there.
    pub fn take_owed(&self) -> BTreeMap<String, Spent> {
        std::mem::take(&mut self.lock().owed)
    }

    /// Puts into the store what was spent, before more is: on the disk when this returns. Blocks on it.
    ///
    /// # Errors
    /// [`Failure::Transient`] when nothing can be kept; what was spent is still owed.
    pub fn settle(&self) -> Result<(), Failure> {
        // The lock is held over the write: nobody gets leave by sums from which this is missing.
        let mut state = self.lock();
        while let Some((day, spent)) = state.owed.pop_first() {
            if let Err(error) = self.provider_store.spend(&self.provider, &day, &spent) {
                state.owed.insert(day, spent);
                return Err(unread(error));
            }
        }
        Ok(())
    }

    /// Blocks on the disk where a day has begun. What can't be read then counts as it did before.
    pub(crate) fn spending(&self) -> Spending {
        let mut state = self.lock();
        // It is for people only; `reserve` refuses while nobody knows the sums.
        let _ = self.turn_to(&mut state, &Zoned::now());
        let [_, today, month] = state.spent;
        Spending { today, month }
    }

    /// Begins the sums of spans that have begun, with what the store has of them.
    fn turn_to(&self, state: &mut State, now: &Zoned) -> Result<(), Failure> {
        for (span, format) in FORMATS.into_iter().enumerate() {
            let name = now.strftime(format).to_string();
            if state.spans[span] == name {
                continue;
            }
            state.spent[span] = match span {
                MINUTE => Spent::default(),
                _ => self
                    .provider_store
                    .spent(&self.provider, &name)
                    .map_err(unread)?,
            };
            if span != MINUTE {
                let owed = state.owed.iter().filter(|(day, _)| day.starts_with(&name));
                let owed: Vec<_> = owed.map(|(_, spent)| *spent).collect();
                owed.into_iter().for_each(|more| state.spent[span] += more);
            }
            state.spans[span] = name;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// Nothing is spent while nobody knows how much was.
fn unread(error: crate::store::Error) -> Failure {
    Failure::Transient {
        reason: error.to_string(),
        retry_after: None,
    }
}

fn spent(provider: &str, span: usize, now: &Zoned) -> Failure {
    let until = next(span, now).unwrap_or_else(|| now.timestamp() + 1.hour());
    if span == MINUTE {
        return Failure::Busy {
            reason: format!("provider {provider}: enough for this minute"),
            retry_after: until.duration_since(now.timestamp()).try_into().ok(),
        };
    }
    Failure::Host {
        reason: format!(
            "provider {provider}: the budget of the {} is spent",
            SPANS[span]
        ),
        outage: Outage::Spent {
            until: until.as_second(),
        },
    }
}

/// When the next minute, day or month begins.
fn next(span: usize, now: &Zoned) -> Option<Timestamp> {
    let start = match span {
        MINUTE => {
            // Clocks that are put forward or back change hours, not where a minute begins.
            let second = i64::from(now.second());
            return now.timestamp().checked_add((60 - second).seconds()).ok();
        }
        1 => now.checked_add(1.day()).ok()?,
        _ => now.first_of_month().ok()?.checked_add(1.month()).ok()?,
    };
    Some(start.start_of_day().ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::Memory;

    fn at(text: &str) -> Zoned {
        format!("{text}[UTC]").parse().unwrap()
    }

    fn guard(
        price: Option<Price>,
        limits: BudgetLimits,
        provider_store: &Arc<Memory>,
    ) -> Arc<BudgetGuard> {
        Arc::new(BudgetGuard::new(
            "desk",
            price,
            limits,
            provider_store.clone(),
        ))
    }

    const CHEAP: Price = Price {
        input: 1.0,
        output: 2.0,
    };
    const USAGE: Usage = Usage {
        input: 500_000,
        output: 250_000,
    };

    #[test]
    fn money_is_spent_until_the_budget_is_and_again_the_next_day() {
        let provider_store = Arc::new(Memory::default());
        let limits = BudgetLimits {
            cost: [None, Some(1.5), None],
            ..BudgetLimits::default()
        };
        let budget = guard(Some(CHEAP), limits, &provider_store);
        let now = at("2026-03-31T23:00");
        for _ in 0..2 {
            drop(budget.reserve_at(&now).unwrap());
            budget.record_at(Some(USAGE), &now);
        }
        let Err(Failure::Host { reason, outage }) = budget.reserve_at(&now).map(|_| ()) else {
            panic!("the budget holds");
        };
        assert_eq!(reason, "provider desk: the budget of the day is spent");
        let until = at("2026-04-01T00:00").timestamp().as_second();
        assert_eq!(outage, Outage::Spent { until });
        assert!(budget.reserve_at(&at("2026-04-01T00:00")).is_ok());
    }

    #[test]
    fn a_budget_outlives_the_process() {
        let provider_store = Arc::new(Memory::default());
        let limits = BudgetLimits {
            requests: [None, None, Some(2)],
            ..BudgetLimits::default()
        };
        let now = at("2026-03-01T10:00");
        let first = guard(None, limits, &provider_store);
        first.record_at(None, &now);
        first.record_at(None, &at("2026-03-02T10:00"));
        first.settle().unwrap();
        let second = guard(None, limits, &provider_store);
        assert!(second.reserve_at(&at("2026-03-03T10:00")).is_err());
        assert!(second.reserve_at(&at("2026-04-01T10:00")).is_ok());
    }

    #[test]
    fn requests_that_are_running_count_as_well() {
        let provider_store = Arc::new(Memory::default());
        let limits = BudgetLimits {
            requests: [Some(2), None, None],
            ..BudgetLimits::default()
        };
        let budget = guard(None, limits, &provider_store);
        let now = at("2026-03-01T10:00:40");
        let _first = budget.reserve_at(&now).unwrap();
        let second = budget.reserve_at(&now).unwrap();
        let Err(Failure::Busy { retry_after, .. }) = budget.reserve_at(&now).map(|_| ()) else {
            panic!("two are enough");
        };
        assert_eq!(retry_after, Some(std::time::Duration::from_secs(20)));
        drop(second);
        assert!(budget.reserve_at(&now).is_ok());
    }

    #[test]
    fn an_unknown_price_is_not_nothing() {
        let provider_store = Arc::new(Memory::default());
        let budget = guard(None, BudgetLimits::default(), &provider_store);
        budget.record(Some(USAGE));
        let spending = budget.spending();
        assert_eq!((spending.today.unpriced, spending.today.cost), (1, 0.0));
        assert_eq!(spending.month.input_tokens, USAGE.input);
    }
}
