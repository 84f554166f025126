//! import(export(x)) = x for courses nobody would write, and the second export has the bytes of the first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_core::keys::UsageKey;
use xblock_core::olx::{Diagnostic, MemoryPackage, Package};
use xblock_core::runtime::{Base, BlockData, Edit, EditOp, MemoryRuntime, Runtime};

use crate::packages::{assets, blocks, read, registry, store, write_with_remarks};
use crate::random_course::{Manner, RandomCourse, random_course};

fn put(course: &RandomCourse) -> MemoryRuntime {
    let epoch = chrono::DateTime::from_timestamp(0, 0).expect("a time");
    let runtime = MemoryRuntime::new(Arc::new(FixedClock(epoch)));
    let mut edit = Edit::new(course.context.clone(), Base::New { root: course.root.clone() });
    for (usage, data) in &course.published {
        edit = edit.put(usage.clone(), BlockData::clone(data));
    }
    for (key, (data, bytes)) in &course.files {
        let content = Arc::new(bytes.clone());
        edit = edit.with(EditOp::PutAsset { key: key.clone(), data: data.clone(), content });
    }
    edit = edit.publish_all();
    for (usage, data) in &course.draft {
        edit = edit.put(usage.clone(), BlockData::clone(data));
    }
    runtime.commit(edit).expect("a store in memory takes it");
    runtime
}

/// Says whether an export remarked that it could not write all of a block.
fn is_remarked(usage: &UsageKey, remarks: &[Diagnostic]) -> bool {
    remarks.iter().any(|remark| remark.message.contains(&usage.to_string()))
}

/// Lays the drafts over what is published.
fn overlaid(
    published: &BTreeMap<UsageKey, Arc<BlockData>>,
    draft: &BTreeMap<UsageKey, Arc<BlockData>>,
) -> BTreeMap<UsageKey, Arc<BlockData>> {
    published.iter().chain(draft).map(|(usage, data)| (usage.clone(), data.clone())).collect()
}

fn same_blocks(
    what: &str,
    before: &BTreeMap<UsageKey, Arc<BlockData>>,
    after: &BTreeMap<UsageKey, Arc<BlockData>>,
    remarks: &[Diagnostic],
) -> Result<(), TestCaseError> {
    let (mut before, mut after) = (blocks(before), blocks(after));
    for data in before.values_mut().chain(after.values_mut()) {
        // Why a block cannot be read names the place it was read from.
        data.content.shift_remove("error_msg");
    }
    let usages: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for usage in usages {
        if !is_remarked(usage, remarks) {
            prop_assert_eq!(before.get(usage), after.get(usage), "{} {}", what, usage);
        }
    }
    Ok(())
}

fn same_files(first: &MemoryPackage, second: &MemoryPackage) -> Result<(), TestCaseError> {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    for (path, bytes) in &first.files {
        prop_assert_eq!(second.files.get(path).map(text), Some(text(bytes)), "{}", path);
    }
    let paths = |package: &MemoryPackage| package.files.keys().cloned().collect::<Vec<_>>();
    prop_assert_eq!(paths(first), paths(second));
    Ok(())
}

/// What stands as an import leaves it comes back as it was, but for what the export says it cannot write.
fn survives(bytes: &[u8], registry: &Registry) -> Result<(), TestCaseError> {
    let course = random_course(bytes, Manner::Imported, registry);
    let (package, remarks) = write_with_remarks(&put(&course), &course.context);
    let again = read(&package, Some(course.context.clone()));
    same_blocks("published", &course.published, &again.published, &remarks)?;
    let draft = overlaid(&course.published, &course.draft);
    same_blocks("draft", &draft, &overlaid(&again.published, &again.draft), &remarks)?;
    let files: Vec<_> = course.files.iter().map(|(key, file)| (key.to_string(), file.clone())).collect();
    prop_assert_eq!(files, assets(&again, &package).into_iter().collect::<Vec<_>>());
    repeats(&again, &package)
}

/// What was read is written, and what is read and written again has the same bytes.
fn repeats(package: &Package, files: &MemoryPackage) -> Result<(), TestCaseError> {
    let (first, _) = write_with_remarks(&store(package, files), &package.context);
    let again = read(&first, Some(package.context.clone()));
    let (second, _) = write_with_remarks(&store(&again, &first), &package.context);
    same_files(&first, &second)
}

/// Whatever a store holds, what an import makes of its export stays as it is from then on.
fn settles(bytes: &[u8], registry: &Registry) -> Result<(), TestCaseError> {
    let course = random_course(bytes, Manner::Wild, registry);
    let (package, _) = write_with_remarks(&put(&course), &course.context);
    let first = read(&package, Some(course.context.clone()));
    let (package, remarks) = write_with_remarks(&store(&first, &package), &course.context);
    let second = read(&package, Some(course.context.clone()));
    same_blocks("published", &first.published, &second.published, &remarks)?;
    let draft = overlaid(&first.published, &first.draft);
    same_blocks("draft", &draft, &overlaid(&second.published, &second.draft), &remarks)?;
    repeats(&second, &package)
}

/// Few cases, so that every run of the tests has them; `PROPTEST_CASES=10000` asks for more.
fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96);
    Config { cases, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn imported_courses_survive(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        survives(&bytes, &registry())?;
    }

    #[test]
    fn wild_courses_settle(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        settles(&bytes, &registry())?;
    }
}
