//! What a model said becomes an answer: understood leniently, taken only when it is whole.
//!
//! Models wrap JSON into fences, prose and thinking, call keys what they like, and stop in the middle. Nothing they
//! say is trusted: texts are cleaned and bounded here. Knows nothing of how the text came.

mod object;

use serde_json::Value;

use super::tag_normalizer::TagNormalizer;
use crate::catalog::{Answer, clean};

/// Characters. What [`Answer`] promises; a title is a file name in `titles/`, of at most 255 bytes.
const LONGEST_TITLE: usize = 120;
const LONGEST_DESCRIPTION: usize = 4_000;

/// Bytes of an answer that are looked at: a hundred of the longest descriptions, so that a server that sends without
/// end costs no more time than one that answers.
const MOST_TEXT: usize = 400_000;

/// How sure a tag is of which the model doesn't say: above what the embedded model gives a guess, below what a person
/// says.
const USUAL: f32 = 0.8;

/// Why a text is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// Nothing is left without the thinking.
    #[error("the answer is empty")]
    Empty,
    /// A proxy or a login page answered in place of the server.
    #[error("the answer is a web page")]
    Html,
    /// There is text, and it doesn't refuse.
    #[error("the answer has no JSON object")]
    NoObject,
    /// An object begins and doesn't end: the limit of tokens was too low.
    #[error("the answer breaks off")]
    Cut,
    /// A field is missing that has to be there, or is of another type.
    #[error("the answer has no usable {0}")]
    Wrong(&'static str),
    /// In the model's words, cleaned.
    #[error("refused: {0}")]
    Refused(String),
}

/// Understands what a model said.
///
/// # Errors
/// When there is no whole answer in it: nothing that is half there is taken.
pub fn answer(text: &str, normalizer: &TagNormalizer) -> Result<Answer, ParseError> {
    let text = &text[..text.floor_char_boundary(MOST_TEXT)];
    let said = object::without_thinking(text);
    if said.trim().is_empty() {
        return Err(ParseError::Empty);
    }
    let is_ours =
        |object: &Value| field(object, DESCRIPTION).is_some() || field(object, TAGS).is_some();
    match object::find(said, is_ours) {
        object::Found::Whole(object) => of_object(&object, normalizer),
        object::Found::Cut => Err(ParseError::Cut),
        object::Found::None => Err(of_prose(said)),
    }
}

/// Understands an answer that came as an object.
///
/// # Errors
/// As for [`answer`].
pub(crate) fn of_object(object: &Value, normalizer: &TagNormalizer) -> Result<Answer, ParseError> {
    let description = text(field(object, DESCRIPTION), LONGEST_DESCRIPTION)
        .ok_or(ParseError::Wrong("description"))?;
    if let Some(refusal) = refusal(&description) {
        return Err(refusal);
    }
    let title = match field(object, TITLE) {
        None | Some(Value::Null) => None,
        Some(title) => Some(text(Some(title), LONGEST_TITLE).ok_or(ParseError::Wrong("title"))?),
    };
    let mut words = words(field(object, TAGS)).ok_or(ParseError::Wrong("tags"))?;
    let kind = field(object, &["kind"]).and_then(Value::as_str);
    let kind = kind
        .map(str::to_lowercase)
        .filter(|k| KINDS.contains(&k.as_str()));
    words.extend(kind.map(|kind| (kind, USUAL)));
    Ok(Answer {
        title,
        description: Some(description),
        tags: normalizer.tags(words),
    })
}

// The words of the prompt first, then what models have made of them.
const TITLE: &[&str] = &["title", "short_name", "name", "caption", "headline"];
const DESCRIPTION: &[&str] = &["description", "long_description", "desc", "summary"];
const TAGS: &[&str] = &["tags", "keywords", "labels"];

/// Kinds of picture that are worth a tag; a photo is what everybody expects.
const KINDS: [&str; 3] = ["screenshot", "document", "art"];

