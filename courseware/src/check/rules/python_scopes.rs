//! What Python's compiler refuses though its grammar allows it, such as a `return` outside every function.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{
    Comprehension, ElifElseClause, Expr, ModModule, Parameters, PythonVersion, Stmt, StmtFunctionDef,
};
use ruff_python_parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError,
};
use ruff_text_size::TextRange;

/// Finds the first thing the compiler refuses: what it is, and the byte at which it stands.
pub(super) fn compile_error(code: &str, module: &ModModule) -> Option<(String, usize)> {
    let mut walk = Walk {
        checker: SemanticSyntaxChecker::new(),
        scopes: Scopes {
            code,
            open: vec![Scope::new(Kind::Module, &module.body)],
            errors: RefCell::new(Vec::new()),
        },
    };
    walk.visit_body(&module.body);
    let errors = walk.scopes.errors.into_inner();
    let first = errors.iter().min_by_key(|error| error.range.start())?;
    Some((first.to_string(), first.range.start().to_usize()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Module,
    Class,
    Function { is_async: bool },
    Lambda,
    Comprehension { is_async: bool },
    Generator,
}

/// A scope that is open where the walk is.
struct Scope {
    kind: Kind,
    /// How many loops are open in it.
    loops: usize,
    globals: HashMap<String, TextRange>,
    parameters: HashSet<String>,
}

impl Scope {
    fn new(kind: Kind, body: &[Stmt]) -> Self {
        let mut globals = Globals::default();
        globals.visit_body(body);
        Self { kind, loops: 0, globals: globals.0, parameters: HashSet::new() }
    }

    fn with(mut self, parameters: Option<&Parameters>) -> Self {
        let names = parameters.into_iter().flat_map(Parameters::iter);
        self.parameters.extend(names.map(|parameter| parameter.name().to_string()));
        self
    }
}

/// Collects the `global` statements of one scope.
#[derive(Default)]
struct Globals(HashMap<String, TextRange>);

impl<'a> Visitor<'a> for Globals {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::Global(global) => {
                for name in &global.names {
                    self.0.entry(name.to_string()).or_insert(global.range);
                }
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// What the checker asks about the place it is at.
struct Scopes<'c> {
    code: &'c str,
    open: Vec<Scope>,
    errors: RefCell<Vec<SemanticSyntaxError>>,
}

impl Scopes<'_> {
    /// The kinds of the open scopes, the innermost first.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.open.iter().rev().map(|scope| scope.kind)
    }
}

impl SemanticSyntaxContext for Scopes<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        false
    }

    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        None
    }

    fn python_version(&self) -> PythonVersion {
        PythonVersion::PY311
    }

    fn source(&self) -> &str {
        self.code
    }

    fn global(&self, name: &str) -> Option<TextRange> {
        self.open.last()?.globals.get(name).copied()
    }

    fn has_nonlocal_binding(&self, _: &str) -> bool {
        // Which names the functions around bind is not looked at; without any there can be none.
        self.kinds().filter(|kind| matches!(kind, Kind::Function { .. } | Kind::Lambda)).count() > 1
    }

    fn in_async_context(&self) -> bool {
        let function = self.kinds().find(|kind| matches!(kind, Kind::Function { .. } | Kind::Lambda));
        function == Some(Kind::Function { is_async: true })
    }

    fn in_await_allowed_context(&self) -> bool {
        self.kinds()
            .find(|kind| matches!(kind, Kind::Function { .. } | Kind::Lambda | Kind::Class))
            .is_some_and(|kind| kind != Kind::Class)
    }

    fn in_yield_allowed_context(&self) -> bool {
        self.kinds().next().is_some_and(|kind| matches!(kind, Kind::Function { .. } | Kind::Lambda))
    }

    fn in_sync_comprehension(&self) -> bool {
        self.kinds().any(|kind| kind == Kind::Comprehension { is_async: false })
    }

    fn in_module_scope(&self) -> bool {
        self.open.last().is_some_and(|scope| scope.kind == Kind::Module)
    }

    fn in_function_scope(&self) -> bool {
        self.open.last().is_some_and(|scope| matches!(scope.kind, Kind::Function { .. }))
    }

    fn in_generator_context(&self) -> bool {
        self.kinds().any(|kind| kind == Kind::Generator)
    }

    fn in_notebook(&self) -> bool {
        false
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        self.errors.borrow_mut().push(error);
    }

    fn in_loop_context(&self) -> bool {
        self.open.last().is_some_and(|scope| scope.loops > 0)
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        self.open.last().is_some_and(|scope| scope.parameters.contains(name))
    }
}

/// Goes through a program and keeps the scopes.
struct Walk<'c> {
    checker: SemanticSyntaxChecker,
    scopes: Scopes<'c>,
}

