//! A model on a server: one picture, one question, one answer.
//!
//! What is the same for every protocol: which capabilities a server turns out to have, what is paid, how an answer is
//! understood, what a failure means. Asks once; repeating is the scheduler's.

mod capabilities;
mod connection;
mod failures;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::Value;

use super::super::budget::{BudgetGuard, Usage};
use super::super::parse::{self, ParseError};
use super::super::prompt::Prompt;
use super::super::tag_normalizer::TagNormalizer;
use super::super::{Analyzer, Failure, Outage, Subject};
use crate::blocking::unblock;
use crate::catalog::{Answer, clean};
use crate::store::provider_store::ProviderStore;

pub(crate) use capabilities::{Capabilities, Form, Limit};
use connection::Connection;
pub use connection::{Pool, Timeouts, ready_tls};
use failures::Trouble;

/// Tokens of an answer, unless the user says otherwise. What is asked for takes a few hundred; the rest is for models
/// that think a little although they are told not to.
const MAX_TOKENS: u32 = 1024;

/// How much longer an answer may be that broke off: asked once more, with so many times the limit.
const LONGER: u32 = 4;

/// Pictures in a row that a server rejects in every form, after which that is a matter of the server. A bad picture may
/// have a neighbour; each of them costs four requests.
const MOST_REJECTED: u32 = 3;

/// What the user may set of one server.
#[derive(Clone)]
pub struct Settings {
    /// Of the provider, in settings and messages.
    pub name: String,
    /// Without a slash at the end.
    pub url: String,
    /// As the server calls it.
    pub model: String,
    /// `None` where the server wants none.
    pub key: Option<SecretString>,
    /// What the model is told; part of the version of its answers.
    pub prompt: Prompt,
    /// What becomes of its tags.
    pub normalizer: TagNormalizer,
    /// Longest side of the picture that is sent, in pixels.
    pub max_side: u32,
    /// Of an answer; `None` for what is usual.
    pub max_tokens: Option<u32>,
    /// `None` for the server's own.
    pub temperature: Option<f32>,
    /// Whether the model may think first, which takes time and tokens.
    pub think: bool,
    /// How long Ollama keeps the model loaded, in its own form: `5m`.
    pub keep_alive: Option<String>,
    /// How long each part of a request may take.
    pub timeouts: Timeouts,
    /// What is kept open between requests.
    pub pool: Pool,
}

/// Everything that goes into a request.
pub struct Ask<'a> {
    /// As the server calls it.
    pub model: &'a str,
    /// The instructions.
    pub system: &'a str,
    /// What goes with the picture.
    pub question: &'a str,
    /// Base64.
    pub jpeg: &'a str,
    /// Of the answer.
    pub max_tokens: u32,
    /// `None` for the server's own.
    pub temperature: Option<f32>,
    /// Whether the model may think first.
    pub think: bool,
    /// How long the server is to keep the model loaded.
    pub keep_alive: Option<&'a str>,
    /// What the server can be told.
    pub can: &'a Capabilities,
}

/// What a server says, whatever its protocol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Whatever the model wrote; empty where it used a tool.
    pub text: String,
    /// The answer where it came as an object.
    pub object: Option<Value>,
    /// It broke off because it grew too long.
    pub cut: bool,
    /// The model or its server declines to look at the picture.
    pub refusal: Option<String>,
    /// `None` where the server doesn't say: its price isn't known then.
    pub usage: Option<Usage>,
}

