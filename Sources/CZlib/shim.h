#pragma once
#include <zlib.h>

/// inflateInit2 is a macro over sizeof(z_stream), which Swift cannot see.
static inline int czlib_inflate_init(z_stream *stream, int windowBits) { return inflateInit2(stream, windowBits); }
