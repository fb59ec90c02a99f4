"""Lets program text use `return` outside of functions. Imported only for text that may."""

from __future__ import annotations

import ast
from types import CodeType


def compile_with_return(source: str | bytes, name: str) -> CodeType | None:
    """The code of a function with this body, whose names are nevertheless global; None if it has no such `return`.

    Global, because then functions and classes in the text, and their `global` statements, see the names as they would
    in a module.
    """
    tree = ast.parse(source, name)
    body = _Body()
    tree = body.visit(tree)
    if not body.returns:
        return None
    # A function that is parsed has every field that this version of Python wants.
    wrapper = ast.parse("async def body(): pass" if body.awaits else "def body(): pass", name)
    function = wrapper.body[0]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    function.body = [statement for statement in tree.body if not _is_future(statement)]
    wrapper.body[:0] = [statement for statement in tree.body if _is_future(statement)]
    code = _function_code(wrapper, name)
    bound = code.co_varnames + code.co_cellvars
    if bound:
        function.body.insert(0, ast.copy_location(ast.Global(names=list(bound)), tree.body[0]))
        ast.fix_missing_locations(wrapper)
        code = _function_code(wrapper, name)
    return code.replace(co_name="<module>", co_qualname="<module>")


def _function_code(wrapper: ast.Module, name: str) -> CodeType:
    module = compile(wrapper, name, "exec", dont_inherit=True)
    return next(constant for constant in module.co_consts if isinstance(constant, CodeType))


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


class _Body(ast.NodeTransformer):
    """Looks for `return` and `await` outside of functions, and drops annotations, which global names cannot have."""

    def __init__(self) -> None:
        self.returns = False
        self.awaits = False

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.returns = True
        return self.generic_visit(node)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.awaits = True
        return self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        self.awaits = True
        return self.generic_visit(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.awaits = True
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.awaits = self.awaits or bool(node.is_async)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        plain = ast.Pass() if node.value is None else ast.Assign(targets=[node.target], value=node.value)
        return ast.copy_location(plain, node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node
