"""Checks traces: ``python -m tests.conformance TRACE…``. Exit code 1 if any breaks a rule."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.conformance import format_violations, judge
from tests.conformance.from_trace import log_from_trace
from workers.errors import Malformed


def main(paths: Sequence[str]) -> int:
    """Prints a verdict for each trace, and its violations."""
    if not paths:
        sys.exit("usage: python -m tests.conformance TRACE…")
    legal = True
    for path in map(Path, paths):
        try:
            violations = judge(*log_from_trace(path))
        except (Malformed, OSError) as error:
            sys.exit(str(error))
        counts = Counter(violation.kind.value for violation in violations)
        verdict = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
        print(f"{path.name}: {verdict or 'legal'}")
        if violations:
            print(format_violations(violations))
            legal = False
    return 0 if legal else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
