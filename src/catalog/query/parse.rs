//! What a person types, as a [`Query`]: words, `"phrases"`, `tag:dog`, `-` for not, `OR`, parentheses.

use super::error::Wrong;
use super::fields;
use super::{Query, QueryError, Words};

/// Deeper nesting than this is a mistake, or meant to harm.
const DEEPEST: usize = 32;
/// The longest query, in characters.
const LONGEST: usize = 1000;

/// Understands a query. An empty one means every photo.
///
/// # Errors
/// Says what can't be understood, at which characters, and what to write instead.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > LONGEST {
        let message = format!("the query is longer than {LONGEST} characters");
        return Err(error(message, Place::one(LONGEST), "use fewer words"));
    }
    let mut parser = Parser {
        tokens: tokens(&chars)?,
        next: 0,
        end: Place::end(&chars),
    };
    let query = parser.any_of(0)?;
    match parser.peek() {
        None => Ok(query),
        Some(token) => Err(error(
            "unexpected )",
            token.place,
            "remove it, or open it with (",
        )),
    }
}

/// Some characters of the query, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    at: usize,
    length: usize,
}

impl Place {
    fn one(at: usize) -> Self {
        Self { at, length: 1 }
    }

    fn end(chars: &[char]) -> Self {
        let at = chars.len();
        Self { at, length: 0 }
    }

    fn between(at: usize, end: usize) -> Self {
        let length = end - at;
        Self { at, length }
    }
}

fn error(message: impl Into<String>, place: Place, hint: impl Into<String>) -> QueryError {
    QueryError {
        message: message.into(),
        at: place.at + 1,
        length: place.length,
        hint: hint.into(),
    }
}

impl Wrong {
    fn at(self, place: Place) -> QueryError {
        error(self.message, place, self.hint)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Open,
    Close,
    Not,
    Or,
    Term(Term),
}

/// A word or phrase, and before it the name of what it is about.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    field: Option<String>,
    value: String,
    value_place: Place,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    /// Of a term with a field, the field.
    place: Place,
}

fn tokens(chars: &[char]) -> Result<Vec<Token>, QueryError> {
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
            '-' if chars.get(at + 1).is_none_or(|c| c.is_whitespace()) => {
                let hint = "write it directly before what to leave out, as in -dog";
                return Err(error("nothing after the -", Place::one(at), hint));
            }
            '-' => Kind::Not,
            _ => {
                let (token, end) = term(chars, at)?;
                tokens.push(token);
                at = end;
                continue;
            }
        };
        let place = Place::one(at);
        tokens.push(Token { kind, place });
        at += 1;
    }
    Ok(tokens)
}

/// The word, phrase or `field:value` that begins at `start`, and where it ends.
fn term(chars: &[char], start: usize) -> Result<(Token, usize), QueryError> {
    let (first, end) = word(chars, start)?;
    let place = Place::between(start, end);
    if chars.get(end) != Some(&':') {
        let is_bare = chars[start] != '"';
        let term = Term {
            field: None,
            value: first,
            value_place: place,
        };
        let kind = match term.value.as_str() {
            "OR" if is_bare => Kind::Or,
            _ => Kind::Term(term),
        };
        return Ok((Token { kind, place }, end));
    }
    let (value, after) = word(chars, end + 1)?;
    if value.is_empty() {
        let hint = format!("write it directly after the colon, as in {first}:\"a b\"");
        let colon = Place::one(end);
        return Err(error(format!("nothing after {first}:"), colon, hint));
    }
    let term = Term {
        field: Some(first),
        value,
        value_place: Place::between(end + 1, after),
    };
    let kind = Kind::Term(term);
    Ok((Token { kind, place }, after))
}

fn word(chars: &[char], start: usize) -> Result<(String, usize), QueryError> {
    if chars.get(start) == Some(&'"') {
        return quoted(chars, start);
    }
    let rest = &chars[start.min(chars.len())..];
    let ends = |c: &char| c.is_whitespace() || matches!(c, '(' | ')' | ':' | '"');
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    Ok((rest[..length].iter().collect(), start + length))
}

