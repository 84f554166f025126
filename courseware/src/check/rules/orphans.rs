//! Files of the package that are no part of the course.

use xblock_core::olx::Severity;

use crate::check::codes::ORPHAN_FILE;
use crate::check::course::Course;
use crate::check::findings::Findings;

/// Folders whose files are read by their place, or kept for other programs.
const OTHER_FOLDERS: [&str; 6] = ["static", "static_import", "policies", "assets", "test", "tests"];

/// Finds files that nobody read.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for path in course.paths.iter().filter(|path| !course.files.contains_key(*path)) {
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
