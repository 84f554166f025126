//! Courses as `mongodump` would write them, of any size, always the same.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};

use crate::bench::Outcome;

/// How many blocks the courses have.
pub const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Whose documents they are.
pub(super) const COURSE: &str = "course-v1:Harbour+Tides+2031";
/// Blocks that every course has, by their number: a text, and the unit it is in.
pub(super) const LEAF: usize = 4;
pub(super) const UNIT: usize = 3;

/// How many children the blocks of each level have: chapters, subsections, units, what is in a unit.
const SHAPE: [(&str, usize); 4] = [("chapter", usize::MAX), ("sequential", 5), ("vertical", 4), ("html", 4)];

/// The folder the courses lie in, beside the build, so that the work meets a real disk.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from("target/bench-split")
}

pub(super) fn place(folder: &Path, size: usize) -> PathBuf {
    folder.join(format!("{size:06}"))
}

pub(super) fn block_id(number: usize) -> String {
    format!("{number:032x}")
}

fn id(kind: u8, number: usize) -> ObjectId {
    let mut bytes = [kind; 12];
    bytes[4..].copy_from_slice(&(number as u64).to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// Makes every course anew: its dump, and the store it is loaded into.
///
/// # Errors
/// When the folder cannot be written.
pub fn make(folder: &Path) -> Outcome<()> {
    let _ = fs::remove_dir_all(folder);
    for size in SIZES {
        let place = place(folder, size);
        let dump = place.join("dump");
        fs::create_dir_all(&dump)?;
        write(&dump, size)?;
        let store = place.join("store.db");
        super::fresh(&store, &blocks::registry()?)?.import_dump(&dump)?;
    }
    Ok(())
}

/// A block while the tree is laid out: its type and the numbers of its children.
struct Node {
    block_type: &'static str,
    children: Vec<usize>,
}

/// Lays a tree of so many blocks out, parents before children, the first of each level first.
fn tree(size: usize) -> Vec<Node> {
    let mut nodes = vec![Node { block_type: "course", children: Vec::new() }];
    let mut path = vec![0];
    while nodes.len() < size {
        while path.len() > SHAPE.len()
            || path.len() > 1 && nodes[path[path.len() - 1]].children.len() >= SHAPE[path.len() - 1].1
        {
            path.pop();
        }
        let number = nodes.len();
        let mut block_type = SHAPE[path.len() - 1].0;
        if block_type == "html" && number % 4 == 3 {
            block_type = "problem";
        }
        nodes[path[path.len() - 1]].children.push(number);
        nodes.push(Node { block_type, children: Vec::new() });
        path.push(number);
    }
    nodes
}

fn block(
    number: usize,
    node: &Node,
    nodes: &[Node],
    (version, source): (ObjectId, Option<ObjectId>),
) -> Document {
    let key = |number: usize| -> Bson {
        let block_type = nodes.get(number).map_or("html", |node| node.block_type);
        let id = if block_type == "course" { "course".to_owned() } else { block_id(number) };
        Bson::Array(vec![block_type.into(), id.into()])
    };
    let mut fields = doc! { "display_name": format!("The {} number {number}", node.block_type) };
    if node.block_type == "sequential" {
        fields.extend(
            doc! { "due": DateTime::from_millis(1_930_000_000_000), "graded": true, "format": "Homework" },
        );
    }
    if node.block_type == "problem" {
        fields.extend(doc! { "max_attempts": 3, "weight": 2.0, "showanswer": "attempted" });
    }
    if !node.children.is_empty() {
        fields.insert("children", node.children.iter().map(|child| key(*child)).collect::<Vec<_>>());
    }
    let block_id = if node.block_type == "course" { "course".to_owned() } else { block_id(number) };
    doc! {
        "block_type": node.block_type,
        "block_id": block_id,
        "definition": id(3, number),
        "fields": fields,
        "defaults": {},
        "asides": [],
        "edit_info": {
            "edited_on": DateTime::from_millis(1_900_000_000_000),
            "edited_by": 7,
            "update_version": version,
            "previous_version": Bson::Null,
            "source_version": source.map_or(Bson::Null, Bson::from),
            "original_usage": Bson::Null,
            "original_usage_version": Bson::Null,
        },
    }
}

fn write(dump: &Path, size: usize) -> Outcome<()> {
    let nodes = tree(size);
    let (draft, published) = (id(1, 1), id(1, 2));
    let file = |name: &str| -> Outcome<BufWriter<File>> {
        Ok(BufWriter::new(File::create(dump.join(format!("modulestore.{name}.bson")))?))
    };
    let mut structures = file("structures")?;
    for (version, source) in [(draft, None), (published, Some(draft))] {
        let blocks: Vec<_> = nodes
            .iter()
            .enumerate()
            .map(|(number, node)| Bson::from(block(number, node, &nodes, (version, source))))
            .collect();
        let structure = doc! {
            "_id": version,
            "root": ["course", "course"],
            "previous_version": Bson::Null,
            "original_version": version,
            "edited_by": 7,
            "edited_on": DateTime::from_millis(1_900_000_000_000),
            "schema_version": 1,
            "blocks": blocks,
        };
        structure.to_writer(&mut structures)?;
    }
    structures.flush()?;
    let mut definitions = file("definitions")?;
    for (number, node) in nodes.iter().enumerate() {
        let own = id(3, number);
        let text = format!("<p>What the tide leaves behind, number {number}.</p>\n").repeat(8);
        let fields = match node.block_type {
            "html" | "problem" => doc! { "data": text },
            "course" => doc! { "wiki_slug": "Harbour.Tides.2031" },
            _ => doc! {},
        };
        let definition = doc! {
            "_id": own,
            "block_type": node.block_type,
            "fields": fields,
            "edit_info": {
                "edited_by": 7,
                "edited_on": DateTime::from_millis(1_900_000_000_000),
                "previous_version": Bson::Null,
                "original_version": own,
            },
            "schema_version": 1,
        };
        definition.to_writer(&mut definitions)?;
    }
    definitions.flush()?;
    let index = doc! {
        "_id": id(2, 1),
        "org": "Harbour",
        "course": "Tides",
        "run": "2031",
        "edited_by": 7,
        "edited_on": DateTime::from_millis(1_900_000_000_000),
        "versions": { "draft-branch": draft, "published-branch": published },
        "schema_version": 1,
        "search_targets": { "wiki_slug": "Harbour.Tides.2031" },
        "last_update": DateTime::from_millis(1_900_000_000_000),
    };
    let mut indexes = file("active_versions")?;
    index.to_writer(&mut indexes)?;
    Ok(indexes.flush()?)
}
