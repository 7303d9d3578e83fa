//! Names that queries are kept under.

use super::{clean, escape};

/// The longest folder name, in bytes.
const LONGEST: usize = 255;

/// The name, clean. `None` for one that can't be a folder's: empty, hidden, or too long.
pub fn saved_name(text: &str) -> Option<String> {
    let name = clean(text, LONGEST)?;
    let fits = !name.starts_with('.') && escape(&name).len() <= LONGEST;
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_a_folder_can_have() {
        let check = |text: &str, name: Option<&str>| assert_eq!(saved_name(text).as_deref(), name);
        check(" dogs at sea ", Some("dogs at sea"));
        check("-dog", Some("-dog"));
        check("a\nb", Some("a b"));
        check(" ", None);
        check(".Trash-0", None);
        check(&"/".repeat(100), None);
    }
}
