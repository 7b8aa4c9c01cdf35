// Linux calls that the Swift overlay of the C library lacks: GNU extensions, and variadic functions given fixed types.
// All return -1 and set errno on failure unless they say otherwise.
#pragma once
#include "Launch.h"
#include <stdint.h>
#include <sys/types.h>

/// Names the calling thread; at most 15 bytes. Returns an error number.
int clinux_set_thread_name(const char *name);

/// Opens an event counter, close-on-exec; with `counts` every write lets one read return.
int clinux_eventfd(int counts);

/// Makes the calling process adopt orphaned descendants (PR_SET_CHILD_SUBREAPER).
int clinux_become_subreaper(void);

/// Opens a descriptor for a process that becomes readable when it ends.
int clinux_pidfd_open(pid_t pid);

/// Signals the process behind a pidfd, never a later one with the same number.
int clinux_pidfd_send_signal(int pidfd, int signal);

/// Moves the calling thread to the namespace behind a descriptor.
int clinux_setns(int descriptor, int type);

/// The file system's magic number (statfs), or -1.
int64_t clinux_file_system_type(const char *path);

/// Sets a terminal's size in character cells.
int clinux_set_window_size(int descriptor, unsigned short rows, unsigned short columns);
