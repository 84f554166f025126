//! `courseware list`.

use clap::Args;
use courseware::OpenMode;
use serde_json::json;
use xblock_core::runtime::{Branch, EditInfo};

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

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open(&arguments.store.url, OpenMode::Read)?;
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    for key in runtime.contexts()? {
        match runtime.context(&key) {
            Ok(record) => {
                for (branch, head) in
                    [(Branch::Draft, Some(&record.draft)), (Branch::Published, record.published.as_ref())]
                {
                    // Of a branch that cannot be read only the version is known; the other one can be.
                    let is_known = head.is_none_or(|head| head.edit_info != EditInfo::default());
                    if is_known {
                        continue;
                    }
                    match runtime.usages(&key, branch) {
                        Err(error) if error.is_damage() => damaged.push((Some(key.clone()), error)),
                        read => drop(read?),
                    }
                }
                records.push(record);
            }
            // The others are listed all the same, before the command says what is wrong.
            Err(error) if error.is_damage() => damaged.push((Some(key), error)),
            Err(error) => return Err(error.into()),
        }
    }
    damaged.extend(runtime.damaged_contexts()?.into_iter().map(|error| (None, error)));
    if console.json {
        let sound = records
            .iter()
            .map(|r| json!({ "context": r.key, "root": r.root, "draft": r.draft, "published": r.published }));
        let unsound = damaged.iter().map(|(key, e)| json!({ "context": key, "error": e.to_string() }));
        let list: Vec<_> = sound.chain(unsound).collect();
        console.document(&list)?;
        return Ok(if damaged.is_empty() { Exit::Done } else { Exit::Failed });
    }
    for record in records {
        let published = match &record.published {
            Some(head) => format!("published {}", head.version),
            None => "not published".into(),
        };
        console.line(format_args!("{}  draft {}, {published}", record.key, record.draft.version))?;
    }
    for (key, _) in &damaged {
        if let Some(key) = key {
            console.remark(format_args!("error: {key} cannot be read"));
        }
    }
    console.damage(damaged.into_iter().map(|(_, error)| error))
}
