//! The repository tests itself: layers, versions, decisions, and that every runtime runs the suite.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn members() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo tells about the workspace");
    metadata.workspace_packages().into_iter().cloned().collect()
}

/// Reads the rows of a Markdown table whose header begins with a word: first column to the names in the second.
fn table(document: &str, header: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut rows = BTreeMap::new();
    let start = format!("| {header} |");
    for line in document.lines().skip_while(|line| !line.starts_with(&start)).skip(2) {
        if !line.starts_with('|') {
            break;
        }
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let names = cells[1].split(',').map(str::trim).filter(|name| !name.is_empty());
        rows.insert(cells[0].to_owned(), names.map(str::to_owned).collect());
    }
    assert!(!rows.is_empty(), "no table {header}");
    rows
}

#[test]
fn crates_import_what_the_layer_list_says() {
    let written = table(&read("docs/layers.md"), "crate");
    let members = members();
    let names: BTreeSet<_> = members.iter().map(|package| package.name.to_string()).collect();
    assert_eq!(written.keys().cloned().collect::<BTreeSet<_>>(), names, "the list names every crate");
    for package in &members {
        let allowed = &written[package.name.as_str()];
        for dependency in &package.dependencies {
            let in_tests =
                dependency.kind == DependencyKind::Development && dependency.name == "xblock-testkit";
            if names.contains(&dependency.name) && !in_tests {
                assert!(allowed.contains(&dependency.name), "{} imports {}", package.name, dependency.name);
            }
        }
        for name in allowed {
            let used = package.dependencies.iter().any(|dependency| dependency.name == *name);
            assert!(used, "{} no longer imports {name}: take it off the list", package.name);
        }
    }
}

#[test]
fn some_libraries_have_one_room() {
    for (library, rooms) in table(&read("docs/layers.md"), "library") {
        for package in members() {
            let used =
                package.dependencies.iter().any(|d| d.name == library && d.kind == DependencyKind::Normal);
            assert!(!used || rooms.contains(package.name.as_str()), "{} imports {library}", package.name);
        }
    }
}

#[test]
fn every_crate_inherits_lints_and_has_one_test_binary_at_most() {
    for package in members() {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("the manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} inherits no lints", package.name);
        let tests = package.targets.iter().filter(|target| target.is_test()).count();
        assert!(tests <= 1, "{} has {tests} test binaries: each costs a link", package.name);
    }
}

#[test]
fn the_crates_without_io_forbid_the_same() {
    let core = read("xblock-core/clippy.toml");
    assert_eq!(core, read("blocks/clippy.toml"));
    for way in [
        "std::fs::read",
        "std::path::Path::exists",
        "std::env::var",
        "std::net::TcpStream",
        "std::time::Instant",
    ] {
        assert!(core.contains(&format!("{way}\"")), "{way} is allowed");
    }
}

#[test]
fn every_runtime_runs_the_suite() {
    for suite in
        ["tests/it/main.rs", "runtime-blockstore/tests/it/suite.rs", "runtime-modulestore/tests/it/suite.rs"]
    {
        assert!(read(suite).contains("runtime_suite!"), "{suite} does not run the suite");
    }
}

#[test]
fn versions_agree_and_the_changelog_knows_them() {
    let members = members();
    let version = members[0].version.to_string();
    assert!(members.iter().all(|package| package.version.to_string() == version));
    let changelog = read("CHANGELOG.md");
    assert!(
        changelog.contains("## Unreleased") || changelog.contains(&format!("## {version}")),
        "the changelog knows neither {version} nor what is unreleased"
    );
}

#[test]
fn decisions_are_numbered_without_gaps_and_say_what_was_rejected() {
    let mut files: Vec<_> = std::fs::read_dir(root().join("docs/decisions"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name.ends_with(".rst"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for (n, file) in files.iter().enumerate() {
        assert!(file.starts_with(&format!("{:04}-", n + 1)), "{file} should be number {:04}", n + 1);
        let text = read(&format!("docs/decisions/{file}"));
        for section in ["Context", "Decision", "Rejected"] {
            assert!(text.contains(&format!("\n{section}")), "{file} has no section {section}");
        }
    }
}
