//! A difference as text for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use xblock_core::fields::Json;
use xblock_core::keys::{AssetKey, UsageKey};

use super::report::{
    AttributeDiff, BlockDiff, BlockKind, ChildOp, CourseDiff, Fallback, FieldDiff, FieldState, FileBytes,
    FileDiff, FileKind, Place, RecordKind,
};
use super::stat::write_totals;
use super::values::{Beside, Line, as_text, beside, cut, on_one_line};
use crate::description::Origin;

/// Whether what came and went is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// Plain text.
    #[default]
    Never,
    /// With escape sequences for terminals.
    Always,
}

/// How a difference is written.
#[derive(Debug, Clone)]
pub struct TextOptions {
    /// How many equal lines are shown around each change in a long text.
    pub context: usize,
    /// Whether it is coloured.
    pub colour: Colour,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { context: 3, colour: Colour::Never }
    }
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";
const BOLD: &str = "1";

/// Writes a difference as text.
///
/// # Errors
/// Those of the output.
pub fn write_text(diff: &CourseDiff, options: &TextOptions, out: &mut impl Write) -> fmt::Result {
    let mut writer = TextWriter { diff, options, out };
    writer.heading()?;
    writer.blocks()?;
    writer.files()?;
    writer.asset_metadata()?;
    write_totals(diff, writer.out)
}

struct TextWriter<'a, W> {
    diff: &'a CourseDiff,
    options: &'a TextOptions,
    out: &'a mut W,
}

