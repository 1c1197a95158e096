/*
 * What runs (and, in places.c, whom it calls). Nothing is held up or refused here: that is what the walls are for.
 *
 * A call that waits for pid 1 names its program in memory that other threads of the caller can change before the kernel
 * looks. So what a process has become is looked at once more, at the next call of anybody and at the end; who was
 * started under another name, and is gone by then, was not seen. Neither is what a program does under its own name: a
 * copy of a program is another program here, and an interpreter can be all of them.
 */
#define _GNU_SOURCE
#include "run.h"
#include "kernel.h"
#include "notices.h"
#include "sight.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PENDING = 32, WORDS = 12 /* of a command that are looked through for one that was asked for */, SCRIPTS = 4 };

struct sight *sight;
const char UNREADABLE[] = "?"; /* no path is called so */
static const struct words *asked; /* `git push`: the words that belong to a program's name */

void look_out(const struct plan *plan) { asked = &plan->note; }

/* ---- the tables */

/* The end of a long path says more than its beginning. */
static void keep(char *to, const char *text)
{
    size_t length = strlen(text);
    memcpy(to, length < TEXT ? text : text + length - (TEXT - 1), length < TEXT ? length + 1 : TEXT);
}

static uint32_t hash(uint32_t sum, const char *text)
{
    do
        sum = (sum ^ (unsigned char)*text) * 16777619U;
    while (*text++);
    return sum;
}

static void note_program(const char *name, const char *file, const char *by)
{
    static struct program one;
    keep(one.name, name);
    keep(one.file, file);
    keep(one.by, by);
    one.hash = hash(hash(hash(2166136261U, one.name), one.file), one.by);
    for (size_t i = 0; i < sight->programs; i++) {
        struct program *known = &sight->program[i];
        if (known->hash == one.hash && !strcmp(known->name, one.name) && !strcmp(known->file, one.file) && !strcmp(known->by, one.by)) {
            known->count++;
            return;
        }
    }
    if (sight->programs == PROGRAMS) {
        sight->more_programs++;
        return;
    }
    one.count = 1;
    sight->program[sight->programs++] = one;
}

void note_place(const char *name, const char *by)
{
    struct place one = {.count = 1};
    keep(one.name, name);
    keep(one.by, by);
    for (size_t i = 0; i < sight->places; i++)
        if (!strcmp(sight->place[i].name, one.name) && !strcmp(sight->place[i].by, one.by)) {
            sight->place[i].count++;
            return;
        }
    if (sight->places == PLACES)
        sight->more_places++;
    else
        sight->place[sight->places++] = one;
}

/* ---- looking */

