//! Functions of the script that give hints (capa reference, section 4.2).

use serde_json::{Map, Value as Json, json};

use super::ScriptError;
use crate::problem::correct_map::CorrectMap;
use crate::problem::error::GradeError;
use crate::problem::grading::Grading;
use crate::problem::responses::{Graded, Input};
use crate::problem::tree::Node;

/// The verdicts as hint functions know them, in Python.
const CORRECT_MAP: &str = include_str!("correct_map.py");

/// The function of the script that gives the hints of a question.
#[derive(Debug, Clone)]
pub(in crate::problem) struct HintFunction {
    name: String,
    /// The line of the question in the problem file.
    line: u32,
}

impl HintFunction {
    /// Reads the name of the function from the question's hint group, where it has one.
    pub(in crate::problem) fn read(response: &Node) -> Option<Self> {
        let name = response.all("hintgroup").next()?.get("hintfn")?.to_owned();
        Some(Self { name, line: response.line })
    }

    /// Calls the function, which may change the verdicts in any way. What is said of the whole is lost with it.
    ///
    /// # Errors
    /// [`GradeError`] where the function fails.
    pub(in crate::problem) fn call(
        &self,
        inputs: &[Input],
        graded: &mut Graded,
        grading: &mut Grading<'_>,
    ) -> Result<(), GradeError> {
        let mut map = CorrectMap::default();
        for (id, entry) in &graded.entries {
            map.set(id, entry.clone());
        }
        let ids: Vec<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
        let mut globals = Map::new();
        globals.insert("answer_ids".into(), json!(ids));
        globals.insert("student_answers".into(), json!(grading.answers));
        globals.insert("new_cmap_dict".into(), map.to_json());
        globals.insert("old_cmap_dict".into(), grading.old_map.to_json());
        // The class stands behind the script, so that the script's lines keep their numbers.
        let call = format!(
            "\n{CORRECT_MAP}\n\nnew_cmap = CorrectMap()\nnew_cmap.set_dict(new_cmap_dict)\n\
             old_cmap = CorrectMap()\nold_cmap.set_dict(old_cmap_dict)\n\
             {}(answer_ids, student_answers, new_cmap, old_cmap)\n\
             new_cmap_dict.update(new_cmap.get_dict())\nold_cmap_dict.update(old_cmap.get_dict())\n",
            self.name
        );
        let names = match grading.script.call(&call, globals, grading.context, grading.services) {
            Ok(names) => names,
            Err(ScriptError::NotRun(needs)) => return Err(GradeError::Unsupported { needs }),
            Err(error) => return Err(self.error(grading.script.grade_error(error))),
        };
        let map = CorrectMap::from_json(names.get("new_cmap_dict").unwrap_or(&Json::Null));
        graded.entries = map.entries().map(|(id, entry)| (id.to_owned(), entry.clone())).collect();
        graded.conditional.clear();
        graded.overall_message.clear();
        Ok(())
    }

    fn error(&self, error: GradeError) -> GradeError {
        let line = if let GradeError::Code { line, .. } = &error { *line } else { None };
        let message = format!(
            "Error {error} in evaluating hint function {}.\nSee XML source line {}",
            self.name, self.line
        );
        GradeError::Code { message, line }
    }
}
