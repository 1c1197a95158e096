/*
 * System calls that the command and what it starts cannot make. Classic BPF, written by hand.
 *
 * An allow-list would break programs that nobody here has seen; so what is known to reach beyond the sandbox, or to be
 * the kernel's favourite hole, is refused by name, every call newer than this list does not exist, and other
 * architectures (whose numbers mean other calls) end the process. Unix sockets stay: tests use them in the workspace and
 * in /tmp, and a filter cannot see an address. What they could reach is taken away instead: see sockets.c and landlock.c.
 */
#define _GNU_SOURCE
#include "run.h"
#include "kernel.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000U
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the filter is written for x86-64 and aarch64"
#endif

enum {
    NEWEST = 469, /* file_setattr, Linux 6.17; the numbers are one row for all architectures since 424 */
    REAL_NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
    NEW_TIME = 0x80, /* in clone, these bits are the signal's */
};

struct refusal {
    int call, error;
};

static const struct refusal refusals[] = {
    /* asynchronous calls that no filter sees; programs do without when they do not exist */
    {425 /* io_uring_setup */, ENOSYS}, {426 /* io_uring_enter */, ENOSYS}, {427 /* io_uring_register */, ENOSYS},
    /* its flags lie in memory, where a filter cannot look; the C library falls back to clone */
    {NR_CLONE3, ENOSYS},
    /* other namespaces and other views */
    {SYS_setns, EPERM}, {SYS_mount, EPERM}, {SYS_umount2, EPERM}, {SYS_pivot_root, EPERM}, {SYS_chroot, EPERM},
    {NR_OPEN_TREE, EPERM}, {NR_MOVE_MOUNT, EPERM}, {NR_FSOPEN, EPERM}, {NR_FSCONFIG, EPERM}, {NR_FSMOUNT, EPERM},
    {NR_FSPICK, EPERM}, {NR_MOUNT_SETATTR, EPERM}, {467 /* open_tree_attr */, EPERM},
    {SYS_open_by_handle_at, EPERM}, {SYS_name_to_handle_at, EPERM},
    /* other processes */
    {SYS_ptrace, EPERM}, {SYS_process_vm_readv, EPERM}, {SYS_process_vm_writev, EPERM}, {SYS_kcmp, EPERM},
    {NR_PIDFD_GETFD, EPERM}, {440 /* process_madvise */, EPERM},
    /* keys belong to the user, not to a namespace */
    {SYS_add_key, EPERM}, {SYS_request_key, EPERM}, {SYS_keyctl, EPERM},
    /* the kernel's own machinery */
    {SYS_bpf, EPERM}, {SYS_userfaultfd, ENOSYS}, {SYS_perf_event_open, EPERM}, {SYS_kexec_load, EPERM},
    {SYS_kexec_file_load, EPERM}, {SYS_init_module, EPERM}, {SYS_finit_module, EPERM}, {SYS_delete_module, EPERM},
    {SYS_fanotify_init, EPERM}, {SYS_lookup_dcookie, EPERM}, {SYS_vhangup, EPERM}, {SYS_nfsservctl, ENOSYS},
    /* the machine's */
    {SYS_swapon, EPERM}, {SYS_swapoff, EPERM}, {SYS_reboot, EPERM}, {SYS_acct, EPERM}, {SYS_quotactl, EPERM},
    {443 /* quotactl_fd */, EPERM}, {SYS_syslog, EPERM}, {SYS_settimeofday, EPERM}, {SYS_clock_settime, EPERM},
    {SYS_adjtimex, EPERM}, {SYS_clock_adjtime, EPERM}, {SYS_sethostname, EPERM}, {SYS_setdomainname, EPERM},
#if defined(__x86_64__)
    {SYS_iopl, EPERM}, {SYS_ioperm, EPERM}, {SYS_modify_ldt, EPERM}, {SYS_uselib, ENOSYS}, {SYS_create_module, ENOSYS},
    {SYS__sysctl, ENOSYS},
#endif
};

