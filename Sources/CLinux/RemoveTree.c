#define _GNU_SOURCE
#include "Launch.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A step may nest directories deeper than a process has descriptors: below this depth a subtree is moved up to the top and
// removed from there.
enum { deepest = 48 };

struct removal {
    int top;
    unsigned moved;
};

static int empty(struct removal *removal, int directory, int depth);

static int open_directory(int parent, const char *name) {
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int directory = openat(parent, name, flags);
    struct stat facts;
    if (directory >= 0 && fstat(directory, &facts) == 0 && (facts.st_mode & 0700) == 0700) return directory;
    if (directory >= 0) {
        // Without write permission an owner other than root could not empty it; a failure shows when it tries.
        if (fchmod(directory, 0700) < 0) errno = 0;
        return directory;
    }
    if (errno != EACCES || fchmodat(parent, name, 0700, 0) < 0) return -1;
    return openat(parent, name, flags);
}

static int remove_directory(struct removal *removal, int parent, const char *name, int depth) {
    if (depth >= deepest) {
        char moved[32];
        snprintf(moved, sizeof moved, ".removing-%u", removal->moved++);
        return renameat(parent, name, removal->top, moved);
    }
    int directory = open_directory(parent, name);
    if (directory < 0) return errno == ENOENT ? 0 : -1;
    if (empty(removal, directory, depth + 1) < 0) return -1;
    return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

static int remove_entry(struct removal *removal, int parent, const struct dirent *entry, int depth) {
    if (entry->d_type == DT_DIR) return remove_directory(removal, parent, entry->d_name, depth);
    if (unlinkat(parent, entry->d_name, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM) return -1;
    return remove_directory(removal, parent, entry->d_name, depth);
}

// Empties a directory and closes its descriptor.
static int empty(struct removal *removal, int directory, int depth) {
    DIR *stream = fdopendir(directory);
    if (!stream) {
        close(directory);
        return -1;
    }
    int result = 0;
    struct dirent *entry;
    while (result == 0 && (errno = 0, entry = readdir(stream))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        result = remove_entry(removal, dirfd(stream), entry, depth);
    }
    int code = errno;
    closedir(stream);
    errno = code;
    return result;
}

int clinux_remove_tree(const char *path) {
    struct removal removal = {.top = open_directory(AT_FDCWD, path)};
    if (removal.top < 0) return errno == ENOENT ? 0 : -1;
    int result = 0;
    unsigned before;
    do {
        before = removal.moved;
        int again = fcntl(removal.top, F_DUPFD_CLOEXEC, 0);
        if (again < 0 || lseek(again, 0, SEEK_SET) < 0) result = -1;
        else result = empty(&removal, again, 0);
    } while (result == 0 && removal.moved != before);
    int code = errno;
    close(removal.top);
    errno = code;
    if (result < 0) return -1;
    return rmdir(path) < 0 && errno != ENOENT ? -1 : 0;
}
