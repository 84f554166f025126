//! The promise about OLX.

use serde_json::Map;
use xblock_core::fields::{FieldSpec, Json, Scope};
use xblock_core::olx::{
    ExportOptions, FileName, MemoryPackage, MemorySink, ReadOptions, Source, WriteOptions, read_blocks,
    read_definition, write_block, write_definition,
};
use xblock_core::runtime::{BlockData, Branch, FieldMap};

use super::{Contract, Finding, values};
use crate::workbench::Workbench;

const MEND: &str = "let the OLX convention write and read the field, or leave the type with PlainOlx";

pub(super) fn round_trips(contract: &Contract) -> Vec<Finding> {
    let mut findings = Findings::default();
    for (name, bench) in contract.samples() {
        check(&format!("sample {name:?}"), &bench, &mut findings);
    }
    let authored: Vec<(&FieldSpec, Vec<Json>)> = contract
        .own_fields()
        .iter()
        .filter(|spec| matches!(spec.scope, Scope::Content | Scope::Settings))
        .map(|spec| (spec, values::of(contract, spec)))
        .collect();
    // All fields at once in the course of few rounds; only a round that fails is looked at field by field.
    let rounds = authored.iter().map(|(_, values)| values.len()).max().unwrap_or_default();
    for round in 0..rounds {
        let mut bench = contract.bench();
        for (spec, values) in &authored {
            if let Some(value) = values.get(round % values.len().max(1)) {
                bench = bench.field(spec.name, value.clone());
            }
        }
        let mut found = Findings::default();
        check(&format!("all fields set, round {round}"), &bench, &mut found);
        if found.list.is_empty() {
            continue;
        }
        let before = findings.list.len();
        for (spec, values) in &authored {
            if let Some(value) = values.get(round) {
                let bench = contract.bench().field(spec.name, value.clone());
                check(&format!("`{}` set to {value}", spec.name), &bench, &mut findings);
            }
        }
        if findings.list.len() == before {
            found.list.into_iter().for_each(|(subject, finding)| findings.add(subject, finding));
        }
    }
    findings.list.into_iter().map(|(_, finding)| finding).collect()
}

/// What was found, each field or reason once.
#[derive(Default)]
struct Findings {
    list: Vec<(String, Finding)>,
}

impl Findings {
    fn add(&mut self, subject: String, finding: Finding) {
        if !self.list.iter().any(|(known, _)| *known == subject) {
            self.list.push((subject, finding));
        }
    }
}

fn check(when: &str, bench: &Workbench, findings: &mut Findings) {
    // XML has no null: a course keeps it in its policy.json, which one block alone does not have.
    let mut sayable = bench.data().clone();
    sayable.content.retain(|_, value| !value.is_null());
    sayable.settings.retain(|_, value| !value.is_null());
    let sayable = bench.clone().with_data(sayable);
    for (form, bench, read) in [
        ("course package", &sayable, package as fn(&Workbench) -> Result<BlockData, String>),
        ("definition file", bench, definition),
    ] {
        match read(bench) {
            Ok(data) => {
                for (what, wrong) in differences(bench, &data) {
                    let finding =
                        Finding::new(format!("{what} in a {form}"), format!("with {when}, {wrong}"), MEND);
                    findings.add(format!("{what} {form}"), finding);
                }
            }
            Err(reason) => {
                let finding = Finding::new(format!("{when} in a {form}"), &reason, MEND);
                findings.add(format!("{form} {}", reason.split(':').next().unwrap_or_default()), finding);
            }
        }
    }
}

/// Writes the block into a course package and reads it back.
fn package(bench: &Workbench) -> Result<BlockData, String> {
    let host = bench.host();
    let mut sink = MemorySink::default();
    let (registry, options) = (bench.registry(), ExportOptions::default());
    let written = write_block(&*host.runtime, bench.usage(), Branch::Published, options, registry, &mut sink);
    let (element, _) = written.map_err(|error| format!("it cannot be written: {error}"))?;
    let mut element = element.ok_or("it writes nothing")?;
    if element.get("url_name").is_none() {
        // A plain block's element says no name of its own: the parent that lists it does.
        element.set("url_name", bench.usage().block_id());
    }
    let text = element.to_text(WriteOptions::default());
    let context = bench.usage().context_key();
    let tree = read_blocks(
        Source::new(FileName("parent.xml".into()), text.clone().into()),
        &MemoryPackage { files: sink.files },
        registry,
        &ReadOptions::default().target(context.clone()),
        context,
        Map::new(),
    )
    .map_err(|error| format!("what is written cannot be read: {error}: {text}"))?;
    let block = tree.blocks.get(bench.usage());
    block
        .map(|data| (**data).clone())
        .ok_or_else(|| format!("what is written reads as {}: {text}", tree.root))
}

/// Writes the block as a definition file of Blockstore and reads it back.
fn definition(bench: &Workbench) -> Result<BlockData, String> {
    let (usage, registry) = (bench.usage(), bench.registry());
    let text = write_definition(usage, bench.data(), registry)
        .map_err(|error| format!("it cannot be written: {error}"))?;
    read_definition(text.as_bytes(), usage, registry)
        .map_err(|error| format!("what is written cannot be read: {error}: {text}"))
}

/// Says which values are not what they were. A field nobody set may come back with its default, and `xml_attributes`
/// with the name of the file, as on the platform.
fn differences(bench: &Workbench, after: &BlockData) -> Vec<(String, String)> {
    let before = bench.data();
    let mut found = Vec::new();
    if before.children != after.children {
        let list = |data: &BlockData| data.children.iter().map(ToString::to_string).collect::<Vec<_>>();
        let wrong = format!("{:?} come back as {:?}", list(before), list(after));
        found.push(("children".to_owned(), wrong));
    }
    let all = |data: &BlockData| -> FieldMap {
        data.content.iter().chain(&data.settings).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let (before, after) = (all(before), all(after));
    for (name, value) in &before {
        let wrong = match after.get(name) {
            Some(read) if read == value => continue,
            Some(read) => format!("{value} comes back as {read}"),
            None => format!("{value} is lost"),
        };
        found.push((format!("field `{name}`"), wrong));
    }
    let block_type = bench.block_type();
    for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        let default = block_type.field(name).and_then(|spec| spec.default_json().ok());
        if &**name != "xml_attributes" && default.as_ref() != Some(value) {
            found.push((format!("field `{name}`, unset,"), format!("it comes back as {value}")));
        }
    }
    found
}
