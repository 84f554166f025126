//! Courses written as packages.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};
use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{
    ExportOptions, ExportReport, Links, MemoryPackage, MemorySink, Package, ReadOptions, read_course,
    write_course,
};
use xblock_core::runtime::{
    AssetData, Base, BlockData, Branch, Edit, EditOp, FieldMap, MemoryRuntime, Runtime,
};

const COURSE: &str = "course-v1:Fjord+GEO1+2031";

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| blocks::registry().expect("no type twice"));

fn usage(block_type: &str, id: &str) -> UsageKey {
    COURSE.parse::<ContextKey>().expect("a key").make_usage_key(block_type, id).expect("a key")
}

fn fields(value: &Value) -> FieldMap {
    value
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| (name.as_str().into(), value.clone()))
        .collect()
}

fn block(content: Value, settings: Value, children: &[UsageKey]) -> BlockData {
    BlockData {
        content: fields(&content),
        settings: fields(&settings),
        children: children.to_vec(),
        ..BlockData::default()
    }
}

fn runtime() -> MemoryRuntime {
    MemoryRuntime::new(Arc::new(FixedClock(chrono::DateTime::from_timestamp(0, 0).expect("a time"))))
}

/// A course with one unit, published.
fn course() -> Edit {
    let context: ContextKey = COURSE.parse().expect("a key");
    let root = usage("course", "course");
    let unit = usage("vertical", "v1");
    Edit::new(context.clone(), Base::New { root: root.clone() })
        .put(
            root,
            block(
                json!({"wiki_slug": "ice", "textbooks": [["A", "/a/"], ["B", "/b/"]], "grading_policy": {"GRADER": [], "GRADE_CUTOFFS": {"Pass": 0.5}}}),
                json!({"display_name": "Glaciers", "start": "2031-02-01T00:00:00Z", "tabs": [{"type": "courseware"}],
                    "discussion_topics": {"General": {"id": "g"}}}),
                &[usage("chapter", "c1")],
            ),
        )
        .put(usage("chapter", "c1"), block(json!({}), json!({"display_name": "Ice"}), &[usage("sequential", "s1")]))
        .put(usage("sequential", "s1"), block(json!({}), json!({"graded": true}), std::slice::from_ref(&unit)))
        .put(
            unit,
            block(json!({}), json!({"display_name": "null"}), &[usage("html", "wk1:h"), usage("problem", "p")]),
        )
        .put(usage("html", "wk1:h"), block(json!({"data": "<p>a &nbsp; b</p>"}), json!({"due": [1]}), &[]))
        // A vertical puts the name of a problem into its text when it reads it.
        .put(
            usage("problem", "p"),
            block(json!({"data": "<problem url_name=\"p\">\n  <p>x</p>\n</problem>\n"}), json!({"max_attempts": 2}), &[]),
        )
        .put(usage("about", "overview"), block(json!({"data": "<p>About</p>"}), json!({}), &[]))
        .put(usage("course_info", "updates"), block(json!({"data": "", "items": [{"id": 1}]}), json!({}), &[]))
        .with(EditOp::PutAsset {
            key: context.make_asset_key("img_core.png").expect("a key"),
            data: AssetData {
                content_type: Some("image/png".into()),
                display_name: "core.png".into(),
                import_path: Some("img/core.png".into()),
                ..AssetData::default()
            },
            content: Arc::new(b"png".to_vec()),
        })
        .publish_all()
}

fn export(runtime: &MemoryRuntime) -> (MemorySink, ExportReport) {
    let mut sink = MemorySink::default();
    let context = COURSE.parse().expect("a key");
    let registry = blocks::registry().expect("no type twice");
    let report =
        write_course(runtime, &context, ExportOptions::default(), &registry, &mut sink).expect("it works");
    (sink, report)
}

fn text<'s>(sink: &'s MemorySink, path: &str) -> &'s str {
    let bytes = sink.files.get(path).unwrap_or_else(|| panic!("{path} is not among {:?}", sink.files.keys()));
    std::str::from_utf8(bytes).expect("it works")
}

