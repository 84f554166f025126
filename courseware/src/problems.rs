//! Asking problems for their own answers: which of them are graded here, and do they take what they call correct?

use std::sync::Arc;

use serde::Serialize;
use xblock_core::block::{BlockError, HandlerRequest, User};
use xblock_core::fields::{Json, MemoryStore};
use xblock_core::host::Host;
use xblock_core::keys::{ContextKey, UsageKey};

use crate::error::CoursewareError;
use crate::steady::steady;
use crate::submission::submit;

/// The handler that shows answers to those who may see them.
const HANDLER: &str = "problem_show";

/// How a problem writes that several texts are correct; the first of them is as good as any.
const OR: &str = " <b>or</b> ";

/// What a problem says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProblemCheck {
    /// The problem.
    pub usage: UsageKey,
    /// Its name.
    pub display_name: String,
    /// Whether its own answers were graded as correct.
    pub gradable: bool,
    /// Its own answers by the names of the inputs, as a page would send them.
    pub answers: Vec<(String, String)>,
    /// Why it is not gradable.
    pub reason: Option<String>,
}

/// Checks every problem of a context's branch with its own answers. Nobody's learner state is read or written. Where others
/// change the context meanwhile, they are checked again.
///
/// # Errors
/// [`CoursewareError::Unsteady`], and the store's own; a problem that fails is a result.
pub fn check_problems(host: &Host, context: &ContextKey) -> Result<Vec<ProblemCheck>, CoursewareError> {
    steady(&[(&*host.runtime, context)], || {
        let usages = host.runtime.usages(context, host.branch)?;
        usages
            .iter()
            .filter(|usage| usage.block_type() == "problem")
            .map(|usage| check_problem(host, usage))
            .collect()
    })
}

