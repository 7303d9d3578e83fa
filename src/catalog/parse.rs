//! What a person types, as a [`Query`]: words, `"phrases"`, `tag:dog`, `-` for not, `OR`, parentheses.

use super::{Facet, Query, QueryError, Status};

/// Deeper nesting than this is a mistake, or meant to harm.
const DEEPEST: usize = 32;
/// The longest query, in characters.
const LONGEST: usize = 1000;

/// Understands a query. An empty one means every photo.
///
/// # Errors
/// Says what can't be understood, at which character, and what to write instead.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.chars().count() > LONGEST {
        let message = format!("the query is longer than {LONGEST} characters");
        return Err(error(message, 0, "use fewer words"));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        end: text.chars().count(),
    };
    let query = parser.any_of(0)?;
    match parser.peek() {
        None => Ok(query),
        Some(token) => Err(error(
            "unexpected )",
            token.at,
            "remove it, or open it with (",
        )),
    }
}

/// `at` counts characters from 0.
fn error(message: impl Into<String>, at: usize, hint: impl Into<String>) -> QueryError {
    QueryError {
        message: message.into(),
        at: at + 1,
        hint: hint.into(),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Open,
    Close,
    Not,
    Or,
    /// A word or phrase, and before it the name of what it is about.
    Term {
        field: Option<String>,
        value: String,
    },
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    /// Characters before it.
    at: usize,
}

fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let kind = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => Kind::Open,
            ')' => Kind::Close,
            '-' => Kind::Not,
            _ => {
                let (kind, end) = term(&chars, at)?;
                tokens.push(Token { kind, at });
                at = end;
                continue;
            }
        };
        tokens.push(Token { kind, at });
        at += 1;
    }
    Ok(tokens)
}

/// The word, phrase or `field:value` that begins at `start`, and where it ends.
fn term(chars: &[char], start: usize) -> Result<(Kind, usize), QueryError> {
    let (first, mut end) = word(chars, start)?;
    if chars.get(end) == Some(&':') {
        let (value, after) = word(chars, end + 1)?;
        if value.is_empty() {
            let hint = format!("write it directly after the colon, as in {first}:\"a b\"");
            return Err(error(format!("nothing after {first}:"), end, hint));
        }
        end = after;
        let field = Some(first.to_lowercase());
        return Ok((Kind::Term { field, value }, end));
    }
    let is_bare = chars[start] != '"';
    let kind = match first.as_str() {
        "OR" if is_bare => Kind::Or,
        _ => Kind::Term {
            field: None,
            value: first,
        },
    };
    Ok((kind, end))
}

fn word(chars: &[char], start: usize) -> Result<(String, usize), QueryError> {
    if chars.get(start) == Some(&'"') {
        let inside = &chars[start + 1..];
        let Some(length) = inside.iter().position(|&c| c == '"') else {
            return Err(error(
                "the quotation mark is never closed",
                start,
                "add a \" at the end",
            ));
        };
        return Ok((inside[..length].iter().collect(), start + length + 2));
    }
    let rest = &chars[start.min(chars.len())..];
    let ends = |c: &char| c.is_whitespace() || matches!(c, '(' | ')' | ':' | '"');
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    Ok((rest[..length].iter().collect(), start + length))
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, kind: &Kind) -> bool {
        let found = self.peek().is_some_and(|t| t.kind == *kind);
        self.next += usize::from(found);
        found
    }

    fn any_of(&mut self, depth: usize) -> Result<Query, QueryError> {
        let mut any = vec![self.all_of(depth)?];
        while self.peek().is_some_and(|t| t.kind == Kind::Or) {
            let at = self.tokens[self.next].at;
            self.next += 1;
            let right = self.all_of(depth)?;
            if right == Query::All || any == [Query::All] {
                return Err(error(
                    "OR needs something on both sides",
                    at,
                    "as in: cat OR dog",
                ));
            }
            any.push(right);
        }
        Ok(match any.len() {
            1 => any.remove(0),
            _ => Query::Or(any),
        })
    }

    fn all_of(&mut self, depth: usize) -> Result<Query, QueryError> {
        let mut all = Query::All;
        while let Some(token) = self.peek() {
            if matches!(token.kind, Kind::Close | Kind::Or) {
                break;
            }
            all = all.and(self.one(depth)?);
        }
        Ok(all)
    }

    fn one(&mut self, depth: usize) -> Result<Query, QueryError> {
        let Some(token) = self.peek().cloned() else {
            return Err(error(
                "the query ends after -",
                self.end,
                "say what to leave out",
            ));
        };
        if depth > DEEPEST {
            return Err(error("too many parentheses", token.at, "write it flatter"));
        }
        self.next += 1;
        match token.kind {
            Kind::Not => Ok(!self.one(depth + 1)?),
            Kind::Open => {
                let query = self.any_of(depth + 1)?;
                match self.take(&Kind::Close) {
                    true => Ok(query),
                    false => Err(error(
                        "the ( is never closed",
                        token.at,
                        "add a ) at the end",
                    )),
                }
            }
            Kind::Term { field, value } => about(field.as_deref(), &value, token.at),
            Kind::Or | Kind::Close => Err(error(
                "nothing to leave out",
                token.at,
                "say it directly after the -",
            )),
        }
    }
}

