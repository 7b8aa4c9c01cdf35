#!/bin/sh
# No foreign error leaves one of our modules unwrapped, internal callers included: a call of a foreign function that throws stands
# inside an attempt { … }, a do { … } catch, or a function with typed throws. Looks at every function of every module, by the
# names of the foreign calls we make; a new foreign dependency adds its own below.
set -eu
cd "$(dirname "$0")/.."

foreign='FileManager\.default\.|manager\.(createDirectory|removeItem|moveItem|copyItem|contentsOfDirectory|attributesOfItem)|String\(contentsOf|Data\(contentsOf|\.write\(to:|JSON(En|De)coder\(\)\.|Subprocess\.run\(|Yams\.|String\(contentsOfFile|FileHandle\(|FileDescriptor\.open\(|AES\.|(encoder|decoder)\.(en|de)code\([a-zA-Z.]+(, from: [a-zA-Z(]+\)*)?\)|inDatabase|body\.collect\(upTo|group\.run\(\)|DatabaseQueue\(|DatabasePool\(|KDF\.Scrypt|application\.run\(\)|Regex\('

awk -v foreign="$foreign" '
    FNR == 1 { depth = 0; split("", guard); }
    {
        line = $0
        sub(/\/\/.*/, "", line)
        opensGuard = line ~ /attempt\(.*\{|attempt \{|(^|[^a-z])do( throws\([A-Za-z]+\))? \{|throws\([A-Z][A-Za-z]*\)|catch/
        guarded = opensGuard
        for (level = 1; level <= depth; level++) if (guard[level]) guarded = 1
        if (line ~ /try[^?]/ && line ~ foreign && !guarded) { print "unwrapped foreign error: " FILENAME ":" FNR ":" $0; bad = 1 }
        n = length(line)
        for (i = 1; i <= n; i++) {
            c = substr(line, i, 1)
            if (c == "{") { depth++; guard[depth] = opensGuard }
            if (c == "}") { guard[depth] = 0; depth-- }
        }
    }
    END { exit bad }
' $(find Sources -name '*.swift')
