//! `courseware markdown`.

use std::path::PathBuf;

use blocks::problem::markdown::{from_xml, to_xml};
use clap::{Args, Subcommand};
use serde_json::json;

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::grade::read;

/// Converts between texts of the simple editor and problems.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Debug, Subcommand)]
enum Direction {
    /// Print the problem that a text of the simple editor stands for.
    ToXml {
        /// The text.
        file: PathBuf,
    },
    /// Print the text of the simple editor that stands for a problem, where nothing is lost; else say why not.
    FromXml {
        /// The problem's XML.
        file: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, CommandError> {
    let (name, text) = match &arguments.direction {
        Direction::ToXml { file } => {
            let text = String::from_utf8_lossy(&read(file)?).into_owned();
            ("xml", to_xml(&text).map_err(CommandError::Markdown)?)
        }
        Direction::FromXml { file } => {
            let xml = String::from_utf8_lossy(&read(file)?).into_owned();
            ("markdown", from_xml(&xml).map_err(CommandError::NotMarkdown)?)
        }
    };
    if console.json {
        console.document(&json!({ name: text }))?;
    } else {
        console.line(text)?;
    }
    Ok(Exit::Done)
}
