//! The ways in which mount(8) calls this program, turned into `kbasefs mount`.
//!
//! As `mount.kbasefs SOURCE MOUNTPOINT -sfnv -o OPTIONS -t TYPE`, by a link of that name, and as `kbasefs SOURCE MOUNTPOINT
//! -o OPTIONS`, from mount.fuse(8). Pure.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the arguments mean.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    /// To be parsed as they are, the program's name first.
    Command(Vec<OsString>),
    /// mount(8) only wants to know whether the program is there.
    Fake,
}

pub fn call(args: Vec<OsString>) -> Call {
    let name = args.first().map(|name| Path::new(name).file_name());
    let is_helper = |name: &OsStr| name == "mount.kbasefs" || name == "mount.fuse.kbasefs";
    if name.flatten().is_some_and(is_helper) {
        return by_mount(&args[1..]);
    }
    match args.get(1) {
        Some(first) if first.as_bytes().starts_with(b"/") => {
            let mount = ["kbasefs", "mount"].map(OsString::from);
            Call::Command(mount.into_iter().chain(args.into_iter().skip(1)).collect())
        }
        _ => Call::Command(args),
    }
}

fn by_mount(args: &[OsString]) -> Call {
    let mut command: Vec<OsString> = ["kbasefs", "mount"].map(OsString::from).into();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_bytes() {
            b"-o" => {
                command.push(arg.clone());
                command.extend(args.next().cloned());
            }
            // A type, or a namespace, which is entered already.
            b"-t" | b"-N" => drop(args.next()),
            [b'-', letters @ ..] if letters.iter().all(|l| b"sfnv".contains(l)) => {
                if letters.contains(&b'f') {
                    return Call::Fake;
                }
                if letters.contains(&b's') {
                    command.extend(["-o", "sloppy"].map(OsString::from));
                }
            }
            _ => command.push(arg.clone()),
        }
    }
    Call::Command(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &str, expected: &str) {
        let args = args.split(' ').map(OsString::from).collect();
        let expected = expected.split(' ').map(OsString::from).collect();
        assert_eq!(call(args), Call::Command(expected));
    }

    #[test]
    fn mount_calls_by_a_link_or_with_a_path() {
        check(
            "/sbin/mount.kbasefs /a /m -n -o rw,nofail -t kbasefs",
            "kbasefs mount /a /m -o rw,nofail",
        );
        check(
            "/sbin/mount.fuse.kbasefs /a /m -sv",
            "kbasefs mount /a /m -o sloppy",
        );
        check("kbasefs /a /m -o rw", "kbasefs mount /a /m -o rw");
        let fake = ["mount.kbasefs", "/a", "/m", "-fv"].map(OsString::from);
        assert_eq!(call(fake.into()), Call::Fake);
    }

    #[test]
    fn commands_stay_as_they_are() {
        check("kbasefs scan /a", "kbasefs scan /a");
        check(
            "/usr/bin/kbasefs mount /a /m -f",
            "/usr/bin/kbasefs mount /a /m -f",
        );
        check("kbasefs", "kbasefs");
    }
}
