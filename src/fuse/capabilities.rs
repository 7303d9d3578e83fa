//! What the kernel can do, and is asked to do.

use fuser::{InitFlags, KernelConfig};

/// Asks for what makes a catalog quick; the kernel may have none of it.
pub fn request(config: &mut KernelConfig) {
    let wanted = [
        InitFlags::FUSE_DO_READDIRPLUS,
        InitFlags::FUSE_READDIRPLUS_AUTO,
        InitFlags::FUSE_PARALLEL_DIROPS,
        InitFlags::FUSE_AUTO_INVAL_DATA,
    ];
    for flag in wanted {
        if config.add_capabilities(flag).is_err() {
            tracing::debug!("the kernel has no {flag:?}");
        }
    }
}

/// Asks whether the kernel reads files by itself.
pub fn request_passthrough(config: &mut KernelConfig) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        tracing::debug!("no passthrough: the kernel lets only root have files read by itself");
    }
    is_root
        && config.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok()
        && config.set_max_stack_depth(1).is_ok()
}
