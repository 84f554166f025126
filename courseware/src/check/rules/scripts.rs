//! Scripts of problems: is it Python, and is there what it imports? Nothing is run.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::thread;

use ruff_python_parser::parse_module;
use xblock_core::olx::{Element, Node};

use super::assets::link_target;
use super::modules::is_known_module;
use super::python_names::{names, undefined};
use super::python_scopes::compile_error;
use crate::check::codes::{
    BROKEN_LIBRARY, MISSING_PYTHON_MODULE, PYTHON_2, SCRIPT_MARKUP, SCRIPT_SYNTAX, UNDEFINED_VARIABLE,
    UNKNOWN_CHECK_FUNCTION,
};
use crate::check::course::{Course, File, value_offset};
use crate::check::findings::Findings;

/// Longer scripts are not read; they would be ten times the longest seen.
const LONGEST: usize = 64 << 10;

/// How deep Python itself lets brackets be nested.
const DEEPEST: usize = 200;

/// The reader of Python calls itself for what is nested, and a script may be nothing but brackets.
const STACK: usize = 512 << 20;

/// Checks the scripts of every problem.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    let mut programs = Vec::new();
    for place in course.blocks.iter().filter(|place| place.block_type == "problem") {
        let whole = Program::of_problem(place.file, place.element, findings);
        for response in elements(place.element, "customresponse") {
            check_function(response, &whole, findings);
            for answer in elements(response, "answer") {
                let mut program = Program::new(place.file);
                program.add(answer, findings);
                programs.push(program);
            }
        }
        programs.push(whole);
    }
    programs.retain(|program| !program.code.trim().is_empty() && program.code.len() <= LONGEST);
    if programs.is_empty() {
        return;
    }
    let library = library(course, findings);
    for (program, read) in programs.iter().zip(read_all(&programs)) {
        if let Some(names) = &read.names
            && !program.is_cut
        {
            answers(program, names, findings);
        }
        match read.error {
            Some((message, at)) if !program.is_cut => program.report(&message, at, findings),
            _ => {}
        }
        imports(program, &library, findings);
    }
}

/// Reads every program in a thread whose stack is large enough for any of them.
fn read_all(programs: &[Program<'_>]) -> Vec<Read> {
    let codes: Vec<&str> = programs.iter().map(|program| program.code.as_str()).collect();
    let read = thread::scope(|scope| {
        let parse = || codes.iter().map(|code| read(code)).collect();
        thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse).ok()?.join().ok()
    });
    // A machine that cannot start a thread says nothing of scripts.
    read.unwrap_or_else(|| programs.iter().map(|_| Read::default()).collect())
}

/// What reading a program says of it.
#[derive(Default)]
struct Read {
    /// Why it cannot be run, and the byte at which that is seen.
    error: Option<(String, usize)>,
    /// The names it gives values to, where these can be known without running it.
    names: Option<BTreeSet<String>>,
}

fn read(code: &str) -> Read {
    if let Some(at) = too_deep(code) {
        return Read { error: Some(("too many nested parentheses".to_owned(), at)), names: None };
    }
    match parse_module(code) {
        Ok(parsed) => {
            let error = future_import(code).or_else(|| compile_error(code, parsed.syntax()));
            Read { error, names: names(parsed.syntax()) }
        }
        Err(error) => {
            Read { error: Some((error.error.to_string(), error.location.start().to_usize())), names: None }
        }
    }
}

/// Checks that the answers of a problem use variables its scripts have.
fn answers(program: &Program<'_>, names: &BTreeSet<String>, findings: &mut Findings) {
    let Some(problem) = program.problem else { return };
    for kind in ["numericalresponse", "formularesponse", "stringresponse"] {
        for response in elements(problem, kind) {
            // In a regular expression the sign is the end of the text.
            let is_pattern = response.get("type").is_some_and(|kind| kind.contains("regexp"));
            if let Some(attribute) = response.attribute("answer").filter(|_| !is_pattern)
                && let Some((name, at)) = undefined(&attribute.value, names)
            {
                let text = &program.file.text;
                let start = value_offset(text, attribute);
                // References in the value move the place.
                let offset =
                    if text.text[start..].starts_with(&*attribute.value) { start + at } else { start };
                findings.report(
                    &UNDEFINED_VARIABLE,
                    text,
                    offset,
                    format!("no script gives ${name} a value"),
                );
            }
        }
    }
}

