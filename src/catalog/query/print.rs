//! A query as text that parses back to it.

use std::fmt;

use super::fields::{PRESENT, STATES};
use super::{Query, Words};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Or(any) => joined(any, " OR ", |q| matches!(q, Self::Or(_)), f),
            Self::And(all) => joined(all, " ", is_compound, f),
            Self::Not(query) => {
                f.write_str("-")?;
                part(query, is_compound(query), f)
            }
            Self::Label(key) => field(key.facet.name(), &key.folded, f),
            Self::Named(facet, words) => field(facet.name(), &text(words), f),
            Self::Facet(facet) => {
                let known = PRESENT.iter().find(|(_, f)| f == facet);
                field("has", known.map_or(facet.name(), |(name, _)| name), f)
            }
            Self::Status(_) | Self::State(_) => {
                let known = STATES.iter().find(|(_, query)| query == self);
                field("is", known.expect("every state has a name").0, f)
            }
            Self::Words(words) => f.write_str(&quoted(&text(words))),
            Self::Folder(pattern) => field("folder", &pattern.text(), f),
            Self::Name(pattern) => field("name", pattern.text(), f),
            Self::Within(measure, span) => {
                write!(f, "{}:", measure.name())?;
                span.print(*measure, f)
            }
        }
    }
}

fn is_compound(query: &Query) -> bool {
    matches!(query, Query::Or(_) | Query::And(_))
}

fn joined(
    parts: &[Query],
    between: &str,
    in_parentheses: impl Fn(&Query) -> bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (n, query) in parts.iter().enumerate() {
        f.write_str(if n == 0 { "" } else { between })?;
        part(query, in_parentheses(query), f)?;
    }
    Ok(())
}

fn part(query: &Query, in_parentheses: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match in_parentheses || *query == Query::All {
        true => write!(f, "({query})"),
        false => write!(f, "{query}"),
    }
}

fn field(name: &str, value: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{name}:{}", quoted(value))
}

fn text(words: &Words) -> String {
    let star = if words.is_open() { "*" } else { "" };
    words.words().join(" ") + star
}

fn quoted(value: &str) -> String {
    let ends_a_word = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ':' | '"');
    match value.contains(ends_a_word) {
        true => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        false => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::catalog::parse_query as parse;

    fn check(text: &str, printed: &str) {
        let query = parse(text).expect(text);
        assert_eq!(query.to_string(), printed);
        assert_eq!(parse(printed), Ok(query), "{printed}");
    }

    #[test]
    fn a_query_prints_as_text_that_means_the_same() {
        check("", "");
        check("Red  \"Sports Car\"", "red \"sports car\"");
        check("-(a b) OR c d", "-(a b) OR c d");
        check("(a OR (b OR c)) (d (e -f))", "(a OR b OR c) d e -f");
        check("--a -()", "--a -()");
        check("well-known Sun*", "\"well known\" sun*");
        check("tag:\"say \\\"hi\\\" \\\\\"", "tag:\"say \\\"hi\\\" \\\\\"");
        check("place:Nice", "country:nice OR city:nice");
        check("date:2024-01..2024-12 date:>2023", "date:2024 date:>=2024");
        check(
            "date:2024-07-14 date:..2024-02-29",
            "date:2024-07-14 date:<=2024-02",
        );
        check("size:>10MB rating:3..5", "size:>=10000001 rating:3..5");
        check("is:Unanalysed has:place", "is:unanalyzed has:place");
        check(
            "name:\"a b*\" folder:/2019/Trip",
            "name:\"a b*\" folder:/2019/trip",
        );
    }

    proptest! {
        #[test]
        fn whatever_parses_prints_and_parses_back(text in any_query()) {
            if let Ok(query) = parse(&text) {
                let printed = query.to_string();
                prop_assert_eq!(parse(&printed), Ok(query), "{} -> {}", text, printed);
            }
        }

        #[test]
        fn nothing_that_is_typed_brings_the_parser_down(text in "\\PC{0,60}|[\\x00-\\x7f]{0,60}|[(\\-\" :ORa]{0,200}") {
            if let Err(error) = parse(&text) {
                prop_assert!(error.at >= 1 && error.at <= text.chars().count() + 1);
                prop_assert!(!error.hint.is_empty());
                error.pointed(&text);
            }
        }
    }

    /// Texts that are queries more often than not.
    fn any_query() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("OR".to_owned()),
            "[a-zA-Z0-9éİßñΣς\u{301}-]{1,6}[*]?",
            "\"[ -~éй\u{306}]{0,8}\"",
            "-?[(]",
            "[)]",
            "(tag|camera|place|name|folder):(\"[ -~é]{1,6}\"|[a-z*?/é]{1,6})",
            "(rating|width|size):(>|>=|<|<=|)[0-9]{1,2}",
            "date:(>|<=|)20[0-9][0-9](-0[1-9])?(..20[0-9][0-9](-1[0-2])?)?",
            "is:(edited|failed|square)",
        ];
        prop::collection::vec(word, 0..8).prop_map(|words| words.join(" "))
    }
}