/* Typing for others, selecting for others, other line disciplines, and the console. */
static const unsigned ioctls[] = {0x5412 /* TIOCSTI */, 0x541C /* TIOCLINUX */, 0x5423 /* TIOCSETD */, 0x541D /* TIOCCONS */};

struct program {
    struct sock_filter code[512];
    unsigned short length;
};

static void put(struct program *program, unsigned short code, unsigned char yes, unsigned char no, unsigned value)
{
    if (program->length == sizeof program->code / sizeof *program->code)
        fail(REINSTALL, "the filter of system calls is too long");
    program->code[program->length++] = (struct sock_filter){code, yes, no, value};
}

static void load(struct program *program, size_t offset) { put(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)offset); }

static void end(struct program *program, unsigned action) { put(program, BPF_RET | BPF_K, 0, 0, action); }

/* Skips `count` instructions unless what is loaded is this. */
static void unless(struct program *program, unsigned value, unsigned char count) { put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, count, value); }

static void jump_if(struct program *program, unsigned value, unsigned char count) { put(program, BPF_JMP | BPF_JEQ | BPF_K, count, 0, value); }

static void load_call(struct program *program) { load(program, offsetof(struct seccomp_data, nr)); }

/* The lower half of an argument: it is all that the kernel looks at where an int is wanted. */
static void load_argument(struct program *program, unsigned number)
{
    load(program, offsetof(struct seccomp_data, args) + number * sizeof(uint64_t));
}

static void check_architecture(struct program *program)
{
    load(program, offsetof(struct seccomp_data, arch));
    jump_if(program, ARCHITECTURE, 1);
    end(program, SECCOMP_RET_KILL_PROCESS);
    load_call(program);
#ifdef X32_BIT
    put(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, X32_BIT);
    end(program, SECCOMP_RET_KILL_PROCESS);
#endif
    put(program, BPF_JMP | BPF_JGT | BPF_K, 0, 1, NEWEST);
    end(program, SECCOMP_RET_ERRNO | ENOSYS);
}

static void refuse_flags(struct program *program, int call, unsigned flags)
{
    unless(program, (unsigned)call, 4);
    load_argument(program, 0);
    put(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, flags);
    end(program, SECCOMP_RET_ERRNO | EPERM);
    end(program, SECCOMP_RET_ALLOW);
}

static void refuse_devices(struct program *program, int call, unsigned argument)
{
    unless(program, (unsigned)call, 6);
    load_argument(program, argument);
    put(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, S_IFMT);
    jump_if(program, S_IFCHR, 1);
    unless(program, S_IFBLK, 1);
    end(program, SECCOMP_RET_ERRNO | EPERM);
    end(program, SECCOMP_RET_ALLOW);
}

static void refuse_ioctls(struct program *program)
{
    const unsigned char count = sizeof ioctls / sizeof *ioctls;
    unless(program, SYS_ioctl, (unsigned char)(count * 2 + 2));
    load_argument(program, 1);
    for (size_t i = 0; i < count; i++) {
        unless(program, ioctls[i], 1);
        end(program, SECCOMP_RET_ERRNO | EPERM);
    }
    end(program, SECCOMP_RET_ALLOW);
}

