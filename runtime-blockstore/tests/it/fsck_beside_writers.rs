//! A check of a store that others write meanwhile: what they change between two looks is no damage.

use std::time::Duration;

use runtime_blockstore::{FsckOptions, FsckReport, GcOptions};

use crate::fixture::assets_of;
use crate::late_requests::{Asked, Reached, reached};
use crate::objects::RawObjects;

fn checked(reached: &Reached) -> FsckReport {
    let report = reached.store.fsck(FsckOptions::default()).unwrap();
    assert!(!reached.line.waits(), "the check did not come there");
    report
}

fn looks_at(end: String) -> impl Fn(&Asked) -> bool {
    move |asked| matches!(&*asked.method, "GET" | "HEAD") && asked.path.ends_with(&end)
}

#[test]
fn a_draft_that_is_committed_meanwhile_is_not_damaged() {
    let Some(reached) = reached() else { return };
    reached.store.write_draft_file(reached.draft, "a.txt", Some(b"one")).unwrap();
    let (other, draft) = (reached.other.clone(), reached.draft);
    reached.line.before(looks_at("/data/a.txt".into()), move || {
        other.commit_draft(draft).unwrap();
    });
    let report = checked(&reached);
    assert!(report.findings.is_sound(), "{:?}", report.findings);
}

#[test]
fn a_draft_that_is_deleted_meanwhile_is_not_damaged() {
    let Some(reached) = reached() else { return };
    let (other, draft) = (reached.other.clone(), reached.draft);
    reached
        .line
        .before(looks_at(format!("{draft}/summary.json")), move || other.delete_draft(draft).unwrap());
    let report = checked(&reached);
    assert!(report.findings.is_sound(), "{:?}", report.findings);
}

#[test]
fn a_bundle_that_is_deleted_and_swept_meanwhile_is_not_damaged() {
    let Some(reached) = reached() else { return };
    let (other, bundle) = (reached.other.clone(), reached.bundle);
    reached.line.before(looks_at(".json".into()), move || {
        other.delete_bundle(bundle).unwrap();
        let all = GcOptions { delete: true, grace: Duration::ZERO, ..GcOptions::default() };
        assert!(!other.gc(&all).unwrap().unused.is_empty());
    });
    let report = checked(&reached);
    assert!(report.findings.is_sound(), "{:?}", report.findings);
}

#[test]
fn what_is_damaged_beside_writers_is_told_all_the_same_in_its_place() {
    let Some(reached) = reached() else { return };
    reached.store.write_draft_file(reached.draft, "a.txt", Some(b"one")).unwrap();
    let (other, draft) = (reached.other.clone(), reached.draft);
    reached.line.before(looks_at("/data/a.txt".into()), move || {
        other.write_draft_file(draft, "b.txt", Some(b"two")).unwrap();
    });
    RawObjects::at(&assets_of(reached.folder.path())).remove(&format!("{draft}/data/a.txt"));
    let report = checked(&reached);
    let damage: Vec<_> = report.findings.iter().filter(|found| found.code == "staged").collect();
    assert_eq!(damage.len(), 1, "{:?}", report.findings);
    assert!(damage[0].place.ends_with("a.txt") && !report.findings.is_sound());
}