impl<W: Write> TextWriter<'_, W> {
    fn line(&mut self, colour: &str, text: &str) -> fmt::Result {
        match self.options.colour {
            Colour::Always if !colour.is_empty() => writeln!(self.out, "\x1b[{colour}m{text}\x1b[0m"),
            _ => writeln!(self.out, "{text}"),
        }
    }

    fn heading(&mut self) -> fmt::Result {
        let diff = self.diff;
        for (sign, side) in [("---", &diff.left), ("+++", &diff.right)] {
            self.line(BOLD, &format!("{sign} {}  {}", side.name, side.context))?;
        }
        if diff.left.context != diff.right.context {
            self.line("", "blocks are compared by type and id, as the courses have different keys")?;
        }
        writeln!(self.out)
    }

    /// Says in which states something is so, where it is not so in all of them.
    fn states(&self, states: &[String]) -> String {
        match states.len() == self.diff.compared.len() {
            true => String::new(),
            false => format!("  [{} only]", states.join(", ")),
        }
    }

    fn blocks(&mut self) -> fmt::Result {
        // What came or went with the block above it is indented below that; parents come before their children.
        let mut depths: BTreeMap<(BlockKind, &UsageKey), usize> = BTreeMap::new();
        for block in &self.diff.blocks {
            let mut depth = 0;
            if matches!(block.kind, BlockKind::Added | BlockKind::Removed) {
                if let [place] = &block.at[..] {
                    depth = depths.get(&(block.kind, &place.parent)).map_or(0, |above| above + 1);
                }
                depths.extend(block.usage().map(|usage| ((block.kind, usage), depth)));
            }
            self.block(block, depth)?;
        }
        if !self.diff.blocks.is_empty() {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn block(&mut self, block: &BlockDiff, depth: usize) -> fmt::Result {
        let (sign, colour) = match block.kind {
            BlockKind::Added => ("+", GREEN),
            BlockKind::Removed => ("-", RED),
            BlockKind::Unreadable => ("!", RED),
            BlockKind::Changed if block.is_edited() => ("~", YELLOW),
            BlockKind::Changed if block.similarity.is_some() => ("=", CYAN),
            BlockKind::Changed => (">", CYAN),
        };
        let id = block.usage().map_or("", |usage| usage.block_id());
        let mut head = format!("{sign} {}{} {id}", "  ".repeat(depth), block.block_type);
        if let Some(name) = &block.display_name {
            head.push_str(&format!("  {}", Json::from(name.as_str())));
        }
        if depth == 0 && !block.path.is_empty() {
            head.push_str(&format!("  in {}", block.path.join(" / ")));
        }
        if depth == 0
            && let [place] = &block.at[..]
        {
            head.push_str(&format!(", place {}", place.position + 1));
        }
        head.push_str(&self.states(&block.states));
        self.line(colour, &head)?;
        if let (Some(likeness), Some(left)) = (block.similarity, &block.left) {
            let likeness = match likeness {
                1.0 => "with the same content".to_owned(),
                part => format!("{} % the same", (part * 100.0).floor()),
            };
            self.line("", &format!("    renamed: was {} ({likeness})", left.block_id()))?;
        }
        if let Some(moved) = &block.moved {
            self.line("", &format!("    {}", movement(&moved.from, &moved.to)))?;
        }
        for (side, reason) in &block.unreadable {
            self.line("", &format!("    unreadable on the {side}: {reason}"))?;
        }
        for field in &block.fields {
            self.field(field)?;
        }
        if let Some(asides) = &block.asides {
            self.values("asides", &asides.left, &asides.right, "")?;
        }
        for child in &block.children {
            let place = |place: Option<usize>| place.map(|place| place + 1).unwrap_or_default();
            let what = match child.op {
                ChildOp::Added => format!("added at place {}", place(child.to)),
                ChildOp::Removed => format!("removed from place {}", place(child.from)),
                ChildOp::Moved => format!("moved from place {} to {}", place(child.from), place(child.to)),
            };
            self.line("", &format!("    child {}: {what}", child.usage))?;
        }
        Ok(())
    }

    fn field(&mut self, field: &FieldDiff) -> fmt::Result {
        let what = format!("{} {}", field.scope, field.name);
        let note = if field.same_effect { "  (no change for learners)" } else { "" };
        if let (FieldState::Set { value: left }, FieldState::Set { value: right }) =
            (&field.left, &field.right)
        {
            return self.values(&what, left, right, note);
        }
        self.line("", &format!("    {what}: {} -> {}{note}", shown(&field.left), shown(&field.right)))
    }

    /// Writes two values: on one line where they are short, else line by line.
    fn values(&mut self, what: &str, left: &Json, right: &Json, note: &str) -> fmt::Result {
        if let (Some(left), Some(right)) = (on_one_line(left), on_one_line(right)) {
            return self.line("", &format!("    {what}: {left} -> {right}{note}"));
        }
        let is_text = left.is_string() == right.is_string();
        let (before, after) = match is_text {
            true => (as_text(left), as_text(right)),
            false => return self.line("", &format!("    {what}: {} -> {}{note}", cut(left), cut(right))),
        };
        match beside(&before, &after, self.options.context) {
            Beside::TooLong(before, after) => {
                self.line("", &format!("    {what}: {before} lines -> {after} lines{note}"))
            }
            Beside::Lines { lines, broken } => {
                let broken = if broken { " (long lines broken at tags and sentences)" } else { "" };
                self.line("", &format!("    {what}:{note}{broken}"))?;
                lines.into_iter().try_for_each(|line| match line {
                    Line::Hunk([old, old_lines, new, new_lines]) => {
                        self.line(CYAN, &format!("      @@ -{old},{old_lines} +{new},{new_lines} @@"))
                    }
                    Line::Same(text) => self.line("", format!("       {text}").trim_end()),
                    Line::Removed(text) => self.line(RED, &format!("      -{text}")),
                    Line::Added(text) => self.line(GREEN, &format!("      +{text}")),
                    Line::EndOfText => self.line("", "      only line ends differ"),
                })
            }
        }
    }

    fn files(&mut self) -> fmt::Result {
        for file in &self.diff.files {
            self.file(file)?;
        }
        if !self.diff.files.is_empty() {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn file(&mut self, file: &FileDiff) -> fmt::Result {
        let (old, new) = (file.left.as_ref().map(path), file.right.as_ref().map(path));
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let bytes = |bytes: &Option<FileBytes>| bytes.as_ref().map_or(0, |bytes| bytes.length);
        let states = self.states(&file.states);
        let (colour, text) = match file.kind {
            FileKind::Added => (GREEN, format!("+ {new}  {} bytes", bytes(&file.right_bytes))),
            FileKind::Removed => (RED, format!("- {old}  {} bytes", bytes(&file.left_bytes))),
            FileKind::Moved => (CYAN, format!("> {new}  was {old}")),
            FileKind::Changed if file.left_bytes == file.right_bytes => (YELLOW, format!("~ {new}")),
            FileKind::Changed => {
                let (old, new_bytes) = (bytes(&file.left_bytes), bytes(&file.right_bytes));
                (YELLOW, format!("~ {new}  other bytes: {old} -> {new_bytes}"))
            }
        };
        self.line(colour, &format!("{text}{states}"))?;
        self.attributes(&file.attributes)
    }

    fn attributes(&mut self, attributes: &[AttributeDiff]) -> fmt::Result {
        attributes.iter().try_for_each(|AttributeDiff { name, left, right }| {
            let value = |value: &Option<Json>| value.as_ref().map_or_else(|| "not set".to_owned(), cut);
            self.line("", &format!("    {name}: {} -> {}", value(left), value(right)))
        })
    }

    fn asset_metadata(&mut self) -> fmt::Result {
        for record in &self.diff.asset_metadata {
            let (sign, colour) = match record.kind {
                RecordKind::Added => ("+", GREEN),
                RecordKind::Removed => ("-", RED),
                RecordKind::Changed => ("~", YELLOW),
                RecordKind::Unreadable => ("!", RED),
            };
            let key = record.right.as_ref().or(record.left.as_ref());
            let of = key.map_or_else(|| "a file it does not name".to_owned(), path);
            let head = format!("{sign} record about {of}{}", self.states(&record.states));
            self.line(colour, &head)?;
            self.attributes(&record.members)?;
            for (side, reason) in &record.unreadable {
                self.line("", &format!("    unreadable on the {side}: {reason}"))?;
            }
        }
        if !self.diff.asset_metadata.is_empty() {
            writeln!(self.out)?;
        }
        Ok(())
    }
}

/// Returns a file's path as a package has it.
fn path(key: &AssetKey) -> String {
    match key.asset_type() {
        "asset" => format!("static/{}", key.path()),
        other => format!("{other}/{}", key.path()),
    }
}

fn movement(from: &[Place], to: &[Place]) -> String {
    let list = |places: &[Place]| {
        let places = places.iter().map(|place| format!("{} (place {})", named(place), place.position + 1));
        places.collect::<Vec<_>>().join(" and ")
    };
    match (from, to) {
        ([from], [to]) if from.parent.block_id() == to.parent.block_id() => {
            format!("moved: from place {} to {} in {}", from.position + 1, to.position + 1, named(to))
        }
        // A block can have several parents, and be in the others as before.
        (from, []) => format!("no longer in {}", list(from)),
        ([], to) => format!("now in {}", list(to)),
        (from, to) => format!("moved: from {} to {}", list(from), list(to)),
    }
}

fn named(place: &Place) -> String {
    format!("{} {}", place.parent.block_type(), Json::from(place.parent_name.as_str()))
}

/// Writes what a field holds.
fn shown(state: &FieldState) -> String {
    match state {
        FieldState::Set { value } => cut(value),
        FieldState::Unset { fallback: None } => "not set".to_owned(),
        FieldState::Unset { fallback: Some(Fallback { origin, value }) } => match origin {
            Origin::Default => format!("not set (default {})", cut(value)),
            Origin::Inherited { from } => {
                format!("not set ({} from {} {})", cut(value), from.block_type(), from.block_id())
            }
            Origin::Library => format!("not set ({} from its library)", cut(value)),
            Origin::Own => format!("not set here ({} in another scope)", cut(value)),
        },
    }
}
