/*
 * Attempts at what a contained command may not do: one line each, `name errno`, 0 when it went through. Arguments are
 * such that outside of a sandbox, and for root, each gives another answer than inside, and changes nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(name, call) report(name, (call))

static void report(const char *name, long result)
{
    printf("%s %d\n", name, result < 0 ? errno : 0);
    fflush(stdout);
}

/* In a child: what ends a process must not end the list. Prints the signal as a negative number. */
static void in_child(const char *name, void (*attempt)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        attempt();
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("%s %d\n", name, WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
    fflush(stdout);
}

static long cloned(unsigned long flags)
{
    long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    return child;
}

#if defined(__x86_64__)
static void x32(void) { syscall(0x40000000 | 20, 1, NULL, 0); }

static void foreign(void)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory"); /* getpid of the 32-bit table */
    _exit(0);
}
#endif

static void sockets(void)
{
    static const struct {
        const char *name;
        int family, type, protocol;
    } kinds[] = {
        {"socket-unix", AF_UNIX, SOCK_STREAM, 0}, {"socket-inet", AF_INET, SOCK_STREAM, 0}, {"socket-inet6", AF_INET6, SOCK_DGRAM, 17},
        {"socket-netlink", AF_NETLINK, SOCK_RAW, 0}, {"socket-packet", AF_PACKET, SOCK_RAW, 0}, {"socket-vsock", 40, SOCK_STREAM, 0},
        {"socket-alg", 38, SOCK_SEQPACKET, 0}, {"socket-bluetooth", 31, SOCK_RAW, 0}, {"socket-can", 29, SOCK_RAW, 1},
        {"socket-raw", AF_INET, SOCK_RAW, 1}, {"socket-icmp", AF_INET, SOCK_DGRAM, 1}, {"socket-sctp", AF_INET, SOCK_STREAM, 132},
        {"socket-dccp", AF_INET, 6, 0}, {"socket-tipc", 30, SOCK_STREAM, 0}, {"socket-rds", 21, SOCK_SEQPACKET, 0},
        {"socket-xdp", 44, SOCK_RAW, 0}, {"socket-smc", 43, SOCK_STREAM, 0}, {"socket-kcm", 41, SOCK_DGRAM, 0},
    };
    int pair[2];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int fd = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);
        report(kinds[i].name, fd);
        if (fd >= 0)
            close(fd);
    }
    TRY("socketpair-unix", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY("socketpair-tipc", socketpair(30, SOCK_STREAM, 0, pair));
}

