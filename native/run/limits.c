/* Resource limits of the command and of everything it starts. */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    int resource;
} names[] = {
    {"as", RLIMIT_AS}, {"cpu", RLIMIT_CPU}, {"fsize", RLIMIT_FSIZE}, {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC},
    {"core", RLIMIT_CORE},
};

int resource_named(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].resource;
    return -1;
}

void set_limits(const struct plan *plan)
{
    for (size_t i = 0; i < plan->limit_count; i++) {
        struct rlimit now, wanted = {plan->limits[i].value, plan->limits[i].value};
        int resource = plan->limits[i].resource;
        if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
            fail(DOCTOR, "a resource limit cannot be read (%s)", strerror(errno));
        if (now.rlim_max < wanted.rlim_max) /* the caller's own limit is lower: it stays */
            wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
        if (setrlimit((__rlimit_resource_t)resource, &wanted) < 0)
            fail(DOCTOR, "a resource limit cannot be set (%s)", strerror(errno));
    }
}
