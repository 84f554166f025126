//! Two authors at one context.

use std::sync::Barrier;

use xblock_core::runtime::{Base, Branch, Edit, Runtime, RuntimeError};

use crate::fixture::{commit, context, draft_course, html, other_context, usage};

/// An edit made on an older version is refused with both versions, and loses nothing.
pub fn a_stale_base_is_a_conflict(runtime: &dyn Runtime) {
    let first = draft_course(runtime).draft;
    let at = usage("html", "h1");
    let second =
        commit(runtime, Edit::new(context(), Base::Version(first.clone())).put(at.clone(), html("second")))
            .draft;
    assert_ne!(first, second);
    let stale = Edit::new(context(), Base::Version(first.clone())).put(at.clone(), html("lost"));
    match runtime.commit(stale) {
        Err(RuntimeError::Conflict { base, head, .. }) => assert_eq!((base, head), (first, second.clone())),
        other => panic!("a conflict, not {other:?}"),
    }
    assert_eq!(runtime.block(&at, Branch::Draft).expect("the text").data.content["data"], "second");
    assert_eq!(runtime.context(&context()).expect("the context").draft.version, second);
}

/// Of two edits on the same base exactly one is carried out.
pub fn of_two_writers_one_wins(runtime: &dyn Runtime) {
    let base = draft_course(runtime).draft;
    let start = Barrier::new(2);
    let results = std::thread::scope(|scope| {
        let write = |text: &'static str| {
            let (start, base) = (&start, base.clone());
            scope.spawn(move || {
                start.wait();
                runtime.commit(Edit::new(context(), Base::Version(base)).put(usage("html", "h1"), html(text)))
            })
        };
        [write("left"), write("right")].map(|thread| thread.join().expect("the writer ends"))
    });
    let won = results.iter().position(Result::is_ok).expect("one wins");
    assert!(matches!(results[1 - won], Err(RuntimeError::Conflict { .. })), "{results:?}");
    let text = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text");
    assert_eq!(text.data.content["data"], ["left", "right"][won]);
}

/// Writers of different contexts do not disturb each other.
pub fn edits_of_two_contexts_do_not_meet(runtime: &dyn Runtime) {
    let mine = draft_course(runtime).draft;
    let root = other_context().make_usage_key("course", "course").expect("a usage key");
    commit(runtime, Edit::new(other_context(), Base::New { root: root.clone() }).put(root, html("x")));
    commit(runtime, Edit::new(context(), Base::Version(mine)).put(usage("html", "h1"), html("still mine")));
}
