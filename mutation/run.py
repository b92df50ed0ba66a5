"""Mutation testing: change one place of a module at a time, and run the tests that execute it.

The operators are those of cosmic-ray. A mutant costs a fork and the tests up to the first that
fails, because pytest imports and collects once: a child process replaces the code of the functions
that changed. What runs on import (constants, defaults, decorators) is left out.

Run with `make mutation`; CONTRIBUTING.md explains the score.
"""

import argparse
import ast
import gc
import io
import math
import os
import pickle
import random
import signal
import sys
import time
import tomllib
import types
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
# Replacers of variables need names to be given; `is` in place of `==` is no fault of a result.
LEFT_OUT = ("VariableReplacer", "VariableInserter", "_Is", "_IsNot", "RemoveDecorator")


@dataclass
class Mutant:
    """One change of one place."""

    module: str
    line: int
    before: str
    after: str
    source: str = field(repr=False)

    def __str__(self):
        return f"{self.module}:{self.line}\n    - {self.before}\n    + {self.after}"


def family(name):
    """Name the operators of which one is drawn for a place."""
    return name.split("_")[0] if "Operator" in name else name


def dead_lines(tree):
    """List the ranges of annotations, and the statements that run on import or only for typing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            of_args = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            yield from (arg.annotation for arg in of_args if arg.annotation)
            yield from filter(None, [node.returns, *node.args.defaults, *node.args.kw_defaults])
            yield from node.decorator_list
        elif isinstance(node, ast.AnnAssign):
            yield node.annotation
    blocks = [tree.body]
    while blocks:
        for node in blocks.pop():
            if isinstance(node, ast.ClassDef):
                blocks.append(node.body)
                yield from node.decorator_list
            elif not isinstance(node, ast.FunctionDef):
                yield node


def inside(nodes, start, end):
    return any(
        (n.lineno, n.col_offset) <= start and end <= (n.end_lineno, n.end_col_offset) for n in nodes
    )


def find_mutants(module, rng):
    """Draw one mutant for each place in the functions of a module."""
    source = (ROOT / "skrnn" / f"{module}.py").read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(source)))
    dead = list(dead_lines(ast.parse(source)))
    places = {}
    provider = OperatorProvider()
    for name in provider:
        if name.endswith(LEFT_OUT):
            continue
        operator = provider[name]()
        positions = [at for node in nodes for at in operator.mutation_positions(node)]
        for number, (start, end) in enumerate(positions):
            if not inside(dead, start, end):
                places.setdefault((start, family(name)), []).append((operator, number))
    found = []
    for (start, _), choices in sorted(places.items(), key=lambda item: item[0]):
        operator, number = rng.choice(choices)
        mutated = mutate_code(source, operator, number)
        pairs = zip(source.splitlines(), mutated.splitlines(), strict=True)
        changed = [(a.strip(), b.strip()) for a, b in pairs if a != b]
        if changed and is_other_code(source, mutated):
            before, after = (" ".join(lines) for lines in zip(*changed, strict=True))
            found.append(Mutant(module, start[0], before, after, mutated))
    return found


def is_other_code(source, mutated):
    """Return whether Python can compile the mutant, to other code."""
    try:
        return compile(mutated, "", "exec") != compile(source, "", "exec")
    except SyntaxError:
        return False


def statement_lines(module):
    """Map each line to the lines of its innermost statement, without the body of that statement."""
    source = (ROOT / "skrnn" / f"{module}.py").read_text(encoding="utf-8")
    lines = {}
    for node in ast.walk(ast.parse(source)):  # outer before inner
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            own = range(node.lineno, max(last, node.lineno) + 1)
            lines.update(dict.fromkeys(range(node.lineno, node.end_lineno + 1), own))
    return lines


def codes(code):
    """List a code object and those inside it, in the order of the source."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes(const)


def functions_of(paths):
    """List the functions that the files define, as they are loaded."""
    found = {path: [] for path in paths}
    for function in gc.get_objects():
        if type(function) is types.FunctionType and function.__code__.co_filename in found:
            found[function.__code__.co_filename].append(function)
    return found


