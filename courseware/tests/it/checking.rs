//! `courseware check`: one broken package per code, good ones, and courses as they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use courseware::{
    CheckReport, DirectorySource, ImportOptions, SystemClock, check, check_context, diagnostic_codes, import,
    sarif,
};
use serde_json::Value;
use xblock_core::olx::{Document, MemoryPackage, PackageSource, ParseOptions, Severity, Source};
use xblock_core::runtime::{MemoryRuntime, Runtime};

use crate::command::{TIDES, command, courseware, tides};

/// Codes no package in this folder has: those of writing, and those whose package no file system can hold or nobody can read.
const ELSEWHERE: [&str; 6] =
    ["draft-not-listed", "illegal-file", "illegal-link", "nested-too-deep", "not-a-block", "unreadable"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/resources/check")
}

/// Reads a folder as a package, be it one or not.
fn package(folder: &Path) -> MemoryPackage {
    fn read(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    read(folder, folder, &mut files);
    files.into_iter().collect()
}

fn checked(source: &dyn PackageSource) -> CheckReport {
    check(source, &blocks::registry().unwrap()).unwrap()
}

fn text(report: &CheckReport) -> String {
    report.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n\n")).collect()
}

/// Lists the packages of the folder by name.
fn packages() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    found.sort();
    found
}

