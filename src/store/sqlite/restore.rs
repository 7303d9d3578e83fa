//! A copy of a catalog brought back: it takes the catalog's place, which is kept under another name.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::catalog_lock::CatalogLock;
use super::holdings::settled;
use super::opening::{plain, refuse_others};
use super::replace::{self, Replacement};
use super::schema::{self, Fit};
use super::{Error, Result, binding, health, recovery, salvage};

/// Puts what `copy` holds in the place of the catalog at `path`, of the photos in `source`, and says what that is called
/// from then on; nobody else has it open. The copy stays as it is.
///
/// At every moment the old one or the whole new one stands there, and no log of the old one beside the new one.
///
/// # Errors
/// When the copy is damaged, or of another folder, program or later version; [`Error::InUse`] when somebody has the
/// catalog. Nothing has changed then.
pub fn restore(path: &Path, copy: &Path, source: &Path) -> Result<PathBuf> {
    let failed = |source| Error::of_file(path, source);
    replace::finish_interrupted(path)?;
    let _held = match path.exists() {
        true => Some(CatalogLock::acquire(path)?),
        false => None,
    };
    let replacement = Replacement::begin(path)?;
    let new = replacement.new_file();
    pour(copy, &new, source)?;
    replace::sync(&new).map_err(failed)?;
    replacement.finish("replaced").map_err(failed)
}

/// Writes a file with all that the copy holds, once it is known to be a sound catalog of that folder.
fn pour(copy: &Path, new: &Path, source: &Path) -> Result<()> {
    refuse_others(copy)?;
    let from = settled(copy)?;
    match schema::fit(&from)? {
        Fit::Version(_) => {}
        Fit::Newer => return Err(schema::newer(copy)),
        Fit::New | Fit::Foreign => return Err(Error::Foreign { path: copy.into() }),
        Fit::Misnumbered { .. } | Fit::Damaged(_) => return Err(damaged(copy)),
    }
    let owner = binding::source(&from)?.unwrap_or_default();
    if owner != source.as_os_str().as_bytes() {
        return Err(Error::OtherSource {
            path: copy.into(),
            owner: PathBuf::from(std::ffi::OsStr::from_bytes(&owner)),
        });
    }
    recovery::copy(&from, new)?;
    let new = plain(new)?;
    match &health::findings(&new, copy)?[..] {
        [] => salvage::close(new),
        _ => Err(damaged(copy)),
    }
}

fn damaged(copy: &Path) -> Error {
    Error::Open {
        path: copy.into(),
        source: "this copy is damaged itself".into(),
    }
}
