//! Whether tests that mount can run here.

/// Whether something can be mounted; says that the test is skipped where not.
pub fn can_mount() -> bool {
    let can = std::path::Path::new("/dev/fuse").exists();
    if !can {
        eprintln!("skipped: /dev/fuse is missing");
    }
    can
}