/// Checks one problem with its own answers. Nobody's learner state is read or written.
///
/// # Errors
/// The store's own; a problem that fails is a result.
pub fn check_problem(host: &Host, usage: &UsageKey) -> Result<ProblemCheck, CoursewareError> {
    let record = host.runtime.block(usage, host.branch)?;
    let mut check = ProblemCheck {
        usage: usage.clone(),
        display_name: record.data.display_name().unwrap_or_default().to_owned(),
        gradable: false,
        answers: Vec::new(),
        reason: None,
    };
    match try_own_answers(host, usage) {
        Ok((answers, verdict)) => {
            check.gradable = verdict.as_deref() == Some("correct");
            if !check.gradable {
                check.reason = Some(match verdict {
                    Some(verdict) => format!("its own answers are {verdict}"),
                    None => "it has no answers of its own".to_owned(),
                });
            }
            check.answers = answers;
        }
        Err(CoursewareError::Block(error)) if !matches!(error, BlockError::Runtime(_)) => {
            check.reason = Some(error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(check)
}

type Answers = Vec<(String, String)>;

/// Puts somebody who has not done anything yet before the problem.
fn newcomer(host: &Host) -> Host {
    Host { learner_state: Arc::new(MemoryStore::new()), ..host.clone() }
}

fn try_own_answers(host: &Host, usage: &UsageKey) -> Result<(Answers, Option<String>), CoursewareError> {
    let author = User { id: "author".into(), is_staff: true };
    let request = HandlerRequest::post_json(&serde_json::json!({}));
    let shown = newcomer(host).handle(usage, HANDLER, &request, Some(&author))?;
    let shown: Json = serde_json::from_slice(&shown.response.body).unwrap_or_default();
    let own: Vec<_> = shown
        .get("answers")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .filter(|(id, _)| !id.contains("_solution_"))
        .collect();
    let mut first = (Vec::new(), None);
    if own.is_empty() {
        return Ok(first);
    }
    for form in Form::ALL {
        let answers: Answers = own.iter().flat_map(|(id, value)| form.posted(id, value)).collect();
        let graded = submit(&newcomer(host), usage, &author, &answers)?;
        if graded.success.as_deref() == Some("correct") {
            return Ok((answers, graded.success));
        }
        if first.1.is_none() {
            first = (answers, graded.success);
        }
    }
    Ok(first)
}

/// How choices are posted. What a problem shows does not tell radio buttons from check boxes, so both are tried.
#[derive(Clone, Copy)]
enum Form {
    /// A single choice as a radio button, several as check boxes.
    AsCounted,
    /// All choices as check boxes.
    CheckBoxes,
    /// The first choice as a radio button.
    RadioButtons,
}

impl Form {
    const ALL: [Self; 3] = [Self::AsCounted, Self::CheckBoxes, Self::RadioButtons];

    fn posted(self, id: &str, value: &Json) -> Answers {
        let one = |value: &Json| vec![(format!("input_{id}"), plain(&text(value)))];
        let Json::Array(choices) = value else {
            let is_choice = value.as_str().is_some_and(|text| text.starts_with("choice_"));
            if is_choice && matches!(self, Self::CheckBoxes) {
                return vec![(format!("input_{id}[]"), text(value))];
            }
            return one(value);
        };
        match (self, &choices[..]) {
            (Self::AsCounted, [choice]) | (Self::RadioButtons, [choice, ..]) => one(choice),
            _ => choices.iter().map(|choice| (format!("input_{id}[]"), text(choice))).collect(),
        }
    }
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Makes an answer of what is shown: the first of several correct texts, a number inside a range.
fn plain(shown: &str) -> String {
    let first = shown.split(OR).next().unwrap_or(shown);
    middle(first).unwrap_or_else(|| first.to_owned())
}

/// Finds the number in the middle of a range such as `[5, 7)`.
fn middle(range: &str) -> Option<String> {
    let inner = range.trim().strip_prefix(['[', '('])?.strip_suffix([']', ')'])?;
    let (low, high) = inner.split_once(',')?;
    let (low, high): (f64, f64) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    Some(((low + high) / 2.0).to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use xblock_core::clock::Clock;
    use xblock_core::host::PathUrls;
    use xblock_core::keys::{AssetKey, DefinitionKey};
    use xblock_core::runtime::{
        AssetMetadataRecords, AssetReader, AssetRecord, BlockAsset, BlockRecord, Branch, Change, Commit,
        ContextRecord, Cursor, DefinitionRecord, Edit, MemoryRuntime, Origin, Runtime, RuntimeError,
        Unlisted, VersionContent, VersionId, VersionRecord,
    };
    use xblock_core::services::ServiceSet;
    use xblock_testkit::fixture::{block, commit, context, edit, published_course, usage};

    use super::*;
    use crate::SystemClock;
    use crate::forward::forward;

    /// A store into which somebody puts another problem whenever its blocks were listed, so many times.
    struct Meddled {
        within: MemoryRuntime,
        left: AtomicUsize,
    }

    impl Runtime for Meddled {
        forward! { to within:
            contexts, damaged_contexts, context, unlisted, block, parents, definition, assets, asset_metadata, asset, read_asset, open_asset,
            block_assets, read_block_asset, open_block_asset, history, version, changes, is_feed_behind, commit, origin, keep_origin,
        }

        fn usages(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
            let listed = self.within.usages(context, branch)?;
            let left = self.left.load(Ordering::Relaxed);
            if left > 0 {
                self.left.store(left - 1, Ordering::Relaxed);
                let unit = usage("vertical", "u1");
                let mut data = (*self.within.block(&unit, branch)?.data).clone();
                let problem = usage("problem", &format!("more{left}"));
                data.children.push(problem.clone());
                let new = block(serde_json::json!({ "data": "<problem/>" }), &[]);
                commit(&self.within, edit().put(unit, data).put(problem, new).publish_all());
            }
            Ok(listed)
        }
    }

    #[test]
    fn problems_are_those_of_one_state() {
        let check = |times: usize| {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let within = MemoryRuntime::new(clock.clone());
            published_course(&within);
            let host = Host {
                runtime: Arc::new(Meddled { within, left: AtomicUsize::new(times) }),
                branch: Branch::Published,
                registry: blocks::registry().expect("the blocks"),
                learner_state: Arc::new(MemoryStore::new()),
                urls: Arc::new(PathUrls::default()),
                clock,
                is_author_mode: false,
                services: ServiceSet::default(),
            };
            check_problems(&host, &context())
        };
        let still = check(0).expect("the problems").len();
        assert_eq!(check(2).expect("the problems").len(), still + 2);
        assert!(matches!(check(usize::MAX), Err(CoursewareError::Unsteady { .. })));
    }

    #[test]
    fn a_range_is_answered_inside() {
        assert_eq!(plain("[5, 7)"), "6");
        assert_eq!(plain("(-1,0.5]"), "-0.25");
        assert_eq!(plain("[a, b]"), "[a, b]");
        assert_eq!(plain("ebb <b>or</b> ebb tide"), "ebb");
    }
}
