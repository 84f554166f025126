//! Files of the package that are no part of the course.

use std::collections::{BTreeMap, BTreeSet};

use xblock_core::olx::{Diagnostic, Severity};

use crate::check::codes::ORPHAN_FILE;
use crate::check::course::Course;
use crate::check::findings::Findings;

/// Folders whose files are read by their place, or kept for other programs.
const OTHER_FOLDERS: [&str; 6] = ["static", "static_import", "policies", "assets", "test", "tests"];

/// Finds files that nobody read, except those that are only cut off by what is broken above them.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    let mut cut_off = cut_off(course);
    // What was said of by name was looked at.
    cut_off
        .extend(course.package.diagnostics.iter().filter_map(|remark| Some(remark.file.as_ref()?.as_str())));
    let missing = missing_parents(course);
    let mut orphans = Vec::new();
    let unread = course.paths.iter().filter(|path| !course.files.contains_key(*path));
    for path in unread.filter(|path| !cut_off.contains(path.as_str())) {
        let parts: Vec<&str> = path.split('/').collect();
        let [folders @ .., name] = &parts[..] else { continue };
        let is_hidden = parts.iter().any(|part| part.starts_with('.')) || name.ends_with('~');
        // Files beside course.xml are the author's own: a licence, a README.
        let Some(folder) = folders.first().filter(|_| !is_hidden) else { continue };
        if OTHER_FOLDERS.contains(folder) {
            continue;
        }
        let is_block = course.registry.block_type(folder).is_known
            || matches!(*folder, "drafts" | "tabs" | "about" | "info");
        let is_markup = name.ends_with(".xml") || name.ends_with(".html");
        if is_block && is_markup && !missing.is_empty() {
            orphans.push(path.as_str());
            continue;
        }
        let severity = if is_block && is_markup { ORPHAN_FILE.severity } else { Severity::Note };
        findings.report_file(&ORPHAN_FILE, severity, path, "nothing points to this file");
    }
    if let ([first, ..], Some(cause)) = (&orphans[..], missing.first()) {
        let others = match orphans.len() - 1 {
            0 => first.to_string(),
            1 => format!("{first} and another file"),
            others => format!("{first} and {others} other files"),
        };
        let message =
            format!("nothing that could be read points to {others}; what is missing may have done so");
        let mut remark = Diagnostic::new(ORPHAN_FILE.name, ORPHAN_FILE.severity, message)
            .with_cause(ORPHAN_FILE.cause)
            .with_fix("add the missing file, and check again");
        remark.file.clone_from(&cause.file);
        remark.position = cause.position;
        remark.excerpt.clone_from(&cause.excerpt);
        findings.extend([remark]);
    }
}

/// Finds what was said of files that are missing and could have pointed to others. What stood in them is not known, so
/// that files without a parent may well have been theirs.
fn missing_parents<'c>(course: &Course<'c>) -> Vec<&'c Diagnostic> {
    let is_parent = |remark: &&Diagnostic| {
        let folder = remark.message.split('/').next().unwrap_or_default();
        let known = course.registry.block_type(folder);
        remark.code == "missing-file" && known.is_known && known.class.has_children
    };
    course.package.diagnostics.iter().filter(is_parent).collect()
}

/// Finds the files that broken ones name, and those that these name in turn.
fn cut_off<'c>(course: &'c Course<'_>) -> BTreeSet<&'c str> {
    let errors = course.package.diagnostics.iter().filter(|remark| remark.severity == Severity::Error);
    let broken: BTreeSet<&str> = errors.filter_map(|remark| Some(remark.file.as_ref()?.as_str())).collect();
    let mut found = BTreeSet::new();
    if broken.is_empty() {
        return found;
    }
    let mut unread: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in course.paths.iter().filter(|path| !course.files.contains_key(*path)) {
        let file = path.rsplit('/').next().unwrap_or(path);
        let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
        unread.entry(name).or_default().push(path);
    }
    // Most files have the name of a block that stands in them.
    let mut texts: Vec<String> = course
        .files
        .values()
        .filter(|file| broken.contains(file.text.path()))
        .map(|file| file.text.text.to_string())
        .collect();
    while let Some(text) = texts.pop() {
        for word in text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))) {
            for path in unread.remove(word).into_iter().flatten() {
                found.insert(path);
                if path.ends_with(".xml")
                    && let Ok(Some(bytes)) = course.source.read(path)
                {
                    texts.push(String::from_utf8_lossy(&bytes).into_owned());
                }
            }
        }
    }
    found
}
