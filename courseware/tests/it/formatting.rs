//! `courseware fmt`: the canonical layout, and nothing else changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use courseware::{CoursewareError, DirectorySource, FormatMode, FormatReport, Progress, check, format};
use serde_json::Value;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use xblock_core::olx::{MemoryPackage, ReadOptions, format_olx, format_policy, read_course};

type Files = BTreeMap<String, Vec<u8>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn load(folder: &Path) -> Files {
    fn add(root: &Path, folder: &Path, files: &mut Files) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with(".git") {
                add(root, &path, files);
            } else if path.is_file() {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = Files::new();
    add(folder, folder, &mut files);
    files
}

fn put(folder: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn run(folder: &Path, mode: FormatMode) -> FormatReport {
    let registry = blocks::registry().unwrap();
    format(folder, &registry, mode, &Progress::default()).unwrap()
}

fn layout(text: &str) -> String {
    let registry = blocks::registry().unwrap();
    let once = format_olx("a.xml".into(), text.as_bytes(), &registry).unwrap();
    let twice = format_olx("a.xml".into(), &once, &registry).unwrap();
    assert_eq!(once, twice, "the layout is its own");
    String::from_utf8(once).unwrap()
}

#[test]
fn containers_get_lines_and_texts_stay() {
    assert_eq!(
        layout(
            "<?xml version='1.0'?>\n\n<!-- top -->\n<vertical\n x='a\"b' url_name = 'v'  ><!-- a\n b -->\n\n\n\
             <html   display_name='&#65;'> <p>\n x</p><!-- --> </html><problem>\n\t<p/>\n</problem ></vertical>  \n"
        ),
        "<?xml version='1.0'?>\n\n<!-- top -->\n<vertical url_name=\"v\" x=\"a&quot;b\">\n  <!-- a\n b -->\n\n  \
         <html display_name=\"A\"> <p>\n x</p><!-- --> </html>\n  <problem>\n\t<p/>\n</problem>\n</vertical>\n"
    );
    assert_eq!(layout("<course url_name=\"a\"  org='b' />"), "<course url_name=\"a\" org=\"b\"/>");
    assert_eq!(
        layout("<sequential start='\"2030-01-01T00:00:00Z\"' display_name=\"S\"/>"),
        "<sequential display_name=\"S\" start=\"&quot;2030-01-01T00:00:00Z&quot;\"/>"
    );
    assert_eq!(layout("<vertical> text <html/></vertical>"), "<vertical> text <html/></vertical>");
    assert_eq!(layout("<vertical a=\"&#x41;&amp;\"></vertical>"), "<vertical a=\"&#x41;&amp;\"/>");
    assert_eq!(layout("<x xmlns:a='b'  a:c='d' />"), "<x xmlns:a='b'  a:c='d'/>");
}

#[test]
fn policies_are_sorted() {
    let sorted = &b"{\n    \"a\": [],\n    \"b\": 1\n}\n"[..];
    assert_eq!(format_policy(b"{\"b\":1,\"a\":[ ]}\n").as_deref(), Some(sorted));
    assert_eq!(format_policy(b"{\"a\": 12345678901234567890}"), None, "more than a number holds");
    assert_eq!(format_policy(b"{\"a\": NaN}"), None);
}

/// Formatting changes no block, a second one changes nothing, and a check changes nothing ever.
#[track_caller]
fn formats(course: &Path) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let before = load(course);
    put(folder.path(), &before);
    let checked = run(folder.path(), FormatMode::Check);
    assert_eq!(load(folder.path()), before, "a check changes nothing");
    let written = run(folder.path(), FormatMode::Write);
    assert_eq!(checked.changed, written.changed);
    let after = load(folder.path());
    let changed: Vec<_> =
        before.keys().filter(|path| before.get(*path) != after.get(*path)).cloned().collect();
    assert_eq!(changed, written.changed, "{}", course.display());
    assert!(before.keys().eq(after.keys()));
    assert!(!written.diagnostics.iter().any(|remark| remark.code == "layout-has-meaning"), "{written:?}");
    let registry = blocks::registry().unwrap();
    let read = |files: &Files| {
        let package = MemoryPackage { files: files.clone() };
        read_course(&package, &ReadOptions::default(), &registry).unwrap()
    };
    let (first, second) = (read(&before), read(&after));
    assert_eq!((first.published, first.draft, first.assets), (second.published, second.draft, second.assets));
    assert!(run(folder.path(), FormatMode::Check).changed.is_empty());
    changed.len()
}

#[test]
fn the_sample_courses_are_formatted() {
    assert_eq!(formats(&root().join("examples/courses/tides-library")), 0);
    formats(&root().join("examples/courses/tides"));
}

#[test]
fn real_courses_keep_what_they_say() {
    for course in [
        "openedx-demo-course/course",
        "openedx-demo-course/library",
        "studio-advanced/course",
        "mitx-grading-library/course",
        "math-percent-edx-fi/course",
        "opencraft-onboarding",
    ] {
        let course = root().join("../shared/courses").join(course);
        if course.is_dir() {
            formats(&course);
        } else {
            eprintln!("SKIPPED: {} does not exist here", course.display());
        }
    }
}

#[test]
fn broken_files_are_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = load(&root().join("examples/courses/tides"));
    files.insert("vertical/unit_welcome.xml".into(), b"<vertical >\n<html".to_vec());
    files.insert(
        "chapter/ch_rhythm.xml".into(),
        b"<chapter ><sequential url_name='seq_moon'/></chapter>".to_vec(),
    );
    put(folder.path(), &files);
    let output =
        Command::new(env!("CARGO_BIN_EXE_courseware")).arg("fmt").arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("vertical/unit_welcome.xml:2:"), "{told}");
    let after = load(folder.path());
    assert_eq!(after["vertical/unit_welcome.xml"], files["vertical/unit_welcome.xml"]);
    let chapter = "<chapter>\n  <sequential url_name=\"seq_moon\"/>\n</chapter>";
    assert_eq!(String::from_utf8_lossy(&after["chapter/ch_rhythm.xml"]), chapter);
}

