//! The JSON API is what its description says: every path and method, and the shape of every answer.

use serde_json::{Value, json};

use crate::test_server::TestServer;

/// What a description may say of a value; all of it is checked, or tells people something.
const KEYWORDS: [&str; 12] = [
    "$ref",
    "type",
    "enum",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minimum",
    "propertyNames",
    "format",
    "description",
    "default",
];

/// The schema that is meant.
pub fn resolved<'a>(schema: &'a Value, all: &'a Value) -> &'a Value {
    let Some(name) = schema["$ref"].as_str() else {
        return schema;
    };
    let meant = all.pointer(name.trim_start_matches('#'));
    resolved(
        meant.unwrap_or_else(|| panic!("{name} is not described")),
        all,
    )
}

/// One schema of an object for the parts that it is made of.
pub fn whole(schema: &Value, all: &Value) -> Value {
    let schema = resolved(schema, all);
    let Some(parts) = schema["allOf"].as_array() else {
        return schema.clone();
    };
    let mut whole = json!({"type": "object", "properties": {}, "required": []});
    for part in parts.iter().map(|part| self::whole(part, all)) {
        let properties = part["properties"].as_object().into_iter().flatten();
        for (name, property) in properties {
            whole["properties"][name] = property.clone();
        }
        let required = part["required"].as_array().into_iter().flatten().cloned();
        whole["required"].as_array_mut().unwrap().extend(required);
    }
    whole
}

/// Why a value is not of a schema. Knows what the description uses of JSON Schema, and fails on anything else.
pub fn mismatch(value: &Value, schema: &Value, all: &Value, at: &str) -> Option<String> {
    let schema = &whole(schema, all);
    if let Some(alternatives) = schema["oneOf"].as_array() {
        let fits = |schema: &&Value| mismatch(value, schema, all, at).is_none();
        let count = alternatives.iter().filter(fits).count();
        return (count != 1).then(|| format!("{at}: {count} of the alternatives: {value}"));
    }
    for keyword in schema.as_object().unwrap().keys() {
        assert!(KEYWORDS.contains(&keyword.as_str()), "{at}: {keyword}");
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    if !kinds
        .iter()
        .any(|kind| is(value, kind.as_str().expect("every schema has a type")))
    {
        return Some(format!("{at}: {value} is not {kinds:?}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Some(format!("{at}: {value} is not among {allowed:?}"));
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
        && number < least
    {
        return Some(format!("{at}: {value} is less than {least}"));
    }
    match value {
        Value::Object(fields) => object(fields, schema, all, at),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let mut wrong = items.filter_map(|(n, item)| {
                mismatch(item, &schema["items"], all, &format!("{at}[{n}]"))
            });
            wrong.next()
        }
        _ => None,
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}

/// A field that isn't described is a mistake, though programs may meet one in a later version.
fn object(
    fields: &serde_json::Map<String, Value>,
    schema: &Value,
    all: &Value,
    at: &str,
) -> Option<String> {
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return Some(format!("{at}: {name} is missing"));
        }
    }
    if schema["properties"].is_null() && schema["additionalProperties"].is_null() {
        return None;
    }
    fields.iter().find_map(|(name, value)| {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false) | Value::Null) => {
                Some(format!("{at} is not described"))
            }
            (Value::Null, others) => mismatch(value, others, all, &at),
            (known, _) => mismatch(value, known, all, &at),
        }
    })
}

#[test]
fn what_is_not_as_described_is_noticed() {
    let schema = json!({
        "allOf": [
            {"$ref": "#/a"},
            {"type": "object", "properties": {
                "b": {"type": "array", "items": {"type": "string"}},
                "c": {"oneOf": [{"type": "null"}, {"type": "integer", "minimum": 0}]},
            }},
        ],
    });
    let all = json!({
        "a": {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "null"]}}},
    });
    let check = |value: Value, wrong: Option<&str>| {
        let found = mismatch(&value, &schema, &all, "$");
        assert_eq!(found.is_some(), wrong.is_some(), "{value}: {found:?}");
        assert!(
            found
                .unwrap_or_default()
                .contains(wrong.unwrap_or_default()),
            "{value}"
        );
    };
    check(json!({"a": 1, "b": ["x"]}), None);
    check(json!({"a": null}), None);
    check(json!({}), Some("a is missing"));
    check(json!({"a": "1"}), Some("$.a"));
    check(json!({"a": 1, "b": [1]}), Some("$.b[0]"));
    check(json!({"a": 1, "c": null}), None);
    check(json!({"a": 1, "c": -1}), Some("$.c: 0 of the alternatives"));
    check(json!({"a": 1, "d": 1}), Some("$.d is not described"));
}

