//! Files that are put into a problem (capa reference, section 1.4).

use super::error::LoadError;
use super::loncapa;
use super::options::ProblemOptions;
use super::tree::Node;

/// Puts the files that are named by `<include file>` in place of these elements, whose tails go with them. Includes
/// inside of included files stay as they are.
///
/// # Errors
/// [`LoadError`] for a file that is not there or is no XML; authors see the element instead.
pub(super) fn expand(parent: &mut Node, options: &ProblemOptions<'_>) -> Result<(), LoadError> {
    for child in &mut parent.children {
        let file = if child.name == "include" { child.get("file").map(str::to_owned) } else { None };
        let Some(file) = file else {
            expand(child, options)?;
            continue;
        };
        match included(&file, child.line, options) {
            Ok(included) => *child = included,
            Err(_) if options.services.is_author_mode => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn included(file: &str, line: u32, options: &ProblemOptions<'_>) -> Result<Node, LoadError> {
    let bytes = options.files.and_then(|read| read(file));
    let bytes = bytes.ok_or_else(|| LoadError::at(line, format!("cannot find the included file {file}")))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| LoadError::at(line, format!("the included file {file} is not in UTF-8")))?;
    let mut node = loncapa::parse(&text)
        .map_err(|error| LoadError::at(line, format!("the included file {file} is no XML: {error}")))?;
    // Its own lines say nothing in this file.
    node.for_each_mut(&mut |node| node.line = line);
    Ok(node)
}
