/*
 * System calls that the C library may be too old to know: the new mount calls and openat2. Their numbers are the same
 * on every architecture. Declared here, because the library's and the kernel's headers collide in some releases.
 */
#ifndef INTERLOCK_KERNEL_H
#define INTERLOCK_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    NR_OPEN_TREE = 428, NR_MOVE_MOUNT = 429, NR_FSOPEN = 430, NR_FSCONFIG = 431, NR_FSMOUNT = 432, NR_FSPICK = 433,
    NR_PIDFD_OPEN = 434, NR_CLONE3 = 435, NR_CLOSE_RANGE = 436, NR_OPENAT2 = 437, NR_PIDFD_GETFD = 438, NR_MOUNT_SETATTR = 442,
};

enum {
    TREE_CLONE = 1, TREE_CLOEXEC = 02000000, TREE_RECURSIVE = 0x8000,
    MOVE_FROM_EMPTY = 0x4, MOVE_TO_EMPTY = 0x40,
    FS_CLOEXEC = 1, FS_FLAG = 0, FS_STRING = 1, FS_CREATE = 6,
    ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NODEV = 4, ATTR_NOEXEC = 8,
    EMPTY_PATH = 0x1000, WHOLE_TREE = 0x8000,
    RESOLVE_NO_MAGIC = 0x02, RESOLVE_NO_LINKS = 0x04, RESOLVE_UNDER = 0x08,
};

struct mount_change {
    uint64_t set, clear, propagation, userns_fd;
};

struct how_to_open {
    uint64_t flags, mode, resolve;
};

static inline int open_tree_at(int directory, const char *path, unsigned flags)
{
    return (int)syscall(NR_OPEN_TREE, directory, path, flags);
}

static inline int move_mount_onto(int mount, int target)
{
    return (int)syscall(NR_MOVE_MOUNT, mount, "", target, "", MOVE_FROM_EMPTY | MOVE_TO_EMPTY);
}

static inline int fs_open(const char *type) { return (int)syscall(NR_FSOPEN, type, FS_CLOEXEC); }

static inline int fs_set(int fs, int command, const char *key, const char *value)
{
    return (int)syscall(NR_FSCONFIG, fs, command, key, value, 0);
}

static inline int fs_mount(int fs, unsigned attributes) { return (int)syscall(NR_FSMOUNT, fs, FS_CLOEXEC, attributes); }

static inline int change_mount(int mount, unsigned flags, const struct mount_change *change)
{
    return (int)syscall(NR_MOUNT_SETATTR, mount, "", EMPTY_PATH | flags, change, sizeof *change);
}

static inline int open_how(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
    struct how_to_open how = {flags, 0, resolve};
    return (int)syscall(NR_OPENAT2, directory, path, &how, sizeof how);
}

#endif
