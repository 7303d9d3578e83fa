//! English plurals in the singular, so that `dogs` and `dog` are one tag.
//!
//! Only the last word of a term changes. Errs on the side of leaving a word as it is: two tags for one thing are a
//! nuisance, a word that doesn't exist is a fault.

/// Words that look like plurals and are none, or mean something else without the s.
const KEPT: &[&str] = &[
    "always",
    "antiques",
    "binoculars",
    "bus",
    "canvas",
    "christmas",
    "clothes",
    "clothings",
    "cosmos",
    "crossroads",
    "fireworks",
    "glasses",
    "goggles",
    "graphics",
    "headphones",
    "headquarters",
    "jeans",
    "leggings",
    "news",
    "overalls",
    "pajamas",
    "pants",
    "paris",
    "physics",
    "pliers",
    "politics",
    "pyjamas",
    "scissors",
    "series",
    "shorts",
    "species",
    "sports",
    "stairs",
    "sunglasses",
    "texas",
    "thanks",
    "tights",
    "tongs",
    "trousers",
    "tweezers",
    "gymnastics",
    "athletics",
    "mathematics",
    "barracks",
    "chess",
    "gas",
    "atlas",
    "lens",
    "iris",
    "tennis",
    "kansas",
    "netherlands",
    "alps",
    "himalayas",
    "andes",
];

/// Plurals that no rule below makes right; many are here because the rules would take an `e` too many or too few.
const IRREGULAR: &[(&str, &str)] = &[
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
    ("feet", "foot"),
    ("teeth", "tooth"),
    ("mice", "mouse"),
    ("geese", "goose"),
    ("leaves", "leaf"),
    ("loaves", "loaf"),
    ("knives", "knife"),
    ("wolves", "wolf"),
    ("shelves", "shelf"),
    ("calves", "calf"),
    ("halves", "half"),
    ("wives", "wife"),
    ("elves", "elf"),
    ("scarves", "scarf"),
    ("hooves", "hoof"),
    ("thieves", "thief"),
    ("lives", "life"),
    ("cookies", "cookie"),
    ("movies", "movie"),
    ("selfies", "selfie"),
    ("hoodies", "hoodie"),
    ("zombies", "zombie"),
    ("pies", "pie"),
    ("ties", "tie"),
    ("shoes", "shoe"),
    ("toes", "toe"),
    ("canoes", "canoe"),
    ("horseshoes", "horseshoe"),
    ("houses", "house"),
    ("horses", "horse"),
    ("roses", "rose"),
    ("vases", "vase"),
    ("noses", "nose"),
    ("bicycles", "bicycle"),
    ("axes", "axe"),
    ("caches", "cache"),
    ("lenses", "lens"),
    ("buses", "bus"),
    ("gases", "gas"),
    ("people", "people"),
    ("cacti", "cactus"),
    ("fungi", "fungus"),
    ("oxen", "ox"),
    ("greenhouses", "greenhouse"),
    ("lighthouses", "lighthouse"),
    ("warehouses", "warehouse"),
    ("nurses", "nurse"),
    ("purses", "purse"),
    ("blouses", "blouse"),
    ("cheeses", "cheese"),
    ("courses", "course"),
    ("cases", "case"),
    ("mooses", "moose"),
    ("exercises", "exercise"),
    ("sunrises", "sunrise"),
    ("kitties", "kitty"),
];

/// The singular of a lower-case English term.
pub fn singular(term: &str) -> String {
    let start = term.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (before, last) = term.split_at(start);
    format!("{before}{}", word(last))
}

fn word(word: &str) -> String {
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == word) {
        return (*one).to_owned();
    }
    // Too short to tell: `gas`, `bus`, `yes`.
    if KEPT.contains(&word) || word.len() < 4 || !word.is_ascii() {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zes", "toes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    let singular_s = ["ss", "us", "is", "ous"];
    match word.strip_suffix('s') {
        Some(stem) if !singular_s.iter().any(|e| word.ends_with(e)) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_become_singular_and_others_stay() {
        let check = |many: &str, one: &str| assert_eq!(singular(many), one, "{many}");
        for (many, one) in [
            ("dogs", "dog"),
            ("mountains", "mountain"),
            ("beaches", "beach"),
            ("boxes", "box"),
            ("dishes", "dish"),
            ("dresses", "dress"),
            ("ladies", "lady"),
            ("trees", "tree"),
            ("houses", "house"),
            ("children", "child"),
            ("tomatoes", "tomato"),
            ("street lights", "street light"),
            ("t-shirts", "t-shirt"),
            ("shoes", "shoe"),
        ] {
            check(many, one);
        }
        for kept in [
            "grass",
            "bus",
            "cactus",
            "tennis",
            "sunglasses",
            "jeans",
            "people",
            "glass",
            "dog",
            "sky",
            "gas",
            "sea",
            "christmas",
            "fireworks",
            "b\u{e4}ume",
            "",
        ] {
            check(kept, kept);
        }
    }
}
