//! Definition files: what is written reads back equal, whatever a block holds.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use xblock_core::block::{BlockClass, BlockContext, BlockError, Registry, XBlock};
use xblock_core::fields::{BlockFields, FieldSpec, FieldType, Json, Scope};
use xblock_core::fragment::Fragment;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{
    DefinitionError, DefinitionForm, Element, OlxConvention, OlxError, OwnChildren, RawOlx, Reading,
    block_id_of, block_type_of, definition_id, definition_path, definition_type, is_shortened,
    read_definition, read_definition_owner, read_plain_block, rewrite_definition, write_definition,
};
use xblock_core::runtime::{AsideData, BlockData, FieldMap};

struct Idle(BlockFields);

impl XBlock for Idle {
    fn fields(&self) -> &BlockFields {
        &self.0
    }
    fn view(&self, name: &str, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Err(BlockError::NoSuchView { view: name.to_owned() })
    }
}

struct Form(DefinitionForm);

impl OlxConvention for Form {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_plain_block(&element, reading)
    }

    fn definition_form(&self) -> DefinitionForm {
        self.0
    }
}

static PLAIN: Form = Form(DefinitionForm::Plain);
static MARKUP: Form = Form(DefinitionForm::Markup);
static OWN: Form = Form(DefinitionForm::Own);

const fn class(
    block_type: &'static str,
    fields: &'static [FieldSpec],
    has_children: bool,
    olx: &'static dyn OlxConvention,
) -> BlockClass {
    BlockClass { fields, has_children, olx, ..BlockClass::new(block_type, |fields| Box::new(Idle(fields))) }
}

static DATA_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("data", FieldType::String, Scope::Content),
    FieldSpec::new("max_attempts", FieldType::Integer, Scope::Settings),
    FieldSpec::new("weight", FieldType::Float, Scope::Settings),
    FieldSpec::new("items", FieldType::List, Scope::Content),
    FieldSpec::new("limit", FieldType::RelativeTime, Scope::Settings),
];
static CONTENT_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("content", FieldType::String, Scope::Content),
    FieldSpec::new("weight", FieldType::Float, Scope::Settings),
    FieldSpec::new("anything", FieldType::Any, Scope::Settings),
];
static CHILDREN: &[FieldSpec] = xblock_core::fields::CHILDREN_FIELDS;
static RAW: BlockClass = class("raw", DATA_FIELDS, false, &RawOlx);
static CLASSES: [BlockClass; 5] = [
    class("html", DATA_FIELDS, false, &MARKUP),
    class("problem", DATA_FIELDS, false, &RawOlx),
    class("vertical", CHILDREN, true, &PLAIN),
    class("note", CONTENT_FIELDS, false, &PLAIN),
    class("own", DATA_FIELDS, false, &OWN),
];

fn registry() -> Registry {
    CLASSES
        .iter()
        .fold(Registry::builder(&RAW), |builder, class| builder.class(class))
        .build()
        .expect("no type twice")
}

fn usage(block_type: &str) -> UsageKey {
    "course-v1:Org+Crs+Run"
        .parse::<ContextKey>()
        .expect("a key")
        .make_usage_key(block_type, "b1")
        .expect("a key")
}

fn map(value: Json) -> FieldMap {
    value
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| (name.as_str().into(), value.clone()))
        .collect()
}

#[track_caller]
fn check(block_type: &str, data: &BlockData) -> String {
    let text = write_definition(&usage(block_type), data, &registry()).expect("it works");
    let read = read_definition(text.as_bytes(), &usage(block_type), &registry()).expect("it works");
    assert_eq!(&read, data, "{text}");
    text
}

#[test]
fn html_is_a_body_with_attributes() {
    let data = BlockData {
        content: map(json!({"data": "<p>a &nbsp; b</p>\n"})),
        settings: map(json!({"display_name": "H & co", "group_access": {"50": [1, 2]}})),
        ..BlockData::default()
    };
    assert_eq!(
        check("html", &data),
        "<html display_name=\"H &amp; co\" group_access=\"{&quot;50&quot;: [1, 2]}\">\
         <![CDATA[<p>a &nbsp; b</p>\n]]></html>\n"
    );
}

#[test]
fn html_survives_what_cdata_cannot_hold() {
    for text in
        ["", " ", "a]]>b", "x\r\ny\r", "\u{85}\u{2028}", "\u{0}\u{1b}\u{ffff}", "]]", "<![CDATA[", "\u{feff}"]
    {
        let data = BlockData { content: map(json!({ "data": text })), ..BlockData::default() };
        check("html", &data);
        check("problem", &data);
        check("note", &data);
        check("vertical", &data);
        check("unknown", &data);
    }
    check("html", &BlockData::default());
}

