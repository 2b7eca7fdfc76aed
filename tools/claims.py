"""Run pages under other seeds and print which of their claims hold, and which draws stay the same.

    python -m tools.claims                                     every page, seeds 1 to 10
    python -m tools.claims chapters/background/three_settings.ipynb --seeds 101 202

A claim that fails under a seed does not stop the page: the cells after it run, and are printed
too. Cells are numbered from 0, as in the notebook's file, Markdown included. With `--spread`, what
claims compare is printed with its range over the seeds: from it come the margins, and what a page
says of other seeds. Then come the claims that a further seed may break: those whose margin, in mean
over the seeds, is below four times its standard deviation. With `--printed FOLDER`, what cells
print under each seed is kept there, to hold beside what a page says of other seeds.
"""

import argparse
import ast
import contextlib
import functools
import io
import numbers
import os
import re
import statistics
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tools.execute import ONE_CORE
from tools.tidy import ROOT, page_notebooks

NOTED, SHOWN = "__noted__", "__shown__"
FIRM = 4  # standard deviations of its margin over seeds that a claim should have
FEWEST = 4  # seeds that tell a standard deviation
EVALUATION = str(ROOT / "mtlkit" / "evaluation")
SIGNS = {ast.Lt: 1, ast.LtE: 1, ast.Gt: -1, ast.GtE: -1}  # of right minus left, if it holds
SEED_LINE = re.compile(r"^SEED = \d+$", re.M)


