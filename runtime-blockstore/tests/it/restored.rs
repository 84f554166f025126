//! One bundle that comes back from a backup as the course or library it was, or does not come where another one is that.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use runtime_blockstore::{
    Access, Assets, BackupOptions, BlockstoreError, BlockstoreRuntime, Finding, FsckOptions, RestoreOptions,
    RestoreReport, Severity, restore, restore_to_server,
};
use uuid::Uuid;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Cursor, Origin, Runtime};
use xblock_testkit::fixture;

use crate::fixture::{Now, TickingClock, new_bundle, open, open_to_read, registry, server_of, store_in};
use crate::mariadb::Place;

fn library() -> ContextKey {
    "lib:Harbour:shared".parse().unwrap()
}

/// A store with a course that has authors, drafts and files of its package, and an adopted library with a link.
struct Site {
    runtime: BlockstoreRuntime,
    course: Uuid,
    library: Uuid,
    media: Uuid,
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = open(folder.path());
        let store = runtime.blockstore();
        let (media, _) = new_bundle(store, "media", &[("html/m/definition.xml", "<html>m</html>")]);
        let (library, draft) =
            new_bundle(store, "shared", &[("html/own/definition.xml", "<html>own</html>")]);
        store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
        let unit = "<unit><xblock-include source=\"media\" definition=\"html/m\" usage=\"in\"/></unit>";
        store.write_draft_file(draft, "unit/u/definition.xml", Some(unit.as_bytes())).unwrap();
        store.commit_draft(draft).unwrap();
        store.write_draft_file(draft, "html/staged/definition.xml", Some(b"<html/>")).unwrap();
        runtime.adopt(&self::library(), library).unwrap();
        let by = |author, text: &str| {
            let mut edit = fixture::edit().put(fixture::usage("html", "h1"), fixture::html(text));
            edit.author = Some(author);
            edit.message = format!("by {author}");
            edit
        };
        fixture::published_course(&runtime);
        fixture::commit(&runtime, by(7, "seven").publish_all());
        fixture::commit(&runtime, by(8, "eight"));
        let files = BTreeMap::from([("README.md".to_owned(), b"read me".to_vec())]);
        runtime.keep_origin(&fixture::context(), Some(&Origin::new(files).unwrap())).unwrap();
        let course = store.get_bundles(None).unwrap().pop().unwrap().uuid;
        Self { runtime, course, library, media, folder }
    }

    fn backup(&self, name: &str, bundle: Option<Uuid>) -> std::path::PathBuf {
        let backups = self.folder.path().join(name);
        let options = BackupOptions { bundle, is_quick: false };
        assert_eq!(
            self.runtime.blockstore().backup(&backups, options).unwrap().damaged,
            Vec::<String>::new()
        );
        backups
    }
}

/// All that is told of a context, by whom and when.
fn told(runtime: &dyn Runtime, context: &ContextKey) -> Vec<String> {
    let mut lines = Vec::new();
    for branch in Branch::ALL {
        lines.extend(fixture::snapshot(runtime, context, branch));
        lines.push(format!("{:?}", runtime.history(context, branch).unwrap()));
        for usage in runtime.usages(context, branch).unwrap() {
            lines.push(format!("{usage} {:?}", runtime.block(&usage, branch).unwrap().edit_info));
        }
    }
    lines.push(format!("{:?}", runtime.context(context).unwrap()));
    lines.push(format!("{:?}", runtime.origin(context).unwrap()));
    lines
}

fn put(backups: &Path, to: &Path, bundle: Option<Uuid>) -> Result<RestoreReport, BlockstoreError> {
    let options = RestoreOptions { bundle, ..RestoreOptions::default() };
    match server_of(to) {
        Some(place) => {
            restore_to_server(backups, &place, &Assets::Folder(to.join("storage")), &options, Arc::new(Now))
        }
        None => restore(backups, to, &options, Arc::new(TickingClock::default())),
    }
}

fn damages(folder: &Path) -> Vec<String> {
    let store = || store_in(folder, Access::ReadOnly, Arc::new(Now)).unwrap();
    let mut findings: Vec<_> =
        store().fsck(FsckOptions::default()).unwrap().findings.iter().cloned().collect();
    findings
        .extend(BlockstoreRuntime::check_index(store(), registry()).unwrap().into_iter().map(Finding::from));
    let bad = findings.into_iter().filter(|finding| finding.severity == Severity::Damage);
    bad.map(|finding| format!("{finding:?}")).collect()
}

