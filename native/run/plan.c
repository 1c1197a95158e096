/* The plan of a contained run: what each of its records means. */
#define _GNU_SOURCE
#include "records.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool flag_in(const char *key, const char *value)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        refuse(key, "neither 0 nor 1");
    return value[0] == '1';
}

static unsigned long long number_in(const char *key, const char *value, unsigned long long limit)
{
    unsigned long long number;
    if (!plain_number(value, limit, &number))
        refuse(key, "not a number in its range");
    return number;
}

static void take_limit(struct plan *plan, char *value)
{
    char *number = strchr(value, ':');
    if (!number || plan->limit_count == sizeof plan->limits / sizeof *plan->limits)
        refuse("limit", "not of the form name:number");
    *number++ = '\0';
    if (strcmp(value, "memory") == 0) {
        plan->memory = number_in("limit", number, 1ULL << 62);
        return;
    }
    int resource = resource_named(value);
    if (resource < 0)
        refuse("limit", "an unknown resource");
    plan->limits[plan->limit_count].resource = resource;
    plan->limits[plan->limit_count++].value = (rlim_t)number_in("limit", number, RLIM_INFINITY - 1);
}

static void take_port(struct plan *plan, const char *value)
{
    char digits[8] = "";
    size_t length = strcspn(value, "/");
    unsigned long long number;
    bool udp = strcmp(value + length, "/udp") == 0;
    if (length >= sizeof digits || (!udp && strcmp(value + length, "/tcp") != 0))
        refuse("listener", "neither PORT/tcp nor PORT/udp");
    memcpy(digits, value, length);
    if (!plain_number(digits, 65535, &number) || number == 0)
        refuse("listener", "not a port");
    if (plan->port_count == sizeof plan->ports / sizeof *plan->ports)
        refuse("listener", "too many");
    plan->ports[plan->port_count++] = (struct port){(uint16_t)number, udp, value};
}

static void take_environment(struct plan *plan, const char *key, char *value)
{
    bool sets = key[0] == 'e';
    size_t length = strcspn(value, sets ? "=" : "*");
    if (length == 0 || memchr(value, '=', length) || (sets && value[length] != '=') || (!sets && value[length] && value[length + 1]))
        refuse(key, "not a name");
    add_word(sets ? &plan->set : &plan->keep, value);
}

/* A program and a word of its command line that belongs to its name. */
static void take_note(struct plan *plan, char *value)
{
    const char *blank = strchr(value, ' ');
    if (!blank || blank == value || !blank[1] || strchr(blank + 1, ' ') || strlen(blank + 1) > 30)
        refuse("note", "not a program and a word");
    add_word(&plan->note, value);
}

/* The values that may stand once, and are words, numbers or flags. */
struct seen {
    const char *version, *write, *network, *fresh_bytes, *wall, *landlock, *shim, *tty, *observe;
};

struct reading {
    struct plan *plan;
    struct seen seen;
};

static void take(void *into, char *key, char *value)
{
    struct plan *plan = ((struct reading *)into)->plan;
    struct seen *seen = &((struct reading *)into)->seen;
    struct { const char *key; const char **place; } paths[] = {
        {"cwd", &plan->cwd}, {"workspace", &plan->workspace}, {"upper", &plan->upper}, {"work", &plan->work},
        {"source", &plan->source}, {"egress", &plan->egress},
    }, plain[] = {
        {"version", &seen->version}, {"id", &plan->id}, {"write", &seen->write}, {"network", &seen->network},
        {"fresh_bytes", &seen->fresh_bytes}, {"wall", &seen->wall}, {"landlock", &seen->landlock},
        {"shim", &seen->shim}, {"tty", &seen->tty}, {"observe", &seen->observe},
    };
    struct { const char *key; struct words *list; } lists[] = {
        {"hide", &plan->hide}, {"show", &plan->show}, {"fresh", &plan->fresh},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(key, paths[i].key) == 0) {
            once(paths[i].place, key, path_in(key, value));
            return;
        }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(key, plain[i].key) == 0) {
            once(plain[i].place, key, value);
            return;
        }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(key, lists[i].key) == 0) {
            add_word(lists[i].list, path_in(key, value));
            return;
        }
    if (strcmp(key, "arg") == 0)
        add_word(&plan->arguments, value);
    else if (strcmp(key, "limit") == 0)
        take_limit(plan, value);
    else if (strcmp(key, "listener") == 0)
        take_port(plan, value);
    else if (strcmp(key, "note") == 0)
        take_note(plan, value);
    else if (strcmp(key, "keep") == 0 || strcmp(key, "env") == 0)
        take_environment(plan, key, value);
    else
        refuse(key, "an unknown key");
}