/// The first of these fields that is there, whatever its case.
fn field<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let fields = object.as_object()?;
    let named = |name: &&str| {
        let found = fields
            .iter()
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    };
    names.iter().find_map(named)
}

fn text(value: Option<&Value>, longest: usize) -> Option<String> {
    clean(&object::without_escapes(value?.as_str()?), longest)
}

/// The tags with their confidences, in any of the shapes that models give them; `None` for anything else.
fn words(value: Option<&Value>) -> Option<Vec<(String, f32)>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(list)) => {
            let words = list.split([',', ';', '\n']).map(|w| (w.to_owned(), USUAL));
            Some(words.collect())
        }
        Some(Value::Array(list)) => list.iter().map(word).collect(),
        Some(Value::Object(map)) => {
            let words = map
                .iter()
                .map(|(word, sure)| (word.clone(), confidence(Some(sure))));
            Some(words.collect())
        }
        Some(_) => None,
    }
}

fn word(value: &Value) -> Option<(String, f32)> {
    if let Some(word) = value.as_str() {
        return Some((object::without_escapes(word), USUAL));
    }
    let name = field(value, &["name", "tag", "label", "value"])?.as_str()?;
    let sure = field(value, &["confidence", "score", "probability"]);
    Some((object::without_escapes(name), confidence(sure)))
}

/// A share, a percentage, either as a text, or a word; what can't be understood is as sure as usual.
fn confidence(value: Option<&Value>) -> f32 {
    let number = match value {
        Some(Value::Number(n)) => n.as_f64(),
        Some(Value::String(text)) => match text.trim().to_lowercase().as_str() {
            "high" => Some(0.9),
            "medium" => Some(0.6),
            "low" => Some(0.3),
            text => text.trim_end_matches('%').trim().parse().ok(),
        },
        _ => None,
    };
    match number {
        Some(n) if (0.0..=1.0).contains(&n) => n as f32,
        Some(n) if (1.0..=100.0).contains(&n) => (n / 100.0) as f32,
        _ => USUAL,
    }
}

fn of_prose(text: &str) -> ParseError {
    let start: String = text
        .trim_start()
        .chars()
        .take(200)
        .collect::<String>()
        .to_lowercase();
    if start.starts_with("<!doctype") || start.starts_with("<html") || start.contains("<body") {
        return ParseError::Html;
    }
    refusal(text).unwrap_or(ParseError::NoObject)
}

