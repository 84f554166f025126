//! Chemistry vectors: expressions and equations, shown, compared and divided as Python's `chem` does.

use blocks::chemistry::{
    ChemistryError, Phases, chemical_equations_equal, compare_chemical_expression,
    divide_chemical_expression, render_to_html, split_on_arrow,
};
use serde_json::{Value as Json, json};

use super::Report;

/// Runs a file of chemistry vectors.
pub(super) fn run(file: &Json, report: &mut Report) {
    let Some(sections) = file["sections"].as_object() else {
        report.case("file", Err("the file has no sections".to_owned()));
        return;
    };
    for (section, cases) in sections {
        for case in cases.as_array().into_iter().flatten() {
            report.case(&format!("{section}: {}", case["args"]), check(case));
        }
    }
}

fn check(case: &Json) -> Result<(), String> {
    let argument = |at: usize| case["args"][at].as_str().unwrap_or_default();
    let phases = if case["ignore_state"] == true { Phases::Ignored } else { Phases::Compared };
    let found = match case["fn"].as_str().unwrap_or_default() {
        "render_to_html" => Ok(json!(render_to_html(argument(0)))),
        "divide_chemical_expression" => {
            // The recorded fraction is the float's own; its quotient is the float again.
            divide_chemical_expression(argument(0), argument(1), phases)
                .map(|ratio| ratio.map_or(json!(false), |ratio| json!(ratio)))
        }
        "compare_chemical_expression" => {
            compare_chemical_expression(argument(0), argument(1), phases).map(|is_same| json!(is_same))
        }
        "chemical_equations_equal" => {
            Ok(json!(chemical_equations_equal(argument(0), argument(1), case["exact"] == true)))
        }
        "split_on_arrow" => {
            let (left, right) = split_on_arrow(argument(0));
            let (arrow, right) = right.map_or(("", ""), |(arrow, right)| (arrow.text(), right));
            Ok(json!([left, arrow, right]))
        }
        other => return Err(format!("unknown function {other}")),
    };
    let is_same = match (&found, case["error"].as_str()) {
        (Err(ChemistryError::Syntax { .. }), Some("ParseException")) => true,
        (Ok(found), None) => *found == expected(&case["result"])?,
        _ => false,
    };
    if is_same { Ok(()) } else { Err(format!("{found:?}, expected {case}")) }
}

/// Returns a recorded result, fractions as floats.
fn expected(result: &Json) -> Result<Json, String> {
    let part = |name: &str| result[name].as_str().and_then(|text| text.parse::<f64>().ok());
    Ok(match result {
        Json::Object(_) => json!(part("num").zip(part("den")).map(|(above, below)| above / below)),
        other => other.clone(),
    })
}
