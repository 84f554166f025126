//! Static files.

use std::sync::Arc;

use serde_json::json;
use xblock_core::runtime::{
    AssetData, AssetMetadata, AssetStream, Branch, ContentDigest, EditOp, Extent, Runtime, RuntimeError,
};

use crate::fixture::{asset, commit, context, draft_course, edit, map, published_course, put_asset};

/// Files of any bytes come back as they were, empty and large ones too.
pub fn a_file_comes_back_byte_for_byte(runtime: &dyn Runtime) {
    draft_course(runtime);
    let all: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = (0..700_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let files: [(&str, &[u8]); 4] =
        [("all.bin", &all), ("empty", b""), ("large.dat", &large), ("bilde_\u{e5}.png", b"\x89PNG")];
    for (name, bytes) in files {
        commit(runtime, edit().with(put_asset(name, bytes)));
        assert_eq!(runtime.read_asset(&asset(name), Branch::Draft).expect("the bytes"), bytes);
        let record = runtime.asset(&asset(name), Branch::Draft).expect("the file");
        assert_eq!(record.length, bytes.len() as u64);
        assert_eq!(record.digest, ContentDigest::of(bytes));
    }
    let listed = runtime.assets(&context(), Branch::Draft).expect("the files");
    let mut keys: Vec<_> = files.iter().map(|(name, _)| asset(name)).collect();
    keys.sort();
    assert_eq!(listed.into_iter().map(|record| record.key).collect::<Vec<_>>(), keys);
}

/// A file is read in parts, from any place to any other, and as a stream that proves its digest.
pub fn a_file_is_read_in_parts(runtime: &dyn Runtime) {
    draft_course(runtime);
    let large: Vec<u8> = (0..700_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    for (name, bytes) in [("large.dat", &large[..]), ("empty", b"")] {
        commit(runtime, edit().with(put_asset(name, bytes)));
        for branch in Branch::ALL {
            let mut open = match runtime.open_asset(&asset(name), branch) {
                Err(RuntimeError::NoSuchBranch { .. } | RuntimeError::NoSuchAsset { .. }) => continue,
                open => open.expect("the file"),
            };
            assert_eq!(*open.record(), runtime.asset(&asset(name), branch).expect("the file"));
            for (start, length) in
                [(0, 1), (0, 255 * 1024), (261_119, 2), (699_999, 9), (700_000, 9), (0, 700_001)]
            {
                let from = bytes.len().min(usize::try_from(start).expect("a place"));
                let to = bytes.len().min(from + length);
                assert_eq!(open.read_at(start, length).expect("a part"), &bytes[from..to], "{name} {start}");
            }
            let (digest, length) = ContentDigest::of_reader(AssetStream::new(open)).expect("the whole");
            assert_eq!((digest, length), (ContentDigest::of(bytes), bytes.len() as u64));
        }
        commit(runtime, edit().publish_all());
    }
    let error = runtime.open_asset(&asset("nowhere"), Branch::Draft).map(drop).expect_err("none");
    assert!(matches!(error, RuntimeError::NoSuchAsset { .. }), "{error}");
}

/// Attributes come back, unknown ones included; a second put replaces them.
pub fn attributes_survive(runtime: &dyn Runtime) {
    draft_course(runtime);
    let data = AssetData {
        content_type: Some("image/svg+xml".into()),
        display_name: "Low water.svg".into(),
        locked: true,
        import_path: Some("img/Low water.svg".into()),
        thumbnail: Some("low-svg.jpg".into()),
        extra: map(json!({ "portable": true, "note": { "by": ["a", null] } })),
    };
    let key = asset("img_Low_water.svg");
    let put = |data: &AssetData, bytes: &[u8]| EditOp::PutAsset {
        key: key.clone(),
        data: data.clone(),
        content: Arc::new(bytes.to_vec()),
    };
    commit(runtime, edit().with(put(&data, b"<svg/>")));
    assert_eq!(runtime.asset(&key, Branch::Draft).expect("the file").data, data);
    let plain = AssetData { display_name: "x".into(), ..AssetData::default() };
    commit(runtime, edit().with(put(&plain, b"<svg></svg>")));
    let record = runtime.asset(&key, Branch::Draft).expect("the file");
    assert_eq!((record.data, record.length), (plain, 11));
}

/// A file is for authors only until something is published.
pub fn a_draft_file_is_unpublished(runtime: &dyn Runtime) {
    published_course(runtime);
    commit(runtime, edit().with(put_asset("a.txt", b"one")));
    assert!(matches!(
        runtime.read_asset(&asset("a.txt"), Branch::Published),
        Err(RuntimeError::NoSuchAsset { branch: Branch::Published, .. })
    ));
    commit(runtime, edit().publish_all());
    commit(runtime, edit().with(put_asset("a.txt", b"two")));
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Published).expect("published"), b"one");
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Draft).expect("draft"), b"two");
    commit(runtime, edit().with(EditOp::Publish(Extent::Subtree(crate::fixture::usage("vertical", "u1")))));
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Published).expect("published"), b"two");
}

