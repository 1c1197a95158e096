/*
 * The bound on memory where no cgroup holds it: pid 1 looks at what its processes use together, the more often the more
 * that is, and ends them all beyond the bound. Counted is what belongs to a process alone (its heap and stacks), and what
 * lies in the fresh directories, which are memory too. Between two looks more can be taken; memory that processes share
 * without a file is not counted, because it would be counted once for each of them.
 */
#define _GNU_SOURCE
#include "run.h"
#include "sight.h"
#include "../wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { CALM_MS = 200, BUSY_MS = 20, TMPFS = 0x01021994 };

/* Pages that are a process's own. */
static unsigned long long pages_of(int proc, const char *number)
{
    char path[300], text[128];
    unsigned long long resident, shared;
    snprintf(path, sizeof path, "%s/statm", number);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[length < 0 ? 0 : length] = '\0';
    return sscanf(text, "%*u %llu %llu", &resident, &shared) == 2 && resident > shared ? resident - shared : 0;
}

static unsigned long long used(const struct plan *plan)
{
    unsigned long long bytes = 0, page = (unsigned long long)sysconf(_SC_PAGESIZE);
    DIR *all = opendir("/proc");
    for (struct dirent *one; all && (one = readdir(all));)
        if (one->d_name[0] >= '1' && one->d_name[0] <= '9')
            bytes += pages_of(dirfd(all), one->d_name) * page;
    if (all)
        closedir(all);
    for (size_t i = 0; i < plan->fresh.count; i++) {
        struct statfs found;
        if (statfs(plan->fresh.list[i], &found) == 0 && found.f_type == TMPFS)
            bytes += (unsigned long long)(found.f_blocks - found.f_bfree) * (unsigned long long)found.f_bsize;
    }
    return bytes;
}

int mind_memory(const struct plan *plan)
{
    static int64_t next;
    if (!plan->memory || sight->memory_grouped)
        return -1;
    int64_t now = now_ms();
    if (!next)
        next = now + BUSY_MS; /* most commands are over by then */
    if (now < next)
        return (int)(next - now);
    unsigned long long taken = used(plan);
    if (taken > plan->memory) {
        sight->memory_over = 1;
        kill(-1, SIGKILL); /* and again at the next look: what was born meanwhile */
    }
    int pause = taken > plan->memory / 4 ? BUSY_MS : CALM_MS;
    next = now_ms() + pause;
    return pause;
}
