//! The tests that authors write into problems: how they are written, and whether there are the inputs they answer.

use xblock_core::olx::Element;

use super::codes::INVALID_TEST;
use super::{Check, has_include, inputs};
use crate::problem::author_tests::{AuthorTests, is_named, read_tests};

/// Checks the tests of a problem; none runs.
pub(super) fn check(problem: &Element, responses: &[&Element], check: &mut Check<'_>) {
    let AuthorTests { tests, faults } = read_tests(problem);
    for fault in faults {
        check.report(&INVALID_TEST, fault.position, fault.message);
    }
    // What an included file or a script brings is not known here.
    if has_include(problem) || responses.iter().any(|response| inputs(response).is_empty()) {
        return;
    }
    let ids: Vec<String> = responses
        .iter()
        .enumerate()
        .flat_map(|(response, element)| {
            (1..=inputs(element).len()).map(move |input| format!("_{}_{input}", response + 2))
        })
        .collect();
    for given in tests.iter().flat_map(|test| test.given()) {
        let is_there = match &given.input {
            Some(name) => ids.iter().any(|id| is_named(id, name) || name.ends_with(id)),
            None => ids.len() == 1,
        };
        if !is_there {
            let known = ids.iter().map(|id| id.trim_start_matches('_')).collect::<Vec<_>>().join(", ");
            let message = match &given.input {
                Some(name) => format!("the test answers input {name}, which is none of {known}"),
                None => format!("the test does not say which input it answers: {known}"),
            };
            check.report(&INVALID_TEST, given.position, message);
        }
    }
}