static bool read_link(const char *link, char text[PATH_MAX])
{
    ssize_t length = readlink(link, text, PATH_MAX - 1);
    text[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

bool program_of(pid_t pid, char text[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    return read_link(link, text);
}

static const char *last(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_word(pid_t pid, uint64_t address, const char *word)
{
    char text[32];
    return read_text(pid, address, text, sizeof text) && strcmp(text, word) == 0;
}

/* Whether one of a command's first words is this. */
static bool has_word(pid_t pid, uint64_t arguments, const char *word)
{
    uint64_t address;
    for (size_t at = 1; at < WORDS; at++) {
        if (!read_bytes(pid, arguments + at * sizeof address, &address, sizeof address) || !address)
            return false;
        if (is_word(pid, address, word))
            return true;
    }
    return false;
}

/* Adds the word that was asked for with this program. */
static void add_word_asked(pid_t pid, uint64_t arguments, const char *file, char name[PATH_MAX])
{
    const char *called = last(name), *really = last(file);
    for (size_t i = 0; i < asked->count; i++) {
        const char *blank = strchr(asked->list[i], ' ');
        size_t length = (size_t)(blank - asked->list[i]);
        bool meant = (strlen(called) == length && strncmp(called, asked->list[i], length) == 0) ||
                     (strlen(really) == length && strncmp(really, asked->list[i], length) == 0);
        if (meant && has_word(pid, arguments, blank + 1) && strlen(name) + strlen(blank) < PATH_MAX) {
            strcat(name, blank);
            return;
        }
    }
}

/* ---- what a process became */

static struct pending {
    pid_t pid; /* 0: none */
    char file[TEXT], by[TEXT];
} pending[PENDING];

/*
 * Whether the file is a script whose interpreter is this program. It may have been rewritten since, so it may name itself:
 * as for the kernel, an interpreter is a script at most a few times (BINPRM_MAX_RECURSION is four in Linux).
 */
static bool interprets(const char *program, const char *file, int depth)
{
    char line[TEXT], found[PATH_MAX], link[64];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t length = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    if (length < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[length] = '\0';
    char *start = line + 2 + strspn(line + 2, " \t");
    start[strcspn(start, " \t\n")] = '\0';
    fd = open(start, O_PATH | O_CLOEXEC);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bool same = fd >= 0 && read_link(link, found) && (strcmp(found, program) == 0 || (depth > 0 && interprets(program, found, depth - 1)));
    if (fd >= 0)
        close(fd);
    return same;
}

void look_again(void)
{
    static char now[PATH_MAX];
    for (size_t i = 0; i < PENDING; i++) {
        struct pending *one = &pending[i];
        if (!one->pid)
            continue;
        char kept[TEXT];
        bool alive = program_of(one->pid, now);
        keep(kept, now);
        if (alive && strcmp(kept, one->by) == 0)
            continue; /* it has not become anything else yet */
        if (alive && strcmp(kept, one->file) != 0 && !interprets(now, one->file, SCRIPTS))
            note_program(now, now, one->by);
        one->pid = 0;
    }
}

static void look_later(pid_t pid, const char *file, const char *by)
{
    static size_t next;
    struct pending *one = NULL;
    for (size_t i = 0; i < PENDING && !one; i++)
        if (pending[i].pid == pid)
            one = &pending[i]; /* it goes on to be something else */
    if (!one)
        one = &pending[next++ % PENDING];
    one->pid = pid;
    keep(one->file, file);
    keep(one->by, by);
}

/* ---- the calls */

/* Opened as its caller would: `self` in a path means whoever looks, and that is not to be pid 1. */
static int open_as(pid_t pid, int base, const char *name)
{
    static const char own[] = "/proc/self/";
    char path[PATH_MAX];
    if (strncmp(name, own, sizeof own - 1) != 0)
        return open_how(base, name, O_PATH | O_CLOEXEC, RESOLVE_NO_MAGIC);
    int length = snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name + sizeof own - 1);
    return length < (int)sizeof path ? open(path, O_PATH | O_CLOEXEC) : -1;
}

/*
 * The file that a process is about to become; -1 where there is none: most often a directory of PATH that lacks it.
 * The name is UNREADABLE where the caller does not let itself be looked into, or the way leads through /proc.
 */
static int file_asked(const struct notice *notice, char name[PATH_MAX])
{
    const bool at = notice->call == SYS_execveat;
    const uint64_t *a = notice->arguments;
    char link[64];
    if (!read_text(notice->pid, a[at ? 1 : 0], name, PATH_MAX)) {
        strcpy(name, UNREADABLE);
        return -1;
    }
    if (at && !*name) {
        snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)notice->pid, (int)a[0]);
        (void)read_link(link, name);
        return open(link, O_PATH | O_CLOEXEC);
    }
    int base = base_of(notice->pid, at ? (int)a[0] : AT_FDCWD, name); /* chroot is refused: its root is ours */
    int fd = base < 0 ? -1 : open_as(notice->pid, base, name);
    if (fd < 0 && errno == ELOOP)
        strcpy(name, UNREADABLE);
    if (base >= 0)
        close(base);
    return fd;
}

void see_program(const struct notice *notice)
{
    static char name[PATH_MAX], file[PATH_MAX], by[PATH_MAX];
    char link[64];
    look_again();
    int fd = file_asked(notice, name);
    bool found = fd >= 0 || strcmp(name, UNREADABLE) == 0;
    strcpy(file, UNREADABLE);
    if (found && !program_of(notice->pid, by))
        strcpy(by, UNREADABLE);
    if (fd >= 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        (void)read_link(link, file);
        close(fd);
        add_word_asked(notice->pid, notice->arguments[notice->call == SYS_execveat ? 2 : 1], file, name);
    }
    found = found && still_asked(notice->id);
    answer(notice->id, 0, true);
    if (!found)
        return;
    note_program(name, file, by);
    look_later(notice->pid, file, by);
}

/* ---- what the kernel counted */

static bool load(const char *path, char text[8192])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, 8191);
    if (fd >= 0)
        close(fd);
    text[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

/* Version 4: a line of names, and one of numbers. */
static uint64_t refused_by_four(void)
{
    char text[8192], *in_names, *in_numbers;
    char *names = load("/proc/self/net/snmp", text) ? strstr(text, "Ip: ") : NULL, *end = names ? strchr(names, '\n') : NULL;
    if (!end)
        return 0;
    *end = '\0';
    char *name = strtok_r(names, " ", &in_names), *number = strtok_r(end + 1, " ", &in_numbers);
    while (name && number && strcmp(name, "OutNoRoutes") != 0) {
        name = strtok_r(NULL, " ", &in_names);
        number = strtok_r(NULL, " ", &in_numbers);
    }
    return name && number ? strtoull(number, NULL, 10) : 0;
}

/* Version 6: a line each. */
static uint64_t refused_by_six(void)
{
    static const char name[] = "Ip6OutNoRoutes";
    char text[8192];
    char *line = load("/proc/self/net/snmp6", text) ? strstr(text, name) : NULL;
    return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

void look_back(void)
{
    look_again();
    sight->unrouted = refused_by_four() + refused_by_six();
}
