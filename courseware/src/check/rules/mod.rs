//! The rules, one subject a file. Each looks at a course and says what it finds.

mod accessibility;
mod assets;
mod code_files;
mod dates;
mod grading;
mod groups;
mod links;
mod modules;
mod orphans;
mod pointers;
mod policies;
mod problems;
mod python_names;
mod python_scopes;
mod references;
mod scripts;
mod settings;
mod tabs;
mod videos;

use super::course::Course;
use super::findings::Findings;

/// Runs every rule.
pub(super) fn run(course: &Course<'_>, findings: &mut Findings) {
    let rules = [
        accessibility::check,
        assets::check,
        code_files::check,
        dates::check,
        grading::check,
        groups::check,
        links::check,
        orphans::check,
        pointers::check,
        policies::check,
        problems::check,
        references::check,
        scripts::check,
        settings::check,
        tabs::check,
        videos::check,
    ];
    for rule in rules {
        rule(course, findings);
    }
}
