#ifndef INTERLOCK_SHA256_H
#define INTERLOCK_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha {
    uint32_t state[8];
    uint64_t length; /* bytes */
    unsigned char rest[64];
};

void sha_begin(struct sha *sha);
void sha_add(struct sha *sha, const void *bytes, size_t length);
/* 64 lower-case hex digits and a NUL. */
void sha_end(struct sha *sha, char hex[65]);

#endif
