/*
 * Unix sockets of the host that stand somewhere visible. A read-only mount does not keep anybody from connecting, so
 * every socket that is bound to a path when the run begins is covered, unless the plan shows exactly that path. (/run,
 * /tmp and the home are covered as a whole; abstract names belong to another network namespace.)
 */
#define _GNU_SOURCE
#include "mounts.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct words bound;

static int by_text(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

/* All of a file of /proc, whose size is not known before. */
static char *whole(int fd)
{
    size_t room = 1 << 16, length = 0;
    char *text = malloc(room);
    for (;;) {
        if (text && length + 1 == room)
            text = realloc(text, room *= 2);
        if (!text)
            fail("Free some memory and try again.", "there is no memory for the list of sockets");
        ssize_t n = read(fd, text + length, room - length - 1);
        if (n < 0)
            fail(DOCTOR, "the host's sockets cannot be listed (%s)", strerror(errno));
        if (n == 0)
            break;
        length += (size_t)n;
    }
    text[length] = '\0';
    return text;
}

void note_host_sockets(void)
{
    int fd = open("/proc/net/unix", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail(DOCTOR, "the host's sockets cannot be listed (%s)", strerror(errno));
    char *line = whole(fd), *end;
    close(fd);
    /* Num RefCount Protocol Flags Type St Inode Path: seven words, then the path as it was bound */
    for (; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        for (int word = 0; word < 7; word++) {
            line += strcspn(line, " ");
            line += strspn(line, " ");
        }
        if (*line == '/')
            add_word(&bound, line);
    }
    if (bound.count)
        qsort(bound.list, bound.count, sizeof *bound.list, by_text);
}

static bool is_shown(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->show.count; i++)
        if (strcmp(plan->show.list[i], path) == 0)
            return true;
    return false;
}

void cover_host_sockets(const struct plan *plan)
{
    for (size_t i = 0; i < bound.count; i++) {
        if ((i && strcmp(bound.list[i], bound.list[i - 1]) == 0) || is_shown(plan, bound.list[i]))
            continue;
        const char *path = real_place(bound.list[i]);
        if (path && !is_shown(plan, path))
            cover(path);
    }
}
