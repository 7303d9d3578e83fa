//! Anthropic's `/v1/messages`: <https://docs.anthropic.com/en/api/messages>. The form of the answer is that of a tool
//! which the model has to use.

use serde_json::{Value, json};

use super::remote::{Ask, Dialect, Form, Header, Reply};
use crate::analysis::budget::Usage;
use crate::analysis::prompt;

/// The protocol. A tool that must be used is the only way in which it promises an object.
pub struct Anthropic;

const TOOL: &str = "record_photo";

impl Dialect for Anthropic {
    fn path(&self) -> &'static str {
        "/v1/messages"
    }

    fn headers(&self, key: Option<&str>) -> Vec<Header> {
        let key = key.map(|key| ("x-api-key", key.to_owned()));
        // A request without one is refused; answers keep the shape that they had on this day.
        let version = ("anthropic-version", "2023-06-01".to_owned());
        key.into_iter().chain([version]).collect()
    }

    fn body(&self, ask: &Ask) -> Value {
        let source = json!({"type": "base64", "media_type": "image/jpeg", "data": ask.jpeg});
        let mut body = json!({
            "model": ask.model,
            "max_tokens": ask.max_tokens,
            "system": ask.system,
            "messages": [{"role": "user", "content": [
                {"type": "image", "source": source},
                {"type": "text", "text": ask.question},
            ]}],
        });
        if ask.can.form == Form::Schema {
            let what = "Records what is to be seen in the picture.";
            body["tools"] =
                json!([{"name": TOOL, "description": what, "input_schema": prompt::schema()}]);
            body["tool_choice"] = json!({"type": "tool", "name": TOOL});
        }
        if let Some(temperature) = ask.temperature.filter(|_| ask.can.temperature) {
            body["temperature"] = temperature.into();
        }
        body
    }

    fn reply(&self, body: &Value) -> Reply {
        let blocks = || body["content"].as_array().into_iter().flatten();
        let used = blocks().find(|block| block["type"] == "tool_use");
        let texts = blocks().filter_map(|block| block["text"].as_str());
        let usage = &body["usage"];
        Reply {
            text: texts.collect(),
            object: used.map(|block| block["input"].clone()),
            cut: body["stop_reason"] == "max_tokens",
            refusal: (body["stop_reason"] == "refusal").then(|| "the model declines".into()),
            usage: usage["input_tokens"].as_u64().map(|input| Usage {
                input,
                output: usage["output_tokens"].as_u64().unwrap_or(0),
            }),
        }
    }

    fn models_path(&self) -> &'static str {
        "/v1/models"
    }

    fn models(&self, body: &Value) -> Vec<String> {
        let models = body["data"].as_array().into_iter().flatten();
        let names = models.filter_map(|model| model["id"].as_str());
        names.map(str::to_owned).collect()
    }
}
