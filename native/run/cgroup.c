/*
 * The bound on the number of processes for user 0, whom the kernel lets pass RLIMIT_NPROC. Since Linux 6.14 a process
 * namespace has a largest number of its own, which costs nothing. Elsewhere, and for small bounds, the sandbox gets a
 * cgroup, whose joining takes milliseconds; where there is none to be had, `--probe` says that this bound does not hold.
 */
#define _GNU_SOURCE
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT = 300 /* numbers that the kernel does not give out again */ };

static char directory[128];

static bool write_file(const char *name, unsigned long long value)
{
    char path[192], text[32];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int length = snprintf(text, sizeof text, "%llu", value), fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, (size_t)length) == length;
    if (fd >= 0)
        close(fd);
    return written;
}

/* Launchers that were killed leave their cgroups behind; they are empty by now. */
static void sweep(const char *root)
{
    DIR *all = opendir(root);
    for (struct dirent *one; all && (one = readdir(all));) {
        int pid;
        if (sscanf(one->d_name, "interlock-run-%d", &pid) == 1 && kill(pid, 0) < 0 && errno == ESRCH)
            (void)unlinkat(dirfd(all), one->d_name, AT_REMOVEDIR);
    }
    if (all)
        closedir(all);
}

/* True when the sandbox's processes, whose first is `init`, are bound. */
static bool bound_by(const char *root, unsigned long long processes, pid_t init)
{
    sweep(root);
    snprintf(directory, sizeof directory, "%s/interlock-run-%d", root, (int)getpid());
    if (mkdir(directory, 0755) == 0 && write_file("pids.max", processes) && write_file("cgroup.procs", (unsigned long long)init))
        return true;
    rmdir(directory);
    directory[0] = '\0';
    return false;
}

/* The bound that user 0 needs other means for; 0: none. */
static rlim_t wanted(const struct plan *plan)
{
    for (size_t i = 0; outer_user == 0 && i < plan->limit_count; i++)
        if (plan->limits[i].resource == RLIMIT_NPROC)
            return plan->limits[i].value;
    return 0;
}

bool needs_bound(const struct plan *plan) { return wanted(plan) > 0; }

bool bound_numbers(const struct plan *plan, int proc)
{
    char text[32];
    rlim_t most = wanted(plan);
    if (most < KEPT || most > 4000000)
        return false;
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)most + KEPT);
    int fd = openat(proc, "sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, (size_t)length) == length;
    if (fd >= 0)
        close(fd);
    return written;
}

bool join_cgroup(const struct plan *plan, pid_t init)
{
    rlim_t most = wanted(plan);
    return most > 0 && (bound_by("/sys/fs/cgroup/pids", most + 1 /* pid 1 */, init) || bound_by("/sys/fs/cgroup", most + 1, init));
}

void leave_cgroup(void)
{
    if (directory[0])
        rmdir(directory);
}
