/* The command line. */
#define _GNU_SOURCE
#include "run.h"
#include "../wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void usage(void)
{
    fail("Call it as `interlock-run --ticket TICKET [--home DIRECTORY | --run DIRECTORY]`, `--bound TICKET` likewise, "
         "`--profile NAME -- COMMAND`, `--plan FILE [--run DIRECTORY]`, `--bound-plan FILE` or `--probe [DIRECTORY]`.",
         "it is called in a wrong way");
}

/* A standard descriptor that the caller closed would otherwise be taken by a file of ours. */
static void hold_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(STATUS_UNBUILT);
}

/* The plan, and whether it is that of a bound run. */
static char *fetch_plan(int count, char **words, size_t *length, bool *bound)
{
    const char *given = NULL, *plan = NULL;
    if (count == 3 && strcmp(words[1], "--bound-plan") == 0) {
        *bound = true;
        return load_file(words[2], length);
    }
    if (count >= 5 && strcmp(words[1], "--profile") == 0 && strcmp(words[3], "--") == 0)
        return start_run(words[2], words + 4, length);
    for (int i = 1; i + 1 < count; i += 2) {
        bool binds = strcmp(words[i], "--bound") == 0;
        if (binds || strcmp(words[i], "--ticket") == 0) {
            if (given)
                usage();
            given = words[i + 1];
            *bound = binds;
        } else if (strcmp(words[i], "--plan") == 0)
            plan = words[i + 1];
        else if (strcmp(words[i], "--home") == 0)
            home_option = words[i + 1];
        else if (strcmp(words[i], "--run") == 0)
            run_option = words[i + 1];
        else
            usage();
    }
    if (!given == !plan || count % 2 == 0)
        usage();
    if (plan) {
        char *bytes = load_file(plan, length);
        if (run_option)
            find_run_directory();
        prepare();
        return bytes;
    }
    return *bound ? open_bound(given, length) : open_ticket(given, length);
}

int main(int count, char **words)
{
    size_t length;
    bool bound = false;
    hold_standard_descriptors();
    if (!is_command(words[0]) && count >= 2 && count <= 3 && strcmp(words[1], "--probe") == 0)
        return probe(count == 3 ? words[2] : "/tmp");
    if (!is_command(words[0]) && count == 4 && strcmp(words[1], "--rename") == 0)
        return probe_rename(words[2], words[3]);
    char *bytes;
    if (is_command(words[0])) {
        const char *profile;
        char **wanted = run_wanted(count, words, &profile);
        if (!wanted)
            return in_python(count, words);
        bytes = start_run(profile, wanted, &length);
    } else {
        bytes = fetch_plan(count, words, &length, &bound);
    }
    return close_ticket(bound ? launch_bound(bytes, length) : launch(bytes, length));
}
