//! The packages contexts were imported from.

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Cursor, Origin, Runtime, RuntimeError};

use crate::fixture::{commit, context, edit, html, published_course, usage};

fn origin(text: &str) -> Origin {
    let large = (0..300_000_u32).flat_map(|n| (n * 7_919).to_le_bytes()).collect();
    let files = [
        ("course.xml", text.as_bytes().to_vec()),
        ("policies/R/policy.json", Vec::new()),
        ("html/\u{e5} b.html", large),
    ];
    let files = files.map(|(path, bytes)| (path.to_owned(), bytes)).into();
    Origin::new(files).expect("it is small enough")
}

/// What was kept comes back byte for byte until something else is kept.
pub fn an_origin_is_kept_until_the_next(runtime: &dyn Runtime) {
    published_course(runtime);
    let read = || runtime.origin(&context()).expect("the origin");
    assert_eq!(read(), None);
    runtime.keep_origin(&context(), Some(&origin("<course/>"))).expect("it is kept");
    assert_eq!(read(), Some(origin("<course/>")));
    runtime.keep_origin(&context(), Some(&origin("<course  />"))).expect("it is kept");
    assert_eq!(read(), Some(origin("<course  />")));
    runtime.keep_origin(&context(), None).expect("it is dropped");
    assert_eq!(read(), None);
}

/// Keeping an origin changes no version and is no change; a commit leaves it alone.
pub fn an_origin_is_no_version(runtime: &dyn Runtime) {
    published_course(runtime);
    let before = runtime.context(&context()).expect("the context");
    let feed = runtime.changes(Cursor::default(), 100).expect("the feed");
    runtime.keep_origin(&context(), Some(&origin("<course/>"))).expect("it is kept");
    assert_eq!(runtime.context(&context()).expect("the context"), before);
    assert_eq!(runtime.changes(Cursor::default(), 100).expect("the feed"), feed);
    commit(runtime, edit().put(usage("html", "h1"), html("x")));
    assert_eq!(runtime.origin(&context()).expect("the origin"), Some(origin("<course/>")));
}

/// Only contexts that exist have an origin.
pub fn an_origin_needs_its_context(runtime: &dyn Runtime) {
    published_course(runtime);
    let other: ContextKey = "course-v1:Nobody+Has+This".parse().expect("a key");
    assert!(matches!(runtime.origin(&other), Err(RuntimeError::NoSuchContext { .. })));
    let kept = runtime.keep_origin(&other, Some(&origin("")));
    assert!(matches!(kept, Err(RuntimeError::NoSuchContext { .. })));
    assert!(runtime.origin(&context()).expect("the origin").is_none());
}
