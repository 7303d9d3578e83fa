//! A camera's name as people say it, from EXIF's maker and model.

/// What follows a maker's name in EXIF and nobody says, in lower case.
const CORPORATE: [&str; 13] = [
    "corporation",
    "corp",
    "company",
    "co",
    "co.ltd",
    "ltd",
    "inc",
    "gmbh",
    "ag",
    "electric",
    "computer",
    "optical",
    "imaging",
];

/// `Canon` and `Canon EOS R6` make `Canon EOS R6`; `NIKON CORPORATION` and `NIKON D70` make `NIKON D70`;
/// `FUJIFILM` and `X-T3` make `FUJIFILM X-T3`.
/// `None` where neither is known.
pub fn name(make: Option<&str>, model: Option<&str>) -> Option<String> {
    match (make.map(maker), model) {
        (Some(make), Some(model)) if says(model, make) => Some(model.to_owned()),
        (Some(make), Some(model)) => Some(format!("{make} {model}")),
        (Some(make), None) => Some(make.to_owned()),
        (None, model) => model.map(str::to_owned),
    }
}

/// The maker without corporate words at the end.
fn maker(make: &str) -> &str {
    let mut rest = make;
    while let Some((before, last)) = rest.rsplit_once([' ', ',']) {
        let word = last.trim_end_matches('.').to_lowercase();
        if !word.is_empty() && !CORPORATE.contains(&word.as_str()) {
            break;
        }
        rest = before.trim_end_matches([' ', ',']);
    }
    if rest.is_empty() { make } else { rest }
}

/// Whether the model already begins with the maker's first word.
fn says(model: &str, make: &str) -> bool {
    let first = |text: &str| text.split(' ').next().unwrap_or(text).to_lowercase();
    first(model) == first(make)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(make: &str, model: &str, expected: &str) {
        let found = name(
            Some(make).filter(|m| !m.is_empty()),
            Some(model).filter(|m| !m.is_empty()),
        );
        assert_eq!(found.unwrap_or_default(), expected);
    }

    #[test]
    fn makers_are_said_once_and_without_their_legal_form() {
        check("Canon", "Canon EOS R6", "Canon EOS R6");
        check("Canon", "EOS R5", "Canon EOS R5");
        check("NIKON CORPORATION", "NIKON D70", "NIKON D70");
        check("OLYMPUS IMAGING CORP.", "E-P3", "OLYMPUS E-P3");
        check("OLYMPUS OPTICAL CO.,LTD", "C750UZ", "OLYMPUS C750UZ");
        check("CASIO COMPUTER CO.,LTD.", "EX-S1", "CASIO EX-S1");
        check(
            "FUJI PHOTO FILM CO., LTD.",
            "SP-2500",
            "FUJI PHOTO FILM SP-2500",
        );
        check(
            "Eastman Kodak Company",
            "DC210 Zoom",
            "Eastman Kodak DC210 Zoom",
        );
        check("SANYO Electric Co.,Ltd.", "SR6", "SANYO SR6");
        check("TRAVELER OPTICAL CO,LTD", "SX330Z", "TRAVELER SX330Z");
        check("samsung", "SM-G930F", "samsung SM-G930F");
        check("Apple", "", "Apple");
        check("", "EX-S1", "EX-S1");
        check("", "", "");
        check("Ltd.", "X", "Ltd. X");
    }
}
