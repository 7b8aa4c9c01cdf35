// How a child process comes to be; not for Swift.
#pragma once
#include <sys/types.h>

/// Makes a child that does `life`, which never returns.
/// - shares_memory: the caller waits until the child executes a program or ends, and both have the same memory until then. That
///   spares the copy, and the fault that each page of a copied memory costs when it is next written to.
/// - group: the directory of a control group of version 2 in which the child is born, or -1. To be born in a group costs nothing; to
///   move to one waits for all processors, some 12 ms on an idle host.
/// - Returns: the child's number, or -1 with errno set.
///
/// A child that shares memory and changes its identity hides that memory from everybody but root (PR_SET_DUMPABLE), and so from
/// processes that have the new identity already. It stays hidden: to show it again would show that of the next such child, too.
pid_t clinux_bear(int shares_memory, int group, void (*life)(const void *), const void *context);
