//! Values of attributes on their way to the kernel, and the flags of setxattr(2).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use fuser::{Errno, ReplyEmpty, ReplyXattr};

use super::counters::Timed;
use super::errno;
use super::spans::Runtime;
use crate::vfs::{Attributes, Caller, Inode, Result};

/// `XATTR_CREATE` and `XATTR_REPLACE`, see setxattr(2).
const CREATE: i32 = 1;
const REPLACE: i32 = 2;

/// Where attributes are read and set: what is at hand at once, the rest in the runtime, because that waits for the disk
/// and for analyses.
pub struct Xattrs {
    pub attributes: Arc<Attributes>,
    pub runtime: Runtime,
}

impl Xattrs {
    /// Answers getxattr(2).
    pub fn get(
        &self,
        inode: Inode,
        name: &OsStr,
        caller: Caller,
        size: u32,
        reply: Timed<ReplyXattr>,
    ) {
        if let Some(value) = self.attributes.get_xattr_at_hand(inode, name.as_bytes()) {
            return send_value(value, size, reply);
        }
        let (attributes, name) = (self.attributes.clone(), name.to_owned());
        self.runtime.spawn(async move {
            let value = attributes.get_xattr(inode, name.as_bytes(), &caller);
            send_value(value.await, size, reply);
        });
    }

    /// Answers listxattr(2).
    pub fn list(&self, inode: Inode, size: u32, reply: Timed<ReplyXattr>) {
        if let Some(names) = self.attributes.list_xattr_at_hand(inode) {
            return send_names(Ok(names), size, reply);
        }
        let attributes = self.attributes.clone();
        self.runtime
            .spawn_blocking(move || send_names(attributes.list_xattr(inode), size, reply));
    }

    /// Answers setxattr(2).
    pub fn set(
        &self,
        (inode, name): (Inode, OsString),
        value: Vec<u8>,
        flags: i32,
        caller: Caller,
        reply: Timed<ReplyEmpty>,
    ) {
        let attributes = self.attributes.clone();
        self.runtime.spawn_blocking(move || {
            if let Err(e) = allows(&attributes, inode, name.as_bytes(), flags) {
                return reply.now().error(e);
            }
            let set = attributes.set_xattr(inode, name.as_bytes(), &value, &caller);
            send_done(set, reply);
        });
    }

    /// Answers removexattr(2).
    pub fn remove(
        &self,
        (inode, name): (Inode, OsString),
        caller: Caller,
        reply: Timed<ReplyEmpty>,
    ) {
        let attributes = self.attributes.clone();
        self.runtime.spawn_blocking(move || {
            let removed = attributes.remove_xattr(inode, name.as_bytes(), &caller);
            send_done(removed, reply);
        });
    }
}

/// Whether the flags of setxattr(2) let an attribute be set.
fn allows(
    attributes: &Attributes,
    inode: Inode,
    name: &[u8],
    flags: i32,
) -> std::result::Result<(), Errno> {
    if flags & (CREATE | REPLACE) == 0 {
        return Ok(());
    }
    let is_there = attributes.has_xattr(inode, name);
    match is_there.map_err(|e| errno::of(&e))? {
        true if flags & CREATE != 0 => Err(Errno::EEXIST),
        false if flags & REPLACE != 0 => Err(Errno::ENODATA),
        _ => Ok(()),
    }
}

fn send_names(names: Result<Vec<&str>>, size: u32, reply: Timed<ReplyXattr>) {
    send_value(names.map(|names| name_list(&names)), size, reply);
}

/// Names as listxattr(2) has them: each ends with a zero.
fn name_list(names: &[&str]) -> Vec<u8> {
    let mut list = Vec::with_capacity(names.iter().map(|name| name.len() + 1).sum());
    for name in names {
        list.extend_from_slice(name.as_bytes());
        list.push(0);
    }
    list
}

/// Answers with a value, or with its size when the caller has no room yet.
fn send_value(value: Result<Vec<u8>>, size: u32, reply: Timed<ReplyXattr>) {
    match value {
        Ok(value) if size == 0 => reply
            .now()
            .size(u32::try_from(value.len()).unwrap_or(u32::MAX)),
        Ok(value) if value.len() > size as usize => reply.now().error(Errno::ERANGE),
        Ok(value) => reply.now().data(&value),
        Err(e) => reply.now().error(errno::of(&e)),
    }
}

/// Answers what has no value.
pub fn send_done(done: Result<()>, reply: Timed<ReplyEmpty>) {
    match done {
        Ok(()) => reply.now().ok(),
        Err(e) => reply.now().error(errno::of(&e)),
    }
}