#[test]
fn a_course_is_written_as_the_platform_lays_it_out() {
    let runtime = runtime();
    runtime.commit(course()).expect("it works");
    let (sink, report) = export(&runtime);
    assert_eq!(report.diagnostics, []);
    assert_eq!((report.blocks, report.assets), (8, 1));
    let paths: Vec<_> = sink.files.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "about/overview.html",
            "assets/assets.xml",
            "chapter/c1.xml",
            "course.xml",
            "course/2031.xml",
            "html/wk1/h.html",
            "html/wk1/h.xml",
            "info/updates.html",
            "info/updates.items.json",
            "policies/2031/grading_policy.json",
            "policies/2031/policy.json",
            "policies/assets.json",
            "problem/p.xml",
            "sequential/s1.xml",
            "static/img/core.png",
            "vertical/v1.xml",
        ]
    );
    assert_eq!(text(&sink, "course.xml"), r#"<course url_name="2031" org="Fjord" course="GEO1"/>"#);
    assert_eq!(
        text(&sink, "course/2031.xml"),
        "<course display_name=\"Glaciers\" start=\"2031-02-01T00:00:00Z\">\n  <chapter url_name=\"c1\"/>\n  \
         <textbook title=\"A\" book_url=\"/a/\"/>\n  <textbook title=\"B\" book_url=\"/b/\"/>\n  <wiki slug=\"ice\"/>\n</course>\n"
    );
    assert_eq!(text(&sink, "html/wk1/h.html"), "<p>a &nbsp; b</p>");
    let vertical = text(&sink, "vertical/v1.xml");
    assert!(
        vertical.contains("display_name=\"&quot;null&quot;\""),
        "a text that reads as null is quoted: {vertical}"
    );
    let policy: Value = serde_json::from_str(text(&sink, "policies/2031/policy.json")).expect("it works");
    assert_eq!(policy["course/2031"]["tabs"], json!([{"type": "courseware"}]));
    assert_eq!(policy["course/2031"]["discussion_topics"], json!({"General": {"id": "g"}}));
    assert_eq!(policy["html/wk1:h"], json!({"due": [1]}), "what no attribute can hold stands in the policy");
    assert!(
        text(&sink, "policies/2031/policy.json")
            .starts_with("{\n    \"course/2031\": {\n        \"discussion_topics\"")
    );
}

#[test]
fn the_same_course_gives_the_same_bytes() {
    let exports = [(), ()].map(|()| {
        let runtime = runtime();
        runtime.commit(course()).expect("it works");
        export(&runtime).0
    });
    assert_eq!(exports[0], exports[1]);
}

#[test]
fn drafts_are_roots_with_their_place() {
    let runtime = runtime();
    runtime.commit(course()).expect("it works");
    let context: ContextKey = COURSE.parse().expect("a key");
    let edit = Edit::new(context, Base::Any)
        .put(
            usage("sequential", "s1"),
            block(json!({}), json!({"graded": true}), &[usage("vertical", "new"), usage("vertical", "v1")]),
        )
        .put(
            usage("vertical", "new"),
            block(json!({}), json!({"display_name": "New"}), &[usage("html", "h9")]),
        )
        .put(usage("html", "h9"), block(json!({"data": "draft"}), json!({}), &[]))
        .put(
            usage("problem", "p"),
            block(
                json!({"data": "<problem url_name=\"p\">\n  <p>y</p>\n</problem>\n"}),
                json!({"max_attempts": 2}),
                &[],
            ),
        );
    runtime.commit(edit).expect("it works");
    let (sink, report) = export(&runtime);
    assert_eq!(report.diagnostics, []);
    let drafts: Vec<_> =
        sink.files.keys().filter(|path| path.starts_with("drafts/")).map(String::as_str).collect();
    assert_eq!(
        drafts,
        ["drafts/html/h9.html", "drafts/html/h9.xml", "drafts/problem/p.xml", "drafts/vertical/new.xml"]
    );
    assert_eq!(
        text(&sink, "drafts/vertical/new.xml"),
        "<vertical display_name=\"New\" parent_url=\"i4x://Fjord/GEO1/sequential/s1\" index_in_children_list=\"0\">\n  \
         <html url_name=\"h9\"/>\n</vertical>\n"
    );
    assert!(text(&sink, "drafts/problem/p.xml").contains("index_in_children_list=\"1\""));
    assert!(!text(&sink, "sequential/s1.xml").contains("new"), "what is published stays as it is");
}

