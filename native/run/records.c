/*
 * The records of every plan. Who writes them is Interlock's daemon, so whatever does not fit is a fault of ours and
 * refused: an unknown key could be a wall that this program does not build.
 */
#define _GNU_SOURCE
#include "records.h"
#include "run.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void refuse(const char *key, const char *why) { fail(REINSTALL, "its plan is not understood (%s: %s)", key, why); }

void each_record(char *bytes, size_t length, void (*take)(void *into, char *key, char *value), void *into)
{
    if (length == 0 || bytes[length - 1] != '\0')
        fail(REINSTALL, "its plan is cut short");
    for (char *record = bytes, *next; record < bytes + length; record = next) {
        next = record + strlen(record) + 1;
        char *equals = strchr(record, '=');
        if (!equals)
            refuse("?", "a record without a key");
        *equals = '\0';
        take(into, record, equals + 1);
    }
}

void *more(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 16;
    list = realloc(list, *room * size);
    if (!list)
        fail("Free some memory and try again.", "there is no memory for the plan");
    return list;
}

void add_word(struct words *words, char *word)
{
    words->list = more(words->list, words->count + 1, &words->room, sizeof *words->list);
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
}

void once(const char **place, const char *key, const char *value)
{
    if (*place)
        refuse(key, "said twice");
    *place = value;
}

bool plain_number(const char *text, unsigned long long limit, unsigned long long *value)
{
    *value = 0;
    if (!*text || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        const unsigned digit = (unsigned)(*text - '0');
        if (*text < '0' || *text > '9' || digit > limit || *value > (limit - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

/* No empty, `.` or `..` component, no slash at the end. */
char *path_in(const char *key, char *value)
{
    if (value[0] != '/' || strlen(value) >= PATH_MAX)
        refuse(key, "not an absolute path");
    for (const char *part = value + 1; value[1];) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.') || length > NAME_MAX)
            refuse(key, "not a plain path");
        if (!part[length])
            break;
        part += length + 1;
    }
    return value;
}

const char *id_in(const char *value)
{
    if (!*value || strlen(value) > 64 || strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(value))
        refuse("id", "not of small letters, digits and dashes");
    return value;
}
