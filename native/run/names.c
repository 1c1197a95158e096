/* Namespaces: the command gets its own users, mounts, processes, network, System V IPC, host name and cgroup root. */
#define _GNU_SOURCE
#include "run.h"
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* clone3's words. The cgroup is joined as the process is born: moving one later costs some ten milliseconds. */
struct birth {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
enum { INTO_CGROUP_BIT = 33 };

pid_t fork_into_namespaces(int group)
{
    const unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                                CLONE_NEWCGROUP;
    if (group >= 0) {
        struct birth birth = {.flags = flags | 1ULL << INTO_CGROUP_BIT, .exit_signal = SIGCHLD, .cgroup = (uint64_t)group};
        pid_t child = (pid_t)syscall(NR_CLONE3, &birth, sizeof birth);
        if (child >= 0)
            return child; /* else this user may not, or this kernel cannot: the sandbox is made all the same */
    }
    return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        fail(DOCTOR, "the sandbox's users could not be set (%s: %s)", path, strerror(errno));
    close(fd);
}

/*
 * The user is the same inside as outside, and the only one there: every other owner is seen as nobody, so a
 * set-user-id program has nobody to become. It is the one map that an ordinary user may write.
 */
void map_ids(uid_t user, gid_t group)
{
    char line[64];
    write_map("/proc/self/setgroups", "deny");
    snprintf(line, sizeof line, "%u %u 1\n", (unsigned)user, (unsigned)user);
    write_map("/proc/self/uid_map", line);
    snprintf(line, sizeof line, "%u %u 1\n", (unsigned)group, (unsigned)group);
    write_map("/proc/self/gid_map", line);
}

void raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        fail(DOCTOR, "the sandbox's own network cannot be looked at (%s)", strerror(errno));
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        fail(DOCTOR, "the sandbox's loopback device cannot be raised (%s)", strerror(errno));
    close(fd);
}
