//! The system calls that Python and the code of authors may make; all others fail with "not permitted".

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use crate::error::CageError;

/// What code of authors needs: memory, time, threads, and files it may open by other rules.
const RUN: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
    libc::SYS_write,
    libc::SYS_writev,
    // Told "no such call" by a filter of its own, so that the C library falls back to `clone`.
    libc::SYS_clone3,
];

/// Calls that only some processors have.
#[cfg(target_arch = "x86_64")]
const RUN_OLD: &[i64] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_getdents,
    libc::SYS_lstat,
    libc::SYS_open,
    libc::SYS_readlink,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const RUN_OLD: &[i64] = &[];

/// What the process needs besides, from which runs are forked: to be started, to fork, to hear of its children, to
/// confine them further.
const FORK: &[i64] = &[
    libc::SYS_clone,
    libc::SYS_chdir,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_execve,
    libc::SYS_getpgid,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_ioctl,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_recvmsg,
    libc::SYS_seccomp,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setrlimit,
    libc::SYS_socketpair,
    libc::SYS_tgkill,
    libc::SYS_wait4,
    libc::SYS_waitid,
];

#[cfg(target_arch = "x86_64")]
const FORK_OLD: &[i64] =
    &[libc::SYS_dup2, libc::SYS_fork, libc::SYS_pipe, libc::SYS_poll, libc::SYS_vfork, libc::SYS_getpgrp];
#[cfg(not(target_arch = "x86_64"))]
const FORK_OLD: &[i64] = &[];

/// Commands of `ioctl` a run may give: is it a terminal, and close or keep on exec.
const TERMINAL_COMMANDS: &[u64] = &[libc::TCGETS, libc::FIOCLEX, libc::FIONCLEX];

/// Commands of `fcntl` a run may give: copy a descriptor, ask about it, close it on exec. Others make the kernel signal
/// whatever process the run names (`F_SETOWN`), or lock files.
const DESCRIPTOR_COMMANDS: &[i32] =
    &[libc::F_DUPFD, libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL];

/// Filters in the form in which the kernel takes them.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    /// For the process that runs are forked from.
    pub(crate) zygote: BpfProgram,
    /// For a run, on top of it.
    pub(crate) run: BpfProgram,
    /// Says of `clone3` that there is no such call.
    pub(crate) no_clone3: BpfProgram,
}

impl Filters {
    /// Makes the filters for this machine.
    ///
    /// # Errors
    /// [`CageError::Missing`] for processors without filters.
    pub(crate) fn new() -> Result<Self, CageError> {
        let arch = TargetArch::try_from(std::env::consts::ARCH)
            .map_err(|_| CageError::missing("system call filters for this processor"))?;
        let any = |numbers: &[&[i64]]| -> BTreeMap<i64, Vec<SeccompRule>> {
            numbers.iter().flat_map(|list| list.iter()).map(|number| (*number, Vec::new())).collect()
        };
        let mut run = any(&[RUN, RUN_OLD]);
        run.insert(libc::SYS_clone, vec![threads_only()?]);
        let mut commands = Vec::new();
        for command in TERMINAL_COMMANDS {
            commands.push(argument(1, SeccompCmpOp::Eq, *command)?);
        }
        run.insert(libc::SYS_ioctl, commands);
        let mut commands = Vec::new();
        for command in DESCRIPTOR_COMMANDS {
            commands.push(argument(1, SeccompCmpOp::Eq, u64::from(command.unsigned_abs()))?);
        }
        run.insert(libc::SYS_fcntl, commands);
        Ok(Self {
            zygote: build(
                any(&[RUN, RUN_OLD, FORK, FORK_OLD, &[libc::SYS_fcntl]]),
                libc::EPERM,
                false,
                arch,
            )?,
            run: build(run, libc::EPERM, false, arch)?,
            no_clone3: build(any(&[&[libc::SYS_clone3]]), libc::ENOSYS, true, arch)?,
        })
    }
}

/// `clone` for threads of the same process; never for another process.
fn threads_only() -> Result<SeccompRule, CageError> {
    let thread = (libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND) as u64;
    argument(0, SeccompCmpOp::MaskedEq(thread), thread)
}

fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, CageError> {
    let condition =
        SeccompCondition::new(index, SeccompCmpArgLen::Qword, operator, value).map_err(CageError::filter)?;
    SeccompRule::new(vec![condition]).map_err(CageError::filter)
}

fn build(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    error: i32,
    listed_fail: bool,
    arch: TargetArch,
) -> Result<BpfProgram, CageError> {
    let fail = SeccompAction::Errno(error.unsigned_abs());
    let (listed, others) =
        if listed_fail { (fail, SeccompAction::Allow) } else { (SeccompAction::Allow, fail) };
    let filter = SeccompFilter::new(rules, others, listed, arch).map_err(CageError::filter)?;
    filter.try_into().map_err(CageError::filter)
}

/// Writes a filter as the bytes of the kernel's `struct sock_filter`, in hexadecimal.
pub(crate) fn to_hex(program: &BpfProgram) -> String {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for step in program {
        bytes.extend_from_slice(&step.code.to_ne_bytes());
        bytes.extend_from_slice(&[step.jt, step.jf]);
        bytes.extend_from_slice(&step.k.to_ne_bytes());
    }
    hex::encode(bytes)
}
