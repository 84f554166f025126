//! Reading whole packages: what is found where, and what is said about what is wrong.

use serde_json::{Value, json};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{
    BrokenBlocks, MemoryPackage, OlxError, Outcome, Package, PackageSource, ReadOptions, Severity,
    SourceError, Threads, read_course,
};
use xblock_core::runtime::BlockData;

fn read_with(files: &[(&str, &str)], options: &ReadOptions) -> Result<Package, OlxError> {
    let package: MemoryPackage = files.iter().copied().collect();
    read_course(&package, options, &blocks::registry().expect("no type stands twice"))
}

fn read(files: &[(&str, &str)]) -> Package {
    read_with(files, &ReadOptions::default()).expect("the package is readable")
}

fn error(files: &[(&str, &str)]) -> OlxError {
    read_with(files, &ReadOptions::default()).expect_err("the package is not readable")
}

fn usage(package: &Package, block_type: &str, name: &str) -> UsageKey {
    package.context.make_usage_key(block_type, name).expect("a good name")
}

fn block<'p>(package: &'p Package, block_type: &str, name: &str) -> &'p BlockData {
    package.published.get(&usage(package, block_type, name)).expect("the block exists")
}

fn names(children: &[UsageKey]) -> Vec<String> {
    children.iter().map(|key| format!("{}/{}", key.block_type(), key.block_id())).collect()
}

fn said(package: &Package) -> Vec<String> {
    package
        .diagnostics
        .iter()
        .map(|d| {
            let place = d.position.map_or(String::new(), |position| format!(":{position}"));
            let file = d.file.as_ref().map_or("", |file| file.as_str());
            format!("{file}{place}: {}[{}]", d.severity, d.code)
        })
        .collect()
}