/// A deleted file is gone from the draft at once and for learners with the next publish.
pub fn a_deleted_file_is_gone(runtime: &dyn Runtime) {
    published_course(runtime);
    commit(runtime, edit().with(put_asset("a.txt", b"one")).publish_all());
    commit(runtime, edit().with(EditOp::DeleteAsset { key: asset("a.txt") }));
    assert!(matches!(runtime.asset(&asset("a.txt"), Branch::Draft), Err(RuntimeError::NoSuchAsset { .. })));
    assert_eq!(runtime.assets(&context(), Branch::Published).expect("files").len(), 1);
    commit(runtime, edit().publish_all());
    assert_eq!(runtime.assets(&context(), Branch::Published).expect("files").len(), 0);
    assert!(matches!(
        runtime.commit(edit().with(EditOp::DeleteAsset { key: asset("a.txt") })),
        Err(RuntimeError::NoSuchAsset { .. })
    ));
}

/// Discarding everything takes changes to files back.
pub fn discarding_brings_files_back(runtime: &dyn Runtime) {
    published_course(runtime);
    commit(runtime, edit().with(put_asset("a.txt", b"one")).publish_all());
    commit(runtime, edit().with(put_asset("a.txt", b"two")).with(put_asset("b.txt", b"b")));
    commit(runtime, edit().with(EditOp::Discard(Extent::All)));
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Draft).expect("the bytes"), b"one");
    assert_eq!(runtime.assets(&context(), Branch::Draft).expect("files").len(), 1);
}

/// Restoring an old version brings its files back with it.
pub fn restoring_brings_files_back(runtime: &dyn Runtime) {
    published_course(runtime);
    let old =
        commit(runtime, edit().with(put_asset("a.txt", b"one")).publish_all()).published.expect("a version");
    commit(
        runtime,
        edit().with(EditOp::DeleteAsset { key: asset("a.txt") }).with(put_asset("b.txt", b"b")).publish_all(),
    );
    commit(runtime, edit().with(EditOp::Restore(old)));
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Draft).expect("the bytes"), b"one");
    assert!(matches!(runtime.asset(&asset("b.txt"), Branch::Draft), Err(RuntimeError::NoSuchAsset { .. })));
    assert_eq!(runtime.read_asset(&asset("b.txt"), Branch::Published).expect("the bytes"), b"b");
}

/// What is said about a file, which need not exist, goes where the static files go.
pub fn records_about_files_go_along(runtime: &dyn Runtime) {
    published_course(runtime);
    let said = |runtime: &dyn Runtime, branch| {
        runtime.asset_metadata(&context(), branch).expect("the records").records
    };
    assert_eq!((said(runtime, Branch::Draft), said(runtime, Branch::Published)), (vec![], vec![]));
    let full = AssetMetadata {
        pathname: Some("charts/old".into()),
        internal_name: Some("EKMND332DDBK".into()),
        locked: Some(true),
        content_type: Some("image/png".into()),
        thumbnail: Some("thumb.jpg".into()),
        fields: map(json!({ "cite": "nobody", "pages": [1, null, 2.5] })),
        curr_version: Some("v2.0".into()),
        created_by: Some(11),
        created_on: chrono::DateTime::from_timestamp_millis(1_427_846_400_123),
        edited_by_email: Some("author@example.com".into()),
        extra: map(json!({ "basename": "chart.png" })),
        ..AssetMetadata::default()
    };
    let put = |name: &str, metadata: &AssetMetadata| EditOp::PutAssetMetadata {
        key: asset(name),
        metadata: Arc::new(metadata.clone()),
    };
    let empty = AssetMetadata::default();
    commit(runtime, edit().with(put("nowhere.png", &full)).with(put("a.png", &empty)));
    let both = vec![(asset("a.png"), empty.clone()), (asset("nowhere.png"), full.clone())];
    assert_eq!((said(runtime, Branch::Draft), said(runtime, Branch::Published)), (both.clone(), vec![]));
    commit(runtime, edit().with(EditOp::Publish(Extent::Subtree(crate::fixture::usage("vertical", "u1")))));
    assert_eq!(said(runtime, Branch::Published), both);
    let old = runtime.context(&context()).expect("the course").published.expect("a version").version;

    let delete = || EditOp::DeleteAssetMetadata { key: asset("a.png") };
    let changed = AssetMetadata { locked: None, ..full.clone() };
    commit(runtime, edit().with(delete()).with(delete()).with(put("nowhere.png", &changed)));
    let one = vec![(asset("nowhere.png"), changed)];
    assert_eq!((said(runtime, Branch::Draft), said(runtime, Branch::Published)), (one.clone(), both.clone()));
    commit(runtime, edit().with(EditOp::Discard(Extent::All)));
    assert_eq!(said(runtime, Branch::Draft), both);
    commit(runtime, edit().with(delete()).with(put("nowhere.png", &one[0].1)).publish_all());
    assert_eq!((said(runtime, Branch::Draft), said(runtime, Branch::Published)), (one.clone(), one.clone()));
    commit(runtime, edit().with(EditOp::Restore(old)));
    assert_eq!((said(runtime, Branch::Draft), said(runtime, Branch::Published)), (both, one));

    let elsewhere = "asset-v1:Other+C+R+type@asset+block@a.png".parse().expect("a key");
    let foreign = EditOp::PutAssetMetadata { key: elsewhere, metadata: Arc::default() };
    assert!(matches!(runtime.commit(edit().with(foreign)), Err(RuntimeError::WrongContext { .. })));
}