#[test]
fn a_bundle_comes_back_as_what_it_was() {
    let site = Site::new();
    let before = [told(&site.runtime, &fixture::context()), told(&site.runtime, &library())];
    let backups = site.backup("backups", None);
    let others = tempfile::tempdir().unwrap();
    // The app has written it; nobody of ours has looked at what is in it.
    let store = store_in(others.path(), Access::ReadWrite, Arc::new(TickingClock::default())).unwrap();
    new_bundle(&store, "others", &[("a", "1")]);
    let (context, root) = ("course-v1:Other+O+O", ("course", "course"));
    let document =
        format!("{{\"context\":\"{context}\",\"root_type\":\"{}\",\"root_id\":\"{}\"}}", root.0, root.1);
    new_bundle(
        &store,
        "unseen",
        &[("context.json", &document), ("course/course/definition.xml", "<course/>")],
    );
    drop(store);
    let empty = tempfile::tempdir().unwrap();
    let server = Place::new();
    let targets = [Some(others.path()), Some(empty.path()), server.as_ref().map(Place::path)];
    for (at, target) in targets.into_iter().enumerate().filter_map(|(at, target)| Some((at, target?))) {
        let course = put(&backups, target, Some(site.course)).unwrap();
        assert_eq!((course.context, course.left_out), (Some(fixture::context().to_string()), vec![]));
        let shared = put(&backups, target, Some(site.library)).unwrap();
        assert_eq!((shared.context, shared.left_out), (Some(library().to_string()), vec![]));
        assert!(matches!(
            put(&backups, target, Some(site.library)),
            Err(BlockstoreError::AlreadyThere { .. })
        ));
        let reader = open_to_read(target).unwrap();
        assert_eq!(reader.contexts().unwrap().len(), if at == 0 { 3 } else { 2 });
        drop(reader);
        let restored = open(target);
        assert_eq!(told(&restored, &fixture::context()), before[0], "{at}");
        assert_eq!(told(&restored, &library()), before[1], "{at}");
        assert_eq!(restored.contexts().unwrap().len(), if at == 0 { 3 } else { 2 });
        assert_eq!(damages(target), Vec::<String>::new());
        // Each version once, and the draft.
        let changes = restored.changes(Cursor::default(), 100).unwrap();
        let of_course = changes.iter().filter(|change| change.context == fixture::context()).count();
        assert_eq!(of_course, 3, "{changes:?}");
        fixture::commit(&restored, fixture::edit().publish_all());
        // As what it links to comes, and what was deleted comes back.
        put(&backups, target, Some(site.media)).unwrap();
        restored.blockstore().delete_bundle(site.library).unwrap();
        put(&backups, target, Some(site.library)).unwrap();
        assert_eq!(told(&restored, &library()), before[1], "{at}");
        assert_eq!(damages(target), Vec::<String>::new());
    }
}

#[test]
fn a_backup_of_one_bundle_has_what_only_our_tables_know() {
    let site = Site::new();
    for (bundle, context) in [(site.course, fixture::context()), (site.library, library())] {
        let backups = site.backup(&bundle.to_string(), Some(bundle));
        for restored in [None, Some(bundle)] {
            let target = tempfile::tempdir().unwrap();
            put(&backups, target.path(), restored).unwrap();
            let runtime = open(target.path());
            assert_eq!(told(&runtime, &context), told(&site.runtime, &context));
            assert_eq!(runtime.contexts().unwrap(), std::slice::from_ref(&context));
            assert_eq!(damages(target.path()), Vec::<String>::new());
            let changes = runtime.changes(Cursor::default(), 100).unwrap();
            assert!(
                !changes.is_empty() && changes.iter().all(|change| change.context == context),
                "{changes:?}"
            );
        }
    }
}

#[test]
fn a_course_that_another_bundle_is_does_not_come() {
    let site = Site::new();
    let backups = site.backup("backups", None);
    let (seen, unseen) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let runtime = open(seen.path());
    fixture::published_course(&runtime);
    let seen_bundle = runtime.blockstore().get_bundles(None).unwrap()[0].uuid;
    // A bundle that nobody of ours has looked at yet.
    let file = site.runtime.blockstore().get_bundle_file_data(site.course, "context.json", None).unwrap();
    let store = store_in(unseen.path(), Access::ReadWrite, Arc::new(TickingClock::default())).unwrap();
    let (unseen_bundle, _) =
        new_bundle(&store, "same", &[("context.json", std::str::from_utf8(&file).unwrap())]);
    for (target, other) in [(seen.path(), seen_bundle), (unseen.path(), unseen_bundle)] {
        let refused = put(&backups, target, Some(site.course));
        match refused {
            Err(BlockstoreError::ContextTaken { context, present, bundle }) => {
                assert_eq!((present, bundle), (other, site.course));
                assert_eq!(context, fixture::context().to_string());
            }
            other => panic!("{other:?}"),
        }
        let files = target.join("storage").join(site.course.to_string());
        let left = fs::read_dir(files.join("snapshots")).map(Iterator::count).unwrap_or_default();
        assert_eq!(left, 0, "nothing stays of it");
        // Once the other one is gone, it comes.
        store_in(target, Access::ReadWrite, Arc::new(TickingClock::default()))
            .unwrap()
            .delete_bundle(other)
            .unwrap();
        put(&backups, target, Some(site.course)).unwrap();
        let restored = open(target);
        assert_eq!(told(&restored, &fixture::context()), told(&site.runtime, &fixture::context()));
        assert_eq!(damages(target), Vec::<String>::new());
    }

    // What a bundle does not say itself is left out, and said.
    let (other, _) = new_bundle(runtime.blockstore(), "other", &[("a", "1")]);
    runtime.adopt(&library(), other).unwrap();
    let report = put(&backups, seen.path(), Some(site.library)).unwrap();
    assert_eq!(report.context, None);
    assert!(report.left_out[0].contains(&other.to_string()), "{:?}", report.left_out);
    assert_eq!(damages(seen.path()), Vec::<String>::new());
}