/// Requests that lead to every answer described: method, path, query, body, status.
const REQUESTS: [(&str, &str, &str, &str, u16); 20] = [
    ("get", "/healthz", "", "", 200),
    ("get", "/readyz", "", "", 200),
    ("get", "/metrics", "", "", 200),
    ("get", "/api/v1/photos", "?limit=2", "", 200),
    ("get", "/api/v1/photos", "?q=trip&sort=name", "", 200),
    ("get", "/api/v1/photos", "?q=kind:x", "", 400),
    ("get", "/api/v1/photos", "?after=nowhere", "", 400),
    ("get", "/api/v1/photo", "?id=1", "", 200),
    ("get", "/api/v1/photo", "?id=99", "", 404),
    ("get", "/api/v1/photo", "", "", 400),
    ("get", "/api/v1/search", "?q=trip&limit=3", "", 200),
    ("get", "/api/v1/search", "?q=(", "", 400),
    ("get", "/api/v1/facets", "?q=trip", "", 200),
    ("get", "/api/v1/facets", "?q=)", "", 400),
    ("get", "/api/v1/tags", "?prefix=B", "", 200),
    ("get", "/api/v1/status", "", "", 200),
    ("get", "/api/v1/pulse", "", "", 200),
    ("get", "/api/v1/openapi.json", "", "", 200),
    ("post", "/api/v1/analyze", "", "{\"dry_run\": true}", 200),
    (
        "post",
        "/api/v1/analyze",
        "",
        "{\"photos\": [{\"id\": 1}, {\"id\": 2}]}",
        200,
    ),
];

async fn server() -> TestServer {
    let mut server = TestServer::new();
    (0..6).for_each(|n| server.photo(format!("trip/{n}.png"), n));
    server.photo(std::ffi::OsStr::new("caf\u{e9}.png"), 7);
    use std::os::unix::ffi::OsStrExt;
    server.photo(std::ffi::OsStr::from_bytes(b"trip/\xff.png"), 8);
    std::fs::write(server.path("photos/broken.jpg"), b"\xff\xd8\xff\xe0 no").unwrap();
    server.serve(&[]);
    server
        .post("/photo/1/edit", &[("tags", "Beach, dog")])
        .send()
        .await
        .unwrap();
    server
}

#[tokio::test]
async fn every_path_answers_in_the_shape_described() {
    let server = server().await;
    let description = server.json("/api/v1/openapi.json").await;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let is_tried = |r: &&(&str, &str, &str, &str, u16)| {
                (r.0, r.1) == (method.as_str(), path.as_str()) && r.4 == 200
            };
            assert!(
                REQUESTS.iter().any(|r| is_tried(&r)),
                "{method} {path} is not tried"
            );
        }
    }
    for (method, path, query, body, status) in REQUESTS {
        let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let request = server
            .client
            .request(method.clone(), format!("{}{path}{query}", server.url));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}{query}");
        let kind = crate::test_server::header(&answer, "content-type");
        let kind = kind.split(';').next().unwrap().to_owned();
        let text = answer.text().await.unwrap();
        let operation = &description["paths"][path][method.as_str().to_lowercase()];
        let described = &operation["responses"][status.to_string()]["content"][&kind]["schema"];
        assert!(
            described.is_object(),
            "{path}{query}: {status} {kind} is not described"
        );
        let lines: Vec<_> = match kind.as_str() {
            "application/x-ndjson" => text.lines().collect(),
            _ => vec![text.as_str()],
        };
        assert!(!lines.is_empty(), "{path}{query}");
        for line in lines {
            let value = match kind.as_str() {
                "text/plain" => line.into(),
                _ => serde_json::from_str(line).unwrap(),
            };
            assert_eq!(
                mismatch(&value, described, &description, path),
                None,
                "{query} {body}"
            );
        }
    }
}

#[tokio::test]
async fn pages_of_the_api_follow_each_other_and_counts_lead_on() {
    let server = server().await;
    let (mut after, mut ids) = (String::new(), Vec::new());
    loop {
        let page = server.json(&format!("/api/v1/photos?limit=2{after}")).await;
        ids.extend(
            page["photos"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| p["id"].clone()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), 9);
    ids.sort_by_key(Value::as_u64);
    ids.dedup();
    assert_eq!(ids.len(), 9);
    assert_eq!(
        server.json("/api/v1/tags?prefix=b").await["tags"],
        json!([{"tag": "Beach", "photos": 1}])
    );
    let facets = server.json("/api/v1/facets").await;
    for choice in facets["facets"]["tag"].as_array().unwrap() {
        let query = choice["query"].as_str().unwrap();
        let asked: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let found = server.json(&format!("/api/v1/photos?q={asked}")).await;
        assert_eq!(found["total"], choice["photos"], "{query}");
    }
}
