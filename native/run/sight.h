/* What was seen of a run, in memory that pid 1 writes and the launcher reads when all is over, however it ended. */
#ifndef INTERLOCK_SIGHT_H
#define INTERLOCK_SIGHT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TEXT = 256, PROGRAMS = 256, PLACES = 64 };

struct program {
    uint32_t count, hash;
    char name[TEXT]; /* as it was called; a word that was asked for follows after a blank */
    char file[TEXT]; /* which file that was */
    char by[TEXT];   /* the file of the program that started it */
};

struct place {
    uint32_t count;
    char name[TEXT]; /* address and port */
    char by[TEXT];   /* the file of the program that called it */
};

/* Texts end with NUL within their room; of a longer one its end is kept. */
struct sight {
    uint32_t programs, places;          /* how many of the following are filled */
    uint32_t more_programs, more_places; /* and how often there was no room for one more */
    uint64_t unrouted;                   /* by the kernel's count: packets and connections that no route led to */
    uint32_t memory_grouped;             /* 1: a cgroup bounds the memory, so that pid 1 need not look (the launcher says it) */
    uint32_t memory_over;                /* 1: all was ended because it used more than it may */
    struct program program[PROGRAMS];
    struct place place[PLACES];
};

extern struct sight *sight;
extern const char UNREADABLE[];

void note_place(const char *name, const char *by);
/* The program that a process is, by its file. */
bool program_of(pid_t pid, char text[PATH_MAX]);

#endif
