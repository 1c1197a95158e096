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

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { NO_REPLACE = 1, OVERLAY_MAGIC = 0x794c7630 };
#define SET_FLAGS _IOW('!', 4, uint64_t) /* Linux 6.6: wake the other side on this processor, as it waits for nothing else */

static int rename_at(int from, const char *old, int to, const char *new, unsigned flags)
{
    return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

static int listener = -1;
static struct seccomp_notif *request;
static struct seccomp_notif_sizes sizes;

/* ---- the descriptor's way from the command to pid 1 */

void send_listener(int socket, int fd)
{
    char byte = 0, space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != 1)
        fail(REPORT, "the rename shim cannot be handed over (%s)", strerror(errno));
    close(fd);
}

int take_listener(int socket)
{
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
        return -1; /* the command ended before it came so far */
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (!head || head->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&listener, CMSG_DATA(head), sizeof listener);
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0U, &sizes) < 0 || !(request = calloc(1, sizes.seccomp_notif + sizeof *request)))
        fail(DOCTOR, "the rename shim cannot be served (%s)", strerror(errno));
    (void)ioctl(listener, SET_FLAGS, 1UL);
    return listener;
}

static void answer(uint64_t id, int error, bool go_on)
{
    union {
        struct seccomp_notif_resp response;
        char room[256];
    } said = {.room = {0}};
    said.response.id = id;
    said.response.error = -error;
    said.response.flags = go_on ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said); /* who asked may be gone */
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

static bool read_text(pid_t pid, uint64_t address, char *text, size_t size)
{
    size_t used = 0;
    while (used < size) { /* not past the page that the text ends in: the next may not be there */
        size_t step = 4096 - (address + used) % 4096;
        step = step < size - used ? step : size - used;
        struct iovec here = {text + used, step}, there = {(void *)(uintptr_t)(address + used), step};
        ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);
        if (n <= 0)
            return false;
        if (memchr(text + used, '\0', (size_t)n))
            return true;
        used += (size_t)n;
    }
    return false;
}

/* The directory that a path of another process starts from. */
static int base_of(pid_t pid, int directory, const char *path)
{
    char link[64];
    if (path[0] == '/')
        return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, directory);
    return open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

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
    where->parent = openat(base, slash ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return where->parent >= 0;
}

static bool on_overlay(const struct where *where)
{
    struct statfs found;
    return fstatfs(where->parent, &found) == 0 && found.f_type == OVERLAY_MAGIC;
}

static void rename_directory(const struct where *from, const struct where *to, unsigned flags)
{
    struct stat one, other;
    if (rename_at(from->parent, from->name, to->parent, to->name, flags) == 0) {
        answer(request->id, 0, false);
        return;
    }
    bool moves = errno == EXDEV && !(flags & ~(unsigned)NO_REPLACE) && on_overlay(from) && on_overlay(to) &&
                 fstat(from->parent, &one) == 0 && fstat(to->parent, &other) == 0 && one.st_dev == other.st_dev;
    pid_t child = moves ? fork() : -1;
    if (!moves)
        answer(request->id, errno, false);
    else if (child < 0)
        answer(request->id, EXDEV, false);
    if (child != 0)
        return; /* pid 1 has more to do; its child is reaped like any other */
    answer(request->id, move_tree(from->parent, from->name, to->parent, to->name, flags), false);
    _exit(0);
}

void serve_rename(void)
{
    static char old[PATH_MAX], new[PATH_MAX];
    struct where from = {-1, ""}, to = {-1, ""};
    struct stat found;
    memset(request, 0, sizes.seccomp_notif);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request) < 0)
        return; /* it was killed meanwhile */
    const __u64 *a = request->data.args;
    pid_t pid = (pid_t)request->pid;
    bool at = request->data.nr == SYS_renameat2;
#ifdef SYS_renameat
    at = at || request->data.nr == SYS_renameat;
#endif
    unsigned flags = request->data.nr == SYS_renameat2 ? (unsigned)a[4] : 0;
    int old_base = -1, new_base = -1;
    bool directory = read_text(pid, a[at ? 1 : 0], old, sizeof old) && (old_base = base_of(pid, at ? (int)a[0] : AT_FDCWD, old)) >= 0 &&
                     fstatat(old_base, old, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(found.st_mode) &&
                     read_text(pid, a[at ? 3 : 1], new, sizeof new) && (new_base = base_of(pid, at ? (int)a[2] : AT_FDCWD, new)) >= 0 &&
                     ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request->id) == 0 && find(old_base, old, &from) && find(new_base, new, &to);
    if (directory)
        rename_directory(&from, &to, flags);
    else
        answer(request->id, 0, true);
    const int opened[] = {old_base, new_base, from.parent, to.parent};
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++)
        if (opened[i] >= 0)
            close(opened[i]);
}
