/* The plan of a bound run: what each of its records means. */
#define _GNU_SOURCE
#include "bound.h"
#include "records.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void take_sealed(struct sealed_list *all, const char *key, char *value)
{
    if (strspn(value, "0123456789abcdef") != 64 || value[64] != ':')
        refuse(key, "not of the form digest:path");
    value[64] = '\0';
    all->list = more(all->list, all->count, &all->room, sizeof *all->list);
    all->list[all->count++] = (struct sealed){value, path_in(key, value + 65)};
}

static struct node node_in(const char *key, const char *value)
{
    struct node node;
    char *end;
    node.device = strtoull(value, &end, 10);
    if (end == value || *end != ':' || strspn(value, "0123456789:") != strlen(value) || !end[1])
        refuse(key, "not of the form device:inode");
    node.inode = strtoull(end + 1, &end, 10);
    if (*end)
        refuse(key, "not of the form device:inode");
    return node;
}

static void take_tool(struct bound *bound, char *value)
{
    bool located = value[0] == '!';
    char *path = strchr(value += located, ':');
    if (!path || path == value || path - value > NAME_MAX || memchr(value, '/', (size_t)(path - value)))
        refuse("tool", "not of the form name:path");
    *path++ = '\0';
    if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
        refuse("tool", "not a name");
    bound->tools = more(bound->tools, bound->tool_count, &bound->tool_room, sizeof *bound->tools);
    bound->tools[bound->tool_count++] = (struct tool){value, path_in("tool", path), located};
}

struct nodes {
    const char *version, *cwd, *root;
};

struct reading {
    struct bound *bound;
    struct nodes said;
};

static void take(void *into, char *key, char *value)
{
    struct bound *bound = ((struct reading *)into)->bound;
    struct nodes *said = &((struct reading *)into)->said;
    struct { const char *key; const char **place; bool path; } single[] = {
        {"bound", &said->version, false}, {"id", &bound->id, false}, {"cwd", &bound->cwd, true},
        {"cwd_node", &said->cwd, false}, {"root", &bound->root, true}, {"root_node", &said->root, false},
        {"folder", &bound->folder, true}, {"bin", &bound->bin, true}, {"program", &bound->program, true},
    };
    struct { const char *key; struct sealed_list *list; } seals[] = {
        {"file", &bound->files}, {"check", &bound->checks}, {"link", &bound->links}, {"tree", &bound->trees},
    };
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (strcmp(key, single[i].key) == 0) {
            once(single[i].place, key, single[i].path ? path_in(key, value) : value);
            return;
        }
    for (size_t i = 0; i < sizeof seals / sizeof *seals; i++)
        if (strcmp(key, seals[i].key) == 0) {
            take_sealed(seals[i].list, key, value);
            return;
        }
    if (strcmp(key, "arg") == 0)
        add_word(&bound->arguments, value);
    else if (strcmp(key, "env") == 0 && strcspn(value, "=") > 0 && strchr(value, '='))
        add_word(&bound->set, value);
    else if (strcmp(key, "unset") == 0 && *value && !strchr(value, '='))
        add_word(&bound->unset, value);
    else if (strcmp(key, "absent") == 0)
        add_word(&bound->absent, path_in(key, value));
    else if (strcmp(key, "tool") == 0)
        take_tool(bound, value);
    else
        refuse(key, "an unknown key or value");
}

void read_bound(struct bound *bound, char *bytes, size_t length)
{
    struct reading reading = {.bound = bound};
    const struct nodes *said = &reading.said;
    memset(bound, 0, sizeof *bound);
    each_record(bytes, length, take, &reading);
    if (!said->version || strcmp(said->version, "1") != 0)
        refuse("bound", "not 1");
    if (!bound->id || !bound->cwd || !said->cwd || !bound->folder || !bound->program || !bound->arguments.count)
        refuse("bound", "something is missing");
    (void)id_in(bound->id);
    if (!bound->root != !said->root)
        refuse("root", "it and its node belong together");
    if (bound->tool_count && !bound->bin)
        refuse("tool", "there is no place for it");
    bound->cwd_node = node_in("cwd_node", said->cwd);
    if (said->root)
        bound->root_node = node_in("root_node", said->root);
}
