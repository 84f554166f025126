//! Old ways of writing a problem, brought into the present one (capa reference, sections 1.1 and 1.3).

use super::error::LoadError;
use super::tree::Node;

/// Replaces `<startouttext/>..<endouttext/>` by `<text>..</text>`, blindly and before the XML is read.
pub(super) fn rewrite_source(data: &str) -> String {
    let data = replace_tag(data, "startouttext", "text");
    replace_tag(&data, "endouttext", "/text")
}

/// Replaces a name and the slash that ends its tag.
fn replace_tag(data: &str, name: &str, new: &str) -> String {
    let mut out = String::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.find(name) {
        let after = &rest[at + name.len()..];
        out.push_str(&rest[..at]);
        match after.trim_start().strip_prefix('/') {
            Some(after) => {
                out.push_str(new);
                rest = after;
            }
            None => {
                out.push_str(name);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Brings old forms of string answers and dropdowns into the present form.
pub(super) fn rewrite_tree(root: &mut Node) -> Result<(), LoadError> {
    let mut result = Ok(());
    root.for_each_mut(&mut |node| {
        if node.name == "stringresponse" {
            node.children
                .iter_mut()
                .filter(|child| child.name == "additional_answer")
                .for_each(move_text_to_answer);
        }
        if node.name == "optioninput" && result.is_ok() {
            result = options_to_attributes(node);
        }
    });
    result
}

fn move_text_to_answer(answer: &mut Node) {
    if answer.get("answer").is_none_or(str::is_empty) && !answer.text.is_empty() {
        let text = std::mem::take(&mut answer.text);
        answer.set("answer", text);
    }
}

/// Writes a dropdown's `<option>`s as the attributes `options` and `correct`.
fn options_to_attributes(input: &mut Node) -> Result<(), LoadError> {
    let mut options = Vec::new();
    let mut correct = None;
    for option in input.all("option") {
        let text = option.text.trim();
        let is_correct = option
            .get("correct")
            .ok_or_else(|| LoadError::at(option.line, "an option of a dropdown has no attribute correct"))?;
        if is_correct.to_uppercase() == "TRUE" && correct.replace(text.to_owned()).is_some() {
            return Err(LoadError::Rule("Dropdown questions can only have one correct answer.".into()));
        }
        options.push(format!("'{text}'"));
    }
    if options.is_empty() {
        return Ok(());
    }
    input.set("options", format!("({})", options.join(",")));
    if let Some(correct) = correct.filter(|text| !text.is_empty()) {
        input.set("correct", correct);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_text_tags_are_replaced_wherever_they_stand() {
        assert_eq!(rewrite_source("<startouttext />a<endouttext/>"), "<text>a</text>");
        assert_eq!(
            rewrite_source("<p title='startouttext/ x'>startouttext</p>"),
            "<p title='text x'>startouttext</p>"
        );
    }
}