fn about(field: Option<&str>, value: &str, at: usize) -> Result<Query, QueryError> {
    let Some(field) = field else {
        return Ok(Query::Words(value.to_lowercase()));
    };
    match field {
        "is" => state(value, at),
        "date" => date(value, at),
        "place" => Ok(Query::Or(vec![
            Query::label(Facet::Country, value),
            Query::label(Facet::City, value),
        ])),
        "colour" => Ok(Query::label(Facet::Color, value)),
        _ => match field.parse::<Facet>() {
            Ok(facet) => Ok(Query::label(facet, value)),
            Err(()) => Err(error(
                format!("unknown field {field}"),
                at,
                "use tag, camera, lens, place, country, city, color, type, rating, date or is; or put it in quotation marks",
            )),
        },
    }
}

fn state(value: &str, at: usize) -> Result<Query, QueryError> {
    let status = match value {
        "unanalyzed" => Ok(Status::Pending),
        other => other.parse(),
    };
    let hint = "use is:analyzed, is:unanalyzed, is:failed or is:unsupported";
    let unknown = |()| error(format!("unknown state {value}"), at, hint);
    status.map(Query::Status).map_err(unknown)
}

/// `2024`, `2024-07` or `2024-07-14`.
fn date(value: &str, at: usize) -> Result<Query, QueryError> {
    let digits = value.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let facet = match value.len() {
        4 => Facet::Year,
        7 => Facet::Month,
        10 => Facet::Day,
        _ => Facet::Tag,
    };
    if !digits || facet == Facet::Tag {
        let hint = "write date:2024, date:2024-07 or date:2024-07-14";
        return Err(error(format!("{value} is no date"), at, hint));
    }
    Ok(Query::label(facet, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str) -> Query {
        Query::label(Facet::Tag, name)
    }

    fn words(words: &str) -> Query {
        Query::Words(words.into())
    }

    #[test]
    fn words_fields_and_their_combinations_are_understood() {
        let check = |text: &str, expected: Query| assert_eq!(parse(text), Ok(expected), "{text}");
        check("", Query::All);
        check("Red", words("red"));
        check(
            "\"red car\" tag:Dog",
            Query::And(vec![words("red car"), tag("dog")]),
        );
        check("tag:\"golden retriever\"", tag("golden retriever"));
        check(
            "tag:a OR tag:b tag:c",
            Query::Or(vec![tag("a"), Query::And(vec![tag("b"), tag("c")])]),
        );
        check(
            "(tag:a OR tag:b) -tag:c",
            Query::And(vec![Query::Or(vec![tag("a"), tag("b")]), !tag("c")]),
        );
        check("date:2024-07", Query::label(Facet::Month, "2024-07"));
        check("is:unanalyzed", Query::Status(Status::Pending));
        check("-(a b)", !Query::And(vec![words("a"), words("b")]));
        check("well-known", words("well-known"));
        check("\"OR\"", words("or"));
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let check = |text: &str, at: usize, message: &str| {
            let error = parse(text).expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
            assert!(!error.hint.is_empty());
        };
        check("a (b", 3, "never closed");
        check("a b)", 4, "unexpected )");
        check("a \"b", 3, "never closed");
        check("x kind:y", 3, "unknown field kind");
        check("tag:", 4, "nothing after tag:");
        check("a -", 4, "ends after -");
        check("- OR b", 3, "nothing to leave out");
        check("OR b", 1, "both sides");
        check("date:July", 1, "no date");
        check("is:nice", 1, "unknown state");
        check(&"(".repeat(100), 34, "too many");
        check(&"a".repeat(2000), 1, "longer");
    }
}
