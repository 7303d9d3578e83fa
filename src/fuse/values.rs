//! Values of attributes on their way to the kernel, and the flags of setxattr(2).

use fuser::{Errno, ReplyEmpty, ReplyXattr};

use super::errno;
use crate::vfs::{Inode, Result, Tree};

/// `XATTR_CREATE` and `XATTR_REPLACE`.
const CREATE: i32 = 1;
const REPLACE: i32 = 2;

/// Whether the flags of setxattr(2) let an attribute be set.
pub fn allows(
    tree: &Tree,
    inode: Inode,
    name: &[u8],
    flags: i32,
) -> std::result::Result<(), Errno> {
    if flags & (CREATE | REPLACE) == 0 {
        return Ok(());
    }
    let names = tree.list_xattr(inode).map_err(|e| errno::of(&e))?;
    let is_there = names.iter().any(|n| n.as_bytes() == name);
    match is_there {
        true if flags & CREATE != 0 => Err(Errno::EEXIST),
        false if flags & REPLACE != 0 => Err(Errno::ENODATA),
        _ => Ok(()),
    }
}

/// Answers with a value, or with its size when the caller has no room yet.
pub fn send_value(value: Result<Vec<u8>>, size: u32, reply: ReplyXattr) {
    match value {
        Ok(value) if size == 0 => reply.size(u32::try_from(value.len()).unwrap_or(u32::MAX)),
        Ok(value) if value.len() > size as usize => reply.error(Errno::ERANGE),
        Ok(value) => reply.data(&value),
        Err(e) => reply.error(errno::of(&e)),
    }
}

pub fn send_done(done: Result<()>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(e) => reply.error(errno::of(&e)),
    }
}