#[test]
fn every_broken_package_has_the_finding_it_is_named_after() {
    let is_blessing = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for (name, path) in packages() {
        let report = checked(&package(&path));
        let found: BTreeSet<&str> = report.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        if name.starts_with("good") {
            assert_eq!(text(&report), "", "{name}");
            continue;
        }
        assert!(found.contains(name.as_str()), "{name}: {found:?}");
        let expected = folder().join(format!("{name}.txt"));
        if is_blessing {
            fs::write(&expected, text(&report)).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(&text(&report)) {
            wrong.push(format!("{name}:\n{}", text(&report)));
        }
    }
    assert!(wrong.is_empty(), "not as in the .txt files; UPDATE_EXPECT=1 writes them:\n{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_package() {
    let names: BTreeSet<String> = packages().into_iter().map(|(name, _)| name).collect();
    let of_writing: BTreeSet<&str> = xblock_core::olx::WRITE_CODES.iter().map(|code| code.name).collect();
    let missing: Vec<&str> = diagnostic_codes()
        .iter()
        .map(|code| code.name)
        .filter(|name| !names.contains(*name) && !of_writing.contains(name) && !ELSEWHERE.contains(name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_finding_is_in_the_table_and_complete() {
    let codes = diagnostic_codes();
    let mut names: Vec<&str> = codes.iter().map(|code| code.name).collect();
    names.dedup();
    assert_eq!(names.len(), codes.len(), "a code stands twice");
    for (name, path) in packages() {
        for diagnostic in checked(&package(&path)).diagnostics {
            let code = codes.iter().find(|code| code.name == diagnostic.code);
            let code = code.unwrap_or_else(|| panic!("{name}: {} is not in the table", diagnostic.code));
            assert!(diagnostic.cause.is_some(), "{name}: {diagnostic}");
            assert!(!code.cause.is_empty() && !code.fix.is_empty(), "{}", code.name);
            if let Some(position) = diagnostic.position {
                let file = path.join(diagnostic.file.as_ref().unwrap().as_str());
                let bytes = fs::read(file).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                let line = text.lines().nth(position.line as usize - 1).unwrap_or("");
                assert!(position.column as usize <= line.chars().count() + 1, "{name}: {diagnostic}");
            }
        }
    }
}

#[test]
fn the_page_of_codes_says_what_the_table_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics.md");
    let mut wanted = String::from(
        "# What `courseware check` can say\n\n\
         Every finding has one of these codes, which stay the same from version to version. `courseware check --explain CODE` says\n\
         the same on the command line. The severity is the worst a finding of the code can have.\n\n\
         - **error**: the platform fails, or learners see something broken.\n\
         - **warning**: something is lost, has no effect, or breaks under conditions.\n\
         - **note**: worth knowing; nothing need be wrong.\n\n",
    );
    for code in diagnostic_codes() {
        wanted += &format!(
            "## {}\n\n**{}.** {}\n\nTo mend it: {}.\n\n",
            code.name, code.severity, code.cause, code.fix
        );
    }
    let wanted = format!("{}\n", wanted.trim_end());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&page, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(page).unwrap(), wanted, "UPDATE_EXPECT=1 writes the page");
}

#[test]
fn files_below_one_that_is_missing_are_one_finding() {
    let mut package = package(&folder().join("good"));
    package.files.remove("vertical/v.xml").unwrap();
    package.files.insert("html/other.html".into(), b"<p>Other</p>".to_vec());
    let report = checked(&package);
    let found: Vec<_> = report
        .diagnostics
        .iter()
        .filter(|d| d.severity > Severity::Note)
        .map(|d| (d.code, d.file.as_ref().unwrap().as_str()))
        .collect();
    let parent = "sequential/s.xml";
    assert_eq!(found, [("missing-file", parent), ("orphan-file", parent)], "{}", text(&report));
    assert!(report.diagnostics[1].message.contains("other file"), "{}", report.diagnostics[1]);
}

#[test]
fn the_sample_courses_have_no_warnings() {
    for name in ["tides", "tides-library"] {
        let report = checked(&DirectorySource::open(&tides().parent().unwrap().join(name)).unwrap());
        let bad: Vec<_> = report.diagnostics.iter().filter(|d| d.severity > Severity::Note).collect();
        assert!(bad.is_empty(), "{}", text(&report));
    }
}

#[test]
fn a_course_in_a_store_is_checked_as_its_export() {
    let registry = blocks::registry().unwrap();
    let store = MemoryRuntime::new(std::sync::Arc::new(SystemClock));
    let store: std::sync::Arc<dyn Runtime> = std::sync::Arc::new(store);
    let source: std::sync::Arc<dyn PackageSource> =
        std::sync::Arc::new(package(&folder().join("broken-jump")));
    let context = import(&source, &store, &registry, &ImportOptions::default()).unwrap().context;
    let report = check_context(&*store, &context, &registry).unwrap();
    assert!(
        report.diagnostics.iter().any(|diagnostic| diagnostic.code == "broken-jump"),
        "{}",
        text(&report)
    );
}

#[test]
fn sarif_has_what_its_readers_need() {
    for (name, path) in packages() {
        let report = checked(&package(&path));
        let log = sarif(&report, "some folder/course");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let mut fingerprints = BTreeSet::new();
        for (result, diagnostic) in run["results"].as_array().unwrap().iter().zip(&report.diagnostics) {
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"], "{name}");
            assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
            assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.starts_with("some%20folder/course/"), "{uri}");
            match diagnostic.position {
                Some(position) => {
                    assert_eq!(place["region"]["startLine"], position.line);
                    assert_eq!(place["region"]["startColumn"], position.column);
                    assert!(position.line >= 1 && position.column >= 1);
                }
                None => assert!(place["region"].is_null()),
            }
            let fingerprint = &result["partialFingerprints"]["coursewareFinding/v1"];
            assert!(fingerprints.insert(fingerprint.as_str().unwrap().to_owned()), "{name}");
        }
    }
}

#[test]
fn a_finding_keeps_its_fingerprint_when_lines_are_added_above() {
    let fingerprint = |package: &MemoryPackage| {
        let log = sarif(&checked(package), "");
        log["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    let before = package(&folder().join("broken-jump"));
    let mut after = before.clone();
    let page = after.files.get_mut("html/h.html").unwrap();
    page.splice(..0, b"<p>\n\n</p>\n".iter().copied());
    assert_eq!(fingerprint(&before), fingerprint(&after));
}

#[test]
fn the_command_says_how_bad_it_is() {
    let at = |name: &str| folder().join(name).to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| courseware([&["check"], arguments].concat());
    assert!(run(&[&at("good")]).exits(0).out.contains("0 errors, 0 warnings, 0 notes"));
    let ran = run(&[&at("broken-jump")]).exits(1);
    assert!(
        ran.out.starts_with("html/h.html:2:12: error[broken-jump]: there is no block nowhere\n"),
        "{}",
        ran.out
    );
    assert!(
        run(&[&at("broken-jump"), "--allow", "broken-jump"])
            .exits(0)
            .out
            .starts_with("course-v1:O+C+R: 0 errors")
    );
    run(&[&at("missing-alt")]).exits(0);
    run(&[&at("missing-alt"), "--deny", "warnings"]).exits(1);
    run(&[&at("missing-alt"), "--deny", "warnings", "--only", "broken-jump"]).exits(0);
    assert_eq!(
        run(&[&at("missing-alt"), "--level", "error", "--json"]).exits(0).json()["diagnostics"],
        serde_json::json!([])
    );
    let ran = run(&[&at("broken-jump"), "--json"]).exits(1).json();
    assert_eq!(ran["counts"]["errors"], 1);
    assert_eq!((&ran["diagnostics"][0]["line"], &ran["diagnostics"][0]["column"]), (&2.into(), &12.into()));
    let log: Value = run(&[&at("broken-jump"), "--format", "sarif"]).exits(1).json();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "broken-jump");
    assert!(run(&["--explain", "broken-jump"]).exits(0).out.starts_with("error[broken-jump]\n"));
    run(&["--explain", "no-such-code"]).exits(2);
    run(&["no/such/folder"]).exits(3);
    assert_eq!(run(&[&at("not-olx"), "--json"]).exits(1).json()["diagnostics"][0]["code"], "not-olx");
    run(&[]).exits(2);
    let ran: crate::command::Ran = command()
        .args(["check", "broken-jump", "--format", "sarif"])
        .current_dir(folder())
        .output()
        .unwrap()
        .into();
    let place = &ran.json()["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "broken-jump/html/h.html");
}

#[test]
fn the_command_checks_a_course_in_a_store() {
    let directory = tempfile::tempdir().unwrap();
    for store in crate::command::stores(directory.path()) {
        crate::command::import_tides(&store);
        let ran = courseware(["check", TIDES, "--store", &store, "--json"]).exits(0).json();
        assert_eq!(ran["counts"]["errors"], 0, "{ran:#}");
        courseware(["check", "no key", "--store", &store]).exits(2);
        courseware(["check", "course-v1:No+Such+Course", "--store", &store]).exits(3);
    }
}

#[test]
fn garbage_is_reported_and_nothing_worse() {
    let good = package(&folder().join("good-problem"));
    for path in good.files.keys().cloned().collect::<Vec<_>>() {
        for garbage in [
            &b""[..],
            b"<",
            b"\xff\xfe\x00",
            b"{",
            b"<problem><script>((((",
            b"<a>&lt;!--",
            b"]]>",
            b"'\"/static/",
        ] {
            let mut broken = good.clone();
            broken.files.insert(path.clone(), garbage.to_vec());
            checked(&broken);
            // Half of a file is what a crash leaves.
            let half = good.files[&path].len() / 2;
            broken.files.insert(path.clone(), good.files[&path][..half].to_vec());
            checked(&broken);
        }
    }
}

#[test]
fn a_page_of_many_links_is_checked_whole() {
    // Work that grew with the square of the page would outlast any test run.
    const LINKS: usize = 50_000;
    let mut package = package(&folder().join("good"));
    let page = "<p><a href=\"/jump_to_id/nowhere\">x</a></p>\n".repeat(LINKS);
    package.files.insert("html/h.html".into(), page.into_bytes());
    let report = checked(&package);
    assert!(report.diagnostics.iter().any(|diagnostic| diagnostic.code == "broken-jump"), "{report:?}");
}

/// What real courses are known to have of severity error, each with a reason.
const KNOWN_ERRORS: [(&str, &str, &str); 1] = [
    // A course of 2013 in Python 2; platforms of today show an error in place of this problem.
    ("studio-advanced", "python2-script", "problem/2ba029be57bf473e9ddf7a4abc2de4f3.xml"),
];

#[test]
fn real_courses_have_no_errors_but_known_ones() {
    let courses = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/courses");
    if !courses.is_dir() {
        // Seen with `--nocapture`, and wherever the test is looked at for what it covers.
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "SKIPPED: {} does not exist", courses.display());
        return;
    }
    let mut count = 0;
    for name in [
        "math-percent-edx-fi",
        "mitx-grading-library",
        "opencraft-onboarding",
        "openedx-demo-course/course",
        "openedx-demo-course/library",
        "studio-advanced",
    ] {
        let source = DirectorySource::open(&courses.join(name)).unwrap();
        let report = checked(&source);
        let errors: Vec<String> = report
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .filter(|diagnostic| {
                let file = diagnostic.file.as_ref().map_or("", |file| file.as_str());
                !KNOWN_ERRORS.contains(&(name, diagnostic.code, file))
            })
            .map(ToString::to_string)
            .collect();
        assert!(errors.is_empty(), "{name}:\n{}", errors.join("\n"));
        count += report.diagnostics.len();
    }
    // A check that says nothing of these courses looks at nothing.
    assert!(count > 100, "{count}");
}

/// Problems the Python implementation puts together have no finding that says they cannot be.
#[test]
fn what_python_puts_together_is_not_called_broken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/capa");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let Ok(Value::Array(cases)) = serde_json::from_slice(&bytes) else { continue };
        for case in cases.iter().filter(|case| case["total"].is_number()) {
            let Some(xml) = case["xml"].as_str() else { continue };
            let source = Source::new("problem/p.xml".into(), xml.into());
            let Ok(document) = Document::parse_text(source, &ParseOptions::default()) else { continue };
            count += 1;
            let remarks = blocks::check_problem(&document.source, &document.root);
            let broken = remarks
                .iter()
                .find(|remark| ["broken-problem", "response-without-input"].contains(&remark.code));
            assert!(broken.is_none(), "{}: {}", case["id"], broken.unwrap());
        }
    }
    assert!(count > 250, "{count}");
}

/// Copies the good package into a folder of its own.
fn good() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    crate::main_job::copy(&folder().join("good"), directory.path());
    directory
}

