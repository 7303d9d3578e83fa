//! The URI of a file, exactly as GLib writes it: the name of a thumbnail depends on every character.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Those that GLib leaves as they are: `UNSAFE_PATH` of
/// <https://gitlab.gnome.org/GNOME/glib/-/blob/main/glib/gconvert.c>.
const PLAIN: &[u8] = b"!$&'()*+,-./:=@_~";

/// `file:///…` of an absolute path.
pub fn of_file(path: &Path) -> String {
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        match byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            true => uri.push(char::from(byte)),
            false => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn files_are_named_as_glib_names_them() {
        let check = |path: &[u8], expected: &str| {
            assert_eq!(of_file(Path::new(OsStr::from_bytes(path))), expected);
        };
        check(
            b"/home/jens/photos/me.png",
            "file:///home/jens/photos/me.png",
        );
        check(b"/a b/#1?.jpg", "file:///a%20b/%231%3F.jpg");
        check("/caf\u{e9};[x]".as_bytes(), "file:///caf%C3%A9%3B%5Bx%5D");
        check(b"/\xff%\n", "file:///%FF%25%0A");
        check(
            b"/!$&'()*+,-.:=@_~`{|}^\"<>\\",
            "file:///!$&'()*+,-.:=@_~%60%7B%7C%7D%5E%22%3C%3E%5C",
        );
    }
}
