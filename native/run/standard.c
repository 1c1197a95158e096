/*
 * The three descriptors that the command inherits. A directory among them would be a door in the wall (openat(0, "..")),
 * and a file of the host that is open for reading could be opened again for writing through /proc/self/fd/0, by the
 * mount it came from. So the one is refused, and the other is opened anew from a read-only mount.
 */
#define _GNU_SOURCE
#include "kernel.h"
#include "mounts.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool harmless_device(int fd, dev_t device)
{
    unsigned minor_number = minor(device);
    if (isatty(fd))
        return true;
    return major(device) == 1 && (minor_number == 3 || minor_number == 5 || (minor_number >= 7 && minor_number <= 9));
}

/* A file with a place among files. What the kernel makes up (memory of processes, namespaces, pidfds) is none. */
static bool ordinary_file(int fd)
{
    struct statfs system;
    char link[64], path[2] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, 1) == 1 && path[0] == '/' && fstatfs(fd, &system) == 0 && system.f_type != PROC_SUPER_MAGIC &&
           system.f_type != SYSFS_MAGIC && system.f_type != NSFS_MAGIC;
}

void check_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct stat found;
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fstat(fd, &found) < 0)
            fail(REPORT, "descriptor %d cannot be looked at (%s)", fd, strerror(errno));
        bool fits = S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode) || (S_ISREG(found.st_mode) && ordinary_file(fd)) ||
                    (S_ISCHR(found.st_mode) && harmless_device(fd, found.st_rdev));
        if (!fits || (flags & O_PATH))
            fail("Connect it to a file, a pipe, a terminal or /dev/null.",
                 "descriptor %d is a directory, a device or a part of the kernel, which would lead out of the sandbox", fd);
    }
}

static void reopen(int fd, const struct stat *found)
{
    char link[64], path[PATH_MAX];
    struct stat again;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    int mount = path[0] == '/' ? copy_of(path, 0) : -1;
    if (mount < 0 || fstat(mount, &again) < 0 || again.st_dev != found->st_dev || again.st_ino != found->st_ino)
        fail("Send it through a pipe.", "descriptor %d is a file that has no path here any more", fd);
    set_mount(mount, 0, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", mount);
    off_t place = lseek(fd, 0, SEEK_CUR);
    int fresh = open(link, O_RDONLY | O_CLOEXEC);
    if (fresh < 0 || lseek(fresh, place, SEEK_SET) != place || dup2(fresh, fd) != fd)
        fail("Send it through a pipe.", "descriptor %d cannot be opened in the sandbox (%s)", fd, strerror(errno));
    close(fresh), close(mount);
}

void narrow_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct stat found;
        if (fstat(fd, &found) < 0)
            fail(REPORT, "descriptor %d cannot be looked at (%s)", fd, strerror(errno));
        /* one that the caller opened for writing is the caller's word; one without a name is nobody's */
        if (S_ISREG(found.st_mode) && found.st_nlink > 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
            reopen(fd, &found);
    }
}