#[test]
fn a_check_says_no_until_all_is_formatted_in_archives_too() {
    let folder = tempfile::tempdir().unwrap();
    let course = folder.path().join("course");
    let mut files = load(&root().join("examples/courses/tides-library"));
    let library = String::from_utf8(files["library.xml"].clone()).unwrap().replacen("  ", "\t", 1);
    files.insert("library.xml".into(), library.into_bytes());
    put(&course, &files);
    let archive = folder.path().join("library.tar.gz");
    let mut sink =
        courseware::ArchiveSink::create(&archive, "course", courseware::Overwrite::Refuse).unwrap();
    for (path, bytes) in &files {
        sink.write(path, bytes).unwrap();
    }
    sink.finish().unwrap();
    for target in [&course, &archive] {
        let fmt = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_courseware"))
                .args(["--json", "fmt"])
                .arg(target)
                .args(arguments)
                .output();
            let output = output.unwrap();
            let document: Value = serde_json::from_slice(&output.stdout).unwrap();
            (output.status.code(), document["changed"].as_array().unwrap().len())
        };
        assert_eq!(fmt(&["--check"]), (Some(1), 1));
        assert_eq!(fmt(&[]), (Some(0), 1));
        assert_eq!(fmt(&["--check"]), (Some(0), 0));
        let report = run(target, FormatMode::Check);
        assert!(report.files > 1 && report.diagnostics.is_empty());
    }
}

/// Twenty thousand children in one line of a file, with what `child` makes of each number.
fn wide(container: &str, child: impl Fn(u32) -> String) -> Files {
    let children: String = (0..20_000).map(child).collect();
    let outline = "<course display_name=\"C\"><chapter url_name=\"c\"/></course>";
    let wide = format!("<{container} display_name=\"é\">{children}</{container}>");
    let chapter = "<chapter><sequential><vertical url_name=\"v\"/></sequential></chapter>";
    let mut files: Files = [
        ("course.xml", "<course org=\"O\" course=\"C\" url_name=\"r\"/>"),
        ("course/r.xml", outline),
        ("chapter/c.xml", chapter),
    ]
    .map(|(path, text)| (path.to_owned(), text.into()))
    .into();
    let path = if container == "chapter" { "chapter/c.xml" } else { "vertical/v.xml" };
    files.insert(path.to_owned(), wide.into());
    files
}

/// Where the work grows with the square of the children, this takes many minutes.
#[test]
fn many_children_are_formatted_and_checked_one_after_the_other() {
    let registry = blocks::registry().unwrap();
    let texts = wide("vertical", |n| format!("<html url_name=\"h{n}\"><p>x</p></html>"));
    let pointers = wide("chapter", |n| format!("<sequential url_name=\"s{n}\"/>"));
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &texts);
    assert_eq!(run(folder.path(), FormatMode::Check).changed.len(), 4);
    let package: MemoryPackage = pointers.into_iter().collect();
    let report = check(&package, &registry).unwrap();
    assert_eq!(report.diagnostics.iter().filter(|d| d.code == "missing-file").count(), 20_000);
}

#[test]
fn formatting_stops_between_two_files_of_the_course() {
    let registry = blocks::registry().unwrap();
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &load(&root().join("examples/courses/tides")));
    let before = load(folder.path());
    for steps in [0, 1, 7, 20] {
        let (stop, seen) = (AtomicBool::new(false), AtomicU32::new(0));
        let count = |_| {
            if seen.fetch_add(1, Ordering::Relaxed) == steps {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let progress = Progress { report: Some(&count), stop: Some(&stop) };
        let outcome = format(folder.path(), &registry, FormatMode::Write, &progress);
        assert!(matches!(outcome, Err(CoursewareError::Interrupted)), "{outcome:?}");
        assert_eq!(seen.load(Ordering::Relaxed), steps + 1, "the next look ends it");
        assert_eq!(load(folder.path()), before);
    }
}

#[test]
fn what_a_killed_formatting_left_is_no_part_of_the_course_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let files = load(&root().join("examples/courses/tides"));
    put(folder.path(), &files);
    let leftovers = ["static/.courseware-a1B2c3", "chapter/.courseware-xyz123"];
    for name in leftovers {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    let source = DirectorySource::open(folder.path()).unwrap();
    assert!(source.paths().all(|path| !path.contains(".courseware-")));
    run(folder.path(), FormatMode::Check);
    assert!(leftovers.iter().all(|name| folder.path().join(name).exists()), "a check changes nothing");
    run(folder.path(), FormatMode::Write);
    assert!(leftovers.iter().all(|name| !folder.path().join(name).exists()));
}
