//! What was found so far.

use std::collections::HashMap;

use xblock_core::olx::{Diagnostic, DiagnosticCode, Severity, diagnostic_code};

use super::text::Text;

/// How often the same is said of one file; what is wrong more often than that is wrong as a whole.
const LIMIT: usize = 100;

/// Collects remarks.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) diagnostics: Vec<Diagnostic>,
    counts: HashMap<(&'static str, String), usize>,
}

impl Findings {
    /// Adds a remark on a place in a file.
    pub(super) fn report(
        &mut self,
        code: &DiagnosticCode,
        file: &Text,
        offset: usize,
        message: impl Into<String>,
    ) {
        self.report_as(code, code.severity, file, offset, message);
    }

    /// Adds a remark that is less, or more, than its code mostly is.
    pub(super) fn report_as(
        &mut self,
        code: &DiagnosticCode,
        severity: Severity,
        file: &Text,
        offset: usize,
        message: impl Into<String>,
    ) {
        let position = file.position(offset);
        let remark = Diagnostic::new(code.name, severity, message).in_file(file.name.clone()).at(position);
        self.add(remark, code, |remark| remark.excerpt = Some(file.excerpt(position)));
    }

    /// Adds a remark on a whole file.
    pub(super) fn report_file(
        &mut self,
        code: &DiagnosticCode,
        severity: Severity,
        path: &str,
        message: impl Into<String>,
    ) {
        self.add(Diagnostic::new(code.name, severity, message).in_file(path.into()), code, |_| {});
    }

    /// Adds a remark on the whole package.
    pub(super) fn report_package(&mut self, code: &DiagnosticCode, message: impl Into<String>) {
        self.add(Diagnostic::new(code.name, code.severity, message), code, |_| {});
    }

    /// Adds a remark with a code of reading, whose place only the check knows.
    pub(super) fn report_read(&mut self, code: &str, file: &Text, offset: usize, message: impl Into<String>) {
        if let Some(code) = diagnostic_code(code) {
            self.report(code, file, offset, message);
        }
    }

    /// Takes a remark back that is made again, and better.
    pub(super) fn forget(&mut self, code: &str, path: &str, start: &str) {
        // With so many, one more or less is no matter, and looking through all of them for each is.
        const MANY: usize = 10_000;
        if self.diagnostics.len() > MANY {
            return;
        }
        self.diagnostics.retain(|remark| {
            let is_of_file = remark.file.as_ref().is_some_and(|file| file.as_str() == path);
            !(remark.code == code && is_of_file && remark.message.starts_with(start))
        });
    }

    /// Adds to a remark of reading that was made on a place; says whether there is one.
    pub(super) fn amend(&mut self, code: &str, file: &Text, offset: usize, more: &str) -> bool {
        let position = file.position(offset);
        let is_it = |remark: &&mut Diagnostic| {
            remark.code == code
                && remark.position == Some(position)
                && remark.file.as_ref().is_some_and(|name| name.as_str() == file.path())
        };
        let Some(remark) = self.diagnostics.iter_mut().find(is_it) else { return false };
        remark.message.push_str(more);
        true
    }

    /// Takes remarks that were made elsewhere.
    pub(super) fn extend(&mut self, remarks: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(remarks);
    }

    fn add(&mut self, remark: Diagnostic, code: &DiagnosticCode, complete: impl FnOnce(&mut Diagnostic)) {
        if let Some(file) = &remark.file {
            let count = self.counts.entry((remark.code, file.as_str().to_owned())).or_default();
            *count += 1;
            if *count > LIMIT {
                return;
            }
        }
        let mut remark = remark.with_cause(code.cause).with_fix(code.fix);
        complete(&mut remark);
        self.diagnostics.push(remark);
    }
}