def main(arguments=None):
    """Print a line for each page and seed; exit with an error if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.claims", description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="notebooks; all without any")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(1, 11)))
    parser.add_argument("--jobs", type=int, default=2, help="pages at a time")
    parser.add_argument("--spread", action="store_true", help="print the range of what is claimed")
    parser.add_argument("--printed", type=Path, help="folder for what the cells print")
    settings = parser.parse_args(arguments)
    paths = [path.resolve() for path in settings.pages] or page_notebooks()
    os.environ |= ONE_CORE  # before the workers load numpy
    failed, drawn = 0, defaultdict(dict)
    compared, margins = defaultdict(list), defaultdict(list)
    with ProcessPoolExecutor(
        settings.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        runs = {pool.submit(run, path, s): (path, s) for path in paths for s in settings.seeds}
        for done in as_completed(runs):
            path, seed = runs[done]
            found = done.result()
            drawn[path][seed] = found["draws"]
            for key, values in found["compared"].items():
                compared[path, *key] += values
            for key, values in found["margins"].items():
                margins[path, *key].append(min(values))
            failed += len(found["faults"])
            if settings.printed:
                settings.printed.mkdir(parents=True, exist_ok=True)
                kept = settings.printed / f"{path.stem}.{seed}.txt"
                kept.write_text(found["printed"], encoding="utf-8")
            held = found["claims"] - sum(claim for _, claim, _ in found["faults"])
            name = path.relative_to(ROOT).as_posix()
            print(f"{name}  seed {seed}: {held} of {found['claims']} claims hold", end="")
            print(f"  ({found['seconds']:.0f} s)", flush=True)
            for number, claim, text in found["faults"]:
                print(f"    cell {number}{'' if claim else ' (no claim)'}: {text}", flush=True)
    if settings.spread:
        for (path, number, text), values in sorted(compared.items()):
            name = path.relative_to(ROOT).as_posix()
            print(f"{name}  cell {number}: {min(values):.4g} to {max(values):.4g}  {text}")
        for (path, number, text), mean, deviation in thin(margins):
            name = path.relative_to(ROOT).as_posix()
            print(f"{name}  cell {number}: thin, by {mean:.3g} ± {deviation:.2g}  {text}")
    for path, by_seed in drawn.items():
        for number, values in sorted(unmoved(by_seed).items()):
            shown = ", ".join(map(str, sorted(values)[:5]))
            name = path.relative_to(ROOT).as_posix()
            print(f"{name}  cell {number}: draws with {shown} whatever SEED is")
    print(f"seeds {settings.seeds}: {failed} cells failed")
    return min(failed, 1)


def thin(margins):
    """The comparisons that a further seed may break, with mean and deviation of their margin."""
    for key, values in sorted(margins.items()):
        if len(values) >= FEWEST:
            mean, deviation = statistics.mean(values), statistics.stdev(values)
            if mean < FIRM * deviation:
                yield key, mean, deviation


def run(path, seed):
    """Execute the code of a page with another SEED, past what fails, in this process."""
    import matplotlib as mpl
    import nbformat
    from IPython.display import display

    mpl.use("Agg")
    os.chdir(path.parent)
    draws, claims, faults = record_draws(), 0, []
    compared, margins, before = defaultdict(list), defaultdict(list), {}
    printed = io.StringIO()
    # Workers get what a cell defines by value, as from a notebook's kernel.
    space = {"__name__": "__main__", "display": display, SHOWN: show}

    def noted(value, number, text, whole, place, sign):
        """Note an operand, and how far it lies on the right side of the one before it."""
        real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if real and text:
            compared[number, text].append(float(value))
        if real and sign and before.get((whole, place - 1)) is not None:
            apart = float(value) - before[whole, place - 1]
            margins[number, whole].append(sign * apart)
        before[whole, place] = float(value) if real else None
        return value

    start = time.process_time()
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags", [])
        claims += "claim" in tags
        source = SEED_LINE.sub(f"SEED = {seed}", cell.source)
        space[NOTED] = functools.partial(noted, number=number) if "claim" in tags else None
        print(f"--- cell {number}", file=printed)
        with (
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(nowhere),
        ):
            text = failure(source, f"<cell {number}>", space, "claim" in tags)
        if bool(text) != ("raises-exception" in tags):
            faults.append((number, "claim" in tags, text or "nothing was raised"))
        if "imports" in tags:
            draws.clear()  # by packages while they are imported
    seconds = time.process_time() - start
    return {
        "claims": claims,
        "faults": faults,
        "draws": draws,
        "compared": compared,
        "margins": margins,
        "printed": printed.getvalue(),
        "seconds": seconds,
    }


def show(value):
    """What a notebook shows of the last line of a cell."""
    if value is not None:
        print(value)


class Noting(ast.NodeTransformer):
    """Pass what an assertion compares through the function that notes it."""

    def __init__(self, source):
        self.source = source

    def visit_Assert(self, node):
        for compare in [part for part in ast.walk(node.test) if isinstance(part, ast.Compare)]:
            whole = self.text(compare)
            signs = [SIGNS.get(type(op), 0) for op in compare.ops]
            parts = [compare.left, *compare.comparators]
            compare.left, *compare.comparators = (
                self.noting(part, whole, place, sign)
                for place, (part, sign) in enumerate(zip(parts, [0, *signs], strict=True))
            )
        return node

    def text(self, part):
        return " ".join(ast.get_source_segment(self.source, part).split())

    def noting(self, part, whole, place, sign):
        text = "" if isinstance(part, ast.Constant) else self.text(part)
        settings = {"text": text, "whole": whole, "place": place, "sign": sign}
        keywords = [ast.keyword(name, ast.Constant(value)) for name, value in settings.items()]
        return ast.Call(ast.Name(NOTED, ast.Load()), [part], keywords)


def failure(source, name, space, claim):
    """Execute a cell; return what it raised with the line that did, empty if nothing."""
    tree = ast.parse(source)
    if claim:
        tree = Noting(source).visit(tree)
    if tree.body and isinstance(tree.body[-1], ast.Expr):  # a notebook shows it
        shown = ast.Name(SHOWN, ast.Load())
        tree.body[-1].value = ast.Call(shown, [tree.body[-1].value], [])
    tree = ast.fix_missing_locations(tree)
    try:
        exec(compile(tree, name, "exec", dont_inherit=True), space)
    except Exception as error:
        lines, trace = [], error.__traceback__
        while trace:
            if trace.tb_frame.f_code.co_filename == name:
                lines.append(trace.tb_lineno)
            trace = trace.tb_next
        statements = ast.parse(source).body
        at = [s for s in statements if lines and s.lineno <= lines[0] <= s.end_lineno]
        shown = ast.get_source_segment(source, at[0]) if at else ""
        return f"{type(error).__name__}: {str(error)[:300]} | {' '.join(shown.split())}"
    return ""


def record_draws():
    """From now on note, for each cell, the numbers that generators are started with."""
    import numpy as np

    noted = defaultdict(set)

    def noting(made):
        def make(seed=None, *args, **kwargs):
            if isinstance(seed, int | np.integer):
                frame = sys._getframe(1)
                while frame.f_code.co_filename == __file__:
                    frame = frame.f_back
                if EVALUATION in frame.f_code.co_filename:
                    return made(seed, *args, **kwargs)  # how rows are put together for intervals
                while frame and not frame.f_code.co_filename.startswith("<cell "):
                    frame = frame.f_back
                if frame:
                    noted[int(frame.f_code.co_filename[6:-1])].add(int(seed))
            return made(seed, *args, **kwargs)

        return make

    np.random.default_rng = noting(np.random.default_rng)

    genuine = np.random.RandomState
    started = noting(genuine)

    class Alike(type):
        def __instancecheck__(cls, one):
            return isinstance(one, genuine)  # as scikit-learn asks of what it is given

    class RandomState(genuine, metaclass=Alike):
        def __new__(cls, seed=None):
            return started(seed)

    np.random.RandomState = RandomState
    return noted


def unmoved(by_seed):
    """Cells whose generators start with the same numbers under every seed, and these numbers."""
    runs = list(by_seed.values())
    if len(runs) < 2:
        return {}
    shared = {cell: set.intersection(*(run.get(cell, set()) for run in runs)) for cell in runs[0]}
    return {cell: values for cell, values in shared.items() if values}


if __name__ == "__main__":
    sys.exit(main())
