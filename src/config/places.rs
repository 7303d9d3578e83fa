//! Where things are kept, by the XDG base directory specification
//! (<https://specifications.freedesktop.org/basedir-spec/latest/>). Never in the source.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// An absolute folder that the environment names; others are to be ignored, says the specification.
fn folder(env: Env, name: &str) -> Option<PathBuf> {
    env(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

fn below_home(env: Env, name: &str, default: &str) -> Option<PathBuf> {
    folder(env, name).or_else(|| Some(folder(env, "HOME")?.join(default)))
}

/// The user's configuration file: `$XDG_CONFIG_HOME/kbasefs/config.toml`.
pub fn user_file(env: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(below_home(env, "XDG_CONFIG_HOME", ".config")?.join("kbasefs/config.toml"))
}

/// The index of a source, by its absolute path: `$XDG_DATA_HOME/kbasefs/<name>-<hash>/catalog.sqlite`.
pub fn catalog_path(source: &Path, env: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let catalogs = catalogs_folder(env)?;
    let name = source.file_name().map(|n| n.to_string_lossy().into_owned());
    let name: String = name
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .take(32)
        .collect();
    let folder = format!("{name}-{}", mark(source.as_os_str().as_bytes()));
    Some(catalogs.join(folder).join("catalog.sqlite"))
}

/// The folder of all catalogs that are where they usually are: `$XDG_DATA_HOME/kbasefs`.
pub fn catalogs_folder(env: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(below_home(env, "XDG_DATA_HOME", ".local/share")?.join("kbasefs"))
}

/// Whether a file is called as [`catalog_path`] calls one, in whichever environment.
pub fn is_usual_place(catalog: &Path) -> bool {
    let mut names = catalog.iter().rev();
    let file = names.next().is_some_and(|name| name == "catalog.sqlite");
    let folder = names.next().unwrap_or_default().to_string_lossy();
    let is_mark = |mark: &str| mark.len() == 16 && mark.bytes().all(|b| b.is_ascii_hexdigit());
    let folder = folder
        .rsplit_once('-')
        .is_some_and(|(_, mark)| is_mark(mark));
    file && folder && names.next().is_some_and(|name| name == "kbasefs")
}

/// Where the control socket of an index may be, the preferred place first: `$XDG_RUNTIME_DIR/kbasefs/<hash>.sock`,
/// else beside the index. A process in another session of the same user may see only the second.
pub fn control_sockets(index: &Path, env: &impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let file = format!("{}.sock", mark(index.as_os_str().as_bytes()));
    let runtime = folder(env, "XDG_RUNTIME_DIR").filter(|path| path.is_dir());
    let runtime = runtime.map(|path| path.join("kbasefs").join(file));
    let beside = index.with_extension("sock");
    runtime.into_iter().chain([beside]).collect()
}

/// Where pictures made ready for servers are kept: `$XDG_CACHE_HOME/kbasefs/previews`.
pub fn previews_folder(env: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(below_home(env, "XDG_CACHE_HOME", ".cache")?.join("kbasefs/previews"))
}

/// Where files are kept while they are copied into the catalog: `$XDG_CACHE_HOME/kbasefs/copies`.
pub fn copies_folder(env: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(below_home(env, "XDG_CACHE_HOME", ".cache")?.join("kbasefs/copies"))
}

/// Where file managers keep thumbnails: `$XDG_CACHE_HOME/thumbnails`.
pub fn thumbnails_folder(env: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(below_home(env, "XDG_CACHE_HOME", ".cache")?.join("thumbnails"))
}

/// 16 hexadecimal digits: a socket's path may have 108 bytes, see unix(7), and no two sources of a user share 64 bits
/// by chance.
fn mark(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_the_environment_and_fall_back_to_home() {
        let env = |name: &str| match name {
            "HOME" => Some("/home/a".to_owned()),
            "XDG_CONFIG_HOME" => Some("relative/is/ignored".to_owned()),
            "XDG_DATA_HOME" => Some("/data".to_owned()),
            _ => None,
        };
        let file = user_file(&env).unwrap();
        assert_eq!(file, Path::new("/home/a/.config/kbasefs/config.toml"));
        let index = catalog_path(Path::new("/x/My photos"), &env).unwrap();
        assert!(index.starts_with("/data/kbasefs"));
        assert!(is_usual_place(&index));
        assert!(!is_usual_place(Path::new(
            "/data/kbasefs/x-1/catalog.sqlite"
        )));
        let folder = index
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap();
        assert!(folder.starts_with("Myphotos-"), "{folder}");
        assert_ne!(
            Some(&index),
            catalog_path(Path::new("/y/My photos"), &env).as_ref()
        );
        assert_eq!(
            control_sockets(&index, &env),
            [index.with_extension("sock")]
        );
        assert_eq!(user_file(&|_: &str| None), None);
    }
}
