/*
 * The view: the host's tree, read-only; over it, by depth of path, the workspace, what is hidden, the holes in that, and
 * fresh directories. All that comes from the host is opened before anything is covered, and never through a symlink.
 */
#define _GNU_SOURCE
#include "mounts.h"
#include "kernel.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* At equal paths the later covers the earlier. */
enum kind { SHOW, HIDE, FRESH, WORKSPACE };

struct place {
    enum kind kind;
    const char *path;
    int depth, mount; /* mount: -1 until there is one */
    bool holds;       /* a deeper place lies below it */
};

static struct place *places;
static size_t place_count;

/* Our own file systems, in which mount points may be made. */
static dev_t ours[512];
static size_t ours_count;

int new_file_system(const char *type, const char *const options[][2], unsigned attributes)
{
    char why[256] = "";
    int fs = fs_open(type);
    bool good = fs >= 0;
    for (size_t i = 0; good && options[i][0]; i++)
        good = fs_set(fs, options[i][1] ? FS_STRING : FS_FLAG, options[i][0], options[i][1]) == 0;
    good = good && fs_set(fs, FS_CREATE, NULL, NULL) == 0;
    int mount = good ? fs_mount(fs, attributes) : -1;
    int error = errno;
    if (mount < 0 && fs >= 0) {
        ssize_t n = read(fs, why, sizeof why - 1); /* the kernel's own words, if it has some */
        why[n > 0 ? n : 0] = '\0';
        why[strcspn(why, "\n")] = '\0';
    }
    if (mount < 0)
        fail(DOCTOR, "a file system (%s) cannot be made for the sandbox (%s%s%s)", type, strerror(error), *why ? "; " : "", why);
    close(fs);
    return mount;
}

void set_mount(int mount, unsigned flags, unsigned long long set, unsigned long long clear)
{
    struct mount_change change = {set, clear, 0, 0};
    if (change_mount(mount, flags, &change) < 0)
        fail(DOCTOR, "a mount of the sandbox cannot be changed (%s)", strerror(errno));
}

static bool is_absent(int error) { return error == ENOENT || error == ENOTDIR || error == EACCES; }

static int open_exactly(const char *path, int flags)
{
    int fd = open_how(AT_FDCWD, path, (uint64_t)(O_PATH | O_CLOEXEC | O_NOFOLLOW | flags), RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC);
    if (fd < 0 && !is_absent(errno) && errno != ELOOP)
        fail(DOCTOR, "%s cannot be looked at (%s)", path, strerror(errno));
    return fd;
}

int copy_of(const char *path, unsigned flags)
{
    int fd = open_exactly(path, 0);
    if (fd < 0)
        return -1;
    int mount = open_tree_at(fd, "", TREE_CLONE | TREE_CLOEXEC | EMPTY_PATH | flags);
    if (mount < 0)
        fail(DOCTOR, "%s cannot be brought into the sandbox (%s)", path, strerror(errno));
    close(fd);
    return mount;
}

bool attach(int mount, const char *path)
{
    int target = open_exactly(path, 0);
    if (target < 0)
        return false;
    if (move_mount_onto(mount, target) < 0)
        fail(DOCTOR, "nothing can be mounted on %s (%s)", path, strerror(errno));
    close(target);
    return true;
}

int new_memory(const char *mode, unsigned long long bytes, unsigned attributes)
{
    char size[32], inodes[32];
    unsigned long long files = bytes / 2048 < 16384 ? 16384 : bytes / 2048 > 1048576 ? 1048576 : bytes / 2048;
    snprintf(size, sizeof size, "%llu", bytes);
    snprintf(inodes, sizeof inodes, "%llu", files);
    const char *const options[][2] = {{"mode", mode}, {"size", size}, {"nr_inodes", inodes}, {NULL, NULL}};
    int mount = new_file_system("tmpfs", options, attributes);
    struct stat found;
    if (ours_count == sizeof ours / sizeof *ours || fstat(mount, &found) < 0)
        fail(REINSTALL, "its plan hides too many places");
    ours[ours_count++] = found.st_dev;
    return mount;
}

static bool is_ours(int fd)
{
    struct stat found;
    if (fstat(fd, &found) < 0)
        return false;
    for (size_t i = 0; i < ours_count; i++)
        if (ours[i] == found.st_dev)
            return true;
    return false;
}

