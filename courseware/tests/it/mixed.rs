//! Several stores behind one another, and stores that only imports may change.

use std::sync::Arc;

use courseware::{MixedRuntime, OpenMode, ReadOnlyRuntime, StoreError, StoreUrl, SystemClock};
use xblock_core::clock::Clock;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, BlockData, Branch, Cursor, Edit, MemoryRuntime, Runtime, RuntimeError};
use xblock_testkit::Fresh;
use xblock_testkit::fixture::{commit, context, edit, html, other_context, published_course, usage};

fn memory() -> Arc<dyn Runtime> {
    Arc::new(MemoryRuntime::new(Arc::new(SystemClock)))
}

/// Two stores; one of the suite's contexts is in the second by its mapping.
fn two() -> Fresh {
    let mappings = vec![(other_context().to_string(), 1)];
    Fresh::new(MixedRuntime::new(vec![memory(), memory()], mappings))
}

xblock_testkit::runtime_suite!(suite, crate::mixed::two);

fn make(runtime: &dyn Runtime, context: &ContextKey) {
    let root = context.make_usage_key("course", "course").unwrap();
    let new = Edit::new(context.clone(), Base::New { root: root.clone() });
    commit(runtime, new.put(root, BlockData::default()).publish_all());
}

fn key(text: &str) -> ContextKey {
    text.parse().unwrap()
}

#[test]
fn a_context_is_where_a_mapping_says_else_in_the_first_store_that_has_it() {
    let (first, second) = (memory(), memory());
    let mappings = vec![("course-v1:New+*".to_owned(), 1), ("course-v1:Both+C+1".to_owned(), 1)];
    let mixed = MixedRuntime::new(vec![first.clone(), second.clone()], mappings);
    let (old, both, made, plain) = (
        key("course-v1:Old+C+1"),
        key("course-v1:Both+C+1"),
        key("course-v1:New+C+1"),
        key("course-v1:Plain+C+1"),
    );
    make(&*second, &old);
    make(&*first, &both);
    make(&*second, &both);
    make(&mixed, &made);
    make(&mixed, &plain);
    assert_eq!(mixed.contexts().unwrap(), [both.clone(), made.clone(), old.clone(), plain.clone()]);
    let head = |runtime: &dyn Runtime, context: &ContextKey| runtime.context(context).unwrap().draft.version;
    assert_eq!(head(&mixed, &old), head(&*second, &old));
    assert_eq!(head(&mixed, &both), head(&*second, &both), "the mapping counts, not the order");
    assert_eq!(head(&mixed, &made), head(&*second, &made));
    assert_eq!(head(&mixed, &plain), head(&*first, &plain));
    assert!(matches!(second.context(&plain), Err(RuntimeError::NoSuchContext { .. })));
    let again = Edit::new(old.clone(), Base::New { root: old.make_usage_key("course", "course").unwrap() });
    assert!(matches!(mixed.commit(again), Err(RuntimeError::ContextExists { .. })));
}

/// Whatever order the mappings have, the one that says most about a context counts.
#[test]
fn a_key_counts_before_beginnings_and_a_longer_beginning_before_a_shorter_one() {
    let mappings =
        [("course-v1:*", 0), ("course-v1:Map+*", 1), ("course-v1:Map+X+1*", 2), ("course-v1:Map+X+1", 3)];
    let wanted = [
        ("course-v1:Other+C+1", 0),
        ("course-v1:Map+X+2", 1),
        ("course-v1:Map+X+11", 2),
        ("course-v1:Map+X+1", 3),
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let stores: Vec<_> = (0..4).map(|_| memory()).collect();
        let mappings = order.map(|at: usize| (mappings[at].0.to_owned(), mappings[at].1)).to_vec();
        let mixed = MixedRuntime::new(stores.clone(), mappings);
        for (context, store) in wanted {
            make(&mixed, &key(context));
            let found = stores[store].context(&key(context)).expect("it is where the mapping leads");
            assert_eq!(mixed.context(&key(context)).unwrap(), found);
        }
    }
}

