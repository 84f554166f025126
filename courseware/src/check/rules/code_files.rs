//! Code of problems in files of its own, and where it is looked for in vain.

use xblock_core::keys::clean_asset_name;
use xblock_core::olx::{Attribute, Element};

use super::scripts::elements;
use crate::check::codes::{MISSING_CODE_FILE, UNREAD_CODE};
use crate::check::course::{Course, File};
use crate::check::findings::Findings;

/// Questions whose `<answer>` is code.
const GRADED_BY_CODE: [&str; 3] = ["customresponse", "externalresponse", "schematicresponse"];

/// Checks the scripts and answers of every problem.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for place in course.blocks.iter().filter(|place| place.block_type == "problem") {
        for script in elements(place.element, "script") {
            let kind = script.get("type").unwrap_or_default();
            if kind.contains("javascript") || kind.contains("perl") {
                continue;
            }
            if let Some(path) = script.attribute("system_path").filter(|path| !path.value.is_empty()) {
                let message = format!("no modules are looked for in {}", path.value);
                report(place.file, path, &UNREAD_CODE, message, findings);
            }
            match named(script) {
                Some(src) if has_text(script) => {
                    let message = format!("{} is not read: the script has a text of its own", src.value);
                    report(place.file, src, &UNREAD_CODE, message, findings);
                }
                Some(src) => exists(course, place.file, src, findings),
                None => {}
            }
        }
        for answer in GRADED_BY_CODE.iter().flat_map(|kind| elements(place.element, kind)) {
            for answer in elements(answer, "answer") {
                let Some(src) = named(answer) else { continue };
                if has_text(answer) {
                    let message = format!("the text is not read: the code is that of {}", src.value);
                    report(place.file, src, &UNREAD_CODE, message, findings);
                }
                exists(course, place.file, src, findings);
            }
        }
    }
}

fn named(element: &Element) -> Option<&Attribute> {
    element.attribute("src").filter(|src| !src.value.is_empty())
}

fn has_text(element: &Element) -> bool {
    element.text().is_some_and(|text| !text.trim().is_empty())
}

fn exists(course: &Course<'_>, file: &File, src: &Attribute, findings: &mut Findings) {
    let name = src.value.strip_prefix("/static/").or_else(|| src.value.strip_prefix("static/"));
    let name = name.unwrap_or(&src.value);
    let clean = clean_asset_name(name);
    let is_there = course.package.assets.iter().any(|asset| asset.key.path() == clean);
    // The platform's own place for such files.
    let is_beside = || course.source.read(&format!("src/{name}")).is_ok_and(|found| found.is_some());
    if !is_there && !is_beside() {
        report(file, src, &MISSING_CODE_FILE, format!("the course has no static file {name}"), findings);
    }
}

fn report(
    file: &File,
    attribute: &Attribute,
    code: &'static xblock_core::olx::DiagnosticCode,
    message: String,
    findings: &mut Findings,
) {
    findings.report(code, &file.text, attribute.span().range().start, message);
}