/* TCP, UDP and Unix sockets; everything else is another part of the kernel, often one that loads for the first caller. */
static void refuse_sockets(struct program *program)
{
    unless(program, SYS_socketpair, 4);
    load_argument(program, 0);
    jump_if(program, AF_UNIX, 1);
    end(program, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    end(program, SECCOMP_RET_ALLOW);
    unless(program, SYS_socket, 16);
    load_argument(program, 0);
    jump_if(program, AF_UNIX, 13); /* to the end: allowed */
    jump_if(program, AF_INET, 2);
    jump_if(program, AF_INET6, 1);
    end(program, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    load_argument(program, 1);
    put(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xf);
    jump_if(program, SOCK_STREAM, 2);
    jump_if(program, SOCK_DGRAM, 1);
    end(program, SECCOMP_RET_ERRNO | EPERM);
    load_argument(program, 2);
    jump_if(program, 0, 3);
    jump_if(program, IPPROTO_TCP, 2);
    jump_if(program, IPPROTO_UDP, 1);
    end(program, SECCOMP_RET_ERRNO | EPROTONOSUPPORT);
    end(program, SECCOMP_RET_ALLOW);
}

/*
 * A command that shares the caller's terminal is in the caller's process group, which kill(0) reaches whatever namespace
 * its members are in. Landlock keeps signals inside; where it cannot, such signals are refused.
 */
static void refuse_group_signals(struct program *program)
{
    unless(program, SYS_kill, 4);
    load_argument(program, 0);
    unless(program, 0, 1);
    end(program, SECCOMP_RET_ERRNO | EPERM);
    end(program, SECCOMP_RET_ALLOW);
    unless(program, SYS_pidfd_send_signal, 4);
    load_argument(program, 3);
    jump_if(program, 0, 1);
    end(program, SECCOMP_RET_ERRNO | EPERM);
    end(program, SECCOMP_RET_ALLOW);
}

/* Told, and then made as they were asked: see sight.c. Bytes that go where a connection leads are nobody's business. */
static void tell_programs_and_places(struct program *program)
{
    static const int told[] = {SYS_execve, SYS_execveat, SYS_connect};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        unless(program, (unsigned)told[i], 1);
        end(program, SECCOMP_RET_USER_NOTIF);
    }
    unless(program, SYS_sendto, 6);
    load_argument(program, 4); /* the address; both halves of the pointer */
    unless(program, 0, 3);
    load(program, offsetof(struct seccomp_data, args) + 4 * sizeof(uint64_t) + sizeof(uint32_t));
    unless(program, 0, 1);
    end(program, SECCOMP_RET_ALLOW);
    end(program, SECCOMP_RET_USER_NOTIF);
}

static void write_program(struct program *program, bool shim, bool observe, bool group_signals)
{
    check_architecture(program);
    load_call(program);
    refuse_ioctls(program);
    refuse_sockets(program);
    if (!group_signals)
        refuse_group_signals(program);
    refuse_flags(program, SYS_clone, REAL_NEW_NAMESPACES);
    refuse_flags(program, SYS_unshare, REAL_NEW_NAMESPACES | NEW_TIME);
    refuse_devices(program, SYS_mknodat, 2);
#ifdef SYS_mknod
    refuse_devices(program, SYS_mknod, 1);
#endif
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        unless(program, (unsigned)refusals[i].call, 1);
        end(program, SECCOMP_RET_ERRNO | (unsigned)refusals[i].error);
    }
    if (observe)
        tell_programs_and_places(program);
    if (shim) {
        static const int renames[] = {
#ifdef SYS_rename
            SYS_rename,
#endif
#ifdef SYS_renameat
            SYS_renameat,
#endif
            SYS_renameat2,
        };
        for (size_t i = 0; i < sizeof renames / sizeof *renames; i++) {
            unless(program, (unsigned)renames[i], 1);
            end(program, SECCOMP_RET_USER_NOTIF);
        }
    }
    end(program, SECCOMP_RET_ALLOW);
}

int filter_calls(bool shim, bool observe, bool group_signals)
{
    static struct program program;
    const unsigned listen = SECCOMP_FILTER_FLAG_NEW_LISTENER | (1U << 5) /* WAIT_KILLABLE_RECV */;
    const bool tells = shim || observe;
    write_program(&program, shim, observe, group_signals);
    struct sock_fprog whole = {program.length, program.code};
    int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, tells ? listen : 0U, &whole);
    if (fd < 0 && tells && errno == EINVAL) /* before Linux 5.19 */
        fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &whole);
    if (fd < 0)
        fail(DOCTOR, "system calls cannot be filtered (%s)", strerror(errno));
    return tells ? fd : -1;
}