def replace_code(functions, path, old_source, new_source):
    """Give the loaded functions of a module the code of the new source.

    A closure cannot get code that uses fewer variables of the function around it. The function
    around it also changes, and makes closures of the new code from then on.
    """
    old, new = (compile(text, path, "exec", dont_inherit=True) for text in (old_source, new_source))
    new_codes = {(code.co_qualname, code.co_firstlineno): code for code in codes(new)}
    changed = {}
    for code in codes(old):  # the mutant may lack some, which are never reached
        place = code.co_qualname, code.co_firstlineno
        if new_codes.get(place, code) != code:
            changed[place] = new_codes[place]
    places = [(f, (f.__code__.co_qualname, f.__code__.co_firstlineno)) for f in functions]
    replaced = [f for f, place in places if place in changed]
    if not replaced:
        raise RuntimeError("no function has changed")
    for function in replaced:
        code = function.__code__
        new_code = changed[code.co_qualname, code.co_firstlineno]
        if new_code.co_freevars == code.co_freevars:
            function.__code__ = new_code


def test_of(item):
    """Name a test without its case."""
    return item.nodeid.partition("[")[0]


class Tracer:
    """Collect the lines of some files that a test executes."""

    def __init__(self, paths):
        self.paths = frozenset(paths)
        self.lines = set()

    def __call__(self, frame, event, arg):
        if frame.f_code.co_filename not in self.paths:
            return None
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.local

    def local(self, frame, event, arg):
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.local


