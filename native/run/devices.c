/* /dev with the harmless devices alone, and /proc of the sandbox's own processes, with what concerns the machine covered. */
#define _GNU_SOURCE
#include "kernel.h"
#include "mounts.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static struct {
    const char *path;
    unsigned major, minor;
    int mount;
} devices[] = {
    {"/dev/null", 1, 3, -1}, {"/dev/zero", 1, 5, -1}, {"/dev/full", 1, 7, -1}, {"/dev/random", 1, 8, -1},
    {"/dev/urandom", 1, 9, -1}, {"/dev/tty", 5, 0, -1},
};

static void open_devices(void)
{
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        struct stat found;
        int mount = copy_of(devices[i].path, 0);
        if (mount < 0 || fstat(mount, &found) < 0 || !S_ISCHR(found.st_mode) ||
            found.st_rdev != makedev(devices[i].major, devices[i].minor))
            fail(DOCTOR, "%s is not the device it should be", devices[i].path);
        /* read-only: its mode and times are the host's; writing into the device is something else */
        set_mount(mount, 0, ATTR_RDONLY | ATTR_NOSUID | ATTR_NOEXEC, ATTR_NODEV);
        devices[i].mount = mount;
    }
}

static void make_directory(int at, const char *name, mode_t mode)
{
    if (mkdirat(at, name, mode) < 0 || fchmodat(at, name, mode, 0) < 0)
        fail(REPORT, "/dev/%s cannot be made (%s)", name, strerror(errno));
}

/* Names are asked of the run's own listener, or of nobody. */
static void write_resolver(int at)
{
    static const char text[] = "nameserver 127.0.0.1\noptions timeout:5 attempts:1\n";
    int fd = openat(at, ".empty/resolver", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0 || write(fd, text, sizeof text - 1) != (ssize_t)sizeof text - 1 || fchmod(fd, 0444) < 0)
        fail(REPORT, "the sandbox's resolver cannot be named (%s)", strerror(errno));
    close(fd);
}

/* The new file systems, with all that is in them, mounted nowhere yet. */
static int dev, shm, terminals;

void prepare_devices(void)
{
    static const char *const links[][2] = {{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
                                           {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"}};
    const char *const memory[][2] = {{"mode", "0755"}, {"size", "65536"}, {NULL, NULL}};
    const char *const instance[][2] = {{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}, {NULL, NULL}};
    open_devices();
    dev = new_file_system("tmpfs", memory, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (mknodat(dev, devices[i].path + sizeof "/dev/" - 1, S_IFREG | 0666, 0) < 0)
            fail(REPORT, "%s cannot be made (%s)", devices[i].path, strerror(errno));
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i][0], dev, links[i][1]) < 0)
            fail(REPORT, "/dev/%s cannot be made (%s)", links[i][1], strerror(errno));
    make_directory(dev, "pts", 0755);
    make_directory(dev, "shm", 01777);
    make_directory(dev, ".empty", 0755);
    make_directory(dev, ".empty/directory", 0755);
    if (mknodat(dev, ".empty/file", S_IFREG | 0444, 0) < 0)
        fail(REPORT, "an empty file cannot be made (%s)", strerror(errno));
    write_resolver(dev);
    shm = new_memory("1777", 64 << 20, ATTR_NOSUID | ATTR_NODEV);
    terminals = new_file_system("devpts", instance, ATTR_NOSUID | ATTR_NOEXEC);
}

void attach_devices(void)
{
    if (!attach(dev, "/dev") || !attach(shm, "/dev/shm") || !attach(terminals, "/dev/pts"))
        fail(DOCTOR, "there is no /dev");
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        attach(devices[i].mount, devices[i].path);
        close(devices[i].mount);
    }
    set_mount(dev, 0, ATTR_RDONLY, 0);
    close(dev), close(shm), close(terminals);
}

/* What in /proc and /sys tells of the machine or steers it. User 0 inside is user 0 of the kernel there, without a capability. */
void build_proc(int proc)
{
    static const char *const covered[] = {
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/key-users", "/proc/keys", "/proc/kmsg", "/proc/kpagecgroup",
        "/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/mtrr", "/proc/sched_debug", "/proc/scsi",
        "/proc/slabinfo", "/proc/sysrq-trigger", "/proc/timer_list", "/proc/timer_stats", "/proc/vmallocinfo", "/proc/vmcore",
        "/sys/firmware", "/sys/fs/bpf", "/sys/fs/pstore", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing",
        "/sys/devices/virtual/powercap",
    };
    static const char *const frozen[] = {"/proc/bus", "/proc/driver", "/proc/fs", "/proc/irq", "/proc/sys"};
    if (!attach(proc, "/proc"))
        fail(DOCTOR, "there is no /proc");
    close(proc);
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
        cover(covered[i]);
    for (size_t i = 0; i < sizeof frozen / sizeof *frozen; i++) {
        int mount = copy_of(frozen[i], TREE_RECURSIVE);
        if (mount < 0)
            continue;
        set_mount(mount, WHOLE_TREE, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC, 0);
        attach(mount, frozen[i]);
        close(mount);
    }
}