/// Finds an import that must come first in a program, where the platform's own lines come before the script.
fn future_import(code: &str) -> Option<(String, usize)> {
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        if line.starts_with("from __future__ import ") {
            return Some((
                "from __future__ imports must come first, and the platform's own come before".to_owned(),
                start,
            ));
        }
        start += line.len();
    }
    None
}

/// Finds where brackets are nested beyond what Python reads. Brackets in texts count as well, which no script has so many
/// of that never close.
fn too_deep(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    code.bytes().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// Python code of a problem, as it is run: scripts one after the other.
struct Program<'c> {
    file: &'c File,
    code: String,
    parts: Vec<Part>,
    /// Whether a script ends before its text does.
    is_cut: bool,
    /// The problem it is all scripts of.
    problem: Option<&'c Element>,
}

/// A piece of a program and where it stands.
struct Part {
    /// The first byte in the program.
    start: usize,
    /// The first byte in the file.
    offset: usize,
    /// Whether it stands in the file letter by letter.
    is_verbatim: bool,
}

impl<'c> Program<'c> {
    const fn new(file: &'c File) -> Self {
        Self { file, code: String::new(), parts: Vec::new(), is_cut: false, problem: None }
    }

    fn of_problem(file: &'c File, problem: &'c Element, findings: &mut Findings) -> Self {
        let mut program = Self::new(file);
        program.problem = Some(problem);
        for script in elements(problem, "script") {
            let kind = script.get("type").unwrap_or_default();
            if kind.contains("javascript") || kind.contains("perl") {
                continue;
            }
            // What stands in a file of its own is not read here.
            let has_text = script.text().is_some_and(|text| !text.trim().is_empty());
            program.is_cut |= !has_text && script.get("src").is_some();
            program.add(script, findings);
        }
        program
    }

    /// Adds the text of an element up to its first child.
    fn add(&mut self, element: &Element, findings: &mut Findings) {
        for (index, node) in element.children.iter().enumerate() {
            match node {
                Node::Text(chars) => {
                    self.add_text(&chars.value, chars.span.range().start, chars.span.range())
                }
                Node::CData(chars) => {
                    const OPEN: &str = "<![CDATA[";
                    let start = chars.span.range().start + OPEN.len();
                    self.add_text(&chars.value, start, start..start + chars.value.len());
                }
                Node::Comment(_) if element.children[index + 1..].iter().all(is_blank) => return,
                Node::Element(child) => {
                    self.is_cut = true;
                    let message = format!("the script ends at <{}>", child.name);
                    findings.report(&SCRIPT_MARKUP, &self.file.text, child.span().range().start, message);
                    return;
                }
                Node::Comment(chars) => {
                    self.is_cut = true;
                    let message = "the script ends at this comment";
                    findings.report(&SCRIPT_MARKUP, &self.file.text, chars.span.range().start, message);
                    return;
                }
                Node::ProcessingInstruction(_) => return,
            }
        }
    }

    fn add_text(&mut self, value: &str, offset: usize, written: std::ops::Range<usize>) {
        // The platform replaces these once more.
        let code = value.replace("&apos;", "'").replace("&quot;", "\"");
        let is_verbatim = self.file.text.text.get(written) == Some(code.as_str());
        self.parts.push(Part { start: self.code.len(), offset, is_verbatim });
        self.code.push_str(&code);
    }