#[test]
fn bad_tabs_are_told_once() {
    for (tabs, column) in [("5", 24), ("[5]", 25), ("{}", 24), ("\"x\"", 24), ("[{\"name\": \"x\"}]", 25)] {
        let course = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let place = course.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        };
        write("course.xml", "<course url_name=\"R\" org=\"O\" course=\"C\"/>");
        write("course/R.xml", "<course display_name=\"C\"/>");
        write("policies/R/policy.json", &format!(" {{\"course/R\": {{\"tabs\": {tabs}}}}}"));
        let report = courseware(["check", course.path().to_str().unwrap(), "--json"]).exits(1).json();
        let found: Vec<&Value> =
            report["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error").collect();
        assert!(
            matches!(found[..], [one] if one["code"] == "invalid-tab" && one["column"] == column && one["line"] == 1),
            "{tabs}: {report:#}"
        );
    }
}

#[test]
fn what_cannot_be_part_of_a_package_is_found_and_the_rest_is_checked() {
    let package = good();
    let at = |path: &str| package.path().join(path);
    std::os::unix::fs::symlink("/etc/passwd", at("static/out.txt")).unwrap();
    std::os::unix::fs::symlink("nowhere.png", at("static/nowhere.png")).unwrap();
    fs::remove_file(at("html/h.html")).unwrap();
    std::os::unix::fs::symlink("../../h.html", at("html/h.html")).unwrap();
    let status = std::process::Command::new("mkfifo").arg(at("static/pipe")).status().unwrap();
    assert!(status.success());
    fs::write(at("vertical/orphan.xml"), "<vertical/>").unwrap();
    let ran = courseware(["check", package.path().to_str().unwrap(), "--json"]).exits(1);
    let report = ran.json();
    let found: Vec<(String, String)> = report["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            assert!(finding["cause"].is_string() && finding["fix"].is_string(), "{finding}");
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            (text("file"), text("code"))
        })
        .collect();
    let expected = [
        ("html/h.html", "illegal-link"),
        ("static/nowhere.png", "illegal-link"),
        ("static/out.txt", "illegal-link"),
        ("static/pipe", "illegal-file"),
        ("vertical/orphan.xml", "orphan-file"),
    ];
    for (file, code) in expected {
        assert!(found.contains(&(file.to_owned(), code.to_owned())), "{file} {code} in {found:#?}");
    }
    assert!(found.iter().all(|(_, code)| code != "missing-file" && code != "missing-asset"), "{found:#?}");
    courseware(["import", package.path().to_str().unwrap(), "--store", "memory:"]).exits(1);
}

