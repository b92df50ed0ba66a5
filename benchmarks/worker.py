"""The process of one commit in `compare`: answers each line of the input with one line.

``package`` is answered by the folder of skrnn, ``prepare<TAB>WORK`` by ``ready`` after a first
call, and ``time`` by the seconds of a call.
"""

import sys
from pathlib import Path

from timing import one_sample, plan
from workloads import prepare

import skrnn


def main() -> None:
    """Answer the lines of the standard input until it is closed."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what is printed otherwise is no answer
    for line in sys.stdin:
        what, *words = line.rstrip("\n").split("\t")
        if what == "package":
            answer = str(Path(skrnn.__file__).parent)
        elif what == "prepare":
            call = prepare(*words)
            number, warm_up = plan(call)
            answer = "ready"
        else:
            answer = repr(one_sample(call, number, warm_up))
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
