#![no_main]

use blocks::chemistry::{chemical_equations_equal, render_to_html};
use blocks::formula::{latex, value_of};
use xblock_testkit::fuzz::{FormulaEngine, formula};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let engine = FormulaEngine {
        value: &|text| value_of(text).ok()?.complex().ok().map(|value| (value.re, value.im)),
        latex: &|text| latex(text).ok(),
        chemistry: &render_to_html,
        equal: &|one, other| chemical_equations_equal(one, other, false),
    };
    formula(data, &engine);
});
