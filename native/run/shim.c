/*
 * The rename shim. An overlay cannot rename a directory that has a part in its lower layer (EXDEV), and `git mv`, Python
 * and Node take that for the end. So the filter tells pid 1 of each rename: what is no directory goes on in the kernel;
 * a directory is renamed here, with the very same rights, and where the overlay cannot, moved piece by piece.
 *
 * This is a help, not a wall: whoever races against it can only do what it could do anyway.
 */
#define _GNU_SOURCE
#include "run.h"
#include "kernel.h"
#include "notices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { NO_REPLACE = 1, OVERLAY_MAGIC = 0x794c7630 };

static int rename_at(int from, const char *old, int to, const char *new, unsigned flags)
{
    return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

/* ---- moving piece by piece */

static int move_entry(int from, int to, const char *name, int depth);

static int each_entry(int from, int to, int depth)
{
    struct entry {
        uint64_t inode;
        int64_t offset;
        unsigned short length;
        unsigned char type;
        char name[];
    };
    _Alignas(struct entry) char names[8192];
    for (bool moved = false;;) {
        long n = syscall(SYS_getdents64, from, names, sizeof names);
        if (n < 0 || (n == 0 && moved && lseek(from, 0, SEEK_SET) < 0))
            return errno;
        if (n == 0 && !moved)
            return 0; /* a whole pass without a find: what is taken out may move what is yet to be read */
        if (n == 0)
            moved = false;
        for (long at = 0; at < n;) {
            struct entry *entry = (struct entry *)(void *)(names + at);
            at += entry->length;
            if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
                continue;
            int error = move_entry(from, to, entry->name, depth);
            if (error)
                return error;
            moved = true;
        }
    }
}

static void copy_attributes(int from, int to)
{
    char list[4096], value[4096];
    ssize_t length = syscall(SYS_flistxattr, from, list, sizeof list);
    for (char *name = list; length > 0 && name < list + length; name += strlen(name) + 1) {
        ssize_t n = syscall(SYS_fgetxattr, from, name, value, sizeof value);
        if (n >= 0 && strncmp(name, "user.", 5) == 0)
            (void)syscall(SYS_fsetxattr, to, name, value, (size_t)n, 0);
    }
}

/* Moves all that is in a directory into another, which is made where it is missing. */
static int move_directory(int from_parent, const char *from_name, int to_parent, const char *to_name, int depth)
{
    struct stat found;
    if (depth > 200)
        return EXDEV; /* descriptors are finite: such a program copies by itself, as on two disks */
    int from = openat(from_parent, from_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 && errno == EACCES && fchmodat(from_parent, from_name, 0700, 0) == 0)
        from = openat(from_parent, from_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return errno;
    int error = fstat(from, &found) < 0 ? errno : 0, to = -1;
    if (!error && (found.st_mode & 0700) != 0700 && fchmod(from, found.st_mode | 0700) < 0)
        error = errno;
    if (!error && mkdirat(to_parent, to_name, 0700) < 0 && errno != EEXIST)
        error = errno;
    if (!error && (to = openat(to_parent, to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        error = errno;
    if (!error)
        error = each_entry(from, to, depth + 1);
    if (!error) {
        struct timespec times[2] = {found.st_atim, found.st_mtim};
        copy_attributes(from, to);
        if (fchmod(to, found.st_mode & 07777) < 0 || futimens(to, times) < 0 || unlinkat(from_parent, from_name, AT_REMOVEDIR) < 0)
            error = errno;
    }
    close(from);
    if (to >= 0)
        close(to);
    return error;
}

static int move_entry(int from, int to, const char *name, int depth)
{
    if (renameat(from, name, to, name) == 0)
        return 0;
    int why = errno; /* EACCES: a directory that may not be written moves with its parent, but not by itself */
    if (why != EXDEV && why != EACCES && why != ENOTEMPTY && why != EEXIST) /* the latter two: on the way back */
        return why;
    int error = move_directory(from, name, to, name, depth);
    return error == ENOTDIR ? why : error;
}

static bool is_empty(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    char names[512];
    long n = fd < 0 ? -1 : syscall(SYS_getdents64, fd, names, sizeof names), first = n;
    if (fd >= 0)
        close(fd);
    return n >= 0 && first <= 48; /* `.` and `..` take 24 bytes each */
}

/* What rename does for a directory of the lower layer, under a name of its own until it is whole. */
static int move_tree(int from_parent, const char *from_name, int to_parent, const char *to_name, unsigned flags)
{
    struct stat target;
    char name[64];
    bool replaces = fstatat(to_parent, to_name, &target, AT_SYMLINK_NOFOLLOW) == 0;
    if (replaces && (flags & NO_REPLACE))
        return EEXIST;
    if (replaces && !S_ISDIR(target.st_mode))
        return ENOTDIR;
    if (replaces && !is_empty(to_parent, to_name))
        return ENOTEMPTY;
    snprintf(name, sizeof name, ".interlock-rename-%d", (int)getpid());
    int error = move_directory(from_parent, from_name, to_parent, name, 0);
    if (!error && rename_at(to_parent, name, to_parent, to_name, replaces ? 0 : NO_REPLACE) < 0)
        error = errno;
    if (error) /* back to where it was */
        (void)move_directory(to_parent, name, from_parent, from_name, 0);
    return error;
}

/* ---- one request */

struct where {
    int parent; /* of the last component */
    char name[NAME_MAX + 1];
};

/* Splits a path into its parent, opened, and its last name; false where this is not a case for the shim. */
static bool find(int base, char *path, struct where *where)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (!*name || strlen(name) > NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    strcpy(where->name, name);
    if (slash)
        slash[slash == path] = '\0';
    /* Not through /proc/self and the like: these are pid 1's here, and the kernel does what it was asked. */
    where->parent = open_how(base, slash ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_MAGIC);
    return where->parent >= 0;
}

static bool on_overlay(const struct where *where)
{
    struct statfs found;
    return fstatfs(where->parent, &found) == 0 && found.f_type == OVERLAY_MAGIC;
}

static void rename_directory(uint64_t id, const struct where *from, const struct where *to, unsigned flags)
{
    struct stat one, other;
    if (rename_at(from->parent, from->name, to->parent, to->name, flags) == 0) {
        answer(id, 0, false);
        return;
    }
    bool moves = errno == EXDEV && !(flags & ~(unsigned)NO_REPLACE) && on_overlay(from) && on_overlay(to) &&
                 fstat(from->parent, &one) == 0 && fstat(to->parent, &other) == 0 && one.st_dev == other.st_dev;
    pid_t child = moves ? fork() : -1;
    if (!moves)
        answer(id, errno, false);
    else if (child < 0)
        answer(id, EXDEV, false);
    if (child != 0)
        return; /* pid 1 has more to do; its child is reaped like any other */
    answer(id, move_tree(from->parent, from->name, to->parent, to->name, flags), false);
    _exit(0);
}

void serve_rename(const struct notice *notice)
{
    static char old[PATH_MAX], new[PATH_MAX];
    struct where from = {-1, ""}, to = {-1, ""};
    struct stat found;
    const uint64_t *a = notice->arguments;
    pid_t pid = notice->pid;
    bool at = notice->call == SYS_renameat2;
#ifdef SYS_renameat
    at = at || notice->call == SYS_renameat;
#endif
    unsigned flags = notice->call == SYS_renameat2 ? (unsigned)a[4] : 0;
    int old_base = -1, new_base = -1;
    bool directory = read_text(pid, a[at ? 1 : 0], old, sizeof old) && (old_base = base_of(pid, at ? (int)a[0] : AT_FDCWD, old)) >= 0 &&
                     find(old_base, old, &from) && fstatat(from.parent, from.name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                     S_ISDIR(found.st_mode) && read_text(pid, a[at ? 3 : 1], new, sizeof new) &&
                     (new_base = base_of(pid, at ? (int)a[2] : AT_FDCWD, new)) >= 0 && still_asked(notice->id) && find(new_base, new, &to);
    if (directory)
        rename_directory(notice->id, &from, &to, flags);
    else
        answer(notice->id, 0, true);
    const int opened[] = {old_base, new_base, from.parent, to.parent};
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++)
        if (opened[i] >= 0)
            close(opened[i]);
}
