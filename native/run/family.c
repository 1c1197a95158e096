/*
 * Processes and all below them. Each is signalled before its children are asked for, so that one that was stopped has no
 * more of them; what was born before is found in this walk or in the next one: whoever holds a run walks again and again.
 */
#define _GNU_SOURCE
#include "run.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct family {
    pid_t *list;
    size_t count, room;
};

static void add(struct family *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i] == pid)
            return; /* it went to another parent meanwhile */
    if (all->count == all->room) {
        size_t room = all->room ? all->room * 2 : 64;
        pid_t *list = realloc(all->list, room * sizeof *list);
        if (!list)
            return; /* the next walk finds those that are left */
        all->list = list;
        all->room = room;
    }
    all->list[all->count++] = pid;
}

/* The children of one thread, as the kernel lists them: numbers with a blank after each. */
static void add_children(struct family *all, int task, const char *thread)
{
    char path[NAME_MAX + 16], text[4096];
    snprintf(path, sizeof path, "%s/children", thread);
    int fd = openat(task, path, O_RDONLY | O_CLOEXEC);
    long number = 0;
    for (ssize_t n; fd >= 0 && (n = read(fd, text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9')
                number = number * 10 + (text[i] - '0');
            else if (number) {
                add(all, (pid_t)number);
                number = 0;
            }
        }
    if (fd >= 0)
        close(fd);
}

/* Those of all its threads: which one of them started a child is chance. */
static void add_family_of(struct family *all, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *one; threads && (one = readdir(threads));)
        if (one->d_name[0] != '.')
            add_children(all, dirfd(threads), one->d_name);
    if (threads)
        closedir(threads);
}

void signal_below(pid_t top, int number)
{
    struct family all = {0};
    add_family_of(&all, top);
    for (size_t i = 0; i < all.count; i++) {
        (void)kill(all.list[i], number);
        add_family_of(&all, all.list[i]);
    }
    free(all.list);
}
