//! Paths: bytes that needn't be UTF-8.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The bytes of a path, as URL-safe base64 without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct EncodedPath(String);

impl EncodedPath {
    /// Encodes the bytes of a path.
    pub fn of(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// `None` when it is no base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(&self.0).ok()
    }

    /// `None` when it is no base64.
    pub fn path(&self) -> Option<PathBuf> {
        Some(OsString::from_vec(self.bytes()?).into())
    }
}

impl fmt::Display for EncodedPath {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&Path> for EncodedPath {
    fn from(path: &Path) -> Self {
        Self::of(path.as_os_str().as_bytes())
    }
}

/// An absolute path of a file or folder outside the source.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FilePath {
    /// Its bytes.
    pub path_base64: EncodedPath,
}

/// The path of a photo relative to the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PhotoPath {
    /// What isn't UTF-8 in it is replaced.
    pub path: String,
    /// Its bytes; left out where `path` is all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub path_base64: Option<EncodedPath>,
}

impl PhotoPath {
    /// The path of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let lossy = std::str::from_utf8(bytes).is_err();
        Self {
            path: String::from_utf8_lossy(bytes).into_owned(),
            path_base64: lossy.then(|| EncodedPath::of(bytes)),
        }
    }

    /// The path as it is on the disk.
    pub fn bytes(&self) -> Vec<u8> {
        let exact = self.path_base64.as_ref().and_then(EncodedPath::bytes);
        exact.unwrap_or_else(|| self.path.clone().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_as_its_bytes() {
        for bytes in [&b"trip/1.jpg"[..], b"caf\xe9.png", b""] {
            assert_eq!(PhotoPath::of(bytes).bytes(), bytes);
            assert_eq!(EncodedPath::of(bytes).bytes().unwrap(), bytes);
        }
        assert_eq!(PhotoPath::of("café".as_bytes()).path_base64, None);
        assert_eq!(EncodedPath("no base64".into()).bytes(), None);
    }
}
