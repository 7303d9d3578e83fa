//! Whether this process may have the memory that it needs to begin. Where it may not, an allocation ends it somewhere in
//! the middle, and nothing tells its user which limit that was.

use rustix::process::{Resource, getrlimit};

use super::report::hinted;
use super::status::mebibytes;

/// A limit below which no command comes to its end, in bytes, and what it is called.
struct Least {
    resource: Resource,
    bytes: u64,
    of_shell: &'static str,
    of_service: &'static str,
}

/// Address space is taken for the stack and the heap of each thread, long before it is used; with two processors a scan
/// was ended by 391 MiB of it, and not by 488.
const LEAST: [Least; 2] = [
    Least {
        resource: Resource::As,
        bytes: 400 << 20,
        of_shell: "ulimit -v",
        of_service: "LimitAS=",
    },
    Least {
        resource: Resource::Data,
        bytes: 64 << 20,
        of_shell: "ulimit -d",
        of_service: "LimitDATA=",
    },
];

/// Refuses to begin where memory is bound to be short.
///
/// # Errors
/// When a limit of this process is lower than what it takes to begin.
pub fn check() -> anyhow::Result<()> {
    LEAST.iter().try_for_each(|least| {
        let limit = getrlimit(least.resource).current;
        match limit.filter(|&limit| limit < least.bytes) {
            None => Ok(()),
            Some(limit) => Err(refusal(least, limit)),
        }
    })
}

fn refusal(least: &Least, limit: u64) -> anyhow::Error {
    let (may, needs) = (mebibytes(limit), mebibytes(least.bytes));
    let (of_shell, of_service) = (least.of_shell, least.of_service);
    hinted(
        format!("this process may take {may} of memory, and needs {needs} to begin"),
        format!("raise `{of_shell}`, or {of_service} of the service"),
    )
}