/* Makes what is missing on the way to a mount point, but only inside of our own empty file systems. */
static void make_way(const char *path, bool directory)
{
    char part[PATH_MAX];
    int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (const char *p = path + 1; at >= 0 && *p;) {
        size_t length = strcspn(p, "/");
        bool last = !p[length];
        snprintf(part, sizeof part, "%.*s", (int)length, p);
        int next = open_how(at, part, O_PATH | O_CLOEXEC | O_NOFOLLOW, RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC | RESOLVE_UNDER);
        if (next < 0 && errno == ENOENT && is_ours(at)) {
            int made = last && !directory ? mknodat(at, part, S_IFREG | 0444, 0) : mkdirat(at, part, 0755);
            if (made < 0)
                fail(DOCTOR, "the way to %s cannot be made (%s)", path, strerror(errno));
            next = openat(at, part, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        }
        close(at);
        at = next;
        p += length + (last ? 0 : 1);
    }
    if (at >= 0)
        close(at);
}

static int depth_of(const char *path)
{
    int depth = 0;
    for (; *path; path++)
        depth += path[0] == '/' && path[1];
    return depth;
}

static bool below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || (length == 1 && path[1]));
}

static void add_place(enum kind kind, const char *path, int mount)
{
    static size_t room;
    if (place_count == room) {
        room = room ? room * 2 : 64;
        places = realloc(places, room * sizeof *places);
        if (!places)
            fail("Free some memory and try again.", "there is no memory for the sandbox's places");
    }
    places[place_count++] = (struct place){kind, path, depth_of(path), mount, false};
}

/* What is hidden is what a link points to: the link itself shows nothing. */
const char *real_place(const char *path)
{
    char link[64], found[PATH_MAX];
    int fd = open_how(AT_FDCWD, path, O_PATH | O_CLOEXEC, RESOLVE_NO_MAGIC);
    if (fd < 0 && (is_absent(errno) || errno == ELOOP))
        return NULL;
    if (fd < 0)
        fail(DOCTOR, "%s cannot be looked at (%s)", path, strerror(errno));
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, found, sizeof found - 1);
    if (n <= 0 || n == (ssize_t)sizeof found - 1 || found[0] != '/')
        fail(DOCTOR, "it is not known where %s leads", path);
    found[n] = '\0';
    close(fd);
    if (strcmp(found, path) == 0)
        return path;
    char *copy = strdup(found);
    if (!copy)
        fail("Free some memory and try again.", "there is no memory for the sandbox's places");
    return copy;
}

static int directory_of_plan(const char *path, const char *what)
{
    int fd = open_exactly(path, O_DIRECTORY);
    if (fd < 0)
        fail("Name directories that exist, without symbolic links on the way.", "the %s %s cannot be opened (%s)", what, path,
             strerror(errno));
    return fd;
}

int workspace_mount(const struct plan *plan)
{
    int lower = directory_of_plan(plan->workspace, "workspace"), mount;
    if (plan->writing == WRITE_OVERLAY) {
        char names[3][64];
        int upper = directory_of_plan(plan->upper, "upper layer"), work = directory_of_plan(plan->work, "work directory");
        int layers[3] = {lower, upper, work};
        for (int i = 0; i < 3; i++)
            snprintf(names[i], sizeof names[i], "/proc/self/fd/%d", layers[i]);
        const char *const options[][2] = {{"lowerdir", names[0]}, {"upperdir", names[1]}, {"workdir", names[2]},
                                          {"userxattr", NULL},    {"volatile", NULL},     {NULL, NULL}};
        mount = new_file_system("overlay", options, ATTR_NOSUID | ATTR_NODEV);
        close(upper), close(work);
    } else if (plan->writing == WRITE_BIND) {
        close(directory_of_plan(plan->source, "workspace's copy"));
        mount = copy_of(plan->source, TREE_RECURSIVE);
        set_mount(mount, WHOLE_TREE, ATTR_NOSUID | ATTR_NODEV, 0);
    } else {
        mount = copy_of(plan->workspace, TREE_RECURSIVE);
        set_mount(mount, WHOLE_TREE, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, 0);
    }
    close(lower);
    if (mount < 0)
        fail(REPORT, "the workspace %s went away", plan->workspace);
    return mount;
}

