//! `/chat/completions`, as OpenAI, LM Studio, llama.cpp, vLLM, OpenRouter and Gemini understand it.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use serde_json::{Value, json};

use super::remote::{Ask, Dialect, Form, Header, Limit, Reply};
use crate::analysis::budget::Usage;
use crate::analysis::prompt;

/// The protocol.
pub struct OpenAi;

impl Dialect for OpenAi {
    fn path(&self) -> &'static str {
        "/chat/completions"
    }

    fn headers(&self, key: Option<&str>) -> Vec<Header> {
        let bearer = key.map(|key| ("authorization", format!("Bearer {key}")));
        bearer.into_iter().collect()
    }

    fn body(&self, ask: &Ask) -> Value {
        let image = format!("data:image/jpeg;base64,{}", ask.jpeg);
        let mut body = json!({
            "model": ask.model,
            "stream": false,
            "messages": [
                {"role": "system", "content": ask.system},
                {"role": "user", "content": [
                    {"type": "text", "text": ask.question},
                    {"type": "image_url", "image_url": {"url": image}},
                ]},
            ],
        });
        match ask.can.form {
            Form::Schema => {
                let schema = json!({"name": "photo", "strict": true, "schema": prompt::schema()});
                body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
            }
            Form::Object => body["response_format"] = json!({"type": "json_object"}),
            Form::Prompt => {}
        }
        match ask.can.limit {
            Limit::Tokens => body["max_tokens"] = ask.max_tokens.into(),
            Limit::CompletionTokens => body["max_completion_tokens"] = ask.max_tokens.into(),
            Limit::None => {}
        }
        // No part of the protocol: vLLM, SGLang and llama.cpp hand it to the template of the model, others reject it
        // once.
        if ask.can.think && !ask.think {
            body["chat_template_kwargs"] = json!({"enable_thinking": false});
        }
        if let Some(temperature) = ask.temperature.filter(|_| ask.can.temperature) {
            body["temperature"] = temperature.into();
        }
        body
    }

    fn reply(&self, body: &Value) -> Reply {
        let choice = &body["choices"][0];
        let message = &choice["message"];
        let reason = choice["finish_reason"].as_str().unwrap_or_default();
        let usage = &body["usage"];
        Reply {
            text: text(&message["content"]),
            object: None,
            cut: reason == "length",
            refusal: match (message["refusal"].as_str(), reason) {
                (Some(refusal), _) => Some(refusal.to_owned()),
                (None, "content_filter") => Some("the server's content filter".into()),
                _ => None,
            },
            usage: usage["prompt_tokens"].as_u64().map(|input| Usage {
                input,
                output: usage["completion_tokens"].as_u64().unwrap_or(0),
            }),
        }
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn models(&self, body: &Value) -> Vec<String> {
        let models = body["data"].as_array().into_iter().flatten();
        let names = models.filter_map(|model| model["id"].as_str());
        names.map(str::to_owned).collect()
    }
}

/// A text, or the texts of its parts: some servers answer in the form in which they are asked.
fn text(content: &Value) -> String {
    let parts = content.as_array().into_iter().flatten();
    let parts = parts.filter_map(|part| part["text"].as_str());
    let whole = content.as_str();
    whole.map_or_else(|| parts.collect(), str::to_owned)
}
