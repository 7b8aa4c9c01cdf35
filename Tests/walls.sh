#!/bin/sh
# The walls that the compiler does not guard, and where we stand. The numbers that may not grow stand first: when one must,
# the diff shows it.
set -eu
cd "$(dirname "$0")/.."

max_unchecked=1      # @unchecked Sendable, nonisolated(unsafe)
max_try_question=29  # try?
exported='Base Model HTTPTransport WorkerClients GatewayClient'

failed=0
fail() { echo "walls: $1" >&2; failed=1; }
count() { grep -rhoE "$1" Sources --include='*.swift' | wc -l; }

# Only exported modules say public (imports aside).
for directory in Sources/*/; do
    name=$(basename "$directory")
    case " $exported " in *" $name "*) continue ;; esac
    found=$(grep -rnE '^[^/]*\b(public|open) (func|var|let|struct|class|enum|actor|protocol|init|extension|typealias|static|final|subscript)' "$directory" --include='*.swift' || true)
    [ -z "$found" ] || fail "only exported modules say public:
$found"
done

# No two files share a name.
twins=$(find Sources Tests -name '*.swift' -printf '%f\n' | sort | uniq -d)
[ -z "$twins" ] || fail "files share a name: $twins"

for word in 'try!' 'fatalError\(' 'Task\.detached' '\bTask \{' 'DispatchQueue'; do
    found=$(grep -rnE "$word" Sources --include='*.swift' | grep -vE ':[0-9]+: *(///|//)' || true)
    [ -z "$found" ] || fail "not in Sources:
$found"
done
found=$(grep -rnE '(TODO|FIXME)' Sources Tests public nginx --include='*.swift' --include='*.js' --include='*.conf' || true)
[ -z "$found" ] || fail "unfinished:
$found"
found=$(grep -rn 'innerHTML' public/js --include='*.js' | grep -v 'public/js/html.js' || true)
[ -z "$found" ] || fail "innerHTML belongs in html.js alone:
$found"
[ "$(count '@unchecked Sendable|nonisolated\(unsafe\)')" -le $max_unchecked ] || fail "more than $max_unchecked escapes from data-race safety"
[ "$(count '\btry\?')" -le $max_try_question ] || fail "more than $max_try_question uses of try?"
sh Tests/foreign-errors.sh || failed=1

# Figures, to look at (style: median file ≤ 180 lines, p90 ≤ 350, none over 600).
find Sources -name '*.swift' -exec wc -l {} + | grep -v ' total$' | sort -n | awk '
    { lines[NR] = $1; file[NR] = $2; sum += $1 }
    END {
        printf "files %d, lines %d; file length: median %d, p90 %d, max %d (%s)\n",
            NR, sum, lines[int((NR + 1) / 2)], lines[int(NR * 0.9)], lines[NR], file[NR]
    }'
tests=$(find Tests -name '*.swift' -exec cat {} + | wc -l)
sources=$(find Sources -name '*.swift' -exec cat {} + | wc -l)
echo "test lines per source line: $(awk "BEGIN { printf \"%.2f\", $tests / $sources }")"
echo "escapes $(count '@unchecked Sendable|nonisolated\(unsafe\)'), try? $(count '\btry\?'), preconditionFailure $(count 'preconditionFailure\(')"
exit $failed
