//! `courseware list`.

use clap::Args;
use courseware::OpenMode;
use serde_json::json;

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Lists the courses and libraries of a store.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArgument,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, CommandError> {
    let runtime = Surroundings::new()?.open(&arguments.store.url, OpenMode::Read)?;
    let mut records = Vec::new();
    for key in runtime.contexts()? {
        records.push(runtime.context(&key)?);
    }
    if console.json {
        let list: Vec<_> = records
            .iter()
            .map(|r| json!({ "context": r.key, "root": r.root, "draft": r.draft, "published": r.published }))
            .collect();
        console.document(&list)?;
        return Ok(Exit::Done);
    }
    for record in records {
        let published = match &record.published {
            Some(head) => format!("published {}", head.version),
            None => "not published".into(),
        };
        console.line(format_args!("{}  draft {}, {published}", record.key, record.draft.version))?;
    }
    Ok(Exit::Done)
}
