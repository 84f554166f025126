//! Courses nobody would write: every block type, odd names, odd values, drafts, files.
//!
//! A course follows from a list of bytes. Where they end every choice is the simplest one, so that a failing course
//! becomes small when bytes are taken away or become zero.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, json};
use xblock_core::block::{BlockType, Registry};
use xblock_core::fields::{FieldSpec, FieldType, Json, Scope};
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::runtime::{AssetData, BlockData, FieldMap};

/// What courses look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Whatever a store can hold. An import completes some of it as edx-platform does: courses without tabs get the usual
    /// ones, old names of types become new ones, a type whose content is its XML gets an element.
    Wild,
    /// As an import leaves it.
    Imported,
}

/// A course as both branches of a store have it.
#[derive(Debug, Clone)]
pub(crate) struct RandomCourse {
    pub(crate) context: ContextKey,
    pub(crate) root: UsageKey,
    pub(crate) published: BTreeMap<UsageKey, Arc<BlockData>>,
    /// What is different, or only there, in the draft.
    pub(crate) draft: BTreeMap<UsageKey, Arc<BlockData>>,
    pub(crate) files: BTreeMap<AssetKey, (AssetData, Vec<u8>)>,
}

/// Choices taken from bytes; the first one where there are no more.
struct Choices<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or_default()
    }

    fn below(&mut self, count: usize) -> usize {
        let two = usize::from(self.byte());
        // One byte is enough for every list here but that of block types.
        let number = if count > 64 { two * 256 + usize::from(self.byte()) } else { two };
        number % count.max(1)
    }

    fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }

    fn is(&mut self, one_in: usize) -> bool {
        self.below(one_in) + 1 == one_in
    }
}

const TEXTS: [&str; 24] = [
    "tide",
    "",
    " ",
    "High & low <water>",
    "\"quoted\" 'too'",
    "null",
    "true",
    "12",
    "1.50",
    "\"json\"",
    "[1, 2]",
    "{\"a\": 1}",
    "Ebbe und Flut \u{2014} \u{1f30a}",
    "\u{6f6e}\u{6c50}",
    " around ",
    "two\nlines",
    "a\tb",
    "a\r\nb",
    "]]>",
    "<!-- no comment -->",
    "&amp; &lt;",
    "\u{a0}",
    "e\u{301}",
    "%20 + %",
];

/// Texts for fields that hold HTML or whatever an author types.
const HTMLS: [&str; 9] = [
    "<p>Ebb</p>",
    "",
    "plain text",
    "<p>one</p>\n<p>two &amp; &nbsp; three</p>\n",
    "<img src=\"/static/a.png\"><br>not closed",
    "  \n<p>space around</p>  \n",
    "<script>if (a < b && c) { x(\"y\"); }</script>",
    "<!-- a comment --><p>\u{1f30a}</p>",
    "<p>\r\nwindows\r\n</p>",
];

/// As an import leaves them.
const PROBLEMS: [&str; 5] = [
    "<problem/>\n",
    "<problem>\n  <p>How deep?</p>\n</problem>\n",
    "<problem>\n  <multiplechoiceresponse>\n    <choicegroup>\n      <choice correct=\"true\">a</choice>\n    </choicegroup>\n  </multiplechoiceresponse>\n</problem>\n",
    "<problem>\n  <script type=\"loncapa/python\">\nx = 1 &lt; 2\n</script>\n</problem>\n",
    "<problem>\u{1f30a} \u{a0}<!-- c --></problem>\n",
];

/// As authors write them.
const WILD_PROBLEMS: [&str; 5] = [
    "<problem/>",
    "",
    "<problem display=\"x\"><![CDATA[a < b]]></problem>",
    "<problem><p>How<b>deep</b> ?</p></problem>",
    "<problem max_attempts=\"3\">  <p/>  </problem>",
];

const NAMES: [&str; 12] = [
    "a",
    "b2",
    "unit_one",
    "with-dash",
    "with.dot",
    "with~tilde",
    "week1:intro",
    "\u{fc}ber",
    "A",
    "0",
    "_",
    "very_long_name_",
];

