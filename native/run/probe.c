/*
 * What this machine can do, found by doing it: one line a feature. Why something does not work goes to standard error.
 *
 * The directory is where runs will keep their layers: whether an overlay works depends on the file system it is on.
 */
#define _GNU_SOURCE
#include "run.h"
#include "kernel.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[PATH_MAX - 64];

static char *below(const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", base, name) < 0)
        fail("Free some memory and try again.", "there is no memory for a path");
    return path;
}

/* Runs this program, wherever it lies, with --rename in a sandbox that has everything. */
static int run_rename(bool shim, const char *first, const char *second)
{
    char *bytes, *text;
    int length = asprintf(&text, "version=1\nid=probe\ncwd=/\nworkspace=%s\nwrite=overlay\nupper=%s\nwork=%s\nnetwork=none\nwall=20\n"
                          "tty=0\nlandlock=%d\nshim=%d\narg=/proc/self/exe\narg=--rename\narg=%s\narg=%s\n",
                          below("project"), below("upper"), below("work"), landlock_version() > 0, shim, below(first), below(second));
    if (length < 0 || !(bytes = malloc((size_t)length)))
        fail("Free some memory and try again.", "there is no memory for a plan");
    for (int i = 0; i < length; i++)
        bytes[i] = text[i] == '\n' ? '\0' : text[i];
    prepare();
    return launch(bytes, (size_t)length);
}

/* ---- the attempts: each ends its own process, with status 0 when all went well */

static int try_users(void)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    int status = 1;
    pid_t child = fork_into_namespaces(-1);
    if (child == 0) {
        map_ids(user, group);
        raise_loopback();
        _exit(0);
    }
    if (child < 0)
        fail(DOCTOR, "this machine allows no namespaces of its own (%s)", strerror(errno));
    waitpid(child, &status, 0);
    return status;
}

static int in_namespaces(void (*attempt)(void))
{
    uid_t user = geteuid();
    gid_t group = getegid();
    int status = 1;
    pid_t child = fork_into_namespaces(-1);
    if (child == 0) {
        map_ids(user, group);
        attempt();
        _exit(0);
    }
    if (child < 0)
        return 1; /* said by the first attempt */
    waitpid(child, &status, 0);
    return status;
}

static void mount_overlay(void)
{
    struct plan plan = {.workspace = below("project"), .upper = below("upper"), .work = below("work"), .writing = WRITE_OVERLAY};
    (void)workspace_mount(&plan);
}

static void mount_proc(void)
{
    const char *const none[][2] = {{NULL, NULL}};
    (void)new_file_system("proc", none, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
}

static int try_overlay(void) { return in_namespaces(mount_overlay); }
static int try_proc(void) { return in_namespaces(mount_proc); }

static int try_filter(void)
{
    forbid_new_privileges();
    (void)filter_calls(false, false, true);
    return syscall(SYS_ptrace, 9999L, 0L, 0L, 0L) < 0 && errno == EPERM ? 0 : 1;
}

static int try_sandbox(void) { return run_rename(false, "project/file", "project/moved"); }
static int try_shim(void) { return run_rename(true, "project/directory", "project/moved"); }

/* Whether the number of processes can be bound: an ordinary user's is by the rlimit, user 0 needs other means. */
static struct plan bounded = {.limit_count = 1, .limits = {{RLIMIT_NPROC, 2048}}};

static void bind_numbers(void)
{
    const char *const none[][2] = {{NULL, NULL}};
    int proc = new_file_system("proc", none, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
    if (!bound_numbers(&bounded, proc))
        _exit(1);
}

static int try_processes(void)
{
    outer_user = geteuid();
    if (outer_user != 0 || in_namespaces(bind_numbers) == 0)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    bool joined = child > 0 && join_cgroup(&bounded, child);
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    leave_cgroup();
    return joined ? 0 : 1;
}

static bool works(int (*attempt)(void))
{
    int status = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(attempt() == 0 ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- the directory that the attempts work in */

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)found, (void)kind, (void)where;
    return remove(path);
}

static void clear(void)
{
    static const char *const closed[] = {"work/work", "work/work" "/incompat", "work/work" "/incompat/volatile"};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) { /* overlay leaves them so that nobody may look in */
        char *path = below(closed[i]);
        (void)chmod(path, 0700);
        free(path);
    }
    (void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_ground(const char *directory)
{
    static const char *const names[] = {"project", "project/directory", "upper", "work"};
    snprintf(base, sizeof base, "%s/interlock-probe-XXXXXX", directory);
    if (!mkdtemp(base))
        fail("Name a directory that can be written.", "there is nowhere to try it (%s: %s)", directory, strerror(errno));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (mkdir(below(names[i]), 0755) < 0)
            fail("Name a directory that can be written.", "%s cannot be made (%s)", names[i], strerror(errno));
    int file = open(below("project/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0)
        fail("Name a directory that can be written.", "no file can be made (%s)", strerror(errno));
    close(file);
}

int probe(const char *directory)
{
    static const struct {
        const char *name;
        int (*attempt)(void);
    } features[] = {
        {"userns", try_users}, {"overlay", try_overlay}, {"proc", try_proc}, {"seccomp", try_filter}, {"sandbox", try_sandbox},
        {"rename-shim", try_shim}, {"nproc", try_processes},
    };
    char *real = realpath(directory, NULL);
    if (!real)
        fail("Name a directory that exists.", "%s cannot be found (%s)", directory, strerror(errno));
    printf("plan=1\nlandlock=%d\n", landlock_version());
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        make_ground(real); /* anew: a volatile upper layer is mounted only once */
        bool good = works(features[i].attempt);
        clear();
        printf("%s=%s\n", features[i].name, good ? "yes" : "no");
    }
    return 0;
}

/* Run inside the sandbox by the attempts above. */
int probe_rename(const char *from, const char *to) { return rename(from, to) < 0; }
