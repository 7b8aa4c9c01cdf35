// How a child process begins: everything between fork and exec that posix_spawn cannot do.
// All return -1 and set errno on failure unless they say otherwise.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// What a child does before it becomes another program. Absent strings are NULL, absent descriptors -1.
struct clinux_launch {
    /// The program's absolute path, its arguments and environment (NULL-terminated).
    const char *program;
    char *const *arguments;
    char *const *environment;
    /// The working directory.
    const char *directory;
    /// The descriptors that become 0, 1 and 2.
    int input, output, error;
    /// Descriptors that become 3, 4, …
    const int *inherited;
    int inherited_count;
    /// Whether descriptor 0 becomes the controlling terminal of the new session.
    int controls_terminal;
    /// Files of control groups of version 1 that take the child's number (NULL-terminated), or NULL.
    const char *const *control_groups;
    /// The directory of a control group of version 2 in which the child is born.
    int birth_group;
    /// Namespaces to enter; the user namespace comes last when the caller is root, first otherwise.
    int user_namespace, network_namespace;
    int user_namespace_first;
    /// A directory mounted over /tmp in a mount namespace of the child's own, so that an unprivileged child reaches it
    /// whatever the modes of the directories above it are.
    const char *stage;
    /// A directory mounted over another one before that, or NULL; needs a stage or an overlay.
    const char *lent, *lent_target;
    /// An overlay mounted on `merged` before that; `shifts_lower` maps the owners of `lower` through `user_namespace`.
    const char *lower, *upper, *work, *merged;
    int shifts_lower;
    /// The user and group to become; with `drops_groups` the supplementary ones go.
    int changes_identity;
    int drops_groups;
    uid_t user;
    gid_t group;
    /// Whether the user namespace's limit of further ones is set to zero.
    int forbids_user_namespaces;
    /// Whether an intermediate process adopts and finally kills every descendant of the program, also when the caller dies.
    int leads;
};

/// Starts a child. It is killed when the calling *thread* ends.
/// - failed: on failure, names what could not be done.
/// - Returns: the child's number, or -1.
pid_t clinux_start(const struct clinux_launch *launch, const char **failed);

/// Makes a user namespace with a network namespace inside whose loopback interface is up, held by two descriptors.
/// The first `count` identities are mapped to those from `first` on; for an ordinary user only its own, with count 1.
int clinux_make_namespaces(uid_t first_user, gid_t first_group, unsigned count, int denies_groups, int descriptors[2]);

/// Listens on an IPv4 address inside a network namespace.
/// - address: in network byte order.
/// - Returns: a non-blocking, close-on-exec listening socket.
int clinux_listen_inside(int user_namespace, int network_namespace, uint32_t address, uint16_t port);

/// Removes a directory with everything in it, whatever its modes are; never follows links nor leaves its file system tree.
/// A directory that does not exist is fine.
int clinux_remove_tree(const char *path);

/// Opens an anonymous file in memory.
int clinux_memory_file(const char *name);

/// Opens a terminal: the controlling program's end and the end for the program inside; both close-on-exec.
int clinux_open_terminal(int ends[2]);

/// Opens a pipe: the reading and the writing end; both close-on-exec.
int clinux_open_pipe(int ends[2]);

/// Lets `/proc` show the calling process as its user's own again, after it changed its user itself.
int clinux_become_dumpable(void);
