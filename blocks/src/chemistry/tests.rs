//! Expressions against recorded ones, and planes against known indices.

use serde_json::{Value as Json, json};

use super::*;

fn vectors() -> Json {
    serde_json::from_str(include_str!("../../../tests/vectors/chem.json")).expect("the vectors are JSON")
}

/// Writes a float as the recorded fractions are.
fn fraction(value: f64) -> Json {
    let (mut above, mut below) = (value, 1.0);
    while above.fract() != 0.0 {
        (above, below) = (above * 2.0, below * 2.0);
    }
    json!({ "num": format!("{above}"), "den": format!("{below}") })
}

fn run(case: &Json) -> Result<Json, ChemistryError> {
    let argument = |at: usize| case["args"][at].as_str().unwrap_or_default();
    let phases = if case["ignore_state"] == true { Phases::Ignored } else { Phases::Compared };
    Ok(match case["fn"].as_str() {
        Some("render_to_html") => json!(render_to_html(argument(0))),
        Some("divide_chemical_expression") => {
            match divide_chemical_expression(argument(0), argument(1), phases)? {
                Some(ratio) => fraction(ratio),
                None => json!(false),
            }
        }
        Some("compare_chemical_expression") => {
            json!(compare_chemical_expression(argument(0), argument(1), phases)?)
        }
        Some("chemical_equations_equal") => {
            json!(chemical_equations_equal(argument(0), argument(1), case["exact"] == true))
        }
        Some("split_on_arrow") => {
            let (left, right) = split_on_arrow(argument(0));
            let (arrow, right) = right.map_or(("", ""), |(arrow, right)| (arrow.text(), right));
            json!([left, arrow, right])
        }
        other => panic!("{other:?}"),
    })
}

#[test]
fn expressions_are_shown_and_compared_as_recorded() {
    let vectors = vectors();
    let sections = vectors["sections"].as_object().expect("there are sections");
    let mut count = 0;
    for case in sections.values().flat_map(|cases| cases.as_array().into_iter().flatten()) {
        count += 1;
        let found = run(case);
        let is_same = match case.get("error") {
            Some(_) => matches!(found, Err(ChemistryError::Syntax { .. })),
            None => found.as_ref() == Ok(&case["result"]),
        };
        assert!(is_same, "{case}: {found:?}");
    }
    assert!(count > 150, "{count}");
}

#[test]
fn a_zero_count_ends_in_no_crash() {
    assert_eq!(divide_chemical_expression("0H", "0H", Phases::Compared), Err(ChemistryError::Count));
    assert_eq!(divide_chemical_expression("1/0 H", "H", Phases::Compared), Err(ChemistryError::Count));
    assert!(!chemical_equations_equal("0H -> 0H", "0H -> 0H", false));
    let long = "9".repeat(5000) + "H";
    assert_eq!(divide_chemical_expression(&long, "H", Phases::Compared), Err(ChemistryError::Count));
}

#[test]
fn an_expression_cannot_fill_the_stack() {
    for text in ["(".repeat(10_000) + "H", "[".repeat(1_000_000), "H+".repeat(500_000), "2".repeat(1_000_000)]
    {
        assert!(render_to_html(&text).contains("inline-error"));
    }
}

fn plane(indices: &str, points: &[[&str; 3]]) -> bool {
    let answer = json!({ "lattice": "sc", "points": points }).to_string();
    miller_grade(&answer, "sc", indices).expect("the answer can be read")
}

#[test]
fn planes_have_their_indices() {
    let corners = [["1.00", "0.00", "0.00"], ["0.00", "1.00", "0.00"], ["0.00", "0.00", "1.00"]];
    let right = ["(1,1,1)", "(-1,-1,-1)", "( 1, 1, 1)"];
    assert!(right.iter().all(|indices| plane(indices, &corners)));
    assert!(!plane("(2,2,2)", &corners) && !plane("", &corners) && !plane("(1,1,1)", &corners[..2]));
    assert!(plane("(3,2,1)", &[["0.33", "0", "0"], ["0", "0.50", "0"], ["0", "0", "1"]]));
    assert!(plane("(0,0,0)", &[["0", "0", "0"], ["1", "0", "0"], ["2", "0", "0"]]));
    assert!(plane("(1,-1,-1)", &[["0", "0", "0"], ["1", "1", "0"], ["1", "0", "1"]]));
    assert!(plane("(1,1,-2)", &[["0", "0", "0"], ["1", "0", "0.5"], ["0", "1", "0.5"]]));
    let points = [[0.5, 0.0, 0.0], [0.0, 0.35, 0.0], [0.0, 0.0, 1.0]];
    assert_eq!(miller_indices(points).as_deref(), Ok("(2,3,1)"));
    assert!(miller_grade("[]", "sc", "(1,1,1)").is_err());
    assert_eq!(miller_grade(r#"{"lattice": "bcc"}"#, "sc", "(1,1,1)"), Ok(false));
}
