//! Expressions made to hurt, and planes with known indices; recorded expressions are run by the `vectors` command.

use serde_json::json;

use super::*;

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