static const char *needed(const char *key, const char *value)
{
    if (!value)
        refuse(key, "missing");
    return value;
}

static void check_words(struct plan *plan, const struct seen *seen)
{
    if (strcmp(needed("version", seen->version), "1") != 0)
        refuse("version", "not 1");
    (void)id_in(needed("id", plan->id));
    const char *network = needed("network", seen->network);
    if (strcmp(network, "none") != 0 && strcmp(network, "listen") != 0)
        refuse("network", "neither none nor listen");
    plan->listens = network[0] == 'l';
    if (plan->listens != (plan->egress != NULL) || plan->listens != (plan->port_count > 0))
        refuse("network", "listeners and egress belong to `listen`");
    plan->landlock = flag_in("landlock", needed("landlock", seen->landlock));
    plan->shim = flag_in("shim", needed("shim", seen->shim));
    plan->tty = flag_in("tty", needed("tty", seen->tty));
    plan->observe = seen->observe && flag_in("observe", seen->observe);
    plan->wall = (long)number_in("wall", needed("wall", seen->wall), 10000000);
    if (plan->fresh.count)
        plan->fresh_bytes = number_in("fresh_bytes", needed("fresh_bytes", seen->fresh_bytes), 1ULL << 50);
    if (plan->fresh.count && plan->fresh_bytes == 0)
        refuse("fresh_bytes", "zero would be no limit");
}

static void check_writing(struct plan *plan, const struct seen *seen)
{
    const char *writing = needed("write", seen->write);
    bool overlay = strcmp(writing, "overlay") == 0, bind = strcmp(writing, "bind") == 0;
    if (!overlay && !bind && strcmp(writing, "none") != 0)
        refuse("write", "neither overlay nor bind nor none");
    plan->writing = overlay ? WRITE_OVERLAY : bind ? WRITE_BIND : WRITE_NONE;
    if (overlay != (plan->upper != NULL) || overlay != (plan->work != NULL))
        refuse("write", "upper and work belong to `overlay`");
    if (bind != (plan->source != NULL))
        refuse("write", "source belongs to `bind`");
    if (strcmp(needed("workspace", plan->workspace), "/") == 0)
        refuse("workspace", "the root directory cannot be one");
}

void read_plan(struct plan *plan, char *bytes, size_t length)
{
    struct reading reading = {.plan = plan};
    memset(plan, 0, sizeof *plan);
    each_record(bytes, length, take, &reading);
    check_words(plan, &reading.seen);
    check_writing(plan, &reading.seen);
    needed("cwd", plan->cwd);
    if (plan->arguments.count == 0)
        refuse("arg", "missing");
}

char *load_file(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        fail("Name a plan that can be read.", "the plan %s cannot be opened (%s)", path, strerror(errno));
    char *bytes = malloc(PLAN_LIMIT + 1);
    if (!bytes)
        fail("Free some memory and try again.", "there is no memory for the plan");
    for (*length = 0; *length <= PLAN_LIMIT;) {
        ssize_t n = read(fd, bytes + *length, PLAN_LIMIT + 1 - *length);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            fail("Name a plan that can be read.", "the plan %s cannot be read (%s)", path, strerror(errno));
        if (n > 0)
            *length += (size_t)n;
    }
    if (*length > PLAN_LIMIT)
        fail("Give the command fewer words.", "the plan is larger than 8 MiB");
    close(fd);
    return bytes;
}
