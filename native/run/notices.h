/* What pid 1 is told of calls that wait for its word, and what it can find out about who makes them. */
#ifndef INTERLOCK_NOTICES_H
#define INTERLOCK_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct notice {
    uint64_t id;
    pid_t pid;
    int call;
    const uint64_t *arguments;
};

/* `go_on`: the kernel makes the call as it was asked. Else it ends with this error, or with 0. */
void answer(uint64_t id, int error, bool go_on);
/* Whether the asker still waits: if so, what was read of it was its own, not that of a later process of that number. */
bool still_asked(uint64_t id);
bool read_bytes(pid_t pid, uint64_t address, void *bytes, size_t size);
/* A text that ends with NUL, within `size`. */
bool read_text(pid_t pid, uint64_t address, char *text, size_t size);
/* The directory that a path of another process starts from. */
int base_of(pid_t pid, int directory, const char *path);

void serve_rename(const struct notice *notice); /* shim.c */
void see_program(const struct notice *notice);  /* sight.c */
void see_place(const struct notice *notice);   /* places.c */

#endif
