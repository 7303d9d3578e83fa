//! Pictures of a screen, known by how systems call them.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Facet, LabelKey, Photo, fold};

/// How systems name screenshots, or the folder that they put them in, in the languages that many photos come from.
const NAMES: &[&str] = &[
    "screenshot",
    "screen shot",
    "screen_shot",
    // German.
    "bildschirmfoto",
    "bildschirmaufnahme",
    // French.
    "capture d\u{2019}\u{e9}cran",
    "capture d'\u{e9}cran",
    // Spanish.
    "captura de pantalla",
    // Brazilian Portuguese.
    "captura de tela",
    // Portuguese.
    "captura de ecr\u{e3}",
    // Italian.
    "schermata",
    "istantanea schermo",
    // Dutch.
    "schermafbeelding",
    // Swedish.
    "sk\u{e4}rmavbild",
    "sk\u{e4}rmbild",
    // Norwegian.
    "skjermbilde",
    // Danish.
    "sk\u{e6}rmbillede",
    // Polish.
    "zrzut ekranu",
    // Turkish.
    "ekran g\u{f6}r\u{fc}nt\u{fc}s\u{fc}",
    // Russian.
    "\u{441}\u{43d}\u{438}\u{43c}\u{43e}\u{43a} \u{44d}\u{43a}\u{440}\u{430}\u{43d}\u{430}",
    // Japanese.
    "\u{30b9}\u{30af}\u{30ea}\u{30fc}\u{30f3}\u{30b7}\u{30e7}\u{30c3}\u{30c8}",
    // Chinese.
    "\u{5c4f}\u{5e55}\u{622a}\u{56fe}",
    "\u{622a}\u{5c4f}",
    // Korean.
    "\u{c2a4}\u{d06c}\u{b9b0}\u{c0f7}",
];

/// All of them at once: every photo is looked at when a catalog is loaded.
static KNOWN: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(NAMES).expect("a few words make a small automaton"));

impl Photo {
    /// Whether it is tagged as one, or no camera took it and it or its folder is called like one. `labels` are those that
    /// hold for it.
    pub(crate) fn is_screenshot<'a>(
        &self,
        labels: impl Iterator<Item = &'a LabelKey> + Clone,
    ) -> bool {
        let is_tag = |key: &LabelKey| key.facet == Facet::Tag && key.folded == "screenshot";
        let is_camera = |key: &LabelKey| key.facet == Facet::Camera;
        labels.clone().any(is_tag)
            || !labels.clone().any(is_camera) && self.is_called_a_screenshot()
    }

    fn is_called_a_screenshot(&self) -> bool {
        let path = &self.path;
        let folder = path.folder().rsplit(|&b| b == b'/').next();
        [Some(path.file_name()), folder]
            .into_iter()
            .flatten()
            .map(String::from_utf8_lossy)
            .any(|name| KNOWN.is_match(&*fold(&name)))
    }
}
