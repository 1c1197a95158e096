/*
 * Cgroups. The daemon names a directory in which this user may make some (`<run>/group`, see containment/cgroups.py); the
 * sandbox is born in one of its own there. It holds the bounds on memory and processes where the kernel offers them, and
 * is what a freeze takes hold of. Where there is none, the sandbox is made without.
 *
 * The bound on the number of processes needs more for user 0, whom the kernel lets pass RLIMIT_NPROC. Since Linux 6.14 a
 * process namespace has a largest number of its own, which costs nothing. Elsewhere, and for small bounds, the sandbox is
 * moved to a cgroup, which takes milliseconds; where there is none to be had, `--probe` says that this bound does not hold.
 */
#define _GNU_SOURCE
#include "run.h"
#include "sight.h"
#include "../wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { KEPT = 300 /* numbers that the kernel does not give out again */, CGROUP2 = 0x63677270, OURS = 2 /* pid 1, in two threads */ };

static int group = -1;        /* ours, opened */
static char group_path[PATH_MAX + 32];
static char directory[128];   /* the other one, of user 0 */
static bool numbers_bounded;  /* by the group */

/* ---- the group that the sandbox is born in */

static bool set(const char *name, const char *value)
{
    int fd = openat(group, name, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    if (fd >= 0)
        close(fd);
    return written;
}

static bool set_number(const char *name, unsigned long long value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", value);
    return set(name, text);
}

/* What the daemon names; empty where there is none. */
static void find_root(char root[PATH_MAX])
{
    char path[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/group", run_directory);
    int fd = run_directory[0] ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    ssize_t length = fd < 0 ? -1 : read(fd, root, PATH_MAX - 1);
    if (fd >= 0)
        close(fd);
    root[length < 0 ? 0 : length] = '\0';
    root[strcspn(root, "\n")] = '\0';
}

int new_group(void)
{
    char root[PATH_MAX];
    struct statfs found;
    find_root(root);
    if (root[0] != '/' || statfs(root, &found) < 0 || found.f_type != CGROUP2)
        return -1;
    snprintf(group_path, sizeof group_path, "%s/run-%d", root, (int)getpid());
    (void)rmdir(group_path); /* of a launcher that was killed, and had this number */
    if (mkdir(group_path, 0755) == 0)
        group = open(group_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return group;
}

/* Whether the sandbox is really in it: where the kernel did not let it, it was made outside. */
static bool populated(void)
{
    char text[32];
    int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    return length > 0;
}

void bound_group(const struct plan *plan)
{
    if (group < 0 || !populated())
        return;
    if (plan->memory && set_number("memory.max", plan->memory)) {
        (void)set("memory.swap.max", "0"); /* a kernel that does not count swap has no such file */
        (void)set("memory.oom.group", "1"); /* half of a build that goes on without the other half helps nobody */
        sight->memory_grouped = 1;
    }
    for (size_t i = 0; i < plan->limit_count; i++)
        if (plan->limits[i].resource == RLIMIT_NPROC)
            numbers_bounded = set_number("pids.max", (unsigned long long)plan->limits[i].value + OURS);
}

bool group_ran_out(void)
{
    char text[512];
    int fd = group < 0 ? -1 : openat(group, "memory.events", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[length < 0 ? 0 : length] = '\0';
    char *line = strstr(text, "\noom_kill ");
    return line && line[strlen("\noom_kill ")] != '0';
}

/* ---- the one that user 0 is moved to */

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
    if (most == 0 || numbers_bounded)
        return numbers_bounded;
    if (bound_by("/sys/fs/cgroup/pids", most + OURS, init))
        return true;
    return group < 0 && bound_by("/sys/fs/cgroup", most + OURS, init); /* else it would leave its group */
}

void leave_cgroup(void)
{
    if (directory[0])
        rmdir(directory);
    if (group >= 0)
        rmdir(group_path);
}
