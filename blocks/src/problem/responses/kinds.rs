//! The list of all kinds of questions (capa reference, section 3.1).

use std::sync::Arc;

use super::annotation::Annotation;
use super::choice::Choice;
use super::choice_text::ChoiceText;
use super::code::Code;
use super::custom::Custom;
use super::external::External;
use super::formula::FormulaMatch;
use super::image::Image;
use super::multiple_choice::MultipleChoice;
use super::numerical::Numerical;
use super::option::Options;
use super::schematic::Schematic;
use super::string::StringMatch;
use super::symbolic::Symbolic;
use super::true_false::TrueFalse;
use super::{Grader, Setup};
use crate::problem::error::LoadError;
use crate::problem::tree::Node;

/// Builds a grader from the element of a question.
pub(super) type Build = fn(&mut Node, Setup<'_>) -> Result<Arc<dyn Grader>, LoadError>;

/// A kind of question.
pub(in crate::problem) struct ResponseKind {
    pub(super) tag: &'static str,
    /// The inputs it may have.
    pub(in crate::problem) inputs: &'static [&'static str],
    /// Whether it has exactly one input.
    pub(in crate::problem) is_single: bool,
    /// The attributes it must have.
    pub(in crate::problem) attributes: &'static [&'static str],
    pub(super) build: Build,
}

/// The inputs of questions that the author's code grades.
const CODE_INPUTS: &[&str] = &[
    "textline",
    "textbox",
    "crystallography",
    "chemicalequationinput",
    "vsepr_input",
    "drag_and_drop_input",
    "designprotein2dinput",
    "editageneinput",
    "annotationinput",
    "jsinput",
    "formulaequationinput",
];

const KINDS: [ResponseKind; 15] = [
    ResponseKind {
        tag: "choiceresponse",
        inputs: &["checkboxgroup", "radiogroup"],
        is_single: true,
        attributes: &[],
        build: |node, setup| Ok(Arc::new(Choice::build(node, setup.context)?)),
    },
    ResponseKind {
        tag: "multiplechoiceresponse",
        inputs: &["choicegroup"],
        is_single: true,
        attributes: &[],
        build: |node, setup| Ok(Arc::new(MultipleChoice::build(node, setup.context)?)),
    },
    ResponseKind {
        tag: "truefalseresponse",
        inputs: &["choicegroup"],
        is_single: true,
        attributes: &[],
        build: |node, setup| Ok(Arc::new(TrueFalse::build(node, setup.context)?)),
    },
    ResponseKind {
        tag: "optionresponse",
        inputs: &["optioninput"],
        is_single: false,
        attributes: &[],
        build: |node, setup| Ok(Arc::new(Options::build(node, setup.context))),
    },
    ResponseKind {
        tag: "numericalresponse",
        inputs: &["textline", "formulaequationinput"],
        is_single: true,
        attributes: &["answer"],
        build: |node, setup| Ok(Arc::new(Numerical::build(node, setup.context, &setup.services.words())?)),
    },
    ResponseKind {
        tag: "stringresponse",
        inputs: &["textline"],
        is_single: true,
        attributes: &["answer"],
        build: |node, setup| Ok(Arc::new(StringMatch::build(node, setup.context, &setup.services.words())?)),
    },
    ResponseKind {
        tag: "customresponse",
        inputs: CODE_INPUTS,
        is_single: false,
        attributes: &[],
        build: Custom::build,
    },
    ResponseKind {
        tag: "symbolicresponse",
        inputs: CODE_INPUTS,
        is_single: true,
        attributes: &[],
        build: Symbolic::build,
    },
    ResponseKind {
        tag: "coderesponse",
        inputs: &["textbox", "filesubmission", "matlabinput"],
        is_single: true,
        attributes: &[],
        build: |node, setup| Ok(Arc::new(Code::build(node, &setup.services.words())?)),
    },
    ResponseKind {
        tag: "externalresponse",
        inputs: &["textline", "textbox"],
        is_single: false,
        attributes: &[],
        build: |node, setup| Ok(Arc::new(External::build(node, setup)?)),
    },
    ResponseKind {
        tag: "formularesponse",
        inputs: &["textline", "formulaequationinput"],
        is_single: true,
        attributes: &["answer", "samples"],
        build: |node, setup| Ok(Arc::new(FormulaMatch::build(node, setup.context))),
    },
    ResponseKind {
        tag: "schematicresponse",
        inputs: &["schematic"],
        is_single: false,
        attributes: &[],
        build: Schematic::build,
    },
    ResponseKind {
        tag: "imageresponse",
        inputs: &["imageinput"],
        is_single: false,
        attributes: &[],
        build: |node, _| Ok(Arc::new(Image::build(node))),
    },
    ResponseKind {
        tag: "annotationresponse",
        inputs: &["annotationinput"],
        is_single: true,
        attributes: &[],
        build: |node, _| Ok(Arc::new(Annotation::build(node))),
    },
    ResponseKind {
        tag: "choicetextresponse",
        inputs: &["checkboxtextgroup", "radiotextgroup", "choicetextgroup"],
        is_single: true,
        attributes: &[],
        build: |node, setup| Ok(Arc::new(ChoiceText::build(node, setup)?)),
    },
];

/// Tells whether a tag is that of a question.
pub(in crate::problem) fn is_response(tag: &str) -> bool {
    KINDS.iter().any(|kind| kind.tag == tag)
}

/// Returns the kind of a question's tag.
pub(in crate::problem) fn find(tag: &str) -> &'static ResponseKind {
    KINDS.iter().find(|kind| kind.tag == tag).expect("only elements that are questions become questions")
}