def in_child(function, limit, quiet=True):
    """Call a function in a forked process; returns its result, or None after `limit` seconds."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        if quiet:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
        signal.setitimer(signal.ITIMER_REAL, limit)  # the default action ends the process
        try:
            result = function()
        except Exception as error:
            result = error
        with open(write, "wb") as file:
            pickle.dump(result, file)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as file:
        data = file.read()
    os.waitpid(pid, 0)
    result = pickle.loads(data) if data else None
    if isinstance(result, Exception):
        raise result
    return result


class Session:
    """A plugin for pytest that runs mutants in place of the tests, once these are collected."""

    def __init__(self, settings):
        self.settings = settings
        self.results = {}
        self.failed = False

    def pytest_collection_modifyitems(self, items):
        """Keep some of the cases of each test, drawn at random; survivors meet the others too.

        Every second case would be the same value of one parameter, if this has two.
        """
        cases, most = {}, self.settings.cases
        for item in items:
            cases.setdefault(test_of(item), []).append(item)
        chosen = {
            name: random.Random(name).sample(of, min(most, len(of))) for name, of in cases.items()
        }
        items[:] = [item for of in chosen.values() for item in of]
        self.others = {
            name: [item for item in of if item not in chosen[name]] for name, of in cases.items()
        }

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or report.failed

    def run_item(self, item):
        """Run one test; returns whether it passed."""
        self.failed = False
        # Nothing is next: all fixtures are torn down, so tests can run in any order.
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return not self.failed

    def trace(self, items, paths):
        """Run all tests as they are; returns time and lines of each that passes."""
        found = []
        for item in items:
            tracer = Tracer(paths)
            start = time.perf_counter()
            sys.settrace(tracer)
            passed = self.run_item(item)
            sys.settrace(None)
            found.append((time.perf_counter() - start, tracer.lines) if passed else None)
        return found

    def killed_by(self, mutant, items, limit=math.inf):
        """Return the test that fails, or an empty text. No test starts after `limit` seconds."""
        path = str(ROOT / "skrnn" / f"{mutant.module}.py")
        with open(path, encoding="utf-8") as file:
            replace_code(self.functions[path], path, file.read(), mutant.source)
        start = time.perf_counter()
        for item in items:
            if time.perf_counter() - start > limit:
                break
            if not self.run_item(item):
                return item.nodeid
        return ""

    def pytest_runtestloop(self, session):
        items, modules = session.items, self.settings.modules
        paths = [str(ROOT / "skrnn" / f"{module}.py") for module in modules]
        start = time.perf_counter()
        traced = in_child(lambda: self.trace(items, paths), 1800)
        n_failed = traced.count(None)
        say(f"{len(items)} tests traced in {time.perf_counter() - start:.0f} s; {n_failed} fail")
        self.functions = functions_of(paths)
        gc.freeze()  # what is collected is shared by the children
        for module in modules:
            self.results[module] = self.run_module(module, items, traced)
        return True

    def run_module(self, module, items, traced):
        path, own = str(ROOT / "skrnn" / f"{module}.py"), statement_lines(module)
        rng = random.Random(f"{self.settings.seed} {module}")
        mutants = find_mutants(module, rng)
        n_places = len(mutants)
        mutants = rng.sample(mutants, min(self.settings.sample, n_places))
        results, start = [], time.perf_counter()
        for mutant in sorted(mutants, key=lambda mutant: mutant.line):
            lines = {(path, line) for line in own[mutant.line]}
            reach = [i for i, of in enumerate(traced) if of and lines & of[1]]
            reach = spread(sorted(reach, key=lambda i: traced[i][0]), items, traced)
            usual, chosen = 0.0, []
            for i in reach:
                usual += traced[i][0]
                chosen.append(items[i])
                if usual > self.settings.limit:
                    break
            by = in_child(lambda m=mutant, c=chosen: self.killed_by(m, c), 10 + 3 * usual)
            if by == "":
                # Other tests may have a case that executes the statement. They come last.
                names = dict.fromkeys(test_of(items[i]) for i in [*reach, *range(len(items))])
                others = [item for name in names for item in self.others[name]]
                by = in_child(lambda m=mutant, o=others: self.killed_by(m, o, 10), 100)
            results.append((mutant, by))
            if by == "":
                say(f"survived {len(chosen)} of {len(reach)} tests: {mutant}")
        say(f"{module}: {len(mutants)} of {n_places} in {time.perf_counter() - start:.0f} s")
        return n_places, results


def spread(order, items, traced):
    """Put fast tests first, and of tests as fast those of which fewer cases come before."""
    seen, keys = {}, {}
    for i in order:
        name = test_of(items[i])
        seen[name] = seen.get(name, 0) + 1
        keys[i] = seen[name] * traced[i][0]
    return sorted(order, key=keys.get)


def say(text):
    print(text, file=sys.__stderr__, flush=True)


def wilson(killed, tried):
    """Return the 95 % confidence interval of a proportion."""
    p, z2 = killed / tried, 1.96**2
    half = math.sqrt(z2 * p * (1 - p) / tried + (z2 / tried / 2) ** 2)
    return tuple((p + z2 / tried / 2 + sign * half) / (1 + z2 / tried) for sign in (-1, 1))


def report(results, known):
    """Print the table, and the survivors; returns whether each is known to be equivalent."""
    rows, survivors = io.StringIO(), []
    for module, (n_places, of) in results.items():
        left = [mutant for mutant, by in of if by == ""]
        equivalent = [m for m in left if (module, m.before, m.after) in known]
        survivors += [m for m in left if m not in equivalent]
        n = len(of) - len(equivalent)
        killed = len(of) - len(left)
        low, high = wilson(killed, n) if n else (0, 1)
        rows.write(
            f"| `{module}` | {n_places} | {len(of)} | {killed} | {len(equivalent)} |"
            f" {n - killed} | {killed / max(n, 1):.2f} | {low:.2f} to {high:.2f} |\n"
        )
    print("| Module | Places | Tried | Killed | Equivalent | Survived | Score | 95 % interval |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    print(rows.getvalue())
    for mutant in survivors:
        before, after = (f"'''{text}'''" for text in (mutant.before, mutant.after))
        print(f'[[equivalent]]\nmodule = "{mutant.module}"\nbefore = {before}\nafter = {after}')
        print(f'why = ""  # line {mutant.line}\n')
    return not survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as _numeric/losses; all if none is given")
    parser.add_argument("--sample", type=int, default=80, help="mutants for each module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=10, help="seconds of tests for a mutant")
    parser.add_argument("--cases", type=int, default=12, help="parametrizations of each test")
    parser.add_argument("--tests", nargs="+", help="in place of those of modules.toml")
    settings = parser.parse_args()
    config = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))
    tests_of = {name: of["tests"] for of in config["group"] for name in of["modules"]}
    settings.modules = settings.modules or list(tests_of)
    usual = list(dict.fromkeys(t for name in settings.modules for t in tests_of[name]))
    equivalent = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8"))
    known = {(of["module"], of["before"], of["after"]) for of in equivalent["equivalent"]}

    os.chdir(ROOT)
    if find_spec("torch"):
        import_module("torch")  # tests import it, and each child would do so again
    plugin = Session(settings)
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:terminalreporter", "-o", "addopts="]
    options += ["--import-mode=importlib", "-m", "not slow"]
    pytest.main([*options, *(settings.tests or usual)], plugins=[plugin])
    ok = report(plugin.results, known) if plugin.results else False
    sys.exit(not ok)


if __name__ == "__main__":
    main()
