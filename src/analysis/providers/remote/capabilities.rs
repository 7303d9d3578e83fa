//! What a server can be told about the form of an answer: supposed at first, then learnt from what it rejects.

use serde::{Deserialize, Serialize};

/// How the form of the answer is asked for, the strictest first. The prompt says it in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// By a JSON schema that the server enforces.
    #[default]
    Schema,
    /// As some JSON object.
    Object,
    /// By the prompt alone.
    Prompt,
}

/// What the limit of an answer is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// `max_tokens`.
    #[default]
    Tokens,
    /// `max_completion_tokens`, as OpenAI's reasoning models want it.
    CompletionTokens,
    /// The server takes no limit.
    None,
}

/// What a server can be told. Kept with the address and the model, so that each thing is found out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    pub form: Form,
    pub limit: Limit,
    /// Whether it can be told to think or not.
    pub think: bool,
    pub temperature: bool,
    pub keep_alive: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            form: Form::default(),
            limit: Limit::default(),
            think: true,
            temperature: true,
            keep_alive: true,
        }
    }
}

impl Capabilities {
    /// What is left when a server rejects a request with these words; `None` when they are about something else, or
    /// nothing is left to do without. Each step is one down, so that there are few.
    pub fn without(self, words: &str) -> Option<Self> {
        let words = words.to_lowercase();
        let says = |names: &[&str]| names.iter().any(|name| words.contains(name));
        if says(&["max_tokens", "max_completion_tokens", "num_predict"])
            && let Some(limit) = self.limit.next()
        {
            return Some(Self { limit, ..self });
        }
        if self.temperature && says(&["temperature"]) {
            return Some(Self {
                temperature: false,
                ..self
            });
        }
        if self.keep_alive && says(&["keep_alive"]) {
            return Some(Self {
                keep_alive: false,
                ..self
            });
        }
        if self.think && says(&["think", "chat_template_kwargs", "reasoning"]) {
            return Some(Self {
                think: false,
                ..self
            });
        }
        if is_about_picture(&words) {
            return None;
        }
        if let Some(form) = self.form.next() {
            return Some(Self { form, ..self });
        }
        // It doesn't say what it dislikes: whatever isn't needed.
        let bare = Self {
            form: Form::Prompt,
            think: false,
            temperature: false,
            keep_alive: false,
            ..self
        };
        (bare != self).then_some(bare)
    }
}

/// Whether a server rejects a request because of its picture, so far as its words tell. What it can be told has nothing
/// to do with it then: another form won't help, and another picture may be welcome.
pub fn is_about_picture(words: &str) -> bool {
    let words = words.to_lowercase();
    let says = |names: &[&str]| names.iter().any(|name| words.contains(name));
    let of_form = [
        "response_format",
        "json_schema",
        "json_object",
        "schema",
        "format",
        "grammar",
        "tool",
        "structured",
    ];
    let of_picture = [
        "image",
        "picture",
        "base64",
        "context length",
        "too large",
        "too long",
        // The filters of Azure and of OpenAI answer with 400.
        "content management policy",
        "safety system",
    ];
    says(&of_picture) && !says(&of_form)
}

impl Form {
    fn next(self) -> Option<Self> {
        match self {
            Self::Schema => Some(Self::Object),
            Self::Object => Some(Self::Prompt),
            Self::Prompt => None,
        }
    }
}

impl Limit {
    /// Messages name both: the one that is refused, and the one that is wanted.
    fn next(self) -> Option<Self> {
        match self {
            Self::Tokens => Some(Self::CompletionTokens),
            Self::CompletionTokens => Some(Self::None),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps down while a server keeps saying this.
    fn check(words: &str, expected: &str) {
        let mut can = Capabilities::default();
        let mut steps = Vec::new();
        while let Some(less) = can.without(words) {
            steps.push(serde_json::to_string(&less).unwrap());
            can = less;
            assert!(steps.len() < 12, "{words}: no end");
        }
        let changed: Vec<_> = steps.iter().map(|s| summary(s)).collect();
        assert_eq!(changed.join(" > "), expected, "{words}");
    }

    fn summary(json: &str) -> String {
        let can: Capabilities = serde_json::from_str(json).unwrap();
        let mut parts = vec![format!("{:?}", can.form)];
        if can.limit != Limit::Tokens {
            parts.push(format!("{:?}", can.limit));
        }
        for (has, name) in [
            (can.think, "think"),
            (can.temperature, "temperature"),
            (can.keep_alive, "keep_alive"),
        ] {
            if !has {
                parts.push(format!("-{name}"));
            }
        }
        parts.join(" ")
    }

    #[test]
    fn a_server_gets_less_and_less_until_it_takes_it() {
        check(
            "'response_format.type' must be 'text'",
            "Object > Prompt > Prompt -think -temperature -keep_alive",
        );
        check("image is too large", "");
        check("rejected as a result of our safety system", "");
        let unsupported =
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
        assert_eq!(
            Capabilities::default().without(unsupported).unwrap().limit,
            Limit::CompletionTokens
        );
        let think = Capabilities::default()
            .without("Unknown name \"chat_template_kwargs\"")
            .unwrap();
        assert_eq!((think.think, think.form), (false, Form::Schema));
    }

    #[test]
    fn what_an_older_version_kept_is_understood() {
        let kept: Capabilities = serde_json::from_str("{\"form\": \"object\"}").unwrap();
        assert_eq!(kept.form, Form::Object);
        assert!(kept.think);
    }
}