static void collect_places(const struct plan *plan)
{
    add_place(WORKSPACE, plan->workspace, workspace_mount(plan));
    for (size_t i = 0; i < plan->show.count; i++) {
        int mount = copy_of(plan->show.list[i], TREE_RECURSIVE);
        if (mount < 0)
            continue;
        set_mount(mount, WHOLE_TREE, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, 0);
        add_place(SHOW, plan->show.list[i], mount);
    }
    for (size_t i = 0; i < plan->hide.count; i++) {
        const char *path = real_place(plan->hide.list[i]);
        if (path && (strcmp(path, plan->workspace) == 0 || strcmp(path, "/") == 0))
            fail("Work in a directory of its own.", "%s is both the workspace and to be hidden", plan->hide.list[i]);
        if (path)
            add_place(HIDE, path, -1);
    }
    for (size_t i = 0; i < plan->fresh.count; i++) {
        if (strcmp(plan->fresh.list[i], plan->workspace) == 0)
            fail("Work in a directory of its own.", "%s is both the workspace and to be fresh", plan->workspace);
        add_place(FRESH, plan->fresh.list[i], -1);
    }
    for (size_t i = 0; i < place_count; i++)
        for (size_t j = 0; j < place_count && !places[i].holds; j++)
            places[i].holds = places[j].kind != HIDE && below(places[j].path, places[i].path);
}

static int by_depth(const void *one, const void *other)
{
    const struct place *a = one, *b = other;
    return a->depth != b->depth ? a->depth - b->depth : (int)a->kind - (int)b->kind;
}

void cover(const char *path)
{
    struct stat found;
    int fd = open_exactly(path, 0), mount;
    if (fd < 0)
        return;
    if (fstat(fd, &found) < 0)
        fail(DOCTOR, "%s cannot be looked at (%s)", path, strerror(errno));
    close(fd);
    mount = copy_of(S_ISDIR(found.st_mode) ? "/dev/.empty/directory" : "/dev/.empty/file", 0);
    if (mount < 0)
        fail(REPORT, "the sandbox's empty places are missing");
    set_mount(mount, 0, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC, 0);
    attach(mount, path);
    close(mount);
}

static void build_place(struct place *place, unsigned long long bytes)
{
    if (place->kind == HIDE && !place->holds) {
        cover(place->path);
        return;
    }
    if (place->kind == HIDE) {
        place->mount = new_memory("0755", 1 << 20, ATTR_NOSUID | ATTR_NODEV);
    } else if (place->kind == FRESH) {
        bool everybody = strstr(place->path, "tmp") || strcmp(place->path, "/dev/shm") == 0;
        place->mount = new_memory(everybody ? "1777" : "0755", bytes, ATTR_NOSUID | ATTR_NODEV);
    }
    struct stat found;
    if (place->kind != HIDE) {
        if (fstat(place->mount, &found) < 0)
            fail(REPORT, "%s cannot be looked at (%s)", place->path, strerror(errno));
        make_way(place->path, S_ISDIR(found.st_mode));
    }
    if (!attach(place->mount, place->path) && place->kind == WORKSPACE)
        fail("Work in a directory that is not reached through hidden links.", "the workspace %s has no place in the sandbox",
             place->path);
}

static void seal_host(void)
{
    struct mount_change change = {ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, 0, MS_PRIVATE, 0};
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || change_mount(root, WHOLE_TREE, &change) < 0)
        fail(DOCTOR, "the host's files cannot be made read-only (%s)", strerror(errno));
    close(root);
}

/* Where the host says whom to ask for names: a link, on many systems, to what lies in /run. */
static void cover_resolver(const char *path)
{
    if (!path)
        return; /* then 127.0.0.1 is who is asked */
    int mount = copy_of("/dev/.empty/resolver", 0);
    if (mount < 0)
        fail(REPORT, "the sandbox's resolver is missing");
    set_mount(mount, 0, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC, 0);
    make_way(path, false);
    attach(mount, path);
    close(mount);
}

int proc_mount;

void prepare_view(void)
{
    const char *const none[][2] = {{NULL, NULL}};
    prepare_devices();
    proc_mount = new_file_system("proc", none, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
}

void build_view(const struct plan *plan)
{
    const char *resolver = plan->listens ? real_place("/etc/resolv.conf") : NULL;
    narrow_standard_descriptors();
    collect_places(plan);
    seal_host();
    attach_devices();
    build_proc(proc_mount);
    qsort(places, place_count, sizeof *places, by_depth);
    for (size_t i = 0; i < place_count; i++)
        build_place(&places[i], plan->fresh_bytes);
    cover_resolver(resolver);
    for (size_t i = 0; i < place_count; i++) {
        if (places[i].kind == HIDE && places[i].mount >= 0)
            set_mount(places[i].mount, 0, ATTR_RDONLY | ATTR_NOEXEC, 0);
        if (places[i].mount >= 0)
            close(places[i].mount);
    }
    cover_host_sockets(plan);
    if (chdir("/") < 0)
        fail(REPORT, "the sandbox has no root (%s)", strerror(errno));
}
