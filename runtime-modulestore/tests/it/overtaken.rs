//! A writer whom others overtake each time: its tries end with the store's time, and it is told by whom.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::operations::BulkOptions;
use runtime_modulestore::store::{MongoStore, StoreMode};
use xblock_core::clock::Clock;
use xblock_core::runtime::{BlockPatch, Branch, Commit, Runtime, RuntimeError, VersionId};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::classes::registry;
use crate::fixture::clock;
use crate::server::{open, server};

/// How long a store tries, in milliseconds.
const TIME: u64 = 6000;

/// Somebody who changes another block, by the trait's edits whenever the time is looked up: each try does, once it has read where
/// it begins.
struct Meddler {
    other: ModulestoreRuntime,
    is_at_work: AtomicBool,
    edits: AtomicUsize,
    /// After which edit it holds the try up until the store's time is over.
    last: usize,
}

impl Meddler {
    fn meddle(&self) {
        let number = self.edits.fetch_add(1, Ordering::Relaxed) + 1;
        commit(&self.other, edit().put(usage("html", "h1"), html(&format!("meddled {number}"))));
        if number == self.last {
            thread::sleep(Duration::from_millis(TIME));
        }
    }
}

impl Clock for Meddler {
    fn now(&self) -> DateTime<Utc> {
        if self.is_at_work.load(Ordering::Relaxed) {
            self.meddle();
        }
        clock().now()
    }
}

fn is_told(refused: Result<Commit, RuntimeError>, begun: &VersionId, now: &VersionId) {
    match refused {
        Err(RuntimeError::Conflict { base, head, .. }) => assert_eq!((&base, &head), (begun, now)),
        other => panic!("{other:?}"),
    }
}

/// By the trait's edits and by the platform's calls.
#[test]
fn a_writer_who_is_always_overtaken_is_told_in_time() {
    let Some(server) = server() else { return };
    let database = server.new_database();
    let other = open(&server.url(&database, ""));
    published_course(&other);
    let meddler =
        Arc::new(Meddler { other, is_at_work: AtomicBool::new(false), edits: AtomicUsize::new(0), last: 2 });
    let url = server.url(&database, &format!("timeoutMS={TIME}"));
    let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
    let runtime = ModulestoreRuntime::over(store, registry(), meddler.clone());
    let at_work = |is_at_work| {
        meddler.edits.store(0, Ordering::Relaxed);
        meddler.is_at_work.store(is_at_work, Ordering::Relaxed);
    };
    let settings = vec![("display_name".into(), Some("Named".into()))];
    let patch = BlockPatch { settings, ..BlockPatch::default() };

    at_work(true);
    let refused = runtime.commit(edit().put(usage("problem", "p1"), html("never")));
    at_work(false);
    let history = meddler.other.history(&context(), Branch::Draft).expect("the history");
    is_told(refused, &history[1].version, &history[0].version);

    let begun = RefCell::new(Vec::new());
    let refused = runtime.bulk(&context(), &BulkOptions::default(), |bulk| {
        begun.borrow_mut().push(bulk.version().expect("a version"));
        meddler.meddle();
        bulk.update_item(&usage("vertical", "u2"), &patch)
    });
    let history = meddler.other.history(&context(), Branch::Draft).expect("the history");
    is_told(refused.map(|(_, commit)| commit), &history[1].version, &history[0].version);
    assert_eq!(begun.borrow().last(), Some(&history[1].version));

    // Left alone it comes through.
    let (changed, _) = runtime
        .bulk(&context(), &BulkOptions::default(), |bulk| bulk.update_item(&usage("vertical", "u2"), &patch))
        .expect("an edit");
    assert!(changed);
}
