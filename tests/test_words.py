"""Words of docstrings and test names. ruff checks the rest: the imperative (D401) and the length of lines."""

import ast
from collections.abc import Iterator

from tests.test_house import statements, trees

FRAGMENTS = {"Of", "What", "Which", "Those", "As", "Where", "That", "Such", "How"}
"""First words of a sentence without a subject of its own."""
LONGEST_TEST_NAME = 70


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every docstring of a file, those of attributes included."""
    for node in statements(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield statement.lineno, str(statement.value.value)


def test_no_docstring_begins_with_a_fragment() -> None:
    found = [
        f"{name}:{line} {text[:60]}"
        for name, tree in trees().items()
        for line, text in docstrings(tree)
        if text.split()[:1] and text.split()[0] in FRAGMENTS
    ]
    assert found == []


def test_names_of_tests_are_short() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees().items()
        for node in statements(tree)
        if isinstance(node, ast.FunctionDef)
        if node.name.startswith("test_") and len(node.name) > LONGEST_TEST_NAME
    ]
    assert long == []
