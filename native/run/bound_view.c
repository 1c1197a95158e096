/* The view of a bound run: see bound.h. Whatever differs from the plan ends here, and nothing has run. */
#define _GNU_SOURCE
#include "bound.h"
#include "kernel.h"
#include "mounts.h"
#include "sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MOST_IN_TREE = 8192, DEEPEST = 64 /* directories below one another: each holds a descriptor */ };

static int overlay = -1; /* its root, where there is one */
static int real_root = -1; /* the directory below it */
static int copies = -1;  /* our own file system, where the copies lie */
static unsigned made;    /* so many are there */

static const char *below_root(const struct bound *bound, const char *path)
{
    size_t length = bound->root ? strlen(bound->root) : 0;
    if (!length || strncmp(path, bound->root, length) != 0 || (path[length] && path[length] != '/'))
        return NULL;
    return path[length] ? path + length + 1 : ".";
}

/* As the command will find it. A symbolic link on the way was not there when it was approved. */
static int open_named(const struct bound *bound, const char *path, int flags)
{
    const char *rest = overlay >= 0 ? below_root(bound, path) : NULL;
    uint64_t resolve = RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC | (rest ? RESOLVE_UNDER : 0);
    return open_how(rest ? overlay : AT_FDCWD, rest ? rest : path, (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW), resolve);
}

static int open_or_drift(const struct bound *bound, const char *path, int flags)
{
    int fd = open_named(bound, path, flags);
    if (fd < 0)
        drifted(path, errno == ENOENT ? "is gone" : errno == ELOOP ? "is reached by another way" : strerror(errno));
    return fd;
}

