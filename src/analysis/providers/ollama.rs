//! Ollama's own `/api/chat`: <https://github.com/ollama/ollama/blob/main/docs/api.md>.

use serde_json::{Value, json};

use super::remote::{Ask, Dialect, Form, Header, Limit, Reply};
use crate::analysis::budget::Usage;
use crate::analysis::prompt;

/// The protocol. Unlike `/v1/chat/completions` of the same server it takes `think` and `keep_alive`.
pub struct Ollama;

impl Dialect for Ollama {
    fn path(&self) -> &'static str {
        "/api/chat"
    }

    /// A key is for a proxy in front of it.
    fn headers(&self, key: Option<&str>) -> Vec<Header> {
        let bearer = key.map(|key| ("authorization", format!("Bearer {key}")));
        bearer.into_iter().collect()
    }

    fn body(&self, ask: &Ask) -> Value {
        let mut body = json!({
            "model": ask.model,
            "stream": false,
            "messages": [
                {"role": "system", "content": ask.system},
                {"role": "user", "content": ask.question, "images": [ask.jpeg]},
            ],
            "options": {},
        });
        match ask.can.form {
            Form::Schema => body["format"] = prompt::schema(),
            Form::Object => body["format"] = "json".into(),
            Form::Prompt => {}
        }
        if ask.can.limit != Limit::None {
            body["options"]["num_predict"] = ask.max_tokens.into();
        }
        if let Some(temperature) = ask.temperature.filter(|_| ask.can.temperature) {
            body["options"]["temperature"] = temperature.into();
        }
        if ask.can.think {
            body["think"] = ask.think.into();
        }
        if let Some(keep_alive) = ask.keep_alive.filter(|_| ask.can.keep_alive) {
            body["keep_alive"] = keep_alive.into();
        }
        body
    }

    fn reply(&self, body: &Value) -> Reply {
        Reply {
            text: body["message"]["content"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            object: None,
            cut: body["done_reason"] == "length",
            refusal: None,
            usage: body["prompt_eval_count"].as_u64().map(|input| Usage {
                input,
                output: body["eval_count"].as_u64().unwrap_or(0),
            }),
        }
    }

    fn models_path(&self) -> &'static str {
        "/api/tags"
    }

    fn models(&self, body: &Value) -> Vec<String> {
        let models = body["models"].as_array().into_iter().flatten();
        let names = models.filter_map(|model| model["name"].as_str());
        names.map(str::to_owned).collect()
    }
}
