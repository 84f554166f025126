//! How fuzz targets, and the tests that replay their inputs, look at a problem.

use std::sync::Arc;

use blocks::problem::{Problem, ProblemOptions, ProblemServices};
use serde_json::{Map, Value as Json, json};
use xblock_core::keys::ContextKey;
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxService};
use xblock_testkit::fuzz::{Answers, Seen};

/// Puts a problem together as far as that goes without a place for scripts.
pub(crate) fn see(xml: &str, state: Option<&Json>, seed: i64, answers: Option<&Answers>) -> Option<Seen> {
    look(xml, state, seed, answers, ProblemServices::default())
}

fn look(
    xml: &str,
    state: Option<&Json>,
    seed: i64,
    answers: Option<&Answers>,
    services: ProblemServices,
) -> Option<Seen> {
    let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a key");
    let options = ProblemOptions { seed: Some(seed), state, services, ..ProblemOptions::new(usage) };
    let mut problem = Problem::load(xml, options.clone()).ok()?;
    let refused = answers.and_then(|answers| {
        problem.grade(&answers.clone().into_iter().collect()).err().map(|error| error.to_string())
    });
    Some(Seen {
        inputs: problem.inputs().into_iter().map(|input| input.id).collect(),
        html: problem.html(),
        state: problem.state(),
        possible: problem.max_score(),
        counted: Problem::max_score_of(xml, &options).ok(),
        refused,
    })
}

/// Says the same of every script, whatever it is.
struct Says(Globals);

impl SandboxService for Says {
    fn run(&self, job: &SandboxJob, _: &ContextKey) -> Result<Globals, SandboxError> {
        let mut names = job.globals.clone();
        names.extend(self.0.clone());
        Ok(names)
    }
}

/// A question for each way in which a script's values come back.
const ASKED: &str = r#"<problem><script>a = 1</script><p>$a $b</p>
<customresponse cfn="check" expect="$a"><textline correct_answer="$a" points="2"/></customresponse>
<customresponse><textline/><textline/><answer>correct = []</answer></customresponse>
<numericalresponse answer="$a"><responseparam type="tolerance" default="$b"/><textline/>
<hintgroup hintfn="hint"/></numericalresponse>
<stringresponse answer="$a"><textline/></stringresponse>
<symbolicresponse expect="$a"><textline math="1"/></symbolicresponse>
<schematicresponse><schematic/><answer>correct = []</answer></schematicresponse>
</problem>"#;

/// Takes what scripts left as JSON: nothing panics, and what is stored shows the same page again.
pub(crate) fn results(data: &[u8]) {
    let Ok(names) = serde_json::from_slice::<Map<String, Json>>(data) else { return };
    let services =
        || ProblemServices { sandbox: Some(Arc::new(Says(names.clone()))), ..ProblemServices::default() };
    let Some(fresh) = look(ASKED, None, 1, None, services()) else { return };
    let answers: Answers = fresh.inputs.iter().map(|id| (id.clone(), json!("1"))).collect();
    let Some(graded) = look(ASKED, None, 1, Some(&answers), services()) else {
        panic!("what was put together once is again")
    };
    let stored: Json = serde_json::from_str(&graded.state.to_string()).expect("it was written as JSON");
    if let Some(again) = look(ASKED, Some(&stored), 1, None, services()) {
        assert_eq!(again.state, graded.state, "a stored state stays as it is");
    }
}
