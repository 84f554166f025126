//! The names a script gives values to, which answers and texts of its problem may use.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_stmt};
use ruff_python_ast::{Alias, ExceptHandler, Expr, ExprContext, ModModule, Stmt};

/// What gives values to names that do not stand in the script.
const DYNAMIC: [&str; 6] = ["eval", "exec", "execfile", "globals", "locals", "vars"];

/// Names every script's problem has.
const GIVEN: [&str; 2] = ["anonymous_student_id", "seed"];

/// Lists the names; nothing where the script may make others as it runs. Names of functions' own count as well, so that
/// what is not listed is certainly not there.
pub(super) fn names(module: &ModModule) -> Option<BTreeSet<String>> {
    let mut names = Names { found: GIVEN.map(str::to_owned).into(), is_dynamic: false };
    names.visit_body(&module.body);
    (!names.is_dynamic).then_some(names.found)
}

/// Finds the first variable of an answer that has no value, and where its sign stands. The platform replaces `$NAME`
/// wherever it stands, so that `$xy` is the value of `x` and a `y` after it.
pub(super) fn undefined<'t>(text: &'t str, names: &BTreeSet<String>) -> Option<(&'t str, usize)> {
    text.match_indices('$').find_map(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = &rest[..end];
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let is_defined = || names.iter().any(|known| name.starts_with(known.as_str()));
        (is_name && !is_defined()).then_some((name, at))
    })
}

struct Names {
    found: BTreeSet<String>,
    is_dynamic: bool,
}

impl<'a> Visitor<'a> for Names {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => drop(self.found.insert(function.name.to_string())),
            Stmt::ClassDef(class) => drop(self.found.insert(class.name.to_string())),
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_alias(&mut self, alias: &'a Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        self.is_dynamic |= name == "*";
        self.found.insert(name.split('.').next().unwrap_or(name).to_owned());
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        self.found.extend(inner.name.as_ref().map(ToString::to_string));
        walk_except_handler(self, handler);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            match name.ctx {
                ExprContext::Load => self.is_dynamic |= DYNAMIC.contains(&name.id.as_str()),
                _ => drop(self.found.insert(name.id.to_string())),
            }
        }
        walk_expr(self, expr);
    }

    fn visit_pattern(&mut self, _: &'a ruff_python_ast::Pattern) {
        // Patterns give values to names in ways of their own; no script of a course was seen to use one.
        self.is_dynamic = true;
    }
}

#[cfg(test)]
mod tests {
    use ruff_python_parser::parse_module;

    use super::*;

    fn of(code: &str) -> Option<BTreeSet<String>> {
        names(parse_module(code).expect(code).syntax())
    }

    #[test]
    fn what_a_script_defines_is_listed() {
        let found = of(
            "import a.b, c as d\nx, (y, *z) = 1\nfor i in x: j: int = 1\ndef f(): pass\nwith x as k: pass\n",
        )
        .expect("a list");
        for name in ["a", "d", "x", "y", "z", "i", "j", "f", "k", "seed"] {
            assert!(found.contains(name), "{name}: {found:?}");
        }
        assert!(!found.contains("c") && !found.contains("b"));
        assert_eq!(of("from a import *"), None);
        assert_eq!(of("globals()['x'] = 1"), None);
        assert_eq!(of("exec('x = 1')"), None);
    }

    #[test]
    fn a_variable_without_a_value_is_found() {
        let found = of("x = 1").expect("a list");
        assert_eq!(undefined("$yy + 1", &found), Some(("yy", 0)));
        assert_eq!(undefined("2*$x + $z", &found), Some(("z", 7)));
        assert_eq!(undefined("$xy $x $5 $ a$", &found), None);
    }
}