    /// Finds where a byte of the program stands in the file.
    fn offset(&self, at: usize) -> usize {
        let at = at.min(self.code.len());
        let Some(part) = self.parts.iter().rev().find(|part| part.start <= at) else { return 0 };
        if part.is_verbatim {
            return part.offset + (at - part.start);
        }
        // Replaced references move columns; lines stay.
        let before = self.code.get(part.start..at).unwrap_or_default();
        let lines = before.matches('\n').count();
        let rest = self.file.text.text.get(part.offset..).unwrap_or_default();
        let line = match lines.checked_sub(1) {
            None => 0,
            Some(last) => rest.match_indices('\n').nth(last).map_or(0, |(at, _)| at + 1),
        };
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let line_text = rest[line..].split('\n').next().unwrap_or_default();
        part.offset + line + line_text.char_indices().nth(column).map_or(line_text.len(), |(at, _)| at)
    }

    fn report(&self, message: &str, at: usize, findings: &mut Findings) {
        let before = self.code.get(..at).unwrap_or(&self.code);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = self.code[start..].split('\n').next().unwrap_or_default();
        // Some errors are noticed only where the next line begins.
        let previous = self.code[..start].trim_end().rsplit('\n').next().unwrap_or_default();
        let code = if is_python_2(line) || is_python_2(previous) { &PYTHON_2 } else { &SCRIPT_SYNTAX };
        findings.report(
            code,
            &self.file.text,
            self.offset(at),
            format!("the script is no Python 3: {message}"),
        );
    }
}

fn is_blank(node: &Node) -> bool {
    match node {
        Node::Text(chars) | Node::CData(chars) => chars.value.trim().is_empty(),
        Node::Comment(_) | Node::ProcessingInstruction(_) => true,
        Node::Element(_) => false,
    }
}

/// Says whether a line is one that only Python 2 reads.
fn is_python_2(line: &str) -> bool {
    let line = line.trim();
    let statement = |word: &str| {
        line.strip_prefix(word).is_some_and(|rest| {
            rest.starts_with([' ', '"', '\'']) && !rest.trim_start().starts_with(['(', '=', '.', ','])
        })
    };
    let has_old_except = line.starts_with("except ") && line.contains(',') && !line.contains('(');
    let has_old_raise =
        line.starts_with("raise ") && line.split_once(',').is_some_and(|(name, _)| !name.contains('('));
    let has_old_octal = line.split(|c: char| !c.is_alphanumeric()).any(|word| {
        word.len() > 1
            && word.starts_with('0')
            && word.bytes().all(|byte| byte.is_ascii_digit())
            && word.bytes().any(|byte| byte != b'0')
    });
    let has_long = line.split(|c: char| !c.is_alphanumeric()).any(|word| {
        word.strip_suffix(['L', 'l'])
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    });
    statement("print")
        || statement("exec")
        || has_old_except
        || has_old_raise
        || has_old_octal
        || has_long
        || line.contains("<>")
        || line.contains('`')
        || line.starts_with("print >>")
}

/// Checks that the function that grades is defined somewhere.
fn check_function(response: &Element, program: &Program<'_>, findings: &mut Findings) {
    let Some(attribute) = response.attribute("cfn") else { return };
    let name = attribute.value.trim();
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty();
    if !is_name || program.is_cut {
        return;
    }
    let is_defined =
        program.code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name);
    if !is_defined && !program.code.contains("import *") {
        let offset = attribute.span().range().start;
        let message = format!("no script defines {name}");
        findings.report(&UNKNOWN_CHECK_FUNCTION, &program.file.text, offset, message);
    }
}

/// The modules scripts can import from the course's own library; nothing where it cannot be read.
fn library(course: &Course<'_>, findings: &mut Findings) -> Option<BTreeSet<String>> {
    let Some(asset) = course.package.assets.iter().find(|asset| asset.key.path() == "python_lib.zip") else {
        return Some(BTreeSet::new());
    };
    let bytes = course.source.read(&asset.path).ok()??;
    let is_link = link_target(&asset.path, &bytes).is_some();
    match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => {
            let names = archive.file_names().filter_map(Result::ok);
            let module = |path: &str| {
                let first = path.split('/').next().unwrap_or_default();
                first.strip_suffix(".py").unwrap_or(first).to_owned()
            };
            Some(names.map(|name| module(&name)).collect())
        }
        // Said already, for any file.
        Err(_) if is_link => None,
        Err(error) => {
            let message = format!("the Python library cannot be read: {error}");
            findings.report_file(&BROKEN_LIBRARY, BROKEN_LIBRARY.severity, &asset.path, message);
            None
        }
    }
}