impl Walk<'_> {
    fn within(&mut self, scope: Scope, walk: impl FnOnce(&mut Self)) {
        self.scopes.open.push(scope);
        walk(self);
        self.scopes.open.pop();
    }

    fn loops(&mut self, change: impl FnOnce(usize) -> usize) {
        if let Some(scope) = self.scopes.open.last_mut() {
            scope.loops = change(scope.loops);
        }
    }

    fn in_loop(&mut self, body: &[Stmt], orelse: &[Stmt]) {
        self.loops(|loops| loops + 1);
        self.visit_body(body);
        self.loops(|loops| loops - 1);
        self.visit_body(orelse);
    }

    fn function(&mut self, function: &StmtFunctionDef) {
        // What stands before the body belongs to the scope around.
        for decorator in &function.decorator_list {
            self.visit_decorator(decorator);
        }
        self.visit_parameters(&function.parameters);
        if let Some(returns) = &function.returns {
            self.visit_annotation(returns);
        }
        let kind = Kind::Function { is_async: function.is_async };
        let scope = Scope::new(kind, &function.body).with(Some(&function.parameters));
        self.within(scope, |walk| walk.visit_body(&function.body));
    }

    fn comprehension(&mut self, kind: Kind, generators: &[Comprehension], results: &[&Expr]) {
        // The first thing gone through is worked out outside.
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        self.within(Scope::new(kind, &[]), |walk| {
            for (number, generator) in generators.iter().enumerate() {
                if number > 0 {
                    walk.visit_expr(&generator.iter);
                }
                walk.visit_expr(&generator.target);
                generator.ifs.iter().for_each(|condition| walk.visit_expr(condition));
            }
            results.iter().for_each(|result| walk.visit_expr(result));
        });
    }
}

impl<'a> Visitor<'a> for Walk<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.checker.visit_stmt(stmt, &self.scopes);
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                self.within(Scope::new(Kind::Class, &class.body), |walk| walk.visit_body(&class.body));
            }
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                self.visit_expr(&each.target);
                self.in_loop(&each.body, &each.orelse);
            }
            Stmt::While(each) => {
                self.visit_expr(&each.test);
                self.in_loop(&each.body, &each.orelse);
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_elif_else_clause(&mut self, clause: &'a ElifElseClause) {
        if let Some(test) = &clause.test {
            self.visit_expr(test);
        }
        self.visit_body(&clause.body);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.checker.visit_expr(expr, &self.scopes);
        let kind = |generators: &[Comprehension]| Kind::Comprehension {
            is_async: generators.iter().any(|generator| generator.is_async),
        };
        match expr {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                let scope = Scope::new(Kind::Lambda, &[]).with(lambda.parameters.as_deref());
                self.within(scope, |walk| walk.visit_expr(&lambda.body));
            }
            Expr::ListComp(list) => {
                self.comprehension(kind(&list.generators), &list.generators, &[&*list.elt]);
            }
            Expr::SetComp(set) => self.comprehension(kind(&set.generators), &set.generators, &[&*set.elt]),
            Expr::DictComp(dict) => {
                let results = [&*dict.key, &*dict.value];
                self.comprehension(kind(&dict.generators), &dict.generators, &results);
            }
            Expr::Generator(generator) => {
                self.comprehension(Kind::Generator, &generator.generators, &[&*generator.elt]);
            }
            _ => walk_expr(self, expr),
        }
    }
}

#[cfg(test)]
mod tests {
    use ruff_python_parser::parse_module;

    use super::*;

    fn error(code: &str) -> Option<(String, usize)> {
        compile_error(code, parse_module(code).expect(code).syntax())
    }

    #[test]
    fn what_the_compiler_refuses_is_found() {
        for (code, at) in [
            ("x = 1\nreturn x\n", 6),
            ("yield 1\n", 0),
            ("await f()\n", 0),
            ("break\n", 0),
            ("if x:\n    continue\n", 10),
            ("nonlocal x\n", 0),
            ("def f(a, a): pass\n", 9),
            ("f = lambda a, a: 1\n", 14),
            ("x: int\nglobal x\n", 0),
            ("def f():\n    x = 1\n    global x\n", 13),
            ("def f(x):\n    global x\n", 21),
            ("*a = 1, 2\n", 0),
            ("class C:\n    return 1\n", 13),
            ("def f():\n    class C:\n        return 1\n", 30),
            ("for x in y:\n    def f():\n        break\n", 33),
            ("for x in y:\n    pass\nelse:\n    break\n", 31),
            ("def f():\n    return [(yield 1) for x in y]\n", 22),
            ("def f():\n    nonlocal x\n", 22),
        ] {
            assert_eq!(error(code).map(|(_, at)| at), Some(at), "{code}: {:?}", error(code));
        }
    }

    #[test]
    fn what_it_takes_is_not() {
        for code in [
            "def f():\n    return 1\n",
            "def f():\n    if x:\n        for y in z:\n            if y:\n                break\n        else:\n            return 2\n",
            "while True:\n    try:\n        break\n    except E:\n        continue\n    with x:\n        break\n",
            "for x in y:\n    for z in x:\n        pass\n    else:\n        break\n",
            "def f():\n    yield 1\n    x = yield\n    return (yield x)\n",
            "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    return g\n",
            "x = 1\ndef f():\n    global x\n    x = 2\n",
            "a, *b = 1, 2\nf(*a, **b)\n[*a]\nprint(*a)\n",
            "class C:\n    x = [y for y in z]\n    def f(self, x=1):\n        return self\n",
            "async def f():\n    await g()\n    async with x: pass\n    return [y async for y in z]\n",
            "f = lambda x, *a, **k: (yield x)\n",
            "d = {k: v for k, v in x.items() if k for z in v}\n",
            "global x\nx = 1\n",
            "def f(a, b=lambda a: a): return sum(x for x in [y for y in a])\n",
            "match x:\n    case 1: y = 1\n    case _: y = 2\n",
        ]
        .into_iter()
        .filter(|code| parse_module(code).is_ok())
        {
            assert_eq!(error(code), None, "{code}");
        }
    }
}
