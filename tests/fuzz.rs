//! The fuzz targets on bytes near to what they are made for. `KBASEFS_LONG=1` runs a hundred times as many;
//! `cargo fuzz run TARGET` goes further.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

#[path = "../fuzz/targets.rs"]
mod targets;

use targets::{TARGETS, Target};

thread_local! {
    /// Whether something panicked on this thread: some of what is tested contains panics.
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn nothing_that_comes_from_outside_breaks_what_reads_it() {
    panic::set_hook(Box::new(|_| PANICKED.set(true)));
    let failures: Vec<_> = std::thread::scope(|scope| {
        let run = |target| scope.spawn(move || run(target));
        let threads: Vec<_> = TARGETS.iter().map(run).collect();
        let ended = threads.into_iter().map(|t| t.join().unwrap());
        ended.filter_map(Result::err).collect()
    });
    // The default hook again, which prints.
    drop(panic::take_hook());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run(target: &'static Target) -> Result<(), String> {
    let cases = match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 200_000,
        None => 2_000,
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let ran = runner.run(&bytes(target.seeds), |bytes| check(target, &bytes));
    println!("{}: {cases} runs", target.name);
    ran.map_err(|error| format!("{}: {error}", target.name))
}

fn check(target: &Target, bytes: &[u8]) -> Result<(), TestCaseError> {
    PANICKED.set(false);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    let reason = match ended {
        Ok(()) if !PANICKED.get() => return Ok(()),
        Ok(()) => "a panic that was contained".to_owned(),
        Err(panic) => match panic.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => panic
                .downcast_ref::<&str>()
                .map_or("a panic", |t| t)
                .to_owned(),
        },
    };
    Err(TestCaseError::fail(reason))
}

/// A seed, changed here and there; parts of two of them; or anything.
fn bytes(seeds: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let seed = || select(seeds).prop_map(<[u8]>::to_vec);
    let changes = prop::collection::vec((any::<Index>(), change()), 1..8);
    let changed = (seed(), changes).prop_map(|(mut bytes, changes)| {
        for (at, change) in changes {
            apply(&mut bytes, at, change);
        }
        bytes
    });
    let spliced = (seed(), seed(), any::<Index>(), any::<Index>()).prop_map(|(a, b, from, to)| {
        let (from, to) = (from.index(a.len() + 1), to.index(b.len() + 1));
        [&a[..from], &b[to..]].concat()
    });
    prop_oneof![
        6 => changed,
        2 => spliced,
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => any::<String>().prop_map(String::into_bytes),
    ]
}

#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let telling = select(
        &[
            0, 1, 0x7f, 0x80, 0xff, b' ', b'"', b'%', b'/', b'*', b'-', b':', b'{', b'<',
        ][..],
    );
    prop_oneof![
        4 => any::<u8>().prop_map(Change::Set),
        4 => telling.prop_map(Change::Set),
        2 => prop::collection::vec(any::<u8>(), 1..6).prop_map(Change::Insert),
        1 => any::<char>().prop_map(|c| Change::Insert(c.to_string().into_bytes())),
        2 => (1_usize..9).prop_map(Change::Remove),
        1 => (1_usize..9, 1_usize..40).prop_map(|(n, times)| Change::Repeat(n, times)),
    ]
}

fn apply(bytes: &mut Vec<u8>, at: Index, change: Change) {
    let at = at.index(bytes.len() + 1);
    let end = |length: usize| (at + length).min(bytes.len());
    match change {
        Change::Set(byte) => {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        Change::Insert(more) => drop(bytes.splice(at..at, more)),
        Change::Remove(length) => drop(bytes.drain(at..end(length))),
        Change::Repeat(length, times) => {
            let piece = bytes[at..end(length)].repeat(times);
            drop(bytes.splice(at..at, piece));
        }
    }
}
