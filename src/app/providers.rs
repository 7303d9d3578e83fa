//! Providers as the configuration describes them, ready to be asked.

use std::sync::Arc;
use std::time::Duration;

use crate::analysis::budget::{BudgetGuard, BudgetLimits, Price};
use crate::analysis::prompt::Prompt;
use crate::analysis::providers::anthropic::Anthropic;
use crate::analysis::providers::embedded::Embedded;
use crate::analysis::providers::ollama::Ollama;
use crate::analysis::providers::openai::OpenAi;
use crate::analysis::providers::remote::{Dialect, Pool, Remote, Settings, Timeouts};
use crate::analysis::scheduler::Server;
use crate::analysis::tag_normalizer::{Known, TagNormalizer};
use crate::analysis::{Access, Provider};
use crate::config::{self, Config, Kind, On};
use crate::store::provider_store::ProviderStore;

use super::{Error, env};

/// A provider on a server, with everything that is known of it.
pub struct Described<'a> {
    pub table: &'a config::Provider,
    pub url: String,
    pub remote: Arc<Remote>,
    pub budget: Arc<BudgetGuard>,
}

/// The model inside the program, and the servers in the order in which they are preferred.
pub fn all(
    config: &Config,
    provider_store: &Arc<dyn ProviderStore>,
    known: &Known,
) -> Result<Vec<Provider>, Error> {
    let mut providers = vec![Provider::here(
        Arc::new(Embedded::load()?),
        access(embedded_on(config)),
    )];
    for described in servers(config, provider_store, known)? {
        let table = described.table;
        let server = Server {
            host: described.remote.origin().to_owned(),
            parallel: table.parallel_requests.unwrap_or(config.parallel_requests),
            max_side: table.max_side.unwrap_or(config.image_max_side),
            budget: described.budget,
        };
        providers.push(Provider {
            analyzer: described.remote,
            on: access(table.on.unwrap_or(On::Asked)),
            server: Some(server),
        });
    }
    Ok(providers)
}

/// The servers alone.
pub fn servers<'a>(
    config: &'a Config,
    provider_store: &Arc<dyn ProviderStore>,
    known: &Known,
) -> Result<Vec<Described<'a>>, Error> {
    let tables = config.provider.iter().filter(|p| p.kind != Kind::Embedded);
    let tables: Vec<_> = tables.collect();
    let describe = |&table: &&'a config::Provider| {
        let budget = BudgetGuard::new(
            &table.name,
            table.price.map(price),
            limits(table),
            Arc::clone(provider_store),
        );
        let budget = Arc::new(budget);
        let settings = settings(table, config, tables.len(), known)?;
        let url = settings.url.clone();
        let remote = Remote::new(
            settings,
            dialect(table.kind),
            Arc::clone(&budget),
            Arc::clone(provider_store),
        )?;
        Ok(Described {
            table,
            url,
            remote: Arc::new(remote),
            budget,
        })
    };
    tables.iter().map(describe).collect()
}

/// What starts the model inside the program.
pub fn embedded_on(config: &Config) -> On {
    let table = config.provider.iter().find(|p| p.kind == Kind::Embedded);
    table.and_then(|p| p.on).unwrap_or(config.embedded.on)
}

fn access(on: On) -> Access {
    match on {
        On::Always => Access::Always,
        On::Listed => Access::Listed,
        On::Read => Access::Read,
        On::Asked => Access::Asked,
    }
}

fn dialect(kind: Kind) -> Box<dyn Dialect> {
    match kind {
        Kind::Ollama => Box::new(Ollama),
        Kind::Anthropic => Box::new(Anthropic),
        Kind::OpenAi | Kind::Embedded => Box::new(OpenAi),
    }
}

fn settings(
    table: &config::Provider,
    config: &Config,
    servers: usize,
    known: &Known,
) -> Result<Settings, Error> {
    let prompt = Prompt {
        instructions: table.prompt.clone(),
        language: table.language.clone(),
        vocabulary: table
            .vocabulary
            .clone()
            .unwrap_or_else(|| config.tags.vocabulary.clone()),
        vocabulary_only: config.tags.vocabulary_only,
        version: table.prompt_version.clone(),
    };
    let normalizer = TagNormalizer::new(prompt.is_english())
        .vocabulary(&prompt.vocabulary, prompt.vocabulary_only)
        .aliases(&config.tags.aliases)
        .blocked(&config.tags.blocked)
        .known(Arc::clone(known));
    let key = table.key(&env).map_err(Error::Provider)?;
    Ok(Settings {
        name: table.name.clone(),
        url: table.address(&env),
        model: table.model.clone(),
        key: key.map(config::Secret::into_inner),
        prompt,
        normalizer,
        max_side: table.max_side.unwrap_or(config.image_max_side),
        max_tokens: table.max_tokens,
        temperature: table.temperature,
        think: table.think,
        keep_alive: table.keep_alive.clone(),
        timeouts: timeouts(table, config),
        pool: Pool {
            idle: config
                .max_idle_connections_per_host
                .min(config.max_idle_connections / servers.max(1)),
        },
    })
}

/// A model on a small machine may think for minutes before the first byte: whoever says how long a request may take
/// says so for that, too.
fn timeouts(table: &config::Provider, config: &Config) -> Timeouts {
    let seconds = Duration::from_secs;
    let usual = seconds(config.connection_timeout + config.write_timeout)
        + seconds(config.read_timeout) * 4;
    let total = table.timeout.map_or(usual, seconds);
    let first_byte = seconds(config.write_timeout + config.read_timeout);
    Timeouts {
        connect: seconds(config.connection_timeout).min(total),
        first_byte: table.timeout.map_or(first_byte, seconds),
        read: table.timeout.map_or(seconds(config.read_timeout), seconds),
        total,
    }
}

fn price(price: config::Price) -> Price {
    Price {
        input: price.input,
        output: price.output,
    }
}

fn limits(table: &config::Provider) -> BudgetLimits {
    BudgetLimits {
        requests: [
            table.requests_per_minute,
            table.requests_per_day,
            table.requests_per_month,
        ],
        cost: [
            table.cost_per_minute,
            table.cost_per_day,
            table.cost_per_month,
        ],
    }
}
