//! The manual, `docs/courseware.md`, names what the command says it has.

use std::path::Path;

use crate::command::courseware;

/// Lists the subcommands a help text names, without `help` itself.
fn subcommands(help: &str) -> Vec<&str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

/// Lists the long names of the options in a help text.
fn options(help: &str) -> Vec<&str> {
    let lines = help.lines().map(str::trim).filter(|line| line.starts_with('-'));
    lines.filter_map(|line| line.split(' ').find(|word| word.starts_with("--"))).collect()
}

#[test]
fn every_subcommand_and_option_is_in_the_manual() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/courseware.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let help = courseware(["--help"]).exits(0).out;
    let names = subcommands(&help);
    assert!(names.len() > 20, "{names:?}");
    let mut missing = Vec::new();
    for name in names {
        if !manual.lines().any(|line| line.starts_with(&format!("    courseware {name} "))) {
            missing.push(name.to_owned());
        }
        if !manual.lines().any(|line| line.starts_with(&format!("| {name} |"))) {
            missing.push(format!("the JSON of {name}"));
        }
        let help = courseware([name, "--help"]).exits(0).out;
        for option in options(&help).into_iter().filter(|option| *option != "--help") {
            if !manual.contains(option) {
                missing.push(format!("{name} {option}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/courseware.md lacks {missing:#?}");
}
