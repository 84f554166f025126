//! The guide for authors shows this example: its pieces together are the files, and its commands do what it says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::course::{Server, courseware_in};

/// Modules of these tests about the guide and its course, which a reader's crate does not have.
const OWN_MODULES: &str = "mod course;\nmod guide;\n\n";

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn guide() -> String {
    std::fs::read_to_string(here().join("../../docs/authoring.md")).expect("the guide")
}

/// Puts the files of the guide together: what stands between fences, in order, below the names beside the opening fences.
fn files(guide: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let (_, file) = info.split_once(' ').unwrap_or_else(|| panic!("this names no file:\n{body:#?}"));
        let text = files.entry(file.to_owned()).or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&body.join("\n"));
        text.push('\n');
    }
    files
}

/// Lists the files of the example that belong to the block: all but the manifest and the tests of the guide.
fn own_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            own_files(&path, found);
        } else if !["Cargo.toml", "guide.rs", "course.rs"].iter().any(|name| path.ends_with(name)) {
            found.push(path);
        }
    }
}

#[test]
fn the_pieces_of_the_guide_together_are_the_files_of_the_example() {
    let shown = files(&guide());
    let mut found = Vec::new();
    own_files(here(), &mut found);
    let names: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(here()).expect("it is below").display().to_string().replace('\\', "/"))
        .collect();
    for name in &names {
        let text = std::fs::read_to_string(here().join(name)).expect("a text");
        let told = shown.get(name).unwrap_or_else(|| panic!("the guide does not show {name}"));
        assert_eq!(*told, text.replacen(OWN_MODULES, "", 1), "the guide shows {name} otherwise");
    }
    for name in shown.keys() {
        assert!(names.contains(name), "the guide shows {name}, which the example does not have");
    }
}

#[test]
fn the_dependencies_the_guide_adds_are_the_manifests() {
    let manifest = std::fs::read_to_string(here().join("Cargo.toml")).expect("the manifest");
    let guide = guide();
    let added = guide.lines().filter_map(|line| line.strip_prefix("    cargo add ")).collect::<String>();
    let dependencies = manifest.split_once("[dependencies]").expect("it has some").1;
    for line in dependencies.lines().filter(|line| line.contains("workspace") || line.contains("path")) {
        let name = line.split(['.', ' ']).next().expect("a name");
        // The tests of the guide's course work in a folder of their own.
        assert!(name == "tempfile" || added.contains(name), "the guide does not add {name}");
    }
}

#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files(&guide()).iter().filter(|(name, _)| name.starts_with("course/")) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }
    let guide = guide();
    let commands: Vec<Vec<&str>> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("    cargo run --example courseware -- "))
        .map(|line| line.split(' ').collect())
        .collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        if command[0] == "serve" {
            let (_server, address) = Server::start(folder.path(), &[&command[..], &["--port", "0"]].concat());
            assert!(!address.is_empty());
            continue;
        }
        let output = courseware_in(folder.path(), &command);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        match command[0] {
            "render" => assert!(said.contains("How well do you know the tides now?"), "{said}"),
            "submit" => assert!(said.contains("0.5"), "{said}"),
            _ => {}
        }
    }
}
