//! The promise about threads.

use std::sync::Arc;
use std::thread;

use xblock_core::block::User;

use super::calm::calmly;
use super::views::shown;
use super::{Contract, Finding};

/// How many threads work at once, and how often each.
const THREADS: usize = 4;
const TIMES: usize = 5;

pub(super) fn threads(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mend = "keep nothing outside the fields: no statics that change, no thread locals";
    for (name, bench) in contract.told_samples() {
        for view in &contract.views {
            let Ok(Some(alone)) = shown(&bench, view) else { continue };
            let host = bench.host();
            let work = || {
                let render = || host.render(bench.usage(), view, bench.user()).ok();
                (0..TIMES).map(|_| render()).collect::<Vec<_>>()
            };
            let together = thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| calmly(work))).collect();
                threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
            });
            let all_equal = together.iter().all(|outcome| {
                outcome.as_ref().is_ok_and(|seen| seen.iter().all(|one| one.as_ref() == Some(&alone)))
            });
            if !all_equal || together.len() < THREADS {
                let place = format!("{view} of sample {name:?}");
                findings.push(Finding::new(
                    place,
                    "it renders differently when several threads render",
                    mend,
                ));
            }
        }
        for (handler, request) in &contract.requests {
            let bench = bench.clone().apart();
            let host = Arc::new(bench.host());
            let learners: Vec<User> =
                (0..THREADS).map(|n| User { id: format!("learner-{n}").into(), is_staff: false }).collect();
            let statuses = thread::scope(|scope| {
                let threads: Vec<_> = learners
                    .iter()
                    .map(|user| {
                        let host = host.clone();
                        let usage = bench.usage();
                        scope.spawn(move || calmly(|| host.handle(usage, handler, request, Some(user))))
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().is_ok_and(|outcome| matches!(outcome, Ok(Ok(_)))))
                    .collect::<Vec<_>>()
            });
            if statuses.contains(&false) {
                let place = format!("handler `{handler}` in sample {name:?}");
                findings.push(Finding::new(place, "it fails when several learners answer at once", mend));
            }
        }
    }
    findings
}