static void calls(void)
{
    char byte = 0;
    TRY("io_uring_setup", syscall(425, 0, NULL));
    TRY("io_uring_enter", syscall(426, -1, 0, 0, 0, NULL, 0));
    TRY("io_uring_register", syscall(427, -1, 0, NULL, 0));
    TRY("clone3", syscall(435, NULL, 1));
    TRY("unknown-call", syscall(2000));
    TRY("clone-thread-flags", cloned(0));
    TRY("clone-user", cloned(CLONE_NEWUSER));
    TRY("clone-mounts", cloned(CLONE_NEWNS));
    TRY("clone-net", cloned(CLONE_NEWNET));
    TRY("unshare-files", syscall(SYS_unshare, CLONE_FILES));
    TRY("unshare-user", syscall(SYS_unshare, CLONE_NEWUSER | 0x1));
    TRY("unshare-time", syscall(SYS_unshare, 0x80 | 0x1));
    TRY("setns", syscall(SYS_setns, -1, 0));
    TRY("mount", syscall(SYS_mount, "none", "/no/such", "tmpfs", 0, NULL));
    TRY("umount", syscall(SYS_umount2, "/no/such", 0));
    TRY("pivot_root", syscall(SYS_pivot_root, "/no/such", "/no/such"));
    TRY("chroot", syscall(SYS_chroot, "/no/such"));
    TRY("open_tree", syscall(428, -1, "x", 0));
    TRY("move_mount", syscall(429, -1, "x", -1, "x", 0xffff));
    TRY("fsopen", syscall(430, "no-such-type", 0));
    TRY("fsconfig", syscall(431, -1, 99, NULL, NULL, 0));
    TRY("fsmount", syscall(432, -1, 0, 0));
    TRY("fspick", syscall(433, -1, "x", 0));
    TRY("mount_setattr", syscall(442, -1, "x", 0, NULL, 0));
    TRY("open_tree_attr", syscall(467, -1, "x", 0, NULL, 0));
    TRY("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
    TRY("name_to_handle_at", syscall(SYS_name_to_handle_at, -1, "x", NULL, NULL, 0));
    TRY("ptrace", syscall(SYS_ptrace, 9999, 0, 0, 0));
    TRY("process_vm_readv", syscall(SYS_process_vm_readv, 0, NULL, 0, NULL, 0, 1));
    TRY("process_vm_writev", syscall(SYS_process_vm_writev, 0, NULL, 0, NULL, 0, 1));
    TRY("kcmp", syscall(SYS_kcmp, 0, 0, 99, 0, 0));
    TRY("pidfd_getfd", syscall(438, -1, 0, 0));
    TRY("process_madvise", syscall(440, -1, NULL, 0, 0, 0));
    TRY("add_key", syscall(SYS_add_key, NULL, NULL, NULL, 0, 0));
    TRY("request_key", syscall(SYS_request_key, NULL, NULL, NULL, 0));
    TRY("keyctl", syscall(SYS_keyctl, 9999, 0, 0, 0, 0));
    TRY("bpf", syscall(SYS_bpf, 9999, NULL, 0));
    TRY("userfaultfd", syscall(SYS_userfaultfd, 0xffff));
    TRY("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    TRY("kexec_load", syscall(SYS_kexec_load, 0, 99, NULL, 0xffff));
    TRY("kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0xffff));
    TRY("init_module", syscall(SYS_init_module, NULL, 0, NULL));
    TRY("finit_module", syscall(SYS_finit_module, -1, "", 0));
    TRY("delete_module", syscall(SYS_delete_module, NULL, 0));
    TRY("fanotify_init", syscall(SYS_fanotify_init, 0xffffffff, 0));
    TRY("swapon", syscall(SYS_swapon, "/no/such", 0));
    TRY("swapoff", syscall(SYS_swapoff, "/no/such"));
    TRY("reboot", syscall(SYS_reboot, 1, 2, 3, NULL));
    TRY("acct", syscall(SYS_acct, "/no/such"));
    TRY("quotactl", syscall(SYS_quotactl, 0xffffffff, NULL, 0, NULL));
    TRY("quotactl_fd", syscall(443, -1, 0, 0, NULL));
    TRY("syslog", syscall(SYS_syslog, 9999, &byte, 1));
    TRY("settimeofday", syscall(SYS_settimeofday, (void *)1, NULL));
    TRY("clock_settime", syscall(SYS_clock_settime, 99, (void *)1));
    TRY("adjtimex", syscall(SYS_adjtimex, (void *)1));
    TRY("clock_adjtime", syscall(SYS_clock_adjtime, 99, (void *)1));
    TRY("sethostname", syscall(SYS_sethostname, NULL, -1));
    TRY("mknod-character", mknodat(-1, "x", S_IFCHR | 0600, makedev(1, 3)));
    TRY("mknod-whiteout", mknodat(-1, "x", S_IFCHR, 0));
    TRY("mknod-block", mknodat(-1, "x", S_IFBLK | 0600, makedev(7, 0)));
    TRY("ioctl-TIOCSTI", ioctl(-1, 0x5412, &byte));
    TRY("ioctl-TIOCSTI-high-bits", syscall(SYS_ioctl, -1, 0xdeadbeef00005412UL, &byte));
    TRY("ioctl-TIOCLINUX", ioctl(-1, 0x541C, &byte));
    TRY("ioctl-TIOCSETD", ioctl(-1, 0x5423, &byte));
    TRY("ioctl-TIOCCONS", ioctl(-1, 0x541D, &byte));
#if defined(__x86_64__)
    TRY("iopl", syscall(SYS_iopl, 99));
    TRY("ioperm", syscall(SYS_ioperm, -1, -1, 1));
    TRY("modify_ldt", syscall(SYS_modify_ldt, 99, NULL, 0));
    in_child("x32", x32);
    in_child("foreign", foreign);
#endif
}

int main(void)
{
    calls();
    sockets();
    return 0;
}
