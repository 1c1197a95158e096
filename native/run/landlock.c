/*
 * Landlock: the same walls as the mounts, held by another part of the kernel, so that a hole in one is not a way out.
 * Reading and running everywhere that is visible; writing below the writable places; devices below /dev. Signals and
 * abstract sockets stay inside.
 */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446, RULE_PATH = 1 };

enum {
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIRECTORY = 1 << 3, REMOVE_DIRECTORY = 1 << 4,
    REMOVE_FILE = 1 << 5, MAKE_CHARACTER_DEVICE = 1 << 6, MAKE_DIRECTORY = 1 << 7, MAKE_FILE = 1 << 8, MAKE_SOCKET = 1 << 9,
    MAKE_FIFO = 1 << 10, MAKE_BLOCK_DEVICE = 1 << 11, MAKE_SYMLINK = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14,
    DEVICE_IOCTL = 1 << 15, ALL_FILE_RIGHTS = (1 << 16) - 1,
    LOOKS = EXECUTE | READ_FILE | READ_DIRECTORY,
    WRITES = ALL_FILE_RIGHTS & ~(MAKE_CHARACTER_DEVICE | MAKE_BLOCK_DEVICE), /* a device 0:0 is an overlay's whiteout */
};

struct ruleset {
    uint64_t files, network, scopes;
};

struct rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

int landlock_version(void)
{
    long version = syscall(NR_CREATE_RULESET, NULL, 0, 1U);
    return version > 0 ? (int)version : 0;
}

bool landlock_keeps_signals(void) { return landlock_version() >= 6; }

/* The rights that this version knows: asking it for others is an error. */
static uint64_t known(int version)
{
    uint64_t rights = ALL_FILE_RIGHTS;
    if (version < 5)
        rights &= ~(uint64_t)DEVICE_IOCTL;
    if (version < 3)
        rights &= ~(uint64_t)TRUNCATE;
    if (version < 2)
        rights &= ~(uint64_t)REFER;
    return rights;
}

static void allow(int ruleset, int version, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return; /* a place that is not there has no rights */
    struct rule rule = {rights & known(version), fd};
    if (fd < 0 || syscall(NR_ADD_RULE, ruleset, RULE_PATH, &rule, 0U) < 0)
        fail(DOCTOR, "Landlock does not take a rule for %s (%s)", path, strerror(errno));
    close(fd);
}

void add_landlock(const struct plan *plan)
{
    int version = landlock_version();
    if (version == 0)
        fail(DOCTOR, "this kernel has no Landlock (%s)", strerror(errno));
    struct ruleset wanted = {known(version), 0, version >= 6 ? 3 /* abstract sockets and signals */ : 0};
    size_t size = version >= 6 ? sizeof wanted : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(NR_CREATE_RULESET, &wanted, size, 0U);
    if (ruleset < 0)
        fail(DOCTOR, "Landlock makes no rules (%s)", strerror(errno));
    allow(ruleset, version, "/", LOOKS);
    allow(ruleset, version, "/proc", LOOKS | WRITE_FILE | TRUNCATE);
    allow(ruleset, version, "/dev", LOOKS | WRITE_FILE | TRUNCATE | DEVICE_IOCTL);
    allow(ruleset, version, "/dev/shm", WRITES);
    if (plan->writing != WRITE_NONE)
        allow(ruleset, version, plan->workspace, WRITES);
    for (size_t i = 0; i < plan->fresh.count; i++)
        allow(ruleset, version, plan->fresh.list[i], WRITES);
    if (syscall(NR_RESTRICT_SELF, ruleset, 0U) < 0)
        fail(DOCTOR, "Landlock does not hold (%s)", strerror(errno));
    close(ruleset);
}