const FILES: [&str; 8] = [
    "a.txt",
    "b.png",
    "no_extension",
    "dir_name.with.dots.pdf",
    "\u{fc}ber.txt",
    "A.TXT",
    "script.js",
    "x-1_2.srt",
];

const CONTEXTS: [&str; 4] = [
    "course-v1:Org+Course+Run",
    "course-v1:O.rg+C-1+2031_T1",
    "Org/Course/Run",
    "course-v1:\u{d6}rg+K\u{fc}rs+L\u{e4}uf",
];

/// Types that an import reads under another name, or completes.
const COMPLETED: [&str; 15] = [
    "annotatable",
    "book",
    "conditional",
    "custom_tag_template",
    "customtag",
    "discuss",
    "image",
    "lti",
    "poll_question",
    "raw",
    "slides",
    "split_test",
    "videoalpha",
    "videodev",
    "word_cloud",
];

/// Fields that an import completes, or makes of others.
const COMPLETED_FIELDS: [&str; 9] = [
    "discussion_topics",
    "download_track",
    "grading_policy",
    "license",
    "tabs",
    "textbooks",
    "track",
    "wiki_slug",
    "edx_video_id",
];

/// Types that nobody registers.
const UNKNOWN: [&str; 3] = ["tide_clock", "unknown-type", "x.y"];

/// Types that hold the course together or stand beside it, and aliases that are written as what they stand for.
const NOT_BELOW_UNITS: [&str; 9] =
    ["course", "chapter", "sequential", "library", "about", "course_info", "static_tab", "error", "hidden"];

pub(crate) fn random_course(bytes: &[u8], manner: Manner, registry: &Registry) -> RandomCourse {
    let mut choices = Choices { bytes: bytes.iter() };
    let context: ContextKey = choices.of(&CONTEXTS).parse().expect("a course");
    let root_id = if context.is_deprecated() { "Run" } else { "course" };
    let root = context.make_usage_key("course", root_id).expect("a usage");
    let types: Vec<String> = registry
        .types()
        .map(|block_type| block_type.name.to_string())
        .filter(|name| !NOT_BELOW_UNITS.contains(&name.as_str()))
        .filter(|name| manner == Manner::Wild || !COMPLETED.contains(&name.as_str()))
        .chain(UNKNOWN.map(str::to_owned))
        .collect();
    let mut maker = Maker {
        choices,
        manner,
        registry,
        context: context.clone(),
        types,
        blocks: BTreeMap::new(),
        made: 0,
    };
    let chapters = maker.children(3, |maker| maker.chapter());
    let mut data = maker.data("course", root_id, chapters);
    if manner == Manner::Imported {
        let tab = json!({ "type": "courseware", "name": "Course", "course_staff_only": false });
        for (name, value) in [("wiki_slug", json!("x")), ("textbooks", json!([]))] {
            data.content.insert(name.into(), value);
        }
        for (name, value) in
            [("discussion_topics", json!({ "General": { "id": "x" } })), ("tabs", json!([tab]))]
        {
            data.settings.insert(name.into(), value);
        }
    }
    maker.blocks.insert(root.clone(), Arc::new(data));
    let published = std::mem::take(&mut maker.blocks);
    let draft = maker.drafts(&published);
    let files = maker.files();
    RandomCourse { context, root, published, draft, files }
}

struct Maker<'a> {
    choices: Choices<'a>,
    manner: Manner,
    registry: &'a Registry,
    context: ContextKey,
    types: Vec<String>,
    blocks: BTreeMap<UsageKey, Arc<BlockData>>,
    made: usize,
}

