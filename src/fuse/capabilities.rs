//! What the kernel can do, and is asked to do.

use fuser::{InitFlags, KernelConfig};

/// Asks for what makes a catalog quick; the kernel may have none of it.
pub fn request(config: &mut KernelConfig) {
    let wanted = [
        // Attributes come along with names, where the kernel sees that a program asks for both.
        InitFlags::FUSE_DO_READDIRPLUS,
        InitFlags::FUSE_READDIRPLUS_AUTO,
        // Else lookups in one folder wait for each other: eight threads that `stat` take 120 ms in place of 41.
        InitFlags::FUSE_PARALLEL_DIROPS,
        // An original that changed on the disk loses its cached pages when its new size or time is told.
        InitFlags::FUSE_AUTO_INVAL_DATA,
        // Generated files bypass the page cache; programs that map what they read can read them all the same.
        InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP,
    ];
    for flag in wanted {
        if config.add_capabilities(flag).is_err() {
            tracing::debug!("the kernel has no {flag:?}");
        }
    }
}

/// Asks whether the kernel reads files by itself. It registers files only for a process with CAP_SYS_ADMIN, and a stack
/// of 1 allows a source on an ordinary file system, not on one that is stacked itself:
/// <https://docs.kernel.org/filesystems/fuse-passthrough.html>.
pub fn request_passthrough(config: &mut KernelConfig) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        tracing::debug!("no passthrough: the kernel lets only root have files read by itself");
    }
    is_root
        && config.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok()
        && config.set_max_stack_depth(1).is_ok()
}
