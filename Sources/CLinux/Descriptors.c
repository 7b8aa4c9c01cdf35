#define _GNU_SOURCE
#include "Launch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_become_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }

int clinux_open_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_open_terminal(int ends[2]) {
    char name[64];
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0) return -1;
    ends[1] = -1;
    if (grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0 && ptsname_r(ends[0], name, sizeof name) == 0)
        ends[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[1] >= 0) return 0;
    int code = errno;
    close(ends[0]);
    errno = code;
    return -1;
}
