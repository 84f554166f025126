//! Code of authors that stands in a file of its own: `<script src="NAME"/>`, `<answer src="NAME"/>`.

use super::error::LoadError;
use super::options::{ProblemOptions, ReadFile};
use super::script::is_python;
use super::tree::Node;

/// Questions whose `<answer>` is code.
const GRADED_BY_CODE: [&str; 3] = ["customresponse", "externalresponse", "schematicresponse"];

/// Puts the texts of files that hold code where they are named: of a script that has no text of its own, and of an answer
/// in any case. A file is a static file of the course, or lies in the course's folder `src`, where the platform looked.
///
/// # Errors
/// [`LoadError`] for a file that is not there or not in UTF-8.
pub(super) fn bring_in(parent: &mut Node, options: &ProblemOptions<'_>) -> Result<(), LoadError> {
    for child in &mut parent.children {
        bring_in(child, options)?;
        if is_python(child) && child.text.trim().is_empty() {
            take(child, options)?;
        } else if GRADED_BY_CODE.contains(&child.name.as_str()) {
            answers(child, options)?;
        }
    }
    Ok(())
}

fn answers(parent: &mut Node, options: &ProblemOptions<'_>) -> Result<(), LoadError> {
    for child in &mut parent.children {
        if child.name == "answer" {
            take(child, options)?;
        } else {
            answers(child, options)?;
        }
    }
    Ok(())
}

fn take(node: &mut Node, options: &ProblemOptions<'_>) -> Result<(), LoadError> {
    let Some(name) = node.get("src").filter(|name| !name.is_empty()).map(str::to_owned) else {
        return Ok(());
    };
    let fail = |what: &str| {
        let message = format!("<{} src=\"{name}\">: {what}", node.name);
        LoadError::at(node.line, message)
    };
    let bytes = options.files.and_then(|read| find(&name, read));
    let bytes = bytes.ok_or_else(|| fail("the course has no static file of this name"))?;
    let text = String::from_utf8(bytes).map_err(|_| fail("the file is not in UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
    if text.trim().is_empty() {
        return Err(fail("the file is empty"));
    }
    // What stands in files has line ends of any kind; Python's compiler and the counting of lines want one.
    node.text = text.replace("\r\n", "\n");
    node.text_line = 0;
    node.children.clear();
    Ok(())
}

/// Looks for a file by the name its author wrote.
fn find(name: &str, read: &ReadFile<'_>) -> Option<Vec<u8>> {
    let name = name.strip_prefix("/static/").or_else(|| name.strip_prefix("static/")).unwrap_or(name);
    [format!("static/{name}"), format!("src/{name}"), name.to_owned()].iter().find_map(|path| read(path))
}
