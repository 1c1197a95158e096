/*
 * The lease: mapped once, looked at often, without a system call beyond the clock. A file that is torn, truncated, somebody
 * else's, or that others can write is no lease, and without one nobody has privilege.
 */
#define _GNU_SOURCE
#include "lease.h"
#include "wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 4096, ROWS = 250, WAIT_MS = 100, LIVE = 1, ALL_HALTED = 2 };

struct row {
    uint64_t run;
    uint32_t what, zero;
};

struct lease {
    char magic[8];
    uint32_t version, size;
    uint64_t sequence, epoch;
    int64_t until, written;
    unsigned char digest[32];
    uint32_t state, rows, sum_of_rows, sum;
    struct row table[ROWS];
};

_Static_assert(sizeof(struct lease) == SIZE, "the layout is that of interlock/halt/lease.py");

static const struct lease *mapped;

int64_t boottime_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint64_t name_of_run(const char *id)
{
    uint64_t value = 0xcbf29ce484222325;
    for (; *id; id++)
        value = (value ^ (unsigned char)*id) * 0x100000001b3;
    return value;
}

/* CRC-32 as in zlib (ISO 3309), by a table that is made once. */
static uint32_t sum_of(const void *bytes, size_t length)
{
    static uint32_t table[256];
    const unsigned char *p = bytes;
    uint32_t sum = ~0U;
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int bit = 0; bit < 8; bit++)
                c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
            table[i] = c;
        }
    while (length-- > 0)
        sum = table[(sum ^ *p++) & 255] ^ sum >> 8;
    return ~sum;
}

/* NULL where it is mapped; else why it is no lease. */
static const char *map_it(void)
{
    char path[PATH_MAX + 16];
    struct stat facts;
    snprintf(path, sizeof path, "%s/lease", run_directory);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return "its lease is not there";
    const char *why = NULL;
    if (fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode) || facts.st_size != SIZE)
        why = "its lease is no lease";
    else if (facts.st_uid != geteuid() && facts.st_uid != 0)
        why = "its lease belongs to somebody else";
    else if (facts.st_mode & 022)
        why = "its lease can be written by others";
    if (!why) {
        void *found = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
        if (found == MAP_FAILED)
            why = "its lease cannot be read";
        else
            mapped = found;
    }
    close(fd);
    return why;
}

/* A copy that nobody was writing meanwhile, and that is whole; false where it is not. */
static bool copy_it(struct lease *copy)
{
    const size_t from = offsetof(struct lease, epoch), length = offsetof(struct lease, sum) - from;
    uint64_t before = __atomic_load_n(&mapped->sequence, __ATOMIC_ACQUIRE);
    if (before & 1)
        return false;
    memcpy(copy, mapped, offsetof(struct lease, table));
    uint32_t rows = copy->rows <= ROWS ? copy->rows : 0;
    memcpy(copy->table, mapped->table, rows * sizeof *copy->table);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&mapped->sequence, __ATOMIC_RELAXED) == before && memcmp(copy->magic, "ILKLEASE", 8) == 0 &&
           copy->version == 1 && copy->size == SIZE && copy->rows <= ROWS &&
           (copy->state == LIVE || copy->state == ALL_HALTED) && sum_of((char *)copy + from, length) == copy->sum &&
           sum_of(copy->table, copy->rows * sizeof *copy->table) == copy->sum_of_rows;
}

/*
 * The same, of a lease that is being written: that takes less than a microsecond, but the daemon may lose its processor
 * in the middle of it. Only one that was left half written, or spoilt, is not whole in the end.
 */
static bool wait_for_copy(struct lease *copy)
{
    int64_t end = now_ms() + WAIT_MS;
    while (!copy_it(copy)) {
        if (now_ms() >= end)
            return false;
        pause_ms(1);
    }
    return true;
}

static struct terms read_it(uint64_t run, bool (*take)(struct lease *))
{
    static struct lease copy;
    struct terms terms = {.why = "its lease is torn"};
    if (!take(&copy))
        return terms;
    int64_t now = boottime_ns();
    terms.epoch = copy.epoch;
    terms.until = copy.until;
    terms.left_ms = (copy.until - now) / 1000000;
    terms.why = now < copy.written || now >= copy.until ? "its lease has lapsed" : NULL;
    terms.halt = copy.state == ALL_HALTED ? HALT_FROZEN : MAY_GO;
    for (uint32_t i = 0; i < copy.rows && copy.state == LIVE; i++)
        if (copy.table[i].run == run)
            terms.halt = copy.table[i].what == HALT_KILLED ? HALT_KILLED : HALT_FROZEN;
    return terms;
}

struct terms look_at_lease(uint64_t run)
{
    struct terms terms = {.why = NULL};
    if (!mapped && (terms.why = map_it()))
        return terms;
    terms = read_it(run, copy_it);
    if (terms.why) {
        /* A daemon that found it spoilt has made another one. */
        const struct lease *old = mapped;
        mapped = NULL;
        if (!map_it())
            terms = read_it(run, wait_for_copy);
        munmap((void *)(uintptr_t)old, SIZE);
    }
    return terms;
}
