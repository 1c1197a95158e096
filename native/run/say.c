/* Giving up before the command has run: one sentence, exit status 125. */
#define _GNU_SOURCE
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int fail_socket = -1;

const char REPORT[] = "Run `interlock doctor` to see what this machine can do, and report this if it says that all is well.";
const char DOCTOR[] = "Run `interlock doctor` to see what this machine can do.";
const char REINSTALL[] = "Install Interlock again, so that its parts fit.";

_Noreturn void fail(const char *next, const char *format, ...)
{
    static struct {
        struct message head;
        char text[2048];
    } said = {{.kind = SAID_FAILED}, ""};
    char what[1536];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    for (char *c = what; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?'; /* one line, and nothing that a path could do to a terminal */
    snprintf(said.text, sizeof said.text, "Interlock did not run this: %s. %s\n", what, next);
    if (fail_socket < 0)
        fputs(said.text, stderr);
    else /* when nobody listens there, the launcher is gone, and all this with it */
        (void)send(fail_socket, &said, sizeof said.head + strlen(said.text), MSG_NOSIGNAL);
    fflush(stderr);
    if (fail_socket < 0)
        (void)close_ticket(STATUS_UNBUILT);
    _Exit(STATUS_UNBUILT);
}
