//! Pictures are decoded in processes of their own: what one of them does costs that picture, and no process is left.

use std::process::{Command, Output, Stdio};

use rustix::process::{Signal, kill_process};

use crate::test_env::{TestEnv, decode_workers, pid};
use crate::until::until;

/// More than decode at a time.
const HOSTILE: u8 = 6;
const HARMLESS: u8 = 12;

/// The ticks that a process has worked: the twelfth word behind its name.
fn worked(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let behind = stat.rsplit_once(") ")?.1;
    behind.split(' ').nth(11)?.parse().ok()
}

fn is_gone(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

/// One of them that has worked for half a second, which starting doesn't take.
fn busy_worker(parent: u32) -> u32 {
    let ticks = rustix::param::clock_ticks_per_second();
    let is_busy = |process: &u32| worked(*process).is_some_and(|spent| spent > ticks / 2);
    let mut busy = None;
    until("a worker that works", || {
        busy = decode_workers(parent).into_iter().find(is_busy);
        busy.is_some()
    });
    busy.unwrap()
}

/// A picture that does something to its decoder, where faults are asked for.
fn hostile(env: &TestEnv, name: &str, look: u8, does: &str) {
    env.photo(name, look);
    let path = env.path("photos").join(name);
    // Decoders read nothing after the end of a picture.
    let bytes = [std::fs::read(&path).unwrap(), does.into()].concat();
    std::fs::write(path, bytes).unwrap();
}

/// Some that are, between some that aren't.
fn env(does: &str, settings: &str) -> Option<TestEnv> {
    let env = TestEnv::new()?;
    (2..=HARMLESS).for_each(|n| env.photo(&format!("harmless{n}.png"), n));
    (0..HOSTILE).for_each(|n| hostile(&env, &format!("hostile{n}.png"), 100 + n, does));
    env.settings(settings);
    Some(env)
}

fn analyze(env: &TestEnv, faults: &str) -> Command {
    let mut command = env.command(&["analyze"]);
    command
        .arg(env.path("photos"))
        .env("KBASEFS_FAULTS", faults);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Each hostile picture failed for the reason, and all others are analysed.
fn check(output: &Output, hostile: u8, reason: &str) {
    let (said, sum) = (text(&output.stderr), text(&output.stdout));
    let failed = said.lines().filter(|line| line.ends_with(reason));
    assert_eq!(failed.count(), usize::from(hostile), "{said}");
    let all = HARMLESS + hostile;
    let expected = format!("{all} photos: {HARMLESS} analysed, {hostile} failed, 0 skipped");
    assert!(sum.contains(&expected), "{sum}{said}");
}

#[test]
fn pictures_that_never_end_cost_themselves() {
    let settings = "decode_time_s = 0.5\nworkers = 2\n";
    let Some(env) = env("never ends", settings) else {
        return;
    };
    let output = analyze(&env, "hostile-pictures").output().unwrap();
    check(&output, HOSTILE, ": decoding takes more than 0.5 s");
}

#[test]
fn pictures_that_take_all_memory_cost_themselves() {
    let Some(env) = env("takes all memory", "") else {
        return;
    };
    let output = analyze(&env, "hostile-pictures").output().unwrap();
    check(
        &output,
        HOSTILE,
        ": decoding takes more than 1636 MB of memory",
    );
}

#[test]
fn a_worker_that_is_killed_costs_its_picture_and_only_for_now() {
    let Some(env) = env("", "decode_time_s = 3600\n") else {
        return;
    };
    hostile(&env, "endless.png", 200, "never ends");
    let analysis = analyze(&env, "hostile-pictures").spawn().unwrap();
    let worker = busy_worker(analysis.id());
    kill_process(pid(worker), Signal::KILL).unwrap();
    let output = analysis.wait_with_output().unwrap();
    let said = text(&output.stderr);
    let reason = "endless.png: the process that decodes it was killed";
    assert!(said.contains(reason), "{said}");
    let others = format!("{} analysed, 1 failed", HARMLESS + HOSTILE);
    assert!(text(&output.stdout).contains(&others), "{output:?}");

    // Nothing is recorded of a picture that may be harmless.
    let output = analyze(&env, "").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_crash_costs_its_picture() {
    let Some(env) = env("", "decode_time_s = 3600\n") else {
        return;
    };
    hostile(&env, "crashes.png", 200, "never ends");
    let analysis = analyze(&env, "hostile-pictures").spawn().unwrap();
    let worker = busy_worker(analysis.id());
    kill_process(pid(worker), Signal::ILL).unwrap();
    let output = analysis.wait_with_output().unwrap();
    let said = text(&output.stderr);
    let reason = "crashes.png: picture breaks its decoder (signal: 4";
    assert!(said.contains(reason), "{said}");
    let others = format!("{} analysed, 1 failed", HARMLESS + HOSTILE);
    assert!(text(&output.stdout).contains(&others), "{output:?}");
}

#[test]
fn no_worker_is_left_when_its_process_ends_or_is_killed() {
    for signal in [Signal::TERM, Signal::KILL] {
        let Some(env) = TestEnv::new() else { return };
        env.settings("decode_time_s = 3600\n");
        hostile(&env, "endless.png", 200, "never ends");
        let mut daemon = env.mount(|command| {
            command.env("KBASEFS_FAULTS", "hostile-pictures");
        });
        let asked = analyze(&env, "").spawn().unwrap();
        busy_worker(daemon.number());
        let workers = daemon.decode_workers();
        daemon.signal(signal);
        daemon.until_over();
        until("the workers' end", || {
            workers.iter().all(|&one| is_gone(one))
        });
        asked.wait_with_output().unwrap();
        env.until_unmounted();
    }
}

#[test]
fn without_processes_pictures_are_decoded_all_the_same_and_that_is_said_once() {
    let Some(env) = env("", "") else { return };
    let output = analyze(&env, "no-decode-workers").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stderr);
    let word = "no process can be started to decode pictures in";
    assert_eq!(said.matches(word).count(), 1, "{said}");
}

#[test]
fn a_program_that_was_replaced_still_decodes_in_processes() {
    let Some(env) = TestEnv::new() else { return };
    let program = env.path("kbasefs");
    std::fs::copy(env!("CARGO_BIN_EXE_kbasefs"), &program).unwrap();
    let daemon = env.mount(|command| {
        *command = env.alone(Command::new(&program));
        command.args(["mount", "-f"]);
        command.args([env.path("photos"), env.path("mnt")]);
    });
    std::fs::remove_file(&program).unwrap();
    assert!(env.run(&["analyze"], &["photos"]).status.success());
    assert_eq!(daemon.decode_workers().len(), 1);
    daemon.stop();
}
