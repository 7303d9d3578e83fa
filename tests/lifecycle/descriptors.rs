//! Any number of files may be open, whatever the process may hold itself.

use std::fs::{self, File};
use std::io::Read;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::test_env::{TestEnv, count};
use crate::until::until;

const FILES: usize = 10_000;

/// Of this process, which holds them all; whether it may.
fn raise_limit() -> bool {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limits.maximum,
        ..limits
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    limits
        .maximum
        .is_none_or(|most| most > FILES as u64 + 1_000)
}

/// By the kernel itself, and by READ requests, which it must be when reads may start an analysis.
#[test]
fn more_files_may_be_open_than_the_process_may_have_descriptors() {
    let Some(env) = TestEnv::new() else { return };
    if !raise_limit() {
        return eprintln!("skipped: a process may not open {FILES} files here");
    }
    for n in 0..FILES {
        fs::write(env.path(&format!("photos/{n}.jpg")), format!("photo {n}")).unwrap();
    }
    for on in ["asked", "read"] {
        env.settings(&format!("[embedded]\non = \"{on}\"\n"));
        let daemon = env.mount_with_descriptors(1024);
        let path = |n: usize| env.path(&format!("mnt/all/{n}.jpg"));
        until("all of them", || count(&env.path("mnt/all")) > FILES);
        let mut open: Vec<_> = (0..FILES).map(|n| File::open(path(n)).unwrap()).collect();
        let held = daemon.descriptors();
        assert!(held < 1024, "{on}: {held}");
        for (n, file) in open.iter_mut().enumerate() {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("photo {n}"), "{on}");
        }
        drop(open);
        daemon.stop();
    }
}
