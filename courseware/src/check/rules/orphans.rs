//! Files of the package that are no part of the course.

use std::collections::{BTreeMap, BTreeSet};

use xblock_core::olx::Severity;

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
        let severity = if is_block && is_markup { ORPHAN_FILE.severity } else { Severity::Note };
        findings.report_file(&ORPHAN_FILE, severity, path, "nothing points to this file");
    }
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
