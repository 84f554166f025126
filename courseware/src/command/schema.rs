//! `courseware schema`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value as Json;

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Shows what fields a block type has, as JSON Schema (draft 2020-12).
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The block type; without one, all of them by name.
    block_type: Option<String>,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let registry = &surroundings.registry;
    let invalid = |source| CommandError::Schema { source };
    match &arguments.block_type {
        Some(name) => {
            let block_type = registry.block_type(name);
            if !block_type.is_known {
                return Err(CommandError::NoSuchType { block_type: name.clone() });
            }
            console.document(&block_type.json_schema().map_err(invalid)?)?;
        }
        None => {
            let schemas: Result<BTreeMap<String, Json>, _> = registry
                .types()
                .map(|block_type| Ok((block_type.name.to_string(), block_type.json_schema()?)))
                .collect();
            console.document(&schemas.map_err(invalid)?)?;
        }
    }
    Ok(Exit::Done)
}