/// Name, in lower case, and value.
pub type Header = (&'static str, String);

/// A protocol.
pub trait Dialect: Send + Sync {
    /// Below the address of the server.
    fn path(&self) -> &'static str;
    /// What each request carries; `key` where the user gave one.
    fn headers(&self, key: Option<&str>) -> Vec<Header>;
    /// A request, as far as the server can be told.
    fn body(&self, ask: &Ask) -> Value;
    /// What an answer with a status of success says. Nothing of its shape is certain: what is missing is empty.
    fn reply(&self, body: &Value) -> Reply;
    /// Where the list of models is, below the address of the server.
    fn models_path(&self) -> &'static str;
    /// The names of models in the answer to [`Self::models_path`].
    fn models(&self, body: &Value) -> Vec<String>;
}

/// A model on a server, by whatever protocol.
pub struct Remote {
    settings: Settings,
    dialect: Box<dyn Dialect>,
    connection: Connection,
    budget: Arc<BudgetGuard>,
    provider_store: Arc<dyn ProviderStore>,
    capabilities: Mutex<Option<Capabilities>>,
    /// Pictures in a row that were rejected in every form.
    rejected: AtomicU32,
    version: String,
    system: String,
}

/// The address or the key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("provider {name}: {reason}")]
pub struct Error {
    name: String,
    reason: String,
}

impl Remote {
    /// # Errors
    /// When no connection could ever be made: a bad address or key, a system without certificates.
    pub fn new(
        settings: Settings,
        dialect: Box<dyn Dialect>,
        budget: Arc<BudgetGuard>,
        provider_store: Arc<dyn ProviderStore>,
    ) -> Result<Self, Error> {
        let connection = Connection::new(&settings, &*dialect).map_err(|reason| Error {
            name: settings.name.clone(),
            reason,
        })?;
        Ok(Self {
            version: settings.prompt.mark(&settings.model, settings.max_side),
            system: settings.prompt.system(),
            settings,
            dialect,
            connection,
            budget,
            provider_store,
            capabilities: Mutex::default(),
            rejected: AtomicU32::default(),
        })
    }

    /// What requests to the same server have in common: scheme, host and port.
    pub fn origin(&self) -> &str {
        self.connection.origin()
    }

    /// The models that the server has.
    ///
    /// # Errors
    /// As for a question; it costs nothing.
    pub async fn models(&self) -> Result<Vec<String>, Failure> {
        let body = self.connection.get(self.dialect.models_path()).await;
        let body = body.map_err(Trouble::failure)?;
        Ok(self.dialect.models(&body))
    }

    /// Asks, with less where the server rejects something, and once more where the answer broke off. The loop ends:
    /// there are few capabilities to do without, and one longer answer.
    async fn ask(&self, jpeg: &[u8]) -> Result<Answer, Failure> {
        let jpeg = STANDARD.encode(jpeg);
        let mut can = self.capabilities().await?;
        let mut max_tokens = self.settings.max_tokens.unwrap_or(MAX_TOKENS);
        let mut longer = false;
        loop {
            let body = self.dialect.body(&self.question(&jpeg, max_tokens, &can));
            let reply = match self.send(&body).await {
                Ok(reply) => reply,
                Err(Trouble::Rejected(reason)) => match can.without(&reason) {
                    Some(less) => {
                        can = less;
                        continue;
                    }
                    None => return Err(self.rejection(reason)),
                },
                Err(trouble) => return Err(trouble.failure()),
            };
            self.rejected.store(0, Ordering::Relaxed);
            self.remember(&can).await;
            if reply.cut && !longer {
                // What the first answer cost is on the disk before a second one costs something.
                let budget = Arc::clone(&self.budget);
                unblock(move || budget.settle()).await?;
                longer = true;
                max_tokens = max_tokens.saturating_mul(LONGER);
                continue;
            }
            return self.understand(&reply);
        }
    }

    /// What it means that nothing was left to do without: it is about this picture, unless one after the other fares
    /// like that.
    fn rejection(&self, reason: String) -> Failure {
        if capabilities::is_about_picture(&reason) {
            return Failure::Permanent { reason };
        }
        match self.rejected.fetch_add(1, Ordering::Relaxed) + 1 < MOST_REJECTED {
            true => Failure::Permanent { reason },
            false => Failure::Host {
                reason,
                outage: Outage::Denied,
            },
        }
    }

    fn question<'a>(&'a self, jpeg: &'a str, max_tokens: u32, can: &'a Capabilities) -> Ask<'a> {
        let settings = &self.settings;
        Ask {
            model: &settings.model,
            system: &self.system,
            question: settings.prompt.question(),
            jpeg,
            max_tokens,
            temperature: settings.temperature,
            think: settings.think,
            keep_alive: settings.keep_alive.as_deref(),
            can,
        }
    }

    /// One request, paid for.
    async fn send(&self, body: &Value) -> Result<Reply, Trouble> {
        let budget = Arc::clone(&self.budget);
        let reserved = unblock(move || budget.reserve()).await;
        let _reserved = reserved.map_err(Trouble::Failed)?;
        match self.connection.post(self.dialect.path(), body).await {
            Ok(body) => {
                let reply = self.dialect.reply(&body);
                self.budget.record(reply.usage);
                Ok(reply)
            }
            Err(trouble) => {
                if trouble.may_cost() {
                    self.budget.record(None);
                }
                Err(trouble)
            }
        }
    }

    fn understand(&self, reply: &Reply) -> Result<Answer, Failure> {
        if let Some(refusal) = &reply.refusal {
            let reason = clean(refusal, 300).unwrap_or_default();
            let reason = format!("refused by {}: {reason}", self.settings.name);
            return Err(Failure::Refused { reason });
        }
        if reply.cut {
            return Err(self.unusable(&ParseError::Cut));
        }
        let normalizer = &self.settings.normalizer;
        let answer = match &reply.object {
            Some(object) => parse::of_object(object, normalizer),
            None => parse::answer(&reply.text, normalizer),
        };
        answer.map_err(|error| match error {
            ParseError::Refused(reason) => Failure::Refused {
                reason: format!("refused by {}: {reason}", self.settings.name),
            },
            error => self.unusable(&error),
        })
    }

    fn unusable(&self, error: &ParseError) -> Failure {
        let reason = format!("{}: {error}", self.settings.name);
        Failure::Unusable { reason }
    }

    /// What the server is thought to be able to do.
    async fn capabilities(&self) -> Result<Capabilities, Failure> {
        let unread = |e: crate::store::Error| Failure::Transient {
            reason: e.to_string(),
            retry_after: None,
        };
        if let Some(known) = *self.capabilities.lock() {
            return Ok(known);
        }
        let (store, server) = (Arc::clone(&self.provider_store), self.server());
        let kept = unblock(move || store.learned(&server)).await;
        let kept = kept.map_err(unread)?;
        let kept = kept.and_then(|text| serde_json::from_str(&text).ok());
        let capabilities = kept.unwrap_or_default();
        *self.capabilities.lock() = Some(capabilities);
        Ok(capabilities)
    }

    /// Keeps what a request has just proved.
    async fn remember(&self, proved: &Capabilities) {
        let before = self.capabilities.lock().replace(*proved);
        if before == Some(*proved) {
            return;
        }
        let text = serde_json::to_string(proved).expect("plain data has a JSON form");
        let (store, server) = (Arc::clone(&self.provider_store), self.server());
        if let Err(error) = unblock(move || store.learn(&server, &text)).await {
            tracing::warn!(
                "{}: what it can do is not kept: {error}",
                self.settings.name
            );
        }
    }

    fn server(&self) -> String {
        format!("{} {}", self.settings.url, self.settings.model)
    }
}

impl Analyzer for Remote {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn analyze<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>> {
        async move {
            let jpeg = subject.jpeg(self.settings.max_side);
            self.ask(&jpeg).await
        }
        .boxed()
    }
}

/// A duration as people say it.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}
