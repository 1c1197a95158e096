/* Resource limits of the command and of everything it starts. */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <string.h>

enum { MOST_LOCKED = 64 << 20 /* memory that the kernel cannot take back; what needs some needs a few pages */ };

static const struct {
    const char *name;
    int resource;
} names[] = {
    {"as", RLIMIT_AS}, {"cpu", RLIMIT_CPU}, {"fsize", RLIMIT_FSIZE}, {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC},
    {"core", RLIMIT_CORE}, {"data", RLIMIT_DATA},
};

int resource_named(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].resource;
    return -1;
}

/* Lowers a limit; the caller's own stays where it is lower. */
static void lower(int resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
        fail(DOCTOR, "a resource limit cannot be read (%s)", strerror(errno));
    limit.rlim_max = limit.rlim_max < value ? limit.rlim_max : value;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
        fail(DOCTOR, "a resource limit cannot be set (%s)", strerror(errno));
}

void set_limits(const struct plan *plan)
{
    lower(RLIMIT_MEMLOCK, MOST_LOCKED);
    for (size_t i = 0; i < plan->limit_count; i++) {
        rlim_t value = plan->limits[i].value;
        /* Zero bytes still feed a program of the host that takes core files by a pipe; one byte does not (core(5)). */
        if (plan->limits[i].resource == RLIMIT_CORE && value == 0)
            value = 1;
        lower(plan->limits[i].resource, value);
    }
}
