//! What the system gives: kernel, FUSE, limits, mounts, indexers.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use crate::api::Finding;
use crate::cli::mounted_catalog;
use crate::cli::probe::{self, Health};
use crate::fuse::mounts::Mount;

pub fn findings() -> Vec<Finding> {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let is_root = rustix::process::geteuid().is_root();
    let mut findings = vec![
        kernel(&text("/proc/sys/kernel/osrelease"), is_root),
        device(),
    ];
    if !is_root {
        findings.push(helper(&std::env::var("PATH").unwrap_or_default()));
        findings.push(allow_other(&text("/etc/fuse.conf")));
    }
    findings.push(open_files(getrlimit(Resource::Nofile).current));
    findings.push(watches(&text("/proc/sys/fs/inotify/max_user_watches")));
    findings.extend(own_mounts());
    if let Ok(rules) = fs::read_to_string("/etc/updatedb.conf") {
        findings.push(pruned(&rules));
    }
    findings
}

fn kernel(release: &str, is_root: bool) -> Finding {
    let release = release.trim();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut number = || {
        numbers
            .next()
            .and_then(|n| n.parse::<u32>().ok())
            .unwrap_or(0)
    };
    let version = (number(), number());
    let name = format!("Linux {release}");
    if version < (5, 6) {
        return Finding::wrong(
            "kernel",
            name,
            "photos open safely only from Linux 5.6 on: update it",
        );
    }
    if is_root && version < (6, 9) {
        let hint = "from Linux 6.9 on, mounts by root read at the disk's own speed";
        return Finding::note("kernel", name, hint);
    }
    Finding::ok("kernel", name)
}

fn device() -> Finding {
    let opened = fs::File::options().read(true).write(true).open("/dev/fuse");
    let message = |e: &io::Error| format!("/dev/fuse: {}", super::super::report::plain(e));
    match opened {
        Ok(_) => Finding::ok("fuse", "/dev/fuse opens"),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Finding::wrong(
            "fuse",
            message(&e),
            "modprobe fuse; in a container: --device /dev/fuse",
        ),
        Err(e) => Finding::wrong("fuse", message(&e), "chmod 666 /dev/fuse, as udev does"),
    }
}

/// Users mount by a helper that becomes root.
fn helper(path: &str) -> Finding {
    let install = "install the package fuse3";
    let folders = path.split(':').map(Path::new);
    let mut candidates = folders.map(|folder| folder.join("fusermount3"));
    let Some(program) = candidates.find(|file: &PathBuf| file.exists()) else {
        return Finding::wrong("fusermount3", "not there", install);
    };
    let mode = program.metadata().map_or(0, |m| m.permissions().mode());
    let name = program.display().to_string();
    match mode & 0o4000 {
        0 => Finding::wrong("fusermount3", format!("{name} isn't setuid root"), install),
        _ => Finding::ok("fusermount3", name),
    }
}

fn allow_other(rules: &str) -> Finding {
    match rules.lines().any(|line| line.trim() == "user_allow_other") {
        true => Finding::ok("allow_other", "users may open their mounts to others"),
        false => Finding::note(
            "allow_other",
            "mounts are for those who mount them only",
            "user_allow_other in /etc/fuse.conf lets users mount with -o allow_other",
        ),
    }
}

fn open_files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < 1024 => Finding::note(
            "open files",
            format!("at most {limit}"),
            "ulimit -n 4096, or LimitNOFILE= of the service",
        ),
        Some(limit) => Finding::ok("open files", format!("at most {limit}")),
        None => Finding::ok("open files", "without limit"),
    }
}

fn watches(limit: &str) -> Finding {
    match limit.trim().parse::<u64>() {
        Ok(limit) if limit < 65_536 => Finding::note(
            "watches",
            format!("at most {limit} folders can be followed"),
            "sysctl fs.inotify.max_user_watches=524288; until then larger sources are looked at again and again",
        ),
        Ok(limit) => Finding::ok("watches", format!("{limit} folders can be followed")),
        Err(_) => Finding::note(
            "watches",
            "the kernel has no inotify",
            "sources are looked at again and again; see watch_interval_s",
        ),
    }
}

/// Of those of this user; others' aren't asked.
fn own_mounts() -> Vec<Finding> {
    match mounted_catalog::own_mounts() {
        Ok(own) => own
            .iter()
            .map(|mount| of_mount(mount, probe::health(mount)))
            .collect(),
        Err(e) => vec![Finding::wrong(
            "mount",
            format!("what is mounted can't be read: {e}"),
            "look whether memory is short, and whether /proc is mounted",
        )],
    }
}

fn of_mount(mount: &Mount, health: io::Result<Health>) -> Finding {
    let at = mount.point.display();
    let name = format!("{} on {at}", mount.source.display());
    let wrong = |what: &str, hint: String| Finding::wrong("mount", format!("{name} {what}"), hint);
    match health {
        Ok(Health::Lives | Health::Unknown) => Finding::ok("mount", name),
        Ok(Health::Dead) => wrong("is dead", format!("kbasefs umount {at}, or mount again")),
        Ok(Health::Unresponsive) => wrong(
            "doesn't answer",
            format!("its process is stopped or stuck: kbasefs umount {at}, and mount again"),
        ),
        Err(e) => wrong("can't be asked", format!("kbasefs probe: {e}")),
    }
}

fn pruned(rules: &str) -> Finding {
    let lines = rules.lines().map(str::trim);
    let mut types = lines.filter(|line| line.starts_with("PRUNEFS"));
    match types.any(|line| line.contains("fuse.kbasefs")) {
        true => Finding::ok("updatedb", "leaves mounts out"),
        false => Finding::note(
            "updatedb",
            "walks through mounts",
            "add fuse.kbasefs to PRUNEFS in /etc/updatedb.conf",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::FindingState as State;

    #[test]
    fn a_kernel_is_told_by_its_number() {
        let check = |release, is_root, state| {
            assert_eq!(kernel(release, is_root).state, state, "{release}");
        };
        check("6.18.44-fc\n", true, State::Ok);
        check("6.8.0-45-generic", true, State::Note);
        check("6.8.0-45-generic", false, State::Ok);
        check("5.4.0", false, State::Wrong);
        check("", false, State::Wrong);
    }

    #[test]
    fn rules_of_other_programs_are_read_as_they_are_written() {
        assert_eq!(pruned("# PRUNEFS = \"fuse.kbasefs\"").state, State::Note);
        assert_eq!(pruned(" PRUNEFS = \"nfs fuse.kbasefs\"").state, State::Ok);
        assert_eq!(allow_other("#user_allow_other").state, State::Note);
        assert_eq!(allow_other("a\n user_allow_other \n").state, State::Ok);
    }

    #[test]
    fn a_helper_that_is_not_there_is_missed() {
        assert_eq!(helper("/nowhere:/neither").state, State::Wrong);
        assert_eq!(watches("8192\n").state, State::Note);
        assert_eq!(open_files(Some(256)).state, State::Note);
    }
}