/// Checks what a program imports.
fn imports(program: &Program<'_>, library: &Option<BTreeSet<String>>, findings: &mut Findings) {
    let Some(library) = library else { return };
    let mut said = BTreeSet::new();
    let mut start = 0;
    for line in program.code.split_inclusive('\n') {
        for (name, at) in imported(line) {
            if !is_known_module(name) && !library.contains(name) && said.insert(name) {
                let message = format!("module {name} is not in python_lib.zip");
                let offset = program.offset(start + at);
                findings.report(&MISSING_PYTHON_MODULE, &program.file.text, offset, message);
            }
        }
        start += line.len();
    }
}

/// Lists the modules a line imports, without what is after their first dot.
fn imported(line: &str) -> Vec<(&str, usize)> {
    let code = line.split('#').next().unwrap_or_default();
    let trimmed = code.trim_start();
    let indent = code.len() - trimmed.len();
    let first = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let mut found = Vec::new();
    if let Some(rest) = trimmed.strip_prefix("from ") {
        let name = rest.trim_start();
        let at = indent + trimmed.len() - name.len();
        // A name without import is prose, and one with a dot before it is a neighbour.
        if name.contains(" import ") && first(name) > 0 {
            found.push((&name[..first(name)], at));
        }
    } else if let Some(rest) = trimmed.strip_prefix("import ") {
        let mut at = indent + trimmed.len() - rest.len();
        for part in rest.split(',') {
            let name = part.trim_start();
            if first(name) > 0 {
                found.push((&name[..first(name)], at + part.len() - name.len()));
            }
            at += part.len() + 1;
        }
    }
    found
}

/// Lists the elements of a name below another, in document order.
pub(super) fn elements<'e>(element: &'e Element, name: &str) -> Vec<&'e Element> {
    let mut found = Vec::new();
    let mut waiting = vec![element];
    while let Some(element) = waiting.pop() {
        if &*element.name == name {
            found.push(element);
        }
        let mut children: Vec<&Element> = element.elements().collect();
        children.reverse();
        waiting.extend(children);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_2_is_told_from_mistakes() {
        for old in [
            "print x",
            "print \"a\", b",
            "except ValueError, e:",
            "raise E, 'x'",
            "a <> b",
            "x = 0777",
            "10L",
        ] {
            assert!(is_python_2(old), "{old}");
        }
        for other in ["print(x", "x = = 1", "def f(:", "raise E('a, b')", "x = 0.5 + 10"] {
            assert!(!is_python_2(other), "{other}");
        }
    }

    #[test]
    fn imports_are_found_where_they_stand() {
        assert_eq!(imported("  from a.b import c\n"), [("a", 7)]);
        assert_eq!(imported("import x.y as z, w # v"), [("x", 7), ("w", 17)]);
        assert_eq!(imported("from here on"), []);
        assert_eq!(imported("from . import x"), []);
    }

    #[test]
    fn what_is_nested_without_end_does_no_harm() {
        for unit in [
            "(",
            "-",
            "not ",
            "x**",
            "lambda:",
            "x if x else ",
            "[x for x in ",
            "f(",
            "await ",
            "x=",
            "@",
            "\"",
            "f'{",
        ] {
            let code = unit.repeat(LONGEST / unit.len());
            let file = File::new("problem/p.xml", b"");
            let program = Program { file: &file, code, parts: Vec::new(), is_cut: false, problem: None };
            assert_eq!(read_all(&[program]).len(), 1);
        }
    }
}
