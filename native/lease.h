/* The daemon's lease, as our programs in C read it. Its layout stands in interlock/halt/lease.py. */
#ifndef INTERLOCK_LEASE_H
#define INTERLOCK_LEASE_H

#include <stdbool.h>
#include <stdint.h>

enum halt { MAY_GO = 0, HALT_FROZEN = 1, HALT_KILLED = 2 };

/* What a lease that is good now says; after `why` only that it is none, and the reason. */
struct terms {
    const char *why; /* NULL: it is good */
    uint64_t epoch;
    int64_t until;   /* when it lapses, by CLOCK_BOOTTIME in ns */
    int64_t left_ms; /* from now to then */
    enum halt halt;  /* of the run that was asked about */
};

/* CLOCK_BOOTTIME in ns: it runs during suspend, and nobody sets it. */
int64_t boottime_ns(void);
/* The number by which a run stands in the table. */
uint64_t name_of_run(const char *id);
/* Looks at the lease in `run_directory` (wire.h), which is mapped at the first look, and anew where it is none. */
struct terms look_at_lease(uint64_t run);

#endif
