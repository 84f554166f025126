//! Any text as a problem, and any answers to problems of all kinds.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Answers by input id.
pub type Answers = BTreeMap<String, Json>;

/// What is seen of a problem with one learner's work.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The ids of its inputs, in order.
    pub inputs: Vec<String>,
    /// Its page.
    pub html: String,
    /// The learner's state in its stored form.
    pub state: Json,
    /// The points it is worth.
    pub possible: i64,
    /// What counting them without loading says; annotations are counted otherwise then, as the platform does.
    pub counted: Option<i64>,
    /// Why the answers were not graded, where they were not.
    pub refused: Option<String>,
}

/// Takes the XML, a stored state, a seed and answers.
pub type See = dyn Fn(&str, Option<&Json>, i64, Option<&Answers>) -> Option<Seen>;

/// Puts a problem together without a place for scripts, grades answers where there are any, and shows it; nothing for what
/// is no problem.
pub struct ProblemEngine<'e> {
    /// What does so.
    pub see: &'e See,
}

/// How much of an input is looked at.
const LONGEST: usize = 1 << 16;

/// Takes XML up to a zero byte and answers after it: nothing panics, the same comes to the same, a stored state shows the
/// same page again, and no grade is out of its range.
pub fn problem(data: &[u8], engine: &ProblemEngine<'_>) {
    let Some((&seed, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(&text[..text.len().min(LONGEST)]) else { return };
    let (xml, answers) = text.split_once('\0').unwrap_or((text, ""));
    work(xml, i64::from(seed), answers, engine);
}

/// Takes answers to one of some problems, named by the first byte.
pub fn answers(data: &[u8], engine: &ProblemEngine<'_>) {
    let [kind, seed, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(&text[..text.len().min(LONGEST)]) else { return };
    work(PROBLEMS[usize::from(*kind) % PROBLEMS.len()], i64::from(*seed), text, engine);
}

fn work(xml: &str, seed: i64, answers: &str, engine: &ProblemEngine<'_>) {
    let see = |state: Option<&Json>, answers: Option<&Answers>| (engine.see)(xml, state, seed, answers);
    let Some(fresh) = see(None, None) else { return };
    assert_eq!(Some(&fresh), see(None, None).as_ref(), "the same problem");
    let given: Answers = fresh.inputs.iter().cloned().zip(answers.split('\0').map(answer)).collect();
    let Some(graded) = see(Some(&fresh.state), Some(&given)) else {
        panic!("a stored state is opened: {}", fresh.state)
    };
    let Some(again) = see(Some(&graded.state), None) else {
        panic!("a stored state is opened: {}", graded.state)
    };
    assert_eq!(again.state, graded.state, "a state that is opened is the same");
    // In the request that grades, and in no later one, `$attempt` and other names of grading stand for their values, in
    // what the learner typed, too: the platform substitutes in the whole page.
    if !answers.contains('$') {
        assert_eq!(again.html, graded.html, "a state that is opened shows the same");
    }
}

/// Reads an answer: JSON where it is a list or an object, as forms have them, else a text.
fn answer(text: &str) -> Json {
    match serde_json::from_str(text) {
        Ok(value @ (Json::Array(_) | Json::Object(_))) => value,
        _ => Json::from(text),
    }
}

/// One problem of each kind that is graded without a script.
const PROBLEMS: &[&str] = &[
    r#"<problem><stringresponse answer="tide" type="ci"><additional_answer answer="flood"/><stringequalhint answer="ebb">no</stringequalhint><textline/></stringresponse></problem>"#,
    r#"<problem><stringresponse answer="^(a+)+b?.*\d{2,}$" type="ci regexp"><additional_answer answer="(x|y)*z"/><textline/></stringresponse></problem>"#,
    r#"<problem><numericalresponse answer="3.14"><responseparam type="tolerance" default="5%"/><additional_answer answer="3"/><textline/></numericalresponse></problem>"#,
    r#"<problem><numericalresponse answer="[1,2)"><formulaequationinput/></numericalresponse></problem>"#,
    r#"<problem><numericalresponse answer="1+2*j"><textline/></numericalresponse></problem>"#,
    r#"<problem><formularesponse type="cs" samples="x,y@1,1:3,3#5" answer="x*y+sin(x)"><responseparam type="tolerance" default="1%"/><formulaequationinput/></formularesponse></problem>"#,
    r#"<problem><multiplechoiceresponse><choicegroup shuffle="true"><choice correct="true">a</choice><choice correct="partial" point_value="0.3">b<choicehint>h</choicehint></choice><choice correct="false">c</choice></choicegroup></multiplechoiceresponse></problem>"#,
    r#"<problem><choiceresponse partial_credit="halves"><checkboxgroup><choice correct="true">a<choicehint selected="true">y</choicehint></choice><choice correct="false">b</choice><choice correct="true">c</choice><compoundhint value="A B">both</compoundhint></checkboxgroup></choiceresponse></problem>"#,
    r#"<problem><optionresponse><optioninput options="('a','b','c')" correct="b"/></optionresponse></problem>"#,
    r#"<problem><truefalseresponse><choicegroup><choice correct="true">a</choice><choice correct="false">b</choice></choicegroup></truefalseresponse></problem>"#,
    r#"<problem><imageresponse><imageinput src="/static/a.png" width="400" height="300" rectangle="(10,10)-(20,30);(5,5)-(7,7)" regions="[[[1,1],[50,1],[50,50]]]"/></imageresponse></problem>"#,
    r#"<problem><choicetextresponse><radiotextgroup><choice correct="true">a <numtolerance_input answer="5" tolerance="10%"/></choice><choice correct="false">b</choice></radiotextgroup></choicetextresponse></problem>"#,
    r#"<problem><choicetextresponse><checkboxtextgroup><choice correct="true">a <numtolerance_input answer="5"/></choice><choice correct="false">b</choice></checkboxtextgroup></choicetextresponse></problem>"#,
    r#"<problem><annotationresponse><annotationinput><title>t</title><text>x</text><comment>c</comment><options><option choice="correct">a</option><option choice="partially-correct">b</option><option choice="incorrect">c</option></options></annotationinput></annotationresponse></problem>"#,
    r#"<problem><stringresponse answer="a"><textline/></stringresponse><numericalresponse answer="1"><textline/></numericalresponse><demandhint><hint>one</hint></demandhint></problem>"#,
];
