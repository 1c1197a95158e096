/* What mounts.c and devices.c share. */
#ifndef INTERLOCK_MOUNTS_H
#define INTERLOCK_MOUNTS_H

#include <stdbool.h>

struct plan;

/* A new file system that is mounted nowhere yet. `options` holds pairs of key and value; a NULL value is a flag. */
int new_file_system(const char *type, const char *const options[][2], unsigned attributes);
/* An empty one in memory, in which mount points may be made. */
int new_memory(const char *mode, unsigned long long bytes, unsigned attributes);
/* Mounts on exactly this path (no symlink is followed); false when there is no such path. */
bool attach(int mount, const char *path);
/* A copy of a mount or of a part of it; -1 when the path is absent. */
int copy_of(const char *path, unsigned flags);
void set_mount(int mount, unsigned flags, unsigned long long set, unsigned long long clear);
/* Covers what stands at the path with emptiness that cannot be written. */
void cover(const char *path);
/* Where a path really leads, whatever links stand on the way; NULL when nothing is there. */
const char *real_place(const char *path);
/* The workspace as the command gets it, mounted nowhere yet. */
int workspace_mount(const struct plan *plan);

void prepare_devices(void); /* while the host's are in reach */
void attach_devices(void);
void build_proc(int proc);

#endif