/// Models decline in few words. A description that quotes such words is longer, or begins in another way.
fn refusal(text: &str) -> Option<ParseError> {
    const STARTS: [&str; 7] = [
        "i'm sorry",
        "i am sorry",
        "sorry,",
        "i can't",
        "i cannot",
        "i'm unable",
        "i am unable",
    ];
    const ACTS: [&str; 8] = [
        "assist", "help", "describe", "process", "provide", "identify", "analyze", "comply",
    ];
    let text = clean(text, 400)?;
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let declines = STARTS.iter().any(|start| lower.starts_with(start));
    let acts = ACTS.iter().any(|act| lower.contains(act));
    (declines && acts && text.chars().count() < 400).then_some(ParseError::Refused(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str =
        r#"{"title": "A dog", "description": "A dog runs.", "tags": ["Dogs", "beach"]}"#;

    fn check(text: &str, expected: &str) {
        let shown = match answer(text, &TagNormalizer::new(true)) {
            Ok(answer) => {
                let tags = answer
                    .tags
                    .iter()
                    .map(|t| format!("{}={:.1}", t.name, t.confidence));
                format!(
                    "{} | {} | {}",
                    answer.title.unwrap_or_default(),
                    answer.description.unwrap_or_default(),
                    tags.collect::<Vec<_>>().join(" ")
                )
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn wrapping_does_not_matter() {
        let expected = "A dog | A dog runs. | dog=0.8 beach=0.8";
        check(WHOLE, expected);
        check(&format!("```json\n{WHOLE}\n```"), expected);
        check(
            &format!("Sure! Here it is:\n\n{WHOLE}\n\nAnything else?"),
            expected,
        );
        check(
            &format!("<think>The {{user}} wants JSON</think>{WHOLE}"),
            expected,
        );
        check(
            &format!("I think {{well}} so: {{\"a\": 1}} {WHOLE}"),
            expected,
        );
        check(
            &format!("thinking without a beginning</think>\n{WHOLE}"),
            expected,
        );
        check(&format!("\u{feff}{WHOLE}"), expected);
        check(&format!("[{WHOLE}]"), expected);
    }

    #[test]
    fn keys_and_tags_come_in_many_shapes() {
        check(
            r#"{"Description": "x y", "Keywords": "Cat, red car"}"#,
            " | x y | cat=0.8 red car=0.8",
        );
        check(
            r#"{"description": "x", "tags": [{"tag": "cat", "score": "90%"}, {"name": "dog", "confidence": 40}]}"#,
            " | x | cat=0.9 dog=0.4",
        );
        check(
            r#"{"description": "x", "tags": {"cat": 0.5}}"#,
            " | x | cat=0.5",
        );
        check(
            r#"{"description": "x", "tags": [], "kind": "Screenshot"}"#,
            " | x | screenshot=0.8",
        );
        check(
            r#"{"description": "x", "tags": [], "kind": "photo"}"#,
            " | x | ",
        );
    }

    #[test]
    fn what_is_not_whole_is_not_taken() {
        for end in 1..WHOLE.len() {
            assert!(
                answer(&WHOLE[..end], &TagNormalizer::default()).is_err(),
                "{end}"
            );
        }
        check(&WHOLE[..40], "the answer breaks off");
        check("", "the answer is empty");
        check("<think>hm", "the answer is empty");
        check("A dog on a beach.", "the answer has no JSON object");
        check("{}", "the answer has no JSON object");
        check(
            "<!DOCTYPE html><html><body>502</body>",
            "the answer is a web page",
        );
    }

    #[test]
    fn wrong_types_are_not_taken() {
        for (wrong, what) in [
            (r#"{"description": 7, "tags": []}"#, "description"),
            (r#"{"description": "", "tags": []}"#, "description"),
            (r#"{"description": ["x"], "tags": []}"#, "description"),
            (r#"{"description": "x", "tags": 7}"#, "tags"),
            (r#"{"description": "x", "tags": [7]}"#, "tags"),
            (r#"{"description": "x", "title": {}, "tags": []}"#, "title"),
            (r#"{"tags": ["x"]}"#, "description"),
        ] {
            check(wrong, &format!("the answer has no usable {what}"));
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let sorry = "I'm sorry, but I can't assist with that.";
        check(sorry, &format!("refused: {sorry}"));
        check(
            &format!("{{\"description\": \"{sorry}\", \"tags\": []}}"),
            &format!("refused: {sorry}"),
        );
        check("I see a dog.", "the answer has no JSON object");
    }

    #[test]
    fn hostile_answers_become_plain_text() {
        check(
            r#"{"title": "\u001b[31mred\u0007", "description": "a\u202eb\u0000 <script>x</script>", "tags": ["../../etc", "\u001b]0;x\u0007y"]}"#,
            "red | ab <script>x</script> | etc=0.8 y=0.8",
        );
        let long = format!(
            r#"{{"description": "{}", "tags": []}}"#,
            "x".repeat(100_000)
        );
        let answer = answer(&long, &TagNormalizer::default()).unwrap();
        assert_eq!(answer.description.unwrap().len(), LONGEST_DESCRIPTION);
        check(&"{".repeat(100_000), "the answer has no JSON object");
        check(&"[".repeat(100_000), "the answer has no JSON object");
        check(&"{\"a\":".repeat(20_000), "the answer breaks off");
        check(&"{}".repeat(50_000), "the answer has no JSON object");
    }
}
