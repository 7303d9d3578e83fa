//! A title and a sentence from what was seen, where and when. Knows words, not pictures.

use crate::catalog::{DateSource, Facts};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Places that things are in or at, and how one says so.
const SCENES: [(&str, &str); 12] = [
    ("beach", "on a beach"),
    ("cliff", "by a cliff"),
    ("coast", "on the coast"),
    ("dock", "by a dock"),
    ("lake", "by a lake"),
    ("mountain", "in the mountains"),
    ("patio", "on a patio"),
    ("pier", "on a pier"),
    ("restaurant", "in a restaurant"),
    ("stage", "on a stage"),
    ("valley", "in a valley"),
    ("volcano", "by a volcano"),
];
/// Words that take no article.
const UNCOUNTED: [&str; 30] = [
    "armor",
    "baseball",
    "beer",
    "broccoli",
    "clothing",
    "coffee",
    "corn",
    "electronics",
    "food",
    "furniture",
    "graduation",
    "guacamole",
    "gymnastics",
    "hay",
    "jeans",
    "jewelry",
    "kitchenware",
    "makeup",
    "mashed potato",
    "military uniform",
    "pajamas",
    "pasta",
    "rapeseed",
    "scissors",
    "spaghetti",
    "sport",
    "sunglasses",
    "tennis",
    "toilet paper",
    "wine",
];
/// Five things are counted at a glance; more are `several`.
const NUMBERS: [&str; 4] = ["two", "three", "four", "five"];
const IRREGULAR: [(&str, &str); 7] = [
    ("person", "people"),
    ("sheep", "sheep"),
    ("knife", "knives"),
    ("computer mouse", "computer mice"),
    ("scissors", "scissors"),
    ("broccoli", "broccoli"),
    ("bus", "buses"),
];
/// A title stays readable, and names what is surest.
const MOST_SUBJECTS: usize = 3;

/// Something seen, by the word for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen<'a> {
    pub word: &'a str,
    /// How many; 0 and 1 are both one.
    pub count: usize,
}

/// What is seen, in a few words: `A dog and two people on a beach`.
pub(super) fn title(seen: &[Seen]) -> Option<String> {
    let place = seen.iter().find_map(|s| Some((s.word, scene(s.word)?)));
    let subjects: Vec<String> = seen
        .iter()
        .filter(|s| scene(s.word).is_none())
        .take(MOST_SUBJECTS)
        .map(counted)
        .collect();
    let text = match (joined(&subjects), place) {
        (Some(subjects), Some((_, scene))) => format!("{subjects} {scene}"),
        (Some(subjects), None) => subjects,
        (None, Some((word, _))) => with_article(word),
        (None, None) => return None,
    };
    Some(capitalized(&text))
}

/// One sentence: what, where and when, as far as known.
pub(super) fn description(title: Option<&str>, facts: &Facts) -> Option<String> {
    let (place, date) = (place(facts), date(facts));
    let Some(title) = title else {
        return without_subject(place, date);
    };
    let parts = [Some(title.to_owned()), place, date];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn without_subject(place: Option<String>, date: Option<String>) -> Option<String> {
    match (place, date) {
        (Some(place), Some(date)) => Some(format!("A photo taken in {place}, in {date}")),
        (Some(place), None) => Some(format!("A photo taken in {place}")),
        (None, Some(date)) => Some(format!("A photo taken in {date}")),
        (None, None) => None,
    }
}

fn place(facts: &Facts) -> Option<String> {
    let names = [facts.city.as_deref(), facts.country.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Month and year; the time of a file says when it was copied, not when the photo was taken.
fn date(facts: &Facts) -> Option<String> {
    let date = facts
        .date
        .filter(|_| facts.date_source != Some(DateSource::FileTime))?;
    let month = MONTHS[usize::from(date.month()) - 1];
    Some(format!("{month} {}", date.year()))
}

fn scene(word: &str) -> Option<&'static str> {
    let known = SCENES.iter().find(|(name, _)| *name == word);
    known.map(|(_, phrase)| *phrase)
}

fn counted(seen: &Seen) -> String {
    match seen.count {
        0 | 1 => with_article(seen.word),
        n => {
            let number = NUMBERS.get(n - 2).copied().unwrap_or("several");
            format!("{number} {}", plural(seen.word))
        }
    }
}

fn with_article(word: &str) -> String {
    if UNCOUNTED.contains(&word) {
        return word.to_owned();
    }
    // Written with a vowel, spoken with a consonant: a unicycle, a one-piece.
    let like_you = ["uni", "eu", "one-"]
        .iter()
        .any(|start| word.starts_with(start));
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']) && !like_you;
    let silent = word.starts_with("hour");
    format!("{} {word}", if vowel || silent { "an" } else { "a" })
}

fn plural(word: &str) -> String {
    let irregular = IRREGULAR.iter().find(|(one, _)| *one == word);
    if let Some((_, many)) = irregular {
        return (*many).to_owned();
    }
    let hissing = ["s", "x", "ch", "sh"].iter().any(|end| word.ends_with(end));
    format!("{word}{}", if hissing { "es" } else { "s" })
}

/// `a, b and c`
fn joined(parts: &[String]) -> Option<String> {
    let (last, rest) = parts.split_last()?;
    if rest.is_empty() {
        return Some(last.clone());
    }
    Some(format!("{} and {last}", rest.join(", ")))
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Format, WallClock};

    fn seen(words: &str) -> Vec<Seen<'_>> {
        words
            .split(", ")
            .filter(|word| !word.is_empty())
            .map(|word| match word.split_once(" x") {
                Some((word, count)) => Seen {
                    word,
                    count: count.parse().unwrap(),
                },
                None => Seen { word, count: 1 },
            })
            .collect()
    }

    fn nice() -> Facts {
        Facts {
            country: Some("France".into()),
            city: Some("Nice".into()),
            date: WallClock::new(2024, 7, 14, 12, 0, 0),
            date_source: Some(DateSource::Original),
            ..Facts::of(Format::Jpeg)
        }
    }

    #[test]
    fn a_title_says_what_is_seen() {
        let check = |words: &str, expected: Option<&str>| {
            assert_eq!(title(&seen(words)).as_deref(), expected, "{words}");
        };
        check("", None);
        check("dog, person, beach", Some("A dog and a person on a beach"));
        check("person x3, elephant", Some("Three people and an elephant"));
        check(
            "bus x9, unicycle, hourglass, cat",
            Some("Several buses, a unicycle and an hourglass"),
        );
        check("mountain", Some("A mountain"));
        check("food, bench x2", Some("Food and two benches"));
    }

    #[test]
    fn a_description_adds_where_and_when() {
        let check = |title: Option<&str>, facts: &Facts, expected: Option<&str>| {
            assert_eq!(description(title, facts).as_deref(), expected);
        };
        let unknown = Facts::of(Format::Jpeg);
        let copied = Facts {
            date_source: Some(DateSource::FileTime),
            ..nice()
        };
        check(
            Some("A dog"),
            &nice(),
            Some("A dog, Nice, France, July 2024"),
        );
        check(Some("A dog"), &unknown, Some("A dog"));
        check(
            None,
            &nice(),
            Some("A photo taken in Nice, France, in July 2024"),
        );
        check(None, &copied, Some("A photo taken in Nice, France"));
        check(None, &unknown, None);
    }
}
