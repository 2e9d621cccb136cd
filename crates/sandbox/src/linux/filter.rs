//! System calls that a command does not get.
//!
//! A list of refusals, not of permissions: programs of all kinds run here, and a list of permissions would break
//! the next one. Files are Landlock's matter; this closes the network, other processes, the kernel's own doors, and
//! whatever would go around the two.
//!
//! Sockets are refused whole, local ones too (where a command has a network of its own, TCP over IPv4 is left, which
//! leads nowhere but into that): a filter cannot see the path that a program connects to, and behind
//! local sockets wait Docker, the session bus and the SSH agent. Connected pairs stay, which programs use
//! to talk to their own children; datagram pairs do not, because those can be sent to any address.

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter, sock_filter,
};
use std::collections::BTreeMap;

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// The network, and other programs' sockets.
const NETWORK: &[c_long] = &[libc::SYS_socket, libc::SYS_connect];

/// Refused in every form.
const REFUSED: &[c_long] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // The kernel's keyring.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Ways around this filter, and wide doors into the kernel.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_open_by_handle_at,
    // The view of the file system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // `open_tree_attr`
    467,
    // The machine.
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_kexec_file_load];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[libc::SYS_kexec_file_load];

/// Extended attributes, which Landlock does not guard. The answer is that of a file system without them, which
/// programs that copy files take well. The last two are `setxattrat` and `removexattrat`.
const UNSUPPORTED: &[c_long] = &[
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    463,
    466,
];

/// Namespaces would give the powers back that were taken away.
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Terminal commands that type for the user.
const TYPING: &[u64] = &[0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

/// The bits of a socket's type that are not flags.
const TYPE_MASK: u64 = 0xf;

/// The first version of Landlock that guards `truncate`.
const ABI_WITH_TRUNCATE: u8 = 3;

/// Puts the filters in force for the calling process. `abi` is the kernel's version of Landlock; `tcp`: whether sockets
/// for TCP over IPv4 are left, in a network of its own.
pub(super) fn install(abi: u8, tcp: bool) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("seccomp failed: {error}");
    for program in programs(abi, tcp).map_err(|error| failed(&error))? {
        apply_filter(&program).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn programs(abi: u8, tcp: bool) -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let mut refused: Rules = REFUSED
        .iter()
        .chain(REFUSED_HERE)
        .map(|&call| (call, vec![]))
        .collect();
    if tcp {
        refused.insert(libc::SYS_socket, all_but_tcp()?);
    } else {
        refused.extend(NETWORK.iter().map(|&call| (call, vec![])));
    }
    // Flags in memory cannot be seen by a filter; libraries then fall back to calls whose flags can.
    let mut unknown: Rules = [(libc::SYS_clone3, vec![])].into();
    let unsupported: Rules = UNSUPPORTED.iter().map(|&call| (call, vec![])).collect();

    let mut namespaces = Vec::new();
    for &flag in NAMESPACES {
        namespaces.push(has_flag(0, flag)?);
    }
    refused.insert(libc::SYS_clone, namespaces.clone());
    refused.insert(libc::SYS_unshare, namespaces);

    let mut typing = Vec::new();
    for &command in TYPING {
        typing.push(rule(1, SeccompCmpOp::Eq, command)?);
    }
    refused.insert(libc::SYS_ioctl, typing);

    let pairs = vec![
        rule(0, SeccompCmpOp::Ne, libc::AF_UNIX as u64)?,
        rule(
            1,
            SeccompCmpOp::MaskedEq(TYPE_MASK),
            libc::SOCK_DGRAM as u64,
        )?,
        // The kernel makes a datagram socket of it.
        rule(1, SeccompCmpOp::MaskedEq(TYPE_MASK), libc::SOCK_RAW as u64)?,
    ];
    refused.insert(libc::SYS_socketpair, pairs);

    if abi < ABI_WITH_TRUNCATE {
        // Opening for reading may still empty a file.
        let empties = u64::from((libc::O_ACCMODE | libc::O_TRUNC).cast_unsigned());
        let reading = u64::from((libc::O_RDONLY | libc::O_TRUNC).cast_unsigned());
        refused.insert(libc::SYS_truncate, vec![]);
        refused.insert(
            libc::SYS_openat,
            vec![rule(2, SeccompCmpOp::MaskedEq(empties), reading)?],
        );
        #[cfg(target_arch = "x86_64")]
        refused.insert(
            libc::SYS_open,
            vec![rule(1, SeccompCmpOp::MaskedEq(empties), reading)?],
        );
        unknown.insert(libc::SYS_openat2, vec![]);
    }

    let mut refuse = compile(refused, libc::EPERM)?;
    // In front of the rest, for the numbers that would pass it by.
    refuse.splice(0..0, other_numbers());
    Ok(vec![
        refuse,
        compile(unknown, libc::ENOSYS)?,
        compile(unsupported, libc::EOPNOTSUPP)?,
    ])
}

/// Rules that match each socket but those for TCP over IPv4. Its kin (multipath TCP, SMC) go around Landlock.
fn all_but_tcp() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let mut rules = vec![rule(0, SeccompCmpOp::Ne, libc::AF_INET as u64)?];
    for kind in (0..=TYPE_MASK).filter(|&kind| kind != libc::SOCK_STREAM as u64) {
        rules.push(rule(1, SeccompCmpOp::MaskedEq(TYPE_MASK), kind)?);
    }
    let not = |protocol: i32| {
        SeccompCondition::new(
            2,
            Dword,
            SeccompCmpOp::Ne,
            u64::from(protocol.cast_unsigned()),
        )
    };
    rules.push(SeccompRule::new(vec![not(0)?, not(libc::IPPROTO_TCP)?])?);
    Ok(rules)
}

fn compile(rules: Rules, errno: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno.cast_unsigned()),
        arch,
    )?
    .try_into()
}

/// A rule about one argument. Only its lower half counts: the kernel reads these arguments as 32 bits.
fn rule(
    argument: u8,
    op: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, Dword, op, value)?])
}

fn has_flag(argument: u8, flag: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    let flag = u64::from(flag.cast_unsigned());
    rule(argument, SeccompCmpOp::MaskedEq(flag), flag)
}

/// Refuses the second set of numbers (x32) under which an x86-64 kernel may offer every call again.
#[cfg(target_arch = "x86_64")]
fn other_numbers() -> Vec<sock_filter> {
    const LOAD_CALL: sock_filter = sock_filter {
        code: 0x20,
        jt: 0,
        jf: 0,
        k: 0,
    };
    const SKIP_IF_BELOW: sock_filter = sock_filter {
        code: 0x35,
        jt: 0,
        jf: 1,
        k: 0x4000_0000,
    };
    let refuse = sock_filter {
        code: 0x06,
        jt: 0,
        jf: 0,
        k: 0x0005_0000 | libc::EPERM.cast_unsigned(),
    };
    vec![LOAD_CALL, SKIP_IF_BELOW, refuse]
}

#[cfg(not(target_arch = "x86_64"))]
fn other_numbers() -> Vec<sock_filter> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_for_every_kernel_compile() {
        for (abi, tcp) in (1..=9).flat_map(|abi| [(abi, false), (abi, true)]) {
            let programs = programs(abi, tcp).unwrap();
            assert_eq!(programs.len(), 3);
            assert!(programs.iter().all(|program| program.len() < 4096));
        }
    }
}
