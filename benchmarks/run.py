"""Compare the speed of skrnn with other libraries: ``python benchmarks/run.py``.

Only skrnn is required; other libraries are reported as not installed. All libraries are timed
alternately in one process. The results are written to benchmarks/results.json. Results of sections
that are not run are kept.
"""

import argparse
import json
from pathlib import Path

import fits
import growth
import mlp
import predict
import reading
import steps
import tokens
from environment import describe, load_average
from report import markdown

SECTIONS = {
    "steps": steps,
    "fits": fits,
    "tokens": tokens,
    "mlp": mlp,
    "predict": predict,
    "reading": reading,
    "growth": growth,
}
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run the requested sections, and write the results."""
    options = parse_arguments()
    environment = describe()
    print("\n".join(f"{name}: {value}" for name, value in environment.items()), end="\n\n")
    tables = []
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in options.section or SECTIONS:
        load_before = load_average()
        of_section = SECTIONS[name].run(quick=options.quick)
        for table in of_section:
            print(table.as_text(), flush=True)
        tables += of_section
        results[name] = {
            "environment": environment | {"load average": f"{load_before}; {load_average()}"},
            "quick": options.quick,
            "tables": [table.as_json() for table in of_section],
        }
        text = json.dumps(results, indent=1, ensure_ascii=False)
        RESULTS.write_text(text + "\n", encoding="utf-8")
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(markdown(tables, environment), encoding="utf-8")


def parse_arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Compare the speed of skrnn with other libraries.")
    parser.add_argument(
        "--section",
        nargs="+",
        choices=SECTIONS,
        help="sections to run (default: all)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few repetitions and sizes, to test the benchmarks"
    )
    parser.add_argument(
        "--markdown",
        nargs="?",
        type=Path,
        const=Path("docs/benchmarks_table.md"),
        metavar="PATH",
        help="also write the tables as Markdown (default path: %(const)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
