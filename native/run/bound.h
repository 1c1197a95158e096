/*
 * A bound run: an action that a person approved, started so that what runs is what was approved. It has the caller's
 * network, home and processes; only the names that decide what runs lead to verified private copies.
 *
 * `root` is a directory that others of the same user may change at any time. An overlay whose upper layer is that very
 * directory is mounted over it: what the command writes arrives there at once, but the overlay's names are this mount
 * namespace's own. A name that is in use there (because a copy is mounted on it, or a descriptor holds it) cannot be
 * renamed, removed or replaced from outside. A plain bind mount would not do: the kernel takes it away when somebody
 * in another namespace renames something over its mount point.
 */
#ifndef INTERLOCK_BOUND_H
#define INTERLOCK_BOUND_H

#include "run.h"

struct sealed {
    const char *digest; /* 64 hex digits */
    const char *path;   /* absolute, without symbolic links on the way */
};

struct sealed_list {
    struct sealed *list;
    size_t count, room;
};

struct node {
    unsigned long long device, inode;
};

struct tool {
    const char *name, *path; /* found by its name before everything on PATH; runs what is at the path */
    bool located;            /* it looks for its own place: it must be called by its path */
};

struct bound {
    const char *id, *cwd, *root, *folder, *bin, *program;
    struct node cwd_node, root_node;
    struct words arguments, set, unset, absent;
    struct sealed_list files, checks, links, trees;
    struct tool *tools;
    size_t tool_count, tool_room;
};

/* Takes the bytes over. Anything unknown, missing, or said twice is refused. */
void read_bound(struct bound *bound, char *bytes, size_t length);

/* Builds the view of this process and of what it starts, and goes to the working directory. */
void bind_view(const struct bound *bound);

/* At the end: the overlay marks directories that were made at its top, which means nothing to anybody else. */
void leave_no_marks(void);

/* What was approved is not what is there: the daemon is told so. */
_Noreturn void drifted(const char *path, const char *how);

#endif
