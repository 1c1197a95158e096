/* A plan's bytes: records `key=value\0`, in any order, nothing escaped. What each key means is told by who reads them. */
#ifndef INTERLOCK_RECORDS_H
#define INTERLOCK_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

_Noreturn void refuse(const char *key, const char *why);

/* Takes the bytes apart: `take` gets each record, and whatever it was given to put it into. */
void each_record(char *bytes, size_t length, void (*take)(void *into, char *key, char *value), void *into);

/* The list, with room for one more of `size` bytes. */
void *more(void *list, size_t count, size_t *room, size_t size);
/* Keeps the value in its place; refused when it is said twice. */
void once(const char **place, const char *key, const char *value);
/* A decimal number from 0 to the limit, in its only spelling. */
bool plain_number(const char *text, unsigned long long limit, unsigned long long *value);
/* The value, if it is an absolute path and the only spelling of itself; else the end. */
char *path_in(const char *key, char *value);
/* The value, if it can be the name of a run; else the end. */
const char *id_in(const char *value);

#endif