#[test]
fn what_nobody_may_read_is_found_and_the_rest_is_checked() {
    use std::os::unix::fs::PermissionsExt;
    let package = good();
    let forbid = |path: &str| {
        fs::set_permissions(package.path().join(path), fs::Permissions::from_mode(0o000)).unwrap();
    };
    fs::create_dir(package.path().join("tabs")).unwrap();
    fs::write(package.path().join("vertical/orphan.xml"), "<vertical/>").unwrap();
    forbid("html/h.html");
    forbid("tabs");
    let is_forbidden = fs::read(package.path().join("html/h.html")).is_err();
    let report = {
        let source = DirectorySource::open_in_part(package.path()).unwrap();
        courseware::check_directory(&source, &blocks::registry().unwrap()).unwrap()
    };
    let found: Vec<_> = report
        .diagnostics
        .iter()
        .map(|finding| (finding.file.as_ref().map_or("", |file| file.as_str()), finding.code))
        .collect();
    fs::set_permissions(package.path().join("tabs"), fs::Permissions::from_mode(0o755)).unwrap();
    // Nothing is forbidden to the administrator.
    if is_forbidden {
        assert_eq!(
            found,
            [("html/h.html", "unreadable"), ("tabs", "unreadable"), ("vertical/orphan.xml", "orphan-file")]
        );
    } else {
        assert_eq!(found, [("vertical/orphan.xml", "orphan-file")]);
    }
}

#[test]
fn archives_that_may_not_be_unpacked_are_findings() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("up.tar.gz");
    let file = fs::File::create(&path).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    header.as_old_mut().name[..5].copy_from_slice(b"a.xml");
    header.as_old_mut().linkname[..11].copy_from_slice(b"/etc/passwd");
    header.set_cksum();
    tar.append(&header, &b""[..]).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    let ran = courseware(["check", path.to_str().unwrap(), "--format", "json"]).exits(1);
    let report = ran.json();
    assert_eq!(report["diagnostics"][0]["code"], "illegal-link", "{report:#}");
    assert!(
        report["diagnostics"][0]["message"].as_str().unwrap().starts_with("link \"a.xml\""),
        "{report:#}"
    );
    fs::write(&path, &fs::read(&path).unwrap()[..30]).unwrap();
    courseware(["check", path.to_str().unwrap()]).exits(4);
}
