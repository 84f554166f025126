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
    let mut findings = Vec::new();
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
        let mut found = Vec::new();
        check("", &bench, &mut found);
        if found.is_empty() {
            continue;
        }
        let before = findings.len();
        for (spec, values) in &authored {
            if let Some(value) = values.get(round) {
                let bench = contract.bench().field(spec.name, value.clone());
                check(&format!("field `{}` with {value}", spec.name), &bench, &mut findings);
            }
        }
        if findings.len() == before {
            findings.extend(found.into_iter().map(|finding| Finding {
                place: format!("all fields set, round {round}, {}", finding.place.trim_start_matches(", ")),
                ..finding
            }));
        }
    }
    findings
}

fn check(place: &str, bench: &Workbench, findings: &mut Vec<Finding>) {
    for (form, read) in [("course package", package(bench)), ("definition file", definition(bench))] {
        match read {
            Ok(data) => {
                if let Some(wrong) = difference(bench.data(), &data) {
                    findings.push(Finding::new(place, format!("in a {form}, {wrong}"), MEND));
                }
            }
            Err(reason) => findings.push(Finding::new(place, format!("in a {form}, {reason}"), MEND)),
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

fn difference(before: &BlockData, after: &BlockData) -> Option<String> {
    if before.children != after.children {
        let list = |data: &BlockData| data.children.iter().map(ToString::to_string).collect::<Vec<_>>();
        return Some(format!("children {:?} come back as {:?}", list(before), list(after)));
    }
    let all = |data: &BlockData| -> FieldMap {
        data.content.iter().chain(&data.settings).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let (before, after) = (all(before), all(after));
    for (name, value) in &before {
        match after.get(name) {
            Some(read) if read == value => {}
            Some(read) => return Some(format!("`{name}` was {value} and comes back as {read}")),
            None => return Some(format!("`{name}` was {value} and is lost")),
        }
    }
    let added = after.iter().find(|(name, _)| !before.contains_key(*name));
    added.map(|(name, value)| format!("`{name}` was not set and comes back as {value}"))
}
