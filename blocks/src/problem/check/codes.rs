//! What can be said about problems.

use xblock_core::olx::{DiagnosticCode, Severity};

/// What can be said about problems, in order of the names.
pub const PROBLEM_CODES: &[DiagnosticCode] = &[
    BROKEN_PROBLEM,
    INVALID_FORMULA,
    INVALID_REGEXP,
    INVALID_SAMPLES,
    INVALID_TEST,
    INVALID_TOLERANCE,
    MISSING_LABEL,
    NO_CHECK_FUNCTION,
    NO_CORRECT_ANSWER,
    PROBLEM_WITHOUT_QUESTION,
    RESPONSE_WITHOUT_INPUT,
];

pub(super) const BROKEN_PROBLEM: DiagnosticCode = DiagnosticCode::new(
    "broken-problem",
    Severity::Error,
    "The problem cannot be put together: learners see an error in its place.",
    "correct the element as the message says",
);

pub(super) const INVALID_FORMULA: DiagnosticCode = DiagnosticCode::new(
    "invalid-formula",
    Severity::Error,
    "The right answer is computed each time somebody answers. One that is no formula, or names what is not defined, is an error message to every learner.",
    "correct the formula; variables of a formularesponse are listed in samples, those of a script are written $name",
);

pub(super) const INVALID_REGEXP: DiagnosticCode = DiagnosticCode::new(
    "invalid-regexp",
    Severity::Error,
    "The answer is a regular expression that cannot be compiled, so every submission ends in an error message.",
    "correct the expression, or remove regexp from the type; signs with a meaning of their own need a backslash",
);

pub(super) const INVALID_SAMPLES: DiagnosticCode = DiagnosticCode::new(
    "invalid-samples",
    Severity::Error,
    "samples says which numbers the formulas are compared at; without them no submission can be graded.",
    "write VARIABLES@LOWS:HIGHS#COUNT, such as x,y@1,2:3,4#10",
);

pub(super) const INVALID_TEST: DiagnosticCode = DiagnosticCode::new(
    "invalid-test",
    Severity::Error,
    "A test in the problem is written wrongly, so that courseware test cannot run it. Learners do not notice.",
    "correct the test as the message says; the guide for authors describes tests",
);

pub(super) const INVALID_TOLERANCE: DiagnosticCode = DiagnosticCode::new(
    "invalid-tolerance",
    Severity::Error,
    "The tolerance is read each time somebody answers; one that is neither a number nor a percentage stops grading.",
    "write a number such as 0.01, or a percentage such as 5%",
);

pub(super) const MISSING_LABEL: DiagnosticCode = DiagnosticCode::new(
    "missing-label",
    Severity::Note,
    "Screen readers name an input by its label; without one learners hear that there is an input, and not for what.",
    "put a <label> directly before the response or into it; a label attribute counts only where the <p> before the response has the same text",
);

pub(super) const NO_CHECK_FUNCTION: DiagnosticCode = DiagnosticCode::new(
    "no-check-function",
    Severity::Warning,
    "A customresponse is graded by the function that cfn names or by the code in its <answer>; with neither nobody grades it.",
    "name the function in cfn",
);

pub(super) const NO_CORRECT_ANSWER: DiagnosticCode = DiagnosticCode::new(
    "no-correct-answer",
    Severity::Warning,
    "No answer to the question is marked as correct, so every answer counts as wrong.",
    "mark the correct answer; where any answer will do, a poll or a survey is the better block",
);

pub(super) const PROBLEM_WITHOUT_QUESTION: DiagnosticCode = DiagnosticCode::new(
    "problem-without-question",
    Severity::Note,
    "The problem asks nothing, so learners see a text with a Submit button and no way to be right.",
    "use an html block for text, or add a question",
);

pub(super) const RESPONSE_WITHOUT_INPUT: DiagnosticCode = DiagnosticCode::new(
    "response-without-input",
    Severity::Error,
    "The question has nothing to answer with, and the platform cannot put such a problem together.",
    "put an input into the response, such as <textline/>",
);