/// Reads a written course back.
fn read_back(sink: &MemorySink) -> Package {
    let files = MemoryPackage { files: sink.files.clone() };
    let options = ReadOptions::default().target(COURSE.parse().expect("a key")).links(Links::Keep);
    read_course(&files, &options, &REGISTRY).expect("a readable package")
}

/// Returns a block without the name of the file it was read from and the place its draft had.
fn own(data: &BlockData) -> BlockData {
    let mut data = data.clone();
    if let Some(Value::Object(attributes)) = data.settings.get_mut("xml_attributes") {
        attributes.shift_remove("filename");
        if attributes.is_empty() {
            data.settings.shift_remove("xml_attributes");
        }
    }
    data
}

/// Writes the course after an edit of its draft, reads it back and compares the drafts.
#[track_caller]
fn check_draft(edit: impl FnOnce(Edit) -> Edit) {
    let runtime = runtime();
    let context: ContextKey = COURSE.parse().expect("a key");
    // Drafts have no policy file to hold values of the wrong type.
    let text = block(json!({"data": "<p>a</p>"}), json!({}), &[]);
    runtime.commit(course().put(usage("html", "wk1:h"), text).publish_all()).expect("it works");
    runtime.commit(edit(Edit::new(context.clone(), Base::Any))).expect("it works");
    let (sink, report) = export(&runtime);
    let package = read_back(&sink);
    for usage in runtime.usages(&context, Branch::Draft).expect("it works") {
        let stored = runtime.block(&usage, Branch::Draft).expect("it works");
        let read = package.draft.get(&usage).or_else(|| package.published.get(&usage));
        assert_eq!(read.map(|read| own(read)), Some(own(&stored.data)), "{usage}");
    }
    assert_eq!(report.diagnostics, []);
}

#[test]
fn drafts_of_every_kind_come_back() {
    let section = |children: &[UsageKey]| block(json!({}), json!({"graded": true}), children);
    // A new name for a section, which edx-platform would have published at once.
    check_draft(|edit| {
        edit.put(
            usage("sequential", "s1"),
            block(json!({}), json!({"display_name": "S"}), &[usage("vertical", "v1")]),
        )
    });
    // A unit taken out.
    check_draft(|edit| edit.with(EditOp::DeleteBlock { usage: usage("vertical", "v1") }));
    // A text whose name makes folders.
    check_draft(|edit| edit.put(usage("html", "wk1:h"), block(json!({"data": "new"}), json!({}), &[])));
    // A block whose whole element is its text.
    check_draft(|edit| {
        let data = json!({"data": "<problem url_name=\"p\">\n  <p>y</p>\n</problem>\n"});
        edit.put(usage("problem", "p"), block(data, json!({}), &[]))
    });
    // Units in another order, one of them new.
    check_draft(|edit| {
        edit.put(usage("vertical", "v2"), block(json!({}), json!({}), &[]))
            .put(usage("vertical", "v3"), block(json!({}), json!({}), &[]))
            .put(
                usage("sequential", "s1"),
                section(&[usage("vertical", "v3"), usage("vertical", "v1"), usage("vertical", "v2")]),
            )
    });
    // A block that stands in its parent's element.
    check_draft(|edit| {
        edit.put(usage("discussion", "d"), block(json!({}), json!({"discussion_id": "x"}), &[])).put(
            usage("vertical", "v1"),
            block(json!({}), json!({}), &[usage("html", "wk1:h"), usage("discussion", "d")]),
        )
    });
}

/// Puts a package into a store, everything published.
fn store(package: &Package) -> MemoryRuntime {
    let runtime = runtime();
    let mut edit = Edit::new(package.context.clone(), Base::New { root: package.root.clone() });
    for (usage, data) in &package.published {
        edit = edit.put(usage.clone(), BlockData::clone(data));
    }
    runtime.commit(edit.publish_all()).expect("it works");
    runtime
}

