//! What the description of the API has promised so far, as `promises.txt` has it, it still promises.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::whole;
use crate::test_server::TestServer;

/// What is said of a value somewhere in a request or an answer.
#[derive(Debug, PartialEq)]
struct Field {
    kinds: BTreeSet<String>,
    /// Those that it may have, where they are named.
    values: Option<BTreeSet<String>>,
    /// Whether it is always there.
    required: bool,
}

/// By place: `$.photos[].tags[].name`.
type Fields = BTreeMap<String, Field>;

fn texts(list: &Value) -> impl Iterator<Item = String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned)
}

fn fields(schema: &Value, all: &Value, at: &str, required: bool) -> Fields {
    let schema = whole(schema, all);
    if let Some(alternatives) = schema["oneOf"].as_array() {
        let each = alternatives.iter();
        return any_of(
            each.map(|schema| fields(schema, all, at, required))
                .collect(),
        );
    }
    let mut found = Fields::new();
    let kinds = match schema["type"].as_str() {
        Some(kind) => [kind.to_owned()].into(),
        None => texts(&schema["type"]).collect(),
    };
    let values = schema["enum"]
        .is_array()
        .then(|| texts(&schema["enum"]).collect());
    let field = Field {
        kinds,
        values,
        required,
    };
    found.insert(at.to_owned(), field);
    let always: BTreeSet<_> = texts(&schema["required"]).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let required = always.contains(name);
        found.extend(fields(property, all, &format!("{at}.{name}"), required));
    }
    for (part, name) in [("items", "[]"), ("additionalProperties", ".*")] {
        if schema[part].is_object() {
            found.extend(fields(&schema[part], all, &format!("{at}{name}"), true));
        }
    }
    found
}

/// What holds whichever it is.
fn any_of(alternatives: Vec<Fields>) -> Fields {
    let mut all = Fields::new();
    let places: BTreeSet<_> = alternatives
        .iter()
        .flat_map(|a| a.keys().cloned())
        .collect();
    for place in places {
        let there: Vec<_> = alternatives.iter().filter_map(|a| a.get(&place)).collect();
        let values = there.iter().map(|field| field.values.clone());
        let field = Field {
            kinds: there.iter().flat_map(|field| field.kinds.clone()).collect(),
            values: values
                .collect::<Option<Vec<_>>>()
                .map(|all| all.into_iter().flatten().collect()),
            required: there.len() == alternatives.len() && there.iter().all(|f| f.required),
        };
        all.insert(place, field);
    }
    all
}

/// What the description says under a title of the promises: `get /api/v1/photos 200 application/json`.
fn described(title: &str, all: &Value) -> Fields {
    let words: Vec<_> = title.split(' ').collect();
    let operation = &all["paths"][words[1]][words[0]];
    let schema = match words[2] {
        "query" => {
            let parameters = operation["parameters"].as_array().expect(title).iter();
            let parameters = parameters.flat_map(|parameter| {
                let name = format!("?{}", parameter["name"].as_str().unwrap());
                let required = parameter["required"] == true;
                fields(&parameter["schema"], all, &name, required)
            });
            return parameters.collect();
        }
        "body" => &operation["requestBody"]["content"][words[3]]["schema"],
        status => &operation["responses"][status]["content"][words[3]]["schema"],
    };
    assert!(schema.is_object(), "{title} is not described");
    fields(schema, all, "$", true)
}

/// A line of the promises: `$.reason?: string`, `$.status: string = failed|pending`.
fn promise(line: &str) -> (&str, Field) {
    let (place, said) = line.split_once(": ").expect(line);
    let (kinds, values) = match said.split_once(" = ") {
        Some((kinds, values)) => (kinds, Some(values)),
        None => (said, None),
    };
    let set = |text: &str, by| text.split(by).map(str::to_owned).collect();
    let field = Field {
        kinds: set(kinds, " or "),
        values: values.map(|values| set(values, "|")),
        required: !place.ends_with('?'),
    };
    (place.trim_end_matches('?'), field)
}

/// Whether what is said now is as good. A request may leave out more than before, an answer less.
fn keeps(now: &Field, promised: &Field, is_answer: bool) -> bool {
    let required = match is_answer {
        true => now.required || !promised.required,
        false => !now.required || promised.required,
    };
    let values = promised.values.is_none() || now.values == promised.values;
    now.kinds == promised.kinds && values && required
}

/// The parts that a description refers to and doesn't have.
fn lost(part: &Value, all: &Value) -> Vec<String> {
    let inside: Vec<&Value> = match part {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let name = part["$ref"].as_str();
    let name = name.filter(|name| all.pointer(name.trim_start_matches('#')).is_none());
    let deeper = inside.into_iter().flat_map(|part| lost(part, all));
    name.map(str::to_owned).into_iter().chain(deeper).collect()
}

#[tokio::test]
async fn both_descriptions_have_whatever_they_refer_to() {
    let server = TestServer::with_photos(1);
    let path = "/api/v1/openapi.json";
    for description in [
        server.json(path).await,
        server.control("GET", path, &Value::Null).await,
    ] {
        assert!(description["paths"].as_object().unwrap().len() > 10);
        assert_eq!(lost(&description, &description), [""; 0]);
    }
}

#[tokio::test]
async fn what_was_promised_is_still_described() {
    let server = TestServer::with_photos(1);
    let description = server.json("/api/v1/openapi.json").await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
    let (mut title, mut now, mut checked) = ("", Fields::new(), 0);
    for line in include_str!("promises.txt").lines() {
        let Some(line) = line.strip_prefix("  ") else {
            (title, now) = (line, described(line, &description));
            continue;
        };
        let (place, promised) = promise(line);
        let found = now.get(place);
        let is_answer = !title.contains(" query") && !title.contains(" body ");
        assert!(
            found.is_some_and(|found| keeps(found, &promised, is_answer)),
            "{title}: {line}: {found:?}"
        );
        checked += 1;
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn what_is_not_kept_is_noticed() {
    let check = |promised: &str, now: &str, is_answer, expected| {
        let ((_, promised), (_, now)) = (promise(promised), promise(now));
        assert_eq!(keeps(&now, &promised, is_answer), expected, "{now:?}");
    };
    check("$.a: string", "$.a: string = x|y", true, true);
    check("$.a?: string", "$.a: string", true, true);
    check("$.a?: string", "$.a: string", false, false);
    check("$.a: string", "$.a?: string", true, false);
    check("$.a: string", "$.a?: string", false, true);
    check("$.a: string", "$.a: null or string", true, false);
    check("$.a: string = x", "$.a: string = x|y", true, false);
}