impl Maker<'_> {
    fn children(&mut self, most: usize, mut child: impl FnMut(&mut Self) -> UsageKey) -> Vec<UsageKey> {
        (0..self.choices.below(most + 1)).map(|_| child(self)).collect()
    }

    /// Makes a usage nobody has yet.
    fn usage(&mut self, block_type: &str) -> UsageKey {
        self.made += 1;
        let id = match self.choices.of(&NAMES) {
            &"a" => format!("n{}", self.made),
            name => format!("{name}{}", self.made),
        };
        self.context.make_usage_key(block_type, &id).expect("a usage")
    }

    fn put(&mut self, block_type: &str, children: Vec<UsageKey>) -> UsageKey {
        let usage = self.usage(block_type);
        let data = self.data(block_type, usage.block_id(), children);
        self.blocks.insert(usage.clone(), Arc::new(data));
        usage
    }

    fn chapter(&mut self) -> UsageKey {
        let children = self.children(3, |maker| maker.sequential());
        self.put("chapter", children)
    }

    fn sequential(&mut self) -> UsageKey {
        let children = self.children(3, |maker| maker.unit());
        self.put("sequential", children)
    }

    fn unit(&mut self) -> UsageKey {
        let children = self.children(4, |maker| maker.component(0));
        self.put("vertical", children)
    }

    fn component(&mut self, depth: usize) -> UsageKey {
        let block_type = match self.choices.below(4) {
            0 => "html".to_owned(),
            1 => "problem".to_owned(),
            _ => {
                let at = self.choices.below(self.types.len());
                self.types[at].clone()
            }
        };
        let has_children = self.registry.block_type(&block_type).class.has_children;
        let children = match has_children && depth < 2 {
            true => self.children(3, |maker| maker.component(depth + 1)),
            false => Vec::new(),
        };
        self.put(&block_type, children)
    }

    fn data(&mut self, name: &str, id: &str, children: Vec<UsageKey>) -> BlockData {
        let block_type = self.registry.block_type(name);
        let mut data = BlockData { children, ..BlockData::default() };
        for spec in block_type.fields().iter() {
            let map = match spec.scope {
                Scope::Content => &mut data.content,
                Scope::Settings => &mut data.settings,
                _ => continue,
            };
            self.field(&block_type, id, spec, map);
        }
        data
    }

    fn field(&mut self, block_type: &BlockType, id: &str, spec: &FieldSpec, map: &mut FieldMap) {
        // What every block of a type has; the rest is set now and then.
        let is_text = spec.name == "data" && spec.scope == Scope::Content;
        if !is_text && !self.choices.is(9) || NEVER.contains(&spec.name) {
            return;
        }
        if self.manner == Manner::Imported && COMPLETED_FIELDS.contains(&spec.name) {
            return;
        }
        let Some(value) = self.value(block_type, id, spec) else { return };
        map.insert(spec.name.into(), value);
    }

    fn value(&mut self, block_type: &BlockType, id: &str, spec: &FieldSpec) -> Option<Json> {
        if spec.name == "data" {
            return self.text_of(block_type, id);
        }
        let value = if self.choices.is(12) { Json::Null } else { self.raw(spec.kind) };
        // As the field itself would store it.
        let value = spec.from_json(&value).ok()?;
        spec.to_json(&value).ok()
    }

    /// Makes the text that is a block's content.
    fn text_of(&mut self, block_type: &BlockType, id: &str) -> Option<Json> {
        match &*block_type.name {
            "html" => Some((*self.choices.of(&HTMLS)).into()),
            "problem" if self.manner == Manner::Wild && self.choices.is(2) => {
                Some((*self.choices.of(&WILD_PROBLEMS)).into())
            }
            // The name of its pointer is part of a problem's text.
            "problem" => {
                let text = *self.choices.of(&PROBLEMS);
                Some(text.replacen("<problem", &format!("<problem url_name=\"{id}\""), 1).into())
            }
            name if !block_type.is_known => Some(format!("<{name}/>").into()),
            _ => None,
        }
    }

    fn text(&mut self) -> Json {
        (*self.choices.of(&TEXTS)).into()
    }

    fn raw(&mut self, field_type: FieldType) -> Json {
        let texts =
            |choices: &mut Self| (0..choices.choices.below(3)).map(|_| choices.text()).collect::<Vec<_>>();
        match field_type {
            FieldType::Boolean => self.choices.of(&[json!(true), json!(false)]).clone(),
            FieldType::Integer => self.choices.of(&[json!(1), json!(0), json!(-3), json!(i64::MAX)]).clone(),
            FieldType::Float => {
                self.choices.of(&[json!(1.5), json!(0.0), json!(-0.1), json!(1e300), json!(3.0)]).clone()
            }
            FieldType::String
            | FieldType::XmlString
            | FieldType::JsonField
            | FieldType::Field
            | FieldType::Any => self.text(),
            FieldType::Date | FieldType::DateTime => self
                .choices
                .of(&[
                    json!("2031-03-01T12:30:00Z"),
                    json!("1999-12-31T23:59:59Z"),
                    json!("0999-01-01T00:00:00Z"),
                ])
                .clone(),
            FieldType::Timedelta => {
                self.choices.of(&[json!("1 days 2 hours"), json!("0 seconds"), json!("30 minutes")]).clone()
            }
            FieldType::RelativeTime => {
                self.choices.of(&[json!("00:01:30"), json!("00:00:00"), json!("23:59:59")]).clone()
            }
            FieldType::List | FieldType::Set => Json::Array(texts(self)),
            FieldType::Dict => {
                let entries = texts(self).into_iter().enumerate();
                let names = ["a", "b c", "\u{fc}"];
                Json::Object(
                    entries.map(|(at, value)| (names[at % 3].to_owned(), value)).collect::<Map<_, _>>(),
                )
            }
            FieldType::Reference => self.reference(),
            FieldType::ReferenceList => {
                Json::Array((0..self.choices.below(3)).map(|_| self.reference()).collect())
            }
            FieldType::ReferenceValueDict => json!({ "0": self.reference() }),
            FieldType::GroupAccessDict => json!({ "50": [1, 2] }),
            FieldType::Randomization => self
                .choices
                .of(&[json!("always"), json!("never"), json!("per_student"), json!("onreset")])
                .clone(),
            FieldType::TextbookList => json!([]),
            FieldType::CourseTabList | FieldType::UserPartitionList => json!([]),
            FieldType::Score | FieldType::ListScore => Json::Null,
        }
    }

    fn reference(&mut self) -> Json {
        let known: Vec<_> = self.blocks.keys().cloned().collect();
        if known.is_empty() {
            return Json::Null;
        }
        self.choices.of(&known).to_string().into()
    }

    /// Changes some blocks, and adds some to units.
    fn drafts(
        &mut self,
        published: &BTreeMap<UsageKey, Arc<BlockData>>,
    ) -> BTreeMap<UsageKey, Arc<BlockData>> {
        let mut draft = BTreeMap::new();
        for (usage, data) in published {
            if matches!(usage.block_type(), "course" | "chapter" | "sequential") || !self.choices.is(8) {
                continue;
            }
            let mut changed = BlockData::clone(data);
            if usage.block_type() == "vertical" && self.choices.is(2) {
                let new = self.component(2);
                let at = self.choices.below(changed.children.len() + 1);
                changed.children.insert(at, new);
            } else {
                changed.settings.insert("display_name".into(), self.text());
            }
            if changed != **data {
                draft.insert(usage.clone(), Arc::new(changed));
            }
        }
        draft.append(&mut self.blocks);
        draft
    }

    fn files(&mut self) -> BTreeMap<AssetKey, (AssetData, Vec<u8>)> {
        let mut files = BTreeMap::new();
        for _ in 0..self.choices.below(4) {
            let name = *self.choices.of(&FILES);
            let Ok(key) = self.context.make_asset_key(name) else { continue };
            let data = AssetData {
                content_type: self.choices.of(&[Some("text/plain"), Some("image/png")]).map(str::to_owned),
                display_name: name.to_owned(),
                locked: self.choices.is(2),
                ..AssetData::default()
            };
            let length = self.choices.below(20);
            files.insert(key, (data, (0..length).map(|_| self.choices.byte()).collect()));
        }
        files
    }
}

/// Fields that say how a block was stored, or that the reader makes up.
const NEVER: [&str; 4] = ["xml_attributes", "children", "parent", "tags"];