#[test]
fn a_problem_is_its_own_xml() {
    let data = BlockData {
        content: map(json!({"data": "<problem url_name=\"q\" >\r\n  <p>Two?</p><!-- c -->\n</problem>\n"})),
        settings: map(json!({"display_name": "Q", "weight": 1.5, "max_attempts": null})),
        ..BlockData::default()
    };
    assert_eq!(
        check("problem", &data),
        "<problem url_name=\"q\"  xblock-data=\"{&quot;verbatim&quot;:&quot;data&quot;}\" display_name=\"Q\" \
         max_attempts=\"null\" weight=\"1.5\">\r\n  <p>Two?</p><!-- c -->\n</problem>\n"
    );
}

#[test]
fn a_problem_whose_text_already_has_settings_keeps_both() {
    for text in [
        "<problem display_name=\"inner\" weight='2'/>",
        "<problem xblock-data=\"mine\"/>",
        "<problem a=\">\">&lt;</problem>",
        "<!-- first --><problem/>",
        "<?xml version=\"1.0\" encoding=\"latin-1\"?><problem/>",
        "<problem>",
        "<other/>",
        "plain text",
        "<problem xmlns=\"http://example.com\"/>",
    ] {
        let data = BlockData {
            content: map(json!({ "data": text })),
            settings: map(json!({"display_name": "outer", "weight": 2.0})),
            ..BlockData::default()
        };
        check("problem", &data);
    }
}

#[test]
fn a_unit_includes_its_children() {
    let context: ContextKey = "course-v1:Org+Crs+Run".parse().expect("it works");
    let other: ContextKey = "lib:Org:slug".parse().expect("it works");
    let mut data = BlockData {
        settings: map(json!({"display_name": "U"})),
        children: ["h1", "a:b~", "h1"]
            .map(|id| context.make_usage_key("html", id).expect("it works"))
            .to_vec(),
        ..BlockData::default()
    };
    assert_eq!(
        check("vertical", &data),
        "<vertical display_name=\"U\">\n  <xblock-include definition=\"html/h1\"/>\n  \
         <xblock-include definition=\"html/u--a-3ab-7e\" usage=\"a:b~\"/>\n  <xblock-include definition=\"html/h1\"/>\n\
         </vertical>\n"
    );
    data.children.push(other.make_usage_key("html", "far").expect("it works"));
    check("vertical", &data);
    check("html", &data);
    check("problem", &data);
}

#[test]
fn foreign_elements_are_refused() {
    let read = |xml: &str| {
        read_definition(xml.as_bytes(), &usage("vertical"), &registry()).expect_err("it is refused")
    };
    assert!(matches!(read("<vertical><html/></vertical>"), DefinitionError::NotAnInclude { .. }));
    assert!(matches!(read("<vertical><xblock-include/></vertical>"), DefinitionError::NoDefinition { .. }));
    assert!(matches!(
        read("<vertical><xblock-include definition=\"html\"/></vertical>"),
        DefinitionError::BadDefinition { .. }
    ));
    assert!(matches!(read("<vertical xblock-data=\"{\"/>"), DefinitionError::BadData { .. }));
    assert!(matches!(read("<vertical"), DefinitionError::Parse(_)));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        proptest::collection::vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect()),
        "[ \\t\\r\\n<>&\"'\\]a\\[!-]{0,12}",
        "<problem( a=\"[<&>']?\")?( display_name='x')?>?(<p>x</p>)?(</problem>|/>)\\s?",
        Just("null".to_owned()),
        Just("1e3".to_owned()),
        Just("yes".to_owned()),
        Just("2030-01-02".to_owned()),
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Json::from),
        any_text().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::vec((any_text(), inner), 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn any_fields() -> impl Strategy<Value = FieldMap> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "data",
            "display_name",
            "weight",
            "max_attempts",
            "items",
            "limit",
            "content",
            "anything",
            "due",
            "start",
            "xml_attributes",
            "group_access",
            "graceperiod",
            "children",
            "parent",
            "tags",
            "url_name",
            "xblock-data",
            "visible_to_staff_only",
            "user_partitions",
        ])
        .prop_map(str::to_owned),
        any_text(),
    ];
    proptest::collection::vec((name, any_json()), 0..6)
        .prop_map(|entries| entries.into_iter().map(|(name, value)| (Arc::from(name), value)).collect())
}

