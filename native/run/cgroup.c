/*
 * The bound on the number of processes for user 0, whom the kernel lets pass RLIMIT_NPROC. Where root can make a cgroup
 * with the pids controller, the sandbox gets one of its own; elsewhere `--probe` says that this bound does not hold.
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

bool join_cgroup(const struct plan *plan, pid_t init)
{
    if (geteuid() != 0)
        return false; /* the rlimit holds */
    for (size_t i = 0; i < plan->limit_count; i++)
        if (plan->limits[i].resource == RLIMIT_NPROC)
            return bound_by("/sys/fs/cgroup/pids", plan->limits[i].value + 1 /* pid 1 */, init) ||
                   bound_by("/sys/fs/cgroup", plan->limits[i].value + 1, init);
    return false;
}

void leave_cgroup(void)
{
    if (directory[0])
        rmdir(directory);
}