const ROOT: (&str, &str) = ("course.xml", r#"<course url_name="R" org="O" course="C"/>"#);

fn course(vertical: &str) -> Vec<(&str, &str)> {
    vec![
        ROOT,
        ("course/R.xml", r#"<course display_name="Name"><chapter url_name="c"/></course>"#),
        ("chapter/c.xml", r#"<chapter><sequential url_name="s"/></chapter>"#),
        ("sequential/s.xml", r#"<sequential><vertical url_name="v"/></sequential>"#),
        ("vertical/v.xml", vertical),
    ]
}

#[test]
fn pointers_policies_and_pages_make_a_course() {
    let mut files = course(
        r#"<vertical><html url_name="h"/><problem url_name="p" display_name="P"><p/></problem></vertical>"#,
    );
    files.extend([
        ("html/h.xml", r#"<html filename="h" display_name="H"/>"#),
        ("html/h.html", "<p>one & two<br></p>"),
        (
            "policies/R/policy.json",
            r#"{"course/R": {"display_name": "Policy", "tabs": [{"type": "static_tab", "name": "Maps", "url_slug": "maps"}]},
                "problem/p": {"max_attempts": "3", "odd": [1]}}"#,
        ),
        ("policies/R/grading_policy.json", r#"{"GRADE_CUTOFFS": {"A": 0.9}}"#),
        ("about/overview.html", "general"),
        ("about/R/overview.html", "for this run"),
        ("about/draft.html~", "no"),
        ("tabs/maps.html", "<b>maps</b>"),
        ("info/updates.html", "<ol></ol>"),
        ("info/updates.items.json", r#"[{"id": 1}]"#),
        ("custom_tags/book", "see ${page}"),
    ]);
    let package = read(&files);
    assert_eq!(said(&package), [""; 0]);
    assert_eq!(package.context.to_string(), "course-v1:O+C+R");
    assert_eq!(package.root.to_string(), "block-v1:O+C+R+type@course+block@course");
    let root = block(&package, "course", "course");
    assert_eq!(root.settings["display_name"], "Policy");
    assert_eq!(root.content["grading_policy"]["GRADE_CUTOFFS"], json!({"A": 0.9}));
    assert_eq!(root.content["grading_policy"]["GRADER"].as_array().map(Vec::len), Some(4));
    assert_eq!(root.content["wiki_slug"], "O.C.R");
    assert_eq!(root.settings["discussion_topics"], json!({"General": {"id": "i4x-O-C-course-R"}}));
    assert_eq!(names(&block(&package, "vertical", "v").children), ["html/h", "problem/p"]);
    assert_eq!(block(&package, "html", "h").content["data"], "<p>one & two<br></p>");
    let problem = block(&package, "problem", "p");
    assert_eq!(problem.settings["max_attempts"], 3);
    assert_eq!(problem.settings["xml_attributes"], json!({"odd": [1], "filename": ["", null]}));
    assert_eq!(block(&package, "about", "overview").content["data"], "for this run");
    let tab = block(&package, "static_tab", "maps");
    assert_eq!(
        (&tab.settings["display_name"], &tab.settings["course_staff_only"]),
        (&json!("Maps"), &json!(false))
    );
    assert_eq!(block(&package, "course_info", "updates").content["items"], json!([{"id": 1}]));
    assert_eq!(block(&package, "custom_tag_template", "book").content["data"], "see ${page}");
    assert_eq!(package.counts.blocks, 10);
}

#[test]
fn a_target_context_takes_all_keys_and_references() {
    let mut files = course(
        r#"<vertical><conditional url_name="k" sources="i4x://O/C/problem/p" correct="True">
             <show sources="i4x://O/C/html/h"/></conditional><problem url_name="p"><p/></problem>
             <html url_name="h">x</html></vertical>"#,
    );
    files[1].1 = r#"<course><wiki slug="O.C.R"/><chapter url_name="c"/></course>"#;
    let target: ContextKey = "course-v1:New+N1+2040".parse().expect("a course key");
    let package = read_with(&files, &ReadOptions::default().target(target)).expect("readable");
    let conditional = block(&package, "conditional", "k");
    assert_eq!(conditional.content["sources_list"], json!(["block-v1:New+N1+2040+type@problem+block@p"]));
    assert_eq!(conditional.content["show_tag_list"], json!(["block-v1:New+N1+2040+type@html+block@h"]));
    assert_eq!(names(&conditional.children), ["html/h"]);
    assert_eq!(block(&package, "course", "course").content["wiki_slug"], "New.N1.2040");
}

#[test]
fn a_library_is_read_under_its_own_key() {
    let library = r#"<library url_name="library" xblock-family="xblock.v1" display_name="Bank" org="O" library="L"><problem url_name="q"/></library>"#;
    let package = read(&[("library.xml", library), ("problem/q.xml", "<problem><p/></problem>")]);
    assert_eq!(said(&package), [""; 0]);
    assert_eq!(package.root.to_string(), "lib-block-v1:O+L+type@library+block@library");
    assert_eq!(block(&package, "library", "library").settings["display_name"], "Bank");
    assert_eq!(names(&block(&package, "library", "library").children), ["problem/q"]);
}

#[test]
fn static_files_get_clean_keys_and_what_the_policy_says() {
    let mut files = course("<vertical/>");
    files.extend([
        ("static/images/a b.png", "png"),
        ("static/notes.unknown", "?"),
        ("static/._notes.txt", "no"),
        ("static/notes.txt~", "no"),
        ("static/.DS_Store", "no"),
        (
            "policies/assets.json",
            r#"{"images_a_b.png": {"displayname": "a/b.png", "locked": true, "contentType": "image/png",
                "thumbnail_location": ["c4x", "O", "C", "thumbnail", "t.jpg", null], "note": 1, "filename": "x"}}"#,
        ),
    ]);
    let package = read(&files);
    let keys: Vec<_> = package.assets.iter().map(|asset| (asset.key.path(), asset.path.as_str())).collect();
    assert_eq!(
        keys,
        [("images_a_b.png", "static/images/a b.png"), ("notes.unknown", "static/notes.unknown")]
    );
    let data = serde_json::to_value(&package.assets[0].data).expect("JSON");
    assert_eq!(
        data,
        json!({"content_type": "image/png", "display_name": "a_b.png", "locked": true, "import_path": "images/a b.png",
               "thumbnail": "t.jpg", "extra": {"note": 1}})
    );
    assert_eq!(package.assets[1].data.content_type, None);
}

#[test]
fn drafts_stand_in_the_draft_branch_only() {
    let mut files = course(r#"<vertical display_name="Old"><html url_name="h">x</html></vertical>"#);
    files.extend([
        (
            "drafts/vertical/v.xml",
            r#"<vertical display_name="New" parent_url="i4x://O/C/sequential/s" index_in_children_list="0"><html url_name="h"/><html url_name="n"/></vertical>"#,
        ),
        ("drafts/html/h.xml", r#"<html filename="h"/>"#),
        ("drafts/html/h.html", "y"),
        ("drafts/html/n.xml", r#"<html filename="n"/>"#),
        ("drafts/html/n.html", "new"),
        (
            "drafts/vertical/w.xml",
            r#"<vertical parent_sequential_url="i4x://O/C/sequential/s" index_in_children_list="0"><split_test url_name="t" group_id_to_child="{}"/></vertical>"#,
        ),
        (
            "drafts/html/inner.xml",
            r#"<html parent_url="i4x://O/C/vertical/w" index_in_children_list="0">inside w</html>"#,
        ),
        ("drafts/html/orphan.xml", "<html>nobody points here</html>"),
        ("drafts/vertical/broken.xml", "<vertical index_in_children_list='1'>"),
    ]);
    let package = read(&files);
    assert_eq!(
        said(&package),
        [
            "drafts/vertical/broken.xml:1:38: error[invalid-xml]",
            "drafts/html/inner.xml:1:7: warning[draft-not-listed]"
        ]
    );
    assert_eq!(package.diagnostics[0].outcome, Some(Outcome::LeftOut));
    let drafts: Vec<_> = package.draft.keys().cloned().collect();
    assert_eq!(
        names(&drafts),
        ["html/h", "html/inner", "html/n", "sequential/s", "split_test/t", "vertical/v", "vertical/w"]
    );
    let draft = |block_type, name| &package.draft[&usage(&package, block_type, name)];
    assert_eq!(names(&draft("sequential", "s").children), ["vertical/w", "vertical/v"]);
    assert_eq!(names(&block(&package, "sequential", "s").children), ["vertical/v"]);
    assert_eq!(names(&draft("vertical", "w").children), ["html/inner", "split_test/t"]);
    let vertical = draft("vertical", "v");
    assert_eq!(vertical.settings["display_name"], "New");
    assert_eq!(vertical.settings["xml_attributes"], json!({"filename": ["", null]}));
    assert_eq!(draft("html", "h").content["data"], "y");
    assert_eq!(block(&package, "html", "h").content["data"], "x");
}

#[test]
fn drafts_that_name_each_other_as_parent_are_kept() {
    let mut files = course("<vertical/>");
    files.extend([
        (
            "drafts/vertical/a.xml",
            r#"<vertical parent_url="i4x://O/C/vertical/b" index_in_children_list="0"/>"#,
        ),
        (
            "drafts/vertical/b.xml",
            r#"<vertical parent_url="i4x://O/C/vertical/a" index_in_children_list="0"/>"#,
        ),
    ]);
    let package = read(&files);
    assert_eq!(
        said(&package),
        [
            "drafts/vertical/a.xml:1:11: warning[draft-not-listed]",
            "drafts/vertical/b.xml:1:11: warning[draft-without-parent]"
        ]
    );
    assert_eq!(package.draft.len(), 2);
}

#[test]
fn a_draft_of_an_unknown_type_is_read_once_and_as_it_is() {
    let mut files = course(r#"<vertical><foo url_name="k"/></vertical>"#);
    files.extend([
        ("foo/k.xml", r#"<foo a="1"/>"#),
        (
            "drafts/vertical/v.xml",
            r#"<vertical parent_url="i4x://O/C/sequential/s" index_in_children_list="0"><foo url_name="f9"/><zoo url_name="z"/></vertical>"#,
        ),
        (
            "drafts/foo/f9.xml",
            r#"<foo url_name="unk" b="2" parent_url="i4x://O/C/vertical/v" index_in_children_list="0"/>"#,
        ),
        ("drafts/zoo/z.xml", r#"<zoo parent_url="i4x://O/C/vertical/v" index_in_children_list="1"><c/></zoo>"#),
    ]);
    let package = read(&files);
    assert_eq!(said(&package).iter().filter(|text| !text.contains("unknown-type")).count(), 0);
    assert_eq!(block(&package, "foo", "k").content["data"], r#"<foo a="1"/>"#);
    let draft = |block_type, name| &package.draft[&usage(&package, block_type, name)];
    assert_eq!(names(&draft("vertical", "v").children), ["foo/f9", "zoo/z"]);
    let foo = draft("foo", "f9");
    assert_eq!(foo.content["data"], r#"<foo url_name="unk" b="2"/>"#);
    assert_eq!(foo.settings["xml_attributes"], json!({"b": "2", "filename": ["", null]}));
    assert_eq!(draft("zoo", "z").content["data"], "<zoo><c/></zoo>");
    assert_eq!(draft("zoo", "z").settings["xml_attributes"], json!({"filename": ["", null]}));
}

#[test]
fn nameless_blocks_of_one_content_are_told_to_be_one() {
    let package = read(&course("<vertical><html>x</html><html>x</html></vertical>"));
    assert_eq!(
        said(&package),
        ["vertical/v.xml:1:25: warning[duplicate-name]", "vertical/v.xml:1:25: warning[duplicate-child]"]
    );
    assert!(package.diagnostics[0].message.starts_with("two <html> without a name have the same content"));
}

#[test]
fn old_links_become_portable_where_that_is_wanted() {
    let files =
        course(r#"<vertical><html url_name="h">&lt;a href="/c4x/O/C/asset/x.png"&gt;</html></vertical>"#);
    assert_eq!(block(&read(&files), "html", "h").content["data"], r#"<a href="/static/x.png">"#);
    let options = ReadOptions::default().links(xblock_core::olx::Links::Keep);
    let package = read_with(&files, &options).expect("readable");
    assert_eq!(block(&package, "html", "h").content["data"], r#"<a href="/c4x/O/C/asset/x.png">"#);
}

#[test]
fn what_nobody_knows_or_can_read_stays_in_the_course() {
    let files = course(
        "<vertical>\n  <!-- a remark -->\n  <recommender url_name=\"r\" xblock-family=\"xblock.v1\" display_name=\"5\" \
         client='{\"a\": 1}'>\n    <html url_name=\"inner\"/> text</recommender>\n  <html url_name=\"gone\"/>\n  \
         <problem url_name=\"bad\"/>\n  <video url_name=\"t\" start_time=\"junk\"/>\n  <done url_name=\"d\"/>\n</vertical>",
    );
    let mut files = files;
    files.push(("problem/bad.xml", "<problem>\n<p>\n</problem>"));
    let package = read(&files);
    assert_eq!(
        said(&package),
        [
            "vertical/v.xml:3:3: note[unknown-type]",
            "vertical/v.xml:5:3: error[missing-file]",
            "problem/bad.xml:3:1: error[invalid-xml]",
            "vertical/v.xml:7:23: error[invalid-value]",
            "vertical/v.xml:8:3: note[unknown-type]",
        ]
    );
    let children = &block(&package, "vertical", "v").children;
    let types: Vec<_> = children.iter().map(UsageKey::block_type).collect();
    assert_eq!(types, ["recommender", "error", "error", "error", "done"]);
    let unknown = block(&package, "recommender", "r");
    assert_eq!(unknown.settings["display_name"], "5");
    assert_eq!(
        unknown.settings["xml_attributes"],
        json!({"client": "{\"a\": 1}", "xblock-family": "xblock.v1"})
    );
    let data = unknown.content["data"].as_str().expect("a text");
    assert!(data.contains("<html url_name=\"inner\"/> text</recommender>"), "{data}");
    assert_eq!(package.published[&children[1]].content["contents"], "<html url_name=\"gone\"/>");
    assert!(
        package.published[&children[1]].content["error_msg"]
            .as_str()
            .is_some_and(|m| m.contains("html/gone.xml"))
    );

    let options = ReadOptions::default().broken_blocks(BrokenBlocks::LeaveOut);
    let package = read_with(&files, &options).expect("readable");
    assert_eq!(names(&block(&package, "vertical", "v").children), ["recommender/r", "done/d"]);
}

#[test]
fn two_blocks_of_one_name_are_both_kept() {
    let files = course(
        r#"<vertical><html url_name="h">one</html><html url_name="h">two</html><problem url_name="p"><p/></problem><problem url_name="p"/></vertical>"#,
    );
    let package = read(&files);
    assert_eq!(
        said(&package),
        [
            "vertical/v.xml:1:40: warning[duplicate-name]",
            "vertical/v.xml:1:105: warning[duplicate-name]",
            "vertical/v.xml:1:105: error[missing-file]"
        ]
    );
    let children = &block(&package, "vertical", "v").children;
    assert_eq!(children.len(), 4);
    assert_eq!(package.published[&children[0]].content["data"], "one");
    assert_eq!(package.published[&children[1]].content["data"], "two");
}

#[test]
fn a_file_two_parents_point_to_is_one_block() {
    let mut files = course(r#"<vertical><html url_name="h"/></vertical>"#);
    files[3].1 = r#"<sequential><vertical url_name="v"/><vertical url_name="w"/></sequential>"#;
    files.extend([
        ("vertical/w.xml", r#"<vertical><html url_name="h"/></vertical>"#),
        ("html/h.xml", "<html>x</html>"),
    ]);
    let package = read(&files);
    assert_eq!(said(&package), [""; 0]);
    assert_eq!(block(&package, "vertical", "v").children, block(&package, "vertical", "w").children);
}

#[test]
fn a_circle_of_files_ends() {
    let files = course(r#"<vertical><vertical url_name="v"/></vertical>"#);
    let package = read(&files);
    assert!(said(&package).iter().any(|text| text.contains("nested-too-deep")), "{:?}", said(&package));
}

#[test]
fn bad_policies_and_pages_are_said_and_passed_over() {
    let mut files = course("<vertical/>");
    files.extend([
        ("policies/R/policy.json", "{\"course/R\":\n  {\"display_name\": }}"),
        ("policies/R/grading_policy.json", "[]"),
        ("policies/assets.json", "nonsense"),
        ("info/a.b.c.json", "1"),
        ("info/updates.items.json", "[1,"),
    ]);
    let package = read(&files);
    assert_eq!(
        said(&package),
        [
            "policies/R/policy.json:2:20: error[invalid-json]",
            "policies/R/grading_policy.json: error[invalid-json]",
            "info/a.b.c.json: warning[ignored-file]",
            "info/updates.items.json:1:3: error[invalid-json]",
            "policies/assets.json:1:2: error[invalid-json]",
        ]
    );
    assert_eq!(block(&package, "course", "course").settings["display_name"], "Name");
}

#[test]
fn policies_that_only_python_reads_are_read() {
    let mut files = course(r#"<vertical><problem url_name="p"/></vertical>"#);
    let policy = r#"{"problem/p": {"weight": NaN, "display_name": "a \"NaN\" \ud83d\ude00 \ud800 \\ud800"},
        "vertical/v": {"other": [-Infinity, Infinity]}}"#;
    files.extend([("problem/p.xml", "<problem/>"), ("policies/R/policy.json", policy)]);
    let package = read(&files);
    assert_eq!(said(&package), ["policies/R/policy.json: warning[python-json]"]);
    let problem = block(&package, "problem", "p");
    assert_eq!(problem.settings["weight"], "NaN");
    assert_eq!(problem.settings["display_name"], "a \"NaN\" \u{1F600} \u{FFFD} \\ud800");
    let unit = block(&package, "vertical", "v");
    assert_eq!(unit.settings["xml_attributes"]["other"], json!(["-Infinity", "Infinity"]));
}

#[test]
fn what_is_no_course_is_refused() {
    assert!(matches!(error(&[("readme.txt", "hello")]), OlxError::NotOlx));
    let broken = error(&[("course.xml", "<course url_name='R'>\n <chapter></course>")]);
    assert_eq!(
        broken.diagnostic().to_string().lines().next(),
        Some(
            "course.xml:2:11: error[invalid-xml]: <chapter> opened at 2:2 is closed by </course> (inside <chapter>)",
        )
    );
    let wrong = error(&[("course.xml", "<library/>")]);
    assert_eq!(wrong.to_string(), "course.xml:1:1: <library> where <course> is needed");
    let nameless = error(&[("course.xml", "<course org='O' course='C'/>")]);
    assert_eq!(nameless.to_string(), "course.xml:1:1: attribute url_name is missing");
    let missing = error(&[ROOT]);
    assert_eq!(missing.to_string(), "course.xml:1:1: course/R.xml does not exist");
    let bad_name = error(&[("course.xml", r#"<course url_name="a b" org="O" course="C"/>"#)]);
    assert!(matches!(bad_name, OlxError::InvalidName { .. }), "{bad_name}");
    let diagnostic = serde_json::to_value(missing.diagnostic()).expect("JSON");
    assert_eq!(diagnostic["line"], 1);
    assert_eq!(diagnostic["severity"], serde_json::to_value(Severity::Error).unwrap_or(Value::Null));
}

#[test]
fn a_course_that_does_not_say_what_it_is_called_is_read_all_the_same() {
    let mut files = course("<vertical/>");
    files[0].1 = r#"<course url_name="R"/>"#;
    let mut options = ReadOptions::default();
    options.folder_name = Some("folder".into());
    let package = read_with(&files, &options).expect("readable");
    assert_eq!(package.context.to_string(), "course-v1:edx+folder+R");
    assert_eq!(said(&package), ["course.xml:1:1: warning[missing-attribute]"; 2]);
    assert_eq!(block(&package, "course", "course").settings["display_name"], "Name");
}

/// A course of many sections, in which names and pointers come again in other sections and much is broken.
fn tangled() -> Vec<(String, String)> {
    let mut files = vec![
        ("course.xml".to_owned(), ROOT.1.to_owned()),
        ("html/shared.xml".to_owned(), "<html>shared</html>".to_owned()),
        ("html/broken.xml".to_owned(), "<html><p></html>".to_owned()),
        ("static/a.png".to_owned(), String::new()),
        ("static/a b.png".to_owned(), String::new()),
        ("static/a_b.png".to_owned(), String::new()),
    ];
    let mut course = String::from("<course>");
    for c in 0..6 {
        course.push_str(&format!(r#"<chapter url_name="c{c}"/>"#));
        let mut chapter = String::from("<chapter><!-- a remark -->");
        for s in 0..4 {
            chapter.push_str(&format!(r#"<sequential url_name="s{c}_{s}"/> stray"#));
            let units: String = (0..3)
                .map(|v| {
                    format!(
                        r#"<vertical url_name="v{c}_{s}_{v}">
                            <html url_name="shared"/><html url_name="broken"/><html url_name="missing"/>
                            <html url_name="own{c}_{s}_{v}">{c}</html><html url_name="twice{s}">{c}</html>
                            <problem url_name="p{v}" weight="x"><p/></problem><problem><p/></problem>
                            <strange url_name="z{c}_{s}"/><problem display_name="One"/>
                            <video url_name="w{c}" start_time="?"/>
                        </vertical>"#
                    )
                })
                .collect();
            let units = format!(r#"<sequential>{units}<vertical url_name="lone"/></sequential>"#);
            files.push((format!("sequential/s{c}_{s}.xml"), units));
        }
        chapter.push_str(r#"<sequential url_name="s0_0"/><chapter url_name="c0"/></chapter>"#);
        files.push((format!("chapter/c{c}.xml"), chapter));
    }
    course.push_str("</course>");
    files.push(("course/R.xml".to_owned(), course));
    let draft = r#"<vertical parent_url="block-v1:O+C+R+type@sequential+block@s1_1" index_in_children_list="1">
        <html url_name="shared"/><html url_name="twice1">draft</html></vertical>"#;
    files.push(("drafts/vertical/v1_1_1.xml".to_owned(), draft.to_owned()));
    files
}

#[test]
fn many_threads_read_what_one_reads() {
    let files = tangled();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let read = |threads| read_with(&files, &ReadOptions::default().threads(threads)).expect("it is readable");
    let one = read(Threads::One);
    assert!(one.published.len() > 200 && one.diagnostics.len() > 200, "{:?}", one.counts);
    for _ in 0..10 {
        let many = read(Threads::Many);
        assert_eq!(said(&many), said(&one));
        assert!(many == one);
    }
}

#[test]
fn an_error_of_the_source_ends_the_reading_on_any_thread() {
    struct Unreadable(MemoryPackage);
    impl PackageSource for Unreadable {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
            if path == "sequential/s4_2.xml" { Err("the disk is gone".into()) } else { self.0.read(path) }
        }
        fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
            self.0.list(folder)
        }
    }
    let package = Unreadable(tangled().into_iter().collect());
    let registry = blocks::registry().expect("no type stands twice");
    for threads in [Threads::One, Threads::Many] {
        let result = read_course(&package, &ReadOptions::default().threads(threads), &registry);
        assert!(matches!(result, Err(OlxError::Source { path, .. }) if path == "sequential/s4_2.xml"));
    }
}

#[test]
fn sections_may_be_many_and_deep_on_threads() {
    let deep = "<vertical>".repeat(70) + &"</vertical>".repeat(70);
    let mut files = vec![("course.xml".to_owned(), ROOT.1.to_owned())];
    let pointers: String = (0..40).map(|n| format!(r#"<chapter url_name="c{n}"/>"#)).collect();
    files.push(("course/R.xml".to_owned(), format!("<course>{pointers}</course>")));
    files.extend((0..40).map(|n| {
        let sequentials =
            format!(r#"<sequential url_name="a{n}">{deep}</sequential><sequential url_name="b{n}"/>"#);
        (format!("chapter/c{n}.xml"), format!("<chapter>{sequentials}</chapter>"))
    }));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let read = |threads| read_with(&files, &ReadOptions::default().threads(threads)).expect("it is readable");
    assert!(read(Threads::Many) == read(Threads::One));
}

#[test]
fn a_panic_of_the_source_leaves_no_thread_waiting() {
    struct Panicking(MemoryPackage);
    impl PackageSource for Panicking {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
            assert!(!matches!(path, "sequential/s2_1.xml" | "chapter/c5.xml"), "there is no disk");
            self.0.read(path)
        }
        fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
            self.0.list(folder)
        }
    }
    let package = Panicking(tangled().into_iter().collect());
    let registry = blocks::registry().expect("no type stands twice");
    for _ in 0..5 {
        let read = || read_course(&package, &ReadOptions::default(), &registry);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).is_err());
    }
    assert!(read_course(&package.0, &ReadOptions::default(), &registry).is_ok());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what reads packages may do so on threads of its own")]
fn packages_share_the_threads() {
    let files = tangled();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let one = read_with(&files, &ReadOptions::default().threads(Threads::One)).expect("it is readable");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| (0..3).for_each(|_| assert!(read(&files) == one)));
        }
    });
}
