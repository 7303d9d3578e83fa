//! The root: a folder for each view.

use super::views;
use crate::vfs::Step;
use crate::vfs::generated::{self, Location};
use crate::vfs::listing::{Changed, Names, Shown, Subfolder, Subfolders, cookies};

/// What the root of the tree lists: the views, in the order of [`views`].
#[derive(Debug)]
pub struct Root;

impl Subfolders for Root {
    fn list(&self, _: Shown<'_>) -> Vec<Subfolder> {
        let named = views().iter().enumerate();
        let folders = named.map(|(number, view)| Subfolder {
            cookie: cookies::FIRST + number as u64,
            name: view.name().into(),
            step: Step::View(number),
        });
        folders.collect()
    }

    fn find(&self, name: &[u8], _: Shown<'_>) -> Option<Step> {
        let mut names = views().iter().map(|view| view.name());
        names
            .position(|view| view.as_bytes() == name)
            .map(Step::View)
    }

    fn stale(&self, _: &mut Changed<'_>) -> Names {
        Names::new()
    }

    fn generated(&self) -> Vec<(usize, &'static [u8])> {
        generated::files_in(Location::Root)
    }
}
