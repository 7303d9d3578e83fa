//! What is logged at debug level says which request of the kernel, or the work on which photo, it belongs to.

use std::process::Command;

use serde_json::Value;

use crate::test_env::TestEnv;

/// The spans of the first line that says so, the outermost first. None where the line is in none.
fn spans(log: &str, says: impl Fn(&Value) -> bool) -> Vec<Value> {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = lines.find(says).unwrap_or_else(|| panic!("{log}"));
    line["spans"].as_array().cloned().unwrap_or_default()
}

fn with_log(level: &str) -> Option<TestEnv> {
    let env = TestEnv::new()?;
    env.settings(&format!("log = \"{level}\"\nlog_format = \"json\"\n"));
    Some(env)
}

#[test]
fn a_commit_names_the_request_that_it_comes_of() {
    let Some(env) = with_log("debug") else {
        return;
    };
    let daemon = env.mount(|_| ());
    let mut make = env.alone(Command::new("mkdir"));
    let mut make = make.arg(env.path("mnt/tags/two")).spawn().unwrap();
    let pid = make.id();
    assert!(make.wait().unwrap().success());
    let log = daemon.stop();
    let by_mkdir = |line: &Value| line["message"] == "committed" && line["span"]["op"] == "mkdir";
    let spans = spans(&log, by_mkdir);
    let [request] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(request["name"], "request");
    assert_eq!(request["pid"], pid);
    assert_eq!(request["uid"], rustix::process::geteuid().as_raw());
    assert!(request["id"].as_u64() > Some(0) && request["inode"].as_u64() > Some(0));
}

/// The spans of what is said of an analyzer that breaks down.
fn of_a_failed_job(level: &str) -> Option<Vec<Value>> {
    let env = with_log(level)?;
    let begin = env.path("begin");
    let daemon = env.mount(|command| {
        command.env("KBASEFS_FAULTS", "panic-network");
        command.env("KBASEFS_FAULTS_BEGIN", &begin);
    });
    std::fs::write(&begin, "").unwrap();
    let mut get = env.alone(Command::new("getfattr"));
    get.args(["--only-values", "-n", "user.kbasefs.description"]);
    assert!(get.arg(env.path("mnt/all/a.png")).output().is_ok());
    let is_it = |line: &Value| line["level"] == "WARN" && line["analyzer"] == "embedded";
    Some(spans(&daemon.stop(), is_it))
}

#[test]
fn a_failure_names_the_job_that_it_comes_of() {
    let Some(spans) = of_a_failed_job("debug") else {
        return;
    };
    let [photo, job] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(photo["name"], "photo");
    assert_eq!(photo["photo"], 1);
    assert_eq!(job["name"], "job");
    assert_eq!(job["photo"], 1);
    assert_eq!(job["analyzer"], "embedded");
    assert_eq!(job["attempt"], 1);
    let content = job["content"].as_str().unwrap();
    assert!(
        content.len() == 8 && content.bytes().all(|b| b.is_ascii_hexdigit()),
        "{content}"
    );
}

#[test]
fn at_another_level_there_are_none() {
    let spans = of_a_failed_job("info").unwrap_or_default();
    assert!(spans.is_empty(), "{spans:?}");
}
