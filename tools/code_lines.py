"""Count lines of code: lines that hold more than comments, docstrings and blanks.

`python -m tools.code_lines` counts mtlkit, `python -m tools.code_lines PATH ...` files or folders.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_lines(source):
    """Numbers of the lines on which docstrings stand."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, DOCUMENTED)]
    first = [node.body[0] for node in nodes if ast.get_docstring(node, clean=False) is not None]
    return {line for node in first for line in range(node.lineno, node.end_lineno + 1)}


def code_lines(source):
    """The number of lines of code in the text of a Python file."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(source))


def count(path):
    """Lines of code of each Python file at or below a path."""
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return {file: code_lines(file.read_text(encoding="utf-8")) for file in files}


def main(arguments):
    counts = {}
    for path in map(Path, arguments or [ROOT / "mtlkit"]):
        counts |= count(path)
    for file, lines in counts.items():
        print(f"{lines:6}  {file}")
    print(f"{sum(counts.values()):6}  in all")


if __name__ == "__main__":
    main(sys.argv[1:])
