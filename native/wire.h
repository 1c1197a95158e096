/* The daemon's socket, as a program of ours in C reaches it. The protocol stands in interlock/daemon/wire.py. */
#ifndef INTERLOCK_WIRE_H
#define INTERLOCK_WIRE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    LINE_LIMIT = 128,  /* the longest legal header line is below 80 bytes */
    SILENCE_MS = 5000, /* a daemon that says nothing for so long is taken for hung */
};

struct buffer {
    char *bytes;
    size_t length, capacity, limit;
};

struct answer {
    bool complete;
    long status, out, err;
    uint64_t epoch; /* of the halts, under which it was given */
};

/* What each program says when it cannot go on; `remedy` is the sentence that tells what to do. */
_Noreturn void no(const char *remedy, const char *format, ...) __attribute__((format(printf, 2, 3)));

extern const char RESTART[], REPAIR[];
extern struct buffer reply;           /* stdout and stderr of the answer, one after the other */
extern char run_directory[PATH_MAX];
extern const char *home_option, *run_option;
extern int64_t began, deadline_ms;

int64_t now_ms(void);
int64_t smaller(int64_t a, int64_t b);
void pause_ms(long ms);
/* Makes room for more; false when the limit is reached. */
bool grow(struct buffer *b);
/* A decimal without sign or leading zero, at most 2^53, ended by `stop`; moves *p past it. Below zero: it is not one. */
long number(const char **p, char stop, long limit);

void find_run_directory(void);
/* A connected socket, or -1 with errno. */
int connect_once(void);
void check_owner(int fd);
void new_nonce(char nonce[17]);
/* One request there, one answer back, whole and valid. `fits` says which exit statuses are legal. */
struct answer converse(int fd, const char *nonce, struct iovec part[2], bool (*fits)(long status));

#endif