/// What is between quotation marks; `\"` and `\\` in it stand for `"` and `\`.
fn quoted(chars: &[char], start: usize) -> Result<(String, usize), QueryError> {
    let mut value = String::new();
    let mut at = start + 1;
    while let Some(&c) = chars.get(at) {
        let escaped = chars.get(at + 1).filter(|next| matches!(next, '"' | '\\'));
        match (c, escaped) {
            ('"', _) => return Ok((value, at + 1)),
            ('\\', Some(&next)) => {
                value.push(next);
                at += 2;
            }
            _ => {
                value.push(c);
                at += 1;
            }
        }
    }
    let message = "the quotation mark is never closed";
    Err(error(message, Place::one(start), "add a \" at the end"))
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: Place,
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
        let mut any = self.all_of(depth)?;
        while let Some(token) = self.peek().filter(|t| t.kind == Kind::Or) {
            let place = token.place;
            self.next += 1;
            let right = self.all_of(depth)?;
            if right == Query::All || any == Query::All {
                let hint = "as in cat OR dog; the word itself goes in quotation marks";
                return Err(error("OR needs something on both sides", place, hint));
            }
            any = any.or(right);
        }
        Ok(any)
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
        let nothing = |place| {
            Err(error(
                "nothing to leave out",
                place,
                "as in -dog or -(cat dog)",
            ))
        };
        let Some(token) = self.peek().cloned() else {
            return nothing(self.end);
        };
        if depth > DEEPEST {
            let message = "too many parentheses";
            return Err(error(message, token.place, "write it flatter"));
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
                        token.place,
                        "add a ) at the end",
                    )),
                }
            }
            Kind::Term(term) => about(&term, token.place),
            Kind::Or | Kind::Close => nothing(token.place),
        }
    }
}

/// What a term means; its field is at `place`.
fn about(term: &Term, place: Place) -> Result<Query, QueryError> {
    let Some(name) = &term.field else {
        let words = Words::new(&term.value).map(Query::Words);
        return words.ok_or_else(|| {
            let message = format!("no letter or digit in {}", term.value);
            error(
                message,
                place,
                "leave it out; a tag can be asked for with tag:",
            )
        });
    };
    let field = fields::field(name).map_err(|wrong| wrong.at(place))?;
    (field.read)(&term.value).map_err(|wrong| wrong.at(term.value_place))
}

#[cfg(test)]
mod tests {
    use super::super::{Measure, Span, State};
    use super::*;
    use crate::catalog::{Facet, Status};

    fn tag(name: &str) -> Query {
        Query::label(Facet::Tag, name)
    }

    fn words(words: &str) -> Query {
        Query::Words(Words::new(words).unwrap())
    }

    #[test]
    fn words_fields_and_their_combinations_are_understood() {
        let check = |text: &str, expected: Query| assert_eq!(parse(text), Ok(expected), "{text}");
        check("", Query::All);
        check("Red", words("red"));
        check("\"red car\" tag:Dog", words("red car").and(tag("dog")));
        check("tag:\"golden retriever\"", tag("golden retriever"));
        check("tag:\"a \\\"b\\\" \\c\"", tag("a \"b\" \\c"));
        let either = Query::Or(vec![tag("a"), tag("b").and(tag("c"))]);
        check("tag:a OR tag:b tag:c", either);
        let either = Query::Or(vec![tag("a"), tag("b")]);
        check("(tag:a OR tag:b) -tag:c", either.and(!tag("c")));
        let year = Span {
            from: Some(20240101),
            to: Some(20241231),
        };
        check("Date:2024", Query::Within(Measure::Date, year));
        check("is:unanalyzed", Query::Status(Status::Pending));
        check("-is:portrait", !Query::State(State::Portrait));
        check("-(a b)", !words("a").and(words("b")));
        check("well-known", words("well known"));
        check("\"OR\"", words("or"));
        check("sun*", words("sun*"));
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let check = |text: &str, at: usize, length: usize, message: &str| {
            let error = parse(text).expect_err(text);
            assert_eq!((error.at, error.length), (at, length), "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
            assert!(!error.hint.is_empty());
        };
        check("a (b", 3, 1, "never closed");
        check("a b)", 4, 1, "unexpected )");
        check("a \"b", 3, 1, "never closed");
        check("a \"b\\\"", 3, 1, "never closed");
        check("x kind:y", 3, 4, "unknown field kind");
        check("tag:", 4, 1, "nothing after tag:");
        check("tag:\"\"", 4, 1, "nothing after tag:");
        check("a -", 3, 1, "nothing after the -");
        check("a - b", 3, 1, "nothing after the -");
        check("a -)", 4, 1, "nothing to leave out");
        check("OR b", 1, 2, "both sides");
        check("a OR", 3, 2, "both sides");
        check("a & b", 3, 1, "no letter or digit");
        check("date:July", 6, 4, "no date");
        check("é is:nice", 6, 4, "unknown state");
        check("(name:\"a*\" rating:7)", 19, 1, "no rating");
        check(&"(".repeat(100), 34, 1, "too many");
        check(&"-".repeat(99), 99, 1, "nothing after the -");
        check(&"a".repeat(2000), 1001, 1, "longer");
    }
}
