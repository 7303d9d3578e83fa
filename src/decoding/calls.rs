//! The system calls that a worker may make: of those that remain, none opens, connects, starts or kills anything.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// What the kernel does for it from then on, whatever the arguments are.
const CALLS: &[libc::c_long] = &[
    // Its connection, which is open.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_close,
    // Memory; see `conditions` for those that could make it a program.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // What the standard libraries do by the way.
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // The start of a thread; see `conditions` for the call itself.
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Closes all others, for good.
///
/// # Errors
/// When the kernel doesn't take the list.
pub fn close() -> Result<(), Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        CALLS.iter().map(|&call| (call, Vec::new())).collect();
    for (call, condition) in conditions()? {
        rules.insert(call, vec![SeccompRule::new(vec![condition])?]);
    }
    // As if the kernel had no others: for clone3, whose flags no filter sees, the C library takes clone then.
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    let filter = SeccompFilter::new(rules, absent, SeccompAction::Allow, arch)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)
}

/// Calls that it may make one way only: memory that is no program, a thread, on which a part of a JPEG is decoded, but no other
/// process, and a signal to itself, which is how a process aborts.
fn conditions() -> Result<[(libc::c_long, SeccompCondition); 4], BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq};
    let argument = |at, is, value| SeccompCondition::new(at, SeccompCmpArgLen::Dword, is, value);
    let no_program = || argument(2, MaskedEq(libc::PROT_EXEC as u64), 0);
    let thread = libc::CLONE_THREAD as u64;
    let own = u64::from(std::process::id());
    Ok([
        (libc::SYS_mmap, no_program()?),
        (libc::SYS_mprotect, no_program()?),
        (libc::SYS_clone, argument(0, MaskedEq(thread), thread)?),
        (libc::SYS_tgkill, argument(0, Eq, own)?),
    ])
}