/// A context in another store than its mapping names is not there, and takes nobody along.
#[test]
fn a_context_that_is_not_where_its_mapping_leads_hides_no_other() {
    let (first, second) = (memory(), memory());
    let (plain, moved, late) =
        (key("course-v1:Plain+C+1"), key("course-v1:Moved+C+1"), key("course-v1:Late+C+1"));
    for context in [&plain, &moved, &late] {
        make(&*first, context);
    }
    make(&*second, &moved);
    let mappings = [&moved, &late].map(|context| (context.to_string(), 1)).to_vec();
    let mixed = MixedRuntime::new(vec![first, second.clone()], mappings);
    assert_eq!(mixed.contexts().unwrap(), [moved.clone(), plain.clone()]);
    for context in mixed.contexts().unwrap() {
        mixed.context(&context).unwrap();
    }
    assert!(matches!(mixed.context(&late), Err(RuntimeError::NoSuchContext { .. })));
    assert!(mixed.damaged_contexts().unwrap().is_empty());
    make(&mixed, &late);
    assert_eq!(mixed.contexts().unwrap(), [late.clone(), moved, plain]);
    second.context(&late).unwrap();
}

#[test]
fn every_change_of_every_store_is_told_once() {
    let (first, second) = (memory(), memory());
    let mixed = MixedRuntime::new(vec![first.clone(), second.clone()], Vec::new());
    let mut cursor = Cursor::default();
    let mut told = Vec::new();
    for n in 0..6 {
        let context = key(&format!("course-v1:A+C+{n}"));
        make(if n % 2 == 0 { &*second } else { &*first }, &context);
        loop {
            let piece = mixed.changes(cursor, 1).unwrap();
            let Some(change) = piece.into_iter().next() else { break };
            assert!(change.cursor > cursor);
            cursor = change.cursor;
            told.push((change.context, change.branch, change.version));
        }
    }
    let mut wanted = Vec::new();
    for store in [first, second] {
        let changes = store.changes(Cursor::default(), 100).unwrap();
        wanted.extend(changes.into_iter().map(|change| (change.context, change.branch, change.version)));
    }
    assert_eq!(told.len(), wanted.len());
    assert!(wanted.iter().all(|change| told.contains(change)));
}

#[test]
fn only_imports_change_a_store_that_is_read_only() {
    let within = memory();
    published_course(&*within);
    let runtime = ReadOnlyRuntime::new(within);
    let write = || edit().put(usage("html", "h1"), html("more"));
    assert!(matches!(runtime.commit(write()), Err(RuntimeError::ReadOnly)));
    assert!(matches!(runtime.keep_origin(&context(), None), Err(RuntimeError::ReadOnly)));
    commit(&**runtime.for_imports(), write());
    let text = runtime.block(&usage("html", "h1"), Branch::Draft).unwrap();
    assert_eq!(text.data.content["data"], "more");
}

