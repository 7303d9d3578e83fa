//! Files that say what of their folder is looked at.

/// Patterns as in a `.gitignore`.
pub const RULES: &str = ".ignore";
/// Hides all of a folder.
/// Android's sign that nothing there is for galleries:
/// <https://developer.android.com/reference/android/provider/MediaStore#MEDIA_IGNORE_FILENAME>.
pub const NO_MEDIA: &str = ".nomedia";

/// Whether a file of this name is one of them.
pub fn is_rule(name: &[u8]) -> bool {
    name == RULES.as_bytes() || name == NO_MEDIA.as_bytes()
}