/* Copies (to == -1: only reads) a regular file and gives its digest. The digest is of what was written. */
static void copy_file(const char *path, int from, int to, char hex[65])
{
    static unsigned char part[1 << 16];
    struct sha sha;
    sha_begin(&sha);
    for (;;) {
        ssize_t n = read(from, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            drifted(path, strerror(errno));
        if (n == 0)
            break;
        sha_add(&sha, part, (size_t)n);
        if (to >= 0 && write(to, part, (size_t)n) != n)
            fail("Free some memory and try again.", "%s cannot be copied (%s)", path, strerror(errno));
    }
    sha_end(&sha, hex);
}

/* The copy looks like the original: programs go by the mode and the time of change. */
static void dress(int copy, const struct stat *like)
{
    struct timespec times[2] = {like->st_atim, like->st_mtim};
    if (fchmod(copy, like->st_mode & 0777) < 0 || futimens(copy, times) < 0)
        fail(REPORT, "a copy cannot be made like its original (%s)", strerror(errno));
}

static void mount_copy(const char *name, int target, const char *path)
{
    int from = openat(copies, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    int mount = from < 0 ? -1 : open_tree_at(from, "", TREE_CLONE | TREE_CLOEXEC | EMPTY_PATH);
    if (mount < 0)
        fail(DOCTOR, "a copy of %s cannot be brought to its place (%s)", path, strerror(errno));
    set_mount(mount, 0, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, 0);
    if (move_mount_onto(mount, target) < 0)
        fail(DOCTOR, "nothing can be mounted on %s (%s)", path, strerror(errno));
    close(mount), close(from);
}

static void seal_file(const struct bound *bound, const struct sealed *one, bool binds)
{
    char hex[65], name[16];
    struct stat found;
    int from = open_or_drift(bound, one->path, O_RDONLY | O_NONBLOCK | O_NOCTTY), to = -1;
    if (fstat(from, &found) < 0 || !S_ISREG(found.st_mode))
        drifted(one->path, "is no file any more");
    if (binds) {
        snprintf(name, sizeof name, "%u", made++);
        to = openat(copies, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (to < 0)
            fail(REPORT, "a copy cannot be made (%s)", strerror(errno));
    }
    copy_file(one->path, from, to, hex);
    if (strcmp(hex, one->digest) != 0)
        drifted(one->path, "has other contents");
    if (binds) {
        dress(to, &found);
        close(to);
        mount_copy(name, from, one->path);
    }
    close(from);
}

/* Held open as long as the run lives: by that its name is, too. */
static void seal_link(const struct bound *bound, const struct sealed *one)
{
    char target[PATH_MAX], hex[65];
    struct sha sha;
    const char *slash = strrchr(one->path, '/');
    char *directory = strndup(one->path, slash == one->path ? 1 : (size_t)(slash - one->path));
    int above = directory ? open_or_drift(bound, directory, O_PATH | O_DIRECTORY) : -1;
    int link = openat(above, slash + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    ssize_t length = link < 0 ? -1 : readlinkat(link, "", target, sizeof target);
    if (length < 0)
        drifted(one->path, "is no link any more");
    sha_begin(&sha);
    sha_add(&sha, target, (size_t)length);
    sha_end(&sha, hex);
    if (strcmp(hex, one->digest) != 0)
        drifted(one->path, "leads elsewhere");
    close(above);
    free(directory);
}

static int by_text(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

/* Copies a directory with everything inside; `lines` gets `path NUL-free, digest` of each file. */
static void copy_tree(const char *path, int from, int to, const char *prefix, struct words *lines, int depth)
{
    DIR *all = fdopendir(fcntl(from, F_DUPFD_CLOEXEC, 0));
    if (!all || depth > DEEPEST)
        drifted(path, all ? "has something else in it" : strerror(errno));
    errno = 0;
    for (struct dirent *one; (one = readdir(all)); errno = 0) {
        struct stat found;
        char *line, hex[65];
        if (strcmp(one->d_name, ".") == 0 || strcmp(one->d_name, "..") == 0)
            continue;
        int fd = openat(from, one->d_name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &found) < 0 || lines->count > MOST_IN_TREE)
            drifted(path, "has something else in it");
        if (S_ISDIR(found.st_mode)) {
            if (mkdirat(to, one->d_name, 0755) < 0 || asprintf(&line, "%s%s/", prefix, one->d_name) < 0)
                fail(REPORT, "%s cannot be copied (%s)", path, strerror(errno));
            int inside = openat(to, one->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            copy_tree(path, fd, inside, line, lines, depth + 1);
            close(inside);
            free(line);
        } else if (S_ISREG(found.st_mode)) {
            int copy = openat(to, one->d_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            if (copy < 0)
                fail(REPORT, "%s cannot be copied (%s)", path, strerror(errno));
            copy_file(path, fd, copy, hex);
            dress(copy, &found);
            close(copy);
            if (asprintf(&line, "%s%s %s\n", prefix, one->d_name, hex) < 0)
                fail("Free some memory and try again.", "there is no memory for a list");
            add_word(lines, line);
        } else {
            drifted(path, "has something else in it");
        }
        close(fd);
    }
    if (errno) /* a list that broke off is not the whole of it */
        drifted(path, strerror(errno));
    closedir(all);
}

static void seal_tree(const struct bound *bound, const struct sealed *one)
{
    char hex[65], name[16];
    struct words lines = {0};
    struct sha sha;
    struct stat found;
    int from = open_or_drift(bound, one->path, O_RDONLY | O_DIRECTORY);
    snprintf(name, sizeof name, "%u", made++);
    if (fstat(from, &found) < 0 || mkdirat(copies, name, 0700) < 0)
        fail(REPORT, "%s cannot be copied (%s)", one->path, strerror(errno));
    int to = openat(copies, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    copy_tree(one->path, from, to, "", &lines, 0);
    dress(to, &found);
    close(to);
    if (lines.count)
        qsort(lines.list, lines.count, sizeof *lines.list, by_text);
    sha_begin(&sha);
    for (size_t i = 0; i < lines.count; i++)
        sha_add(&sha, lines.list[i], strlen(lines.list[i]));
    sha_end(&sha, hex);
    if (strcmp(hex, one->digest) != 0)
        drifted(one->path, "has other contents");
    mount_copy(name, from, one->path);
    close(from);
}

static bool is_node(int fd, struct node node, bool device)
{
    struct stat found;
    return fstat(fd, &found) == 0 && found.st_ino == node.inode && (!device || found.st_dev == node.device);
}

static unsigned attributes_of(int fd)
{
    struct statvfs found;
    if (fstatvfs(fd, &found) < 0)
        return 0;
    return (found.f_flag & ST_NOSUID ? ATTR_NOSUID : 0) | (found.f_flag & ST_NOEXEC ? ATTR_NOEXEC : 0) |
           (found.f_flag & ST_NODEV ? ATTR_NODEV : 0);
}

static int part_of_folder(const struct bound *bound, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", bound->folder, name);
    int fd = open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC);
    if (fd < 0)
        fail(REPORT, "the run's own directory is not there (%s)", strerror(errno));
    return fd;
}

static void cover_root(const struct bound *bound)
{
    char names[3][64];
    int root = open_or_drift(bound, bound->root, O_PATH | O_DIRECTORY);
    if (!is_node(root, bound->root_node, true))
        drifted(bound->root, "is another directory");
    int layers[3] = {part_of_folder(bound, "empty"), root, part_of_folder(bound, "work")};
    for (int i = 0; i < 3; i++)
        snprintf(names[i], sizeof names[i], "/proc/self/fd/%d", layers[i]);
    real_root = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *const options[][2] = {
        {"lowerdir", names[0]}, {"upperdir", names[1]}, {"workdir", names[2]}, {"userxattr", NULL}, {NULL, NULL}};
    int mount = new_file_system("overlay", options, attributes_of(root));
    if (move_mount_onto(mount, root) < 0)
        fail(DOCTOR, "nothing can be mounted on %s (%s)", bound->root, strerror(errno));
    close(layers[0]), close(layers[1]), close(layers[2]);
    overlay = mount; /* the descriptor of a mount is that of its root */
}

/* Finds the approved programs by their names, before anything that PATH could lead to. */
static void lay_tools(const struct bound *bound)
{
    if (mkdirat(copies, "bin", 0755) < 0)
        fail(REPORT, "the programs' names cannot be laid out (%s)", strerror(errno));
    int bin = openat(copies, "bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < bound->tool_count; i++) {
        const struct tool *tool = &bound->tools[i];
        if (!tool->located) {
            if (symlinkat(tool->path, bin, tool->name) < 0)
                fail(REPORT, "%s cannot be laid out (%s)", tool->name, strerror(errno));
            continue;
        }
        int fd = openat(bin, tool->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
        if (fd < 0 || strchr(tool->path, '\'') || dprintf(fd, "#!/bin/sh\nexec '%s' \"$@\"\n", tool->path) < 0 || fchmod(fd, 0755) < 0)
            fail(REPORT, "%s cannot be laid out (%s)", tool->name, strerror(errno));
        close(fd);
    }
    close(bin);
    int target = open_or_drift(bound, bound->bin, O_PATH | O_DIRECTORY);
    mount_copy("bin", target, bound->bin);
    close(target);
}

static void make_room(const struct bound *bound)
{
    char path[PATH_MAX];
    struct stat found;
    copies = new_memory("0700", 1ULL << 30, ATTR_NOSUID | ATTR_NODEV);
    snprintf(path, sizeof path, "%s/copies", bound->folder);
    /* It has a place only while mounts are made from it: later nobody finds it by a name. */
    if (!attach(copies, path) || fstat(copies, &found) < 0)
        fail(REPORT, "there is no place for copies (%s)", strerror(errno));
}

void bind_view(const struct bound *bound)
{
    char place[PATH_MAX];
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        fail(DOCTOR, "mounts cannot be made private (%s)", strerror(errno));
    make_room(bound);
    if (bound->root)
        cover_root(bound);
    for (size_t i = 0; i < bound->links.count; i++)
        seal_link(bound, &bound->links.list[i]);
    for (size_t i = 0; i < bound->files.count; i++)
        seal_file(bound, &bound->files.list[i], true);
    for (size_t i = 0; i < bound->trees.count; i++)
        seal_tree(bound, &bound->trees.list[i]);
    for (size_t i = 0; i < bound->checks.count; i++)
        seal_file(bound, &bound->checks.list[i], false);
    for (size_t i = 0; i < bound->absent.count; i++)
        if (open_named(bound, bound->absent.list[i], O_PATH) >= 0 || (errno != ENOENT && errno != ENOTDIR))
            drifted(bound->absent.list[i], "was not there");
    if (bound->bin)
        lay_tools(bound);
    int cwd = open_or_drift(bound, bound->cwd, O_PATH | O_DIRECTORY);
    /* The overlay shows the inodes of the directory below, under a device number of its own. */
    if (!is_node(cwd, bound->cwd_node, overlay < 0 || !below_root(bound, bound->cwd)) || fchdir(cwd) < 0)
        drifted(bound->cwd, "is another directory");
    close(cwd);
    snprintf(place, sizeof place, "%s/copies", bound->folder);
    if (umount2(place, MNT_DETACH) < 0)
        fail(REPORT, "the copies' place cannot be given up (%s)", strerror(errno));
}

void leave_no_marks(void)
{
    DIR *all = real_root < 0 ? NULL : fdopendir(real_root);
    for (struct dirent *one; all && (one = readdir(all));) {
        int fd = one->d_type != DT_DIR ? -1 : openat(real_root, one->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        (void)fremovexattr(fd, "user.overlay.opaque"); /* most have none */
        close(fd);
    }
    if (all)
        closedir(all);
    real_root = -1;
}