/// A store that does not open takes only those contexts along that may be in it.
#[test]
fn a_dead_store_leaves_the_others_readable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.json");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let registry = blocks::registry().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let open = |mode| {
        let site = format!("mixed:{}", file.display()).parse::<StoreUrl>().unwrap();
        site.open(mode, &registry, &clock)
    };
    let site = |mappings: &str| {
        let stores = ["first", "dead", "last"]
            .map(|name| format!(r#"{{"name": "{name}", "url": "modulestore:{}"}}"#, at(name)))
            .join(", ");
        std::fs::write(&file, format!(r#"{{"stores": [{stores}], "mappings": {{{mappings}}}}}"#)).unwrap();
    };
    site(r#""course-v1:Last+*": "last", "course-v1:Dead+*": "dead""#);
    let (first, dead, last) =
        (key("course-v1:First+C+1"), key("course-v1:Dead+C+1"), key("course-v1:Last+C+1"));
    let mixed = open(OpenMode::Create).unwrap();
    for context in [&first, &dead, &last] {
        make(&*mixed, context);
    }
    drop(mixed);
    std::fs::write(at("dead"), b"this is no database, but long enough to be looked at as one").unwrap();
    for mode in [OpenMode::Read, OpenMode::Write] {
        let mixed = open(mode).unwrap();
        for context in [&first, &last] {
            mixed.context(context).unwrap();
            mixed.usages(context, Branch::Draft).unwrap();
        }
        assert_eq!(mixed.contexts().unwrap(), [first.clone(), last.clone()]);
        let told = |error: RuntimeError| {
            let RuntimeError::Storage { action, .. } = error else { panic!("not {error:?}") };
            assert_eq!(action, format!("opening the store \"dead\" of {}", file.display()));
        };
        told(mixed.context(&dead).unwrap_err());
        // It could be there, and nobody can say that it is nowhere.
        told(mixed.context(&key("course-v1:Other+C+1")).unwrap_err());
        let made = Base::New { root: key("course-v1:Other+C+1").make_usage_key("course", "course").unwrap() };
        told(mixed.commit(Edit::new(key("course-v1:Other+C+1"), made)).unwrap_err());
        let mut damaged = mixed.damaged_contexts().unwrap();
        assert_eq!(damaged.len(), 1);
        told(damaged.remove(0));
        let changed = Edit::new(first.clone(), Base::Any).publish_all();
        assert_eq!(mixed.commit(changed).is_ok(), mode == OpenMode::Write);
    }
    // Without its mapping an older copy could be read for what the dead store has.
    site("");
    let mixed = open(OpenMode::Read).unwrap();
    mixed.context(&first).unwrap();
    assert!(matches!(mixed.context(&last), Err(RuntimeError::Storage { .. })));
    assert_eq!(mixed.contexts().unwrap(), [first]);
    for name in ["first", "last"] {
        std::fs::write(at(name), b"this is no database, but long enough to be looked at as one").unwrap();
    }
    assert!(matches!(open(OpenMode::Read), Err(StoreError::Site(_))));
}

#[test]
fn a_site_is_opened_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.json");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let registry = blocks::registry().unwrap();
    let open =
        |mode| format!("mixed:{}", file.display()).parse::<StoreUrl>().unwrap().open(mode, &registry, &clock);
    let write = |text: String| std::fs::write(&file, text).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    assert!(matches!(open(OpenMode::Read).err(), Some(StoreError::Site(_))));
    let stores = format!(
        r#""stores": [{{"name": "new", "url": "blockstore:{}"}}, {{"name": "old", "url": "modulestore:{}"}}]"#,
        at("bundles"),
        at("split.db")
    );
    for wrong in [
        "{".to_owned(),
        r#"{"stores": []}"#.to_owned(),
        format!(r#"{{{stores}, "mappings": {{"course-v1:A+B+C": "other"}}}}"#),
        format!("{{{}}}", stores.replace("\"old\"", "\"new\"")),
        format!(r#"{{"stores": [{{"name": "me", "url": "mixed:{}"}}]}}"#, file.display()),
    ] {
        write(wrong);
        assert!(matches!(open(OpenMode::Create).err(), Some(StoreError::Site(_))));
    }
    write(format!(r#"{{{stores}, "mappings": {{"course-v1:Split+*": "old"}}}}"#));
    let mixed = open(OpenMode::Create).unwrap();
    let (bundled, split) = (key("course-v1:Bundled+C+1"), key("course-v1:Split+C+1"));
    make(&*mixed, &bundled);
    make(&*mixed, &split);
    let alone =
        |url: String| url.parse::<StoreUrl>().unwrap().open(OpenMode::Read, &registry, &clock).unwrap();
    assert_eq!(
        alone(format!("blockstore:{}", at("bundles"))).contexts().unwrap(),
        std::slice::from_ref(&bundled)
    );
    assert_eq!(
        alone(format!("modulestore:{}", at("split.db"))).contexts().unwrap(),
        std::slice::from_ref(&split)
    );
    assert_eq!(open(OpenMode::Read).unwrap().contexts().unwrap(), [bundled.clone(), split]);
    let refused = open(OpenMode::Read).unwrap().commit(Edit::new(bundled, Base::Any).publish_all());
    assert!(matches!(refused, Err(RuntimeError::ReadOnly)));
}