fn any_child() -> impl Strategy<Value = UsageKey> {
    (
        prop::sample::select(vec![
            "course-v1:Org+Crs+Run",
            "course-v1:O+C+R",
            "Org/Crs/Run",
            "library-v1:O+L",
            "lib:O:s",
        ]),
        prop::sample::select(vec!["html", "vertical", "x-1", "9a", "ä"]),
        "[a-z:%.~_é-]{1,6}",
    )
        .prop_filter_map("a key this context cannot have", |(context, block_type, id)| {
            context.parse::<ContextKey>().ok()?.make_usage_key(block_type, &id).ok()
        })
}

prop_compose! {
    fn any_block()(
        content in any_fields(),
        settings in any_fields(),
        defaults in any_fields(),
        children in proptest::collection::vec(any_child(), 0..4),
        asides in proptest::collection::vec((any_text(), any_fields()), 0..2),
    ) -> BlockData {
        let asides = asides.into_iter()
            .map(|(aside_type, fields)| AsideData { aside_type: aside_type.into(), fields })
            .collect();
        BlockData { content, settings, defaults, children, asides }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_block_comes_back(
        data in any_block(),
        block_type in prop::sample::select(vec!["html", "problem", "vertical", "note", "own", "unknown", "9x", "ä"]),
    ) {
        let text = write_definition(&usage(block_type), &data, &registry()).expect("it works");
        let read = read_definition(text.as_bytes(), &usage(block_type), &registry()).expect("it works");
        prop_assert_eq!(&read, &data, "{}", text);
        let again = write_definition(&usage(block_type), &read, &registry()).expect("it works");
        prop_assert_eq!(again, text);
    }

    /// Whatever a file said before, it is rewritten to what the block is now.
    #[test]
    fn every_rewritten_block_comes_back(
        before in any_block(),
        after in any_block(),
        block_type in prop::sample::select(vec!["html", "problem", "vertical", "note", "own", "unknown", "9x"]),
    ) {
        let (usage, registry) = (usage(block_type), registry());
        let earlier = write_definition(&usage, &before, &registry).expect("it works");
        let naming = OwnChildren(usage.context_key());
        let write = |earlier: &[u8], data: &BlockData| {
            rewrite_definition(earlier, &usage, data, &registry, &naming).expect("it works")
        };
        let text = write(earlier.as_bytes(), &after);
        prop_assert_eq!(&read_definition(&text, &usage, &registry).expect("it works"), &after);
        prop_assert_eq!(write(earlier.as_bytes(), &before), earlier.as_bytes());
        let noise = write(b"<!-- no definition at all", &after);
        prop_assert_eq!(noise, write_definition(&usage, &after, &registry).expect("it works").into_bytes());
    }

    #[test]
    fn every_type_has_a_folder_of_its_own(block_type in "\\PC{1,12}") {
        let folder = definition_type(&block_type);
        prop_assert!(
            folder.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')), "{}", folder
        );
        let read = block_type_of(&folder).map(|block_type| block_type.into_owned());
        // A type of very many bytes is shortened; its definition files say what it is.
        let shortened = is_shortened(&folder);
        prop_assert!(!shortened || block_type.len() * 3 > 100, "{}", folder);
        prop_assert_eq!(read, (!shortened).then_some(block_type));
    }

    /// What is too long for a file's path is said in the file.
    #[test]
    fn long_names_are_read_from_the_file(
        block_type in "(html|problem|vertical|a:b|[a-z]{119,130})",
        id in "\\PC{80,300}",
        data in any_block(),
    ) {
        let context: ContextKey = "course-v1:Org+Crs+Run".parse().expect("it works");
        let Ok(usage) = context.make_usage_key(&block_type, &id) else { return Ok(()) };
        let path = definition_path(&block_type, &id);
        prop_assert!(path.split('/').all(|part| part.len() <= 255) && path.chars().count() <= 500, "{}", path);
        let text = write_definition(&usage, &data, &registry()).expect("it works");
        prop_assert_eq!(&read_definition(text.as_bytes(), &usage, &registry()).expect("it works"), &data);
        prop_assert_eq!(read_definition_owner(text.as_bytes(), &path), Some((block_type.clone(), id.clone())));
        let other = definition_path(&block_type, &format!("{id}~"));
        if is_shortened(&definition_id(&id)) {
            prop_assert!(block_id_of(&definition_id(&id)).is_none());
            prop_assert_eq!(read_definition_owner(text.as_bytes(), &other), None);
        }
    }

    #[test]
    fn every_id_has_a_folder_of_its_own(id in "\\PC{1,12}") {
        let folder = definition_id(&id);
        prop_assert!(folder.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')), "{}", folder);
        let read = block_id_of(&folder).map(|id| id.into_owned());
        prop_assert_eq!(read, Some(id));
    }
}