#[test]
fn broken_and_unknown_blocks_come_back() {
    let files: MemoryPackage = [
        ("course.xml", r#"<course url_name="2031" org="Fjord" course="GEO1"/>"#),
        ("course/2031.xml", r#"<course><chapter url_name="c"/></course>"#),
        ("chapter/c.xml", r#"<chapter><sequential url_name="s"/><sequential url_name="missing"/></chapter>"#),
        ("sequential/s.xml", r#"<sequential><vertical url_name="v"/></sequential>"#),
        (
            "vertical/v.xml",
            "<vertical><poll_question url_name=\"p\">no answers</poll_question>\
             <done url_name=\"d\" xblock-family=\"xblock.v1\" align=\"left\"/>\
             <strange url_name=\"x\" a=\"1\">t<b/><!-- c --></strange><strange url_name=\"y\"/>\
             <problem url_name=\"q\"/><customtag url_name=\"ct\" impl=\"book\" page=\"5\"/></vertical>",
        ),
        ("strange/y.xml", "<strange deep=\"1\"><c>&lt;</c></strange>"),
        ("problem/q.xml", "<problem><p></problem>"),
    ]
    .into_iter()
    .collect();
    let read = |files: &MemoryPackage| {
        let options = ReadOptions::default().target(COURSE.parse().expect("a key"));
        read_course(files, &options, &REGISTRY).expect("a readable package")
    };
    let first = read(&files);
    assert_eq!(first.published.keys().filter(|usage| usage.block_type() == "error").count(), 3);
    let (written, report) = export(&store(&first));
    assert_eq!(report.diagnostics, []);
    let second = read(&MemoryPackage { files: written.files.clone() });
    // Why a block is broken names a line, and lines differ.
    let blocks = |package: &Package| -> Vec<_> {
        let without_reason = |data: &BlockData| {
            let mut data = own(data);
            data.content.shift_remove("error_msg");
            data
        };
        package.published.iter().map(|(usage, data)| (usage.clone(), without_reason(data))).collect()
    };
    assert_eq!(blocks(&first), blocks(&second));
    assert_eq!(export(&store(&second)).0, written);
}

#[test]
fn blocks_whose_file_would_be_another_thing_stand_in_their_parent() {
    let mut inside =
        vec![usage("html", "wk1:h"), usage("problem", "p"), usage("course", "c2"), usage("course", "2031")];
    let mut edit = course();
    for block_type in ["static", "tabs", "info", "drafts", "policies", "assets", "custom_tags"] {
        let subject = usage(block_type, "img");
        let data = json!({"data": format!("<{block_type} url_name=\"img\" a=\"1\"><b/></{block_type}>")});
        edit = edit.put(subject.clone(), block(data, json!({"xml_attributes": {"a": "1"}}), &[]));
        inside.push(subject);
    }
    for block_type in ["about", "course_info", "static_tab"] {
        let subject = usage(block_type, "x");
        edit = edit.put(
            subject.clone(),
            block(json!({"data": "<p>a &amp; b</p>"}), json!({"display_name": "X"}), &[]),
        );
        inside.push(subject);
    }
    let inner = json!({"wiki_slug": null, "textbooks": []});
    edit = edit
        .put(usage("course", "c2"), block(inner.clone(), json!({}), &[usage("html", "deep")]))
        .put(usage("course", "2031"), block(inner, json!({"display_name": "B"}), &[]))
        .put(usage("html", "deep"), block(json!({"data": "deep"}), json!({}), &[]))
        .put(usage("vertical", "v1"), block(json!({}), json!({}), &inside))
        .publish_all();
    let runtime = runtime();
    runtime.commit(edit).expect("it works");
    let (sink, report) = export(&runtime);
    assert_eq!(report.diagnostics, []);
    assert!(text(&sink, "course/2031.xml").contains("Glaciers"));
    let package = read_back(&sink);
    let context: ContextKey = COURSE.parse().expect("a key");
    for usage in runtime.usages(&context, Branch::Published).expect("it works") {
        let stored = runtime.block(&usage, Branch::Published).expect("it works");
        // The root's name is taken from its pointer.
        if usage.block_type() == "course" && usage.block_id() == "2031" {
            continue;
        }
        let read = package.published.get(&usage).map(|read| own(read));
        let expected = own(&stored.data);
        assert_eq!(
            read.map(|read| (read.content, read.settings, read.children.len())),
            Some((expected.content, expected.settings, expected.children.len())),
            "{usage}"
        );
    }
}

#[test]
fn an_orphan_of_the_draft_alone_is_told() {
    let runtime = runtime();
    runtime.commit(course()).expect("it works");
    let context: ContextKey = COURSE.parse().expect("a key");
    let orphan = block(json!({"data": "lost"}), json!({}), &[]);
    runtime.commit(Edit::new(context, Base::Any).put(usage("html", "lost"), orphan)).expect("it works");
    let codes: Vec<_> = export(&runtime).1.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["orphan-left-out"]);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,8}",
        "[\\t\\n\\r <>&\"'a\\[\\]{}]{0,6}",
        prop::sample::select(vec![
            "null",
            "true",
            "5",
            "1e3",
            "\"x\"",
            "[1]",
            "é\u{1F600}",
            "2030-01-02T00:00:00Z",
            "00:00:05"
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1000.0..1000.0).prop_map(|float: f64| Value::from(float)),
        any_text().prop_map(Value::from),
        proptest::collection::vec(any_text(), 0..3).prop_map(Value::from),
        proptest::collection::hash_map(any_text(), any_text(), 0..2).prop_map(|map| json!(map)),
    ]
}

/// Settings of all types of values, some of the type itself and some unknown attributes.
fn any_settings() -> impl Strategy<Value = FieldMap> {
    let names = vec![
        "display_name",
        "due",
        "start",
        "graded",
        "format",
        "weight",
        "max_attempts",
        "rerandomize",
        "showanswer",
        "group_access",
        "user_partitions",
        "graceperiod",
        "visible_to_staff_only",
        "tags",
        "name",
        "start_time",
        "end_time",
        "html5_sources",
        "transcripts",
        "sub",
        "youtube_id_1_0",
        "download_video",
        "editor",
        "markdown",
        "show_captions",
        "edx_video_id",
        "num_inputs",
    ];
    proptest::collection::vec((prop::sample::select(names), any_value()), 0..6)
        .prop_map(|all| all.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// Returns settings in the form in which a store keeps them, without what the type does not know.
fn stored(block_type: &str, settings: &FieldMap) -> FieldMap {
    let known = REGISTRY.block_type(block_type);
    settings
        .iter()
        .filter_map(|(name, value)| {
            let spec = known.field(name)?;
            let stored = spec.from_json(value).and_then(|native| spec.to_json(&native));
            // A video has no place for a value its reader would refuse, nor for these two; it says so.
            let is_readable = stored.as_ref().is_ok_and(|stored| spec.from_json(stored).is_ok());
            let is_lost = !is_readable || ["name", "edx_video_id"].contains(&&**name);
            if is_lost && block_type == "video" {
                return None;
            }
            Some((name.clone(), stored.unwrap_or_else(|_| value.clone())))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn settings_come_back(
        settings in any_settings(),
        block_type in prop::sample::select(vec!["html", "problem", "vertical", "video", "word_cloud"]),
    ) {
        let settings = stored(block_type, &settings);
        let subject = usage(block_type, "x1");
        let content = match block_type {
            "problem" => json!({"data": "<problem url_name=\"x1\"/>\n"}),
            "word_cloud" => json!({"data": "<word_cloud url_name=\"x1\"/>\n"}),
            "html" => json!({"data": "<p>a</p>"}),
            _ => json!({}),
        };
        let data = BlockData { content: fields(&content), settings, ..BlockData::default() };
        let runtime = runtime();
        let unit = block(json!({}), json!({}), std::slice::from_ref(&subject));
        let edit = course().put(usage("vertical", "v1"), unit).put(subject.clone(), data.clone()).publish_all();
        runtime.commit(edit).expect("it works");
        let (sink, report) = export(&runtime);
        let package = read_back(&sink);
        let read = package.published.get(&subject).map(|read| own(read));
        prop_assert_eq!(read, Some(data), "{:?} {:?}", report.diagnostics, sink.files.get("video/x1.xml").map(|b| String::from_utf8_lossy(b)));
    }
}
