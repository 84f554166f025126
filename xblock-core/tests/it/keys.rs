//! Opaque keys: what is written can be read again, what must differ differs, and plugins can join.

mod strategies;

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use proptest::prelude::*;
use xblock_core::keys::{
    AnyKey, AsideUsageKey, AsideVersion, AssetKey, BlockTypeKey, CcxKey, CollectionKey, ContainerKey,
    ContextKey, CourseKey, DefinitionKey, KeyClass, KeyError, KeyFamily, KeyKind, KeyNamespace, KeyRegistry,
    LibraryKey, LibraryKeyV2, ObjectId, Plain, PluginKey, Scalar, SmolStr, UsageKey, clean, clean_asset_name,
    clean_for_html, clean_for_url_name, clean_keeping_underscores, is_word,
};

use self::strategies::{
    ASCII_SLUG, ID, SLUG, any_key, asset, block, ccx, context, course, definition, library, library_v2,
    new_course, object_id, usage,
};

#[test]
fn every_class_of_keys_is_generated() {
    use proptest::strategy::ValueTree as _;

    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..4_000 {
        seen.extend(any_key().new_tree(&mut runner).expect("a key").current().class());
    }
    assert_eq!(seen, KeyClass::ALL.into_iter().collect::<BTreeSet<_>>());
}

/// What must hold of every key that can be written.
macro_rules! assert_text {
    ($key:expr, $type:ty) => {{
        let key: $type = $key;
        let text = key.to_string();
        prop_assert_eq!(text.parse::<$type>(), Ok(key.clone()));
        prop_assert_eq!(key.to_text(), Ok(text.clone()));
        let json = serde_json::to_string(&key).expect("a key is a text");
        prop_assert_eq!(&json, &serde_json::to_string(&text).expect("a text is JSON"));
        prop_assert_eq!(&key, &serde_json::from_str::<$type>(&json).expect("a key is read back"));
    }};
}

proptest! {
    #[test]
    fn contexts_come_back(key in context()) {
        assert_text!(key, ContextKey);
    }

    #[test]
    fn courses_come_back(key in course()) {
        assert_text!(key, CourseKey);
    }

    #[test]
    fn libraries_come_back(key in library(), v2 in library_v2(), ccx in ccx()) {
        assert_text!(key, LibraryKey);
        assert_text!(v2, LibraryKeyV2);
        assert_text!(ccx, CcxKey);
    }

    #[test]
    fn usages_come_back(key in usage()) {
        assert_text!(key, UsageKey);
    }

    #[test]
    fn assets_come_back(key in asset()) {
        assert_text!(key, AssetKey);
    }

    #[test]
    fn definitions_come_back(key in definition()) {
        assert_text!(key, DefinitionKey);
    }

    #[test]
    fn block_types_come_back(family in "[a-z._1]{0,8}", kind in ".{0,8}") {
        let key = BlockTypeKey::new(&family, &kind).expect("the family has no colon");
        // A type of `xblock.v1` that looks like the long form cannot be told from it; others can.
        prop_assume!(!kind.starts_with("block-type-v1:"));
        assert_text!(key, BlockTypeKey);
    }

    #[test]
    fn collections_and_containers_come_back(library in library_v2(), kind in ASCII_SLUG, id in SLUG) {
        assert_text!(CollectionKey::new(library.clone(), &id).expect("the id fits"), CollectionKey);
        assert_text!(ContainerKey::new(library, &kind, &id).expect("the parts fit"), ContainerKey);
    }

    #[test]
    fn a_key_is_built_again_of_its_fields(key in any_key()) {
        let class = key.class().expect("a class of its own");
        let text = key.to_text().expect("a key with a text");
        let family = KeyKind::Family(class.family());
        prop_assert_eq!(KeyRegistry::BUILTIN.parse(family, &text), Ok(key.clone()));
        // The class reads its own keys, but for the one whose base class stands in the way.
        let own = KeyRegistry::BUILTIN.parse(KeyKind::Class(class), &text);
        let can_read = !matches!(class, KeyClass::AssetLocator);
        if can_read && !key.is_deprecated() {
            prop_assert_eq!(own, Ok(key.clone()));
        }
        // Replacing nothing changes nothing.
        let fields = key.fields();
        prop_assert_eq!(key.replace(fields.clone()), Ok(key.clone()));
        for (name, value) in fields {
            prop_assert_eq!(key.attribute(&name), Ok(value));
        }
    }

    #[test]
    fn branches_and_versions_come_and_go(course in course(), branch in ID, version in object_id()) {
        if let Ok(branched) = course.for_branch(Some(&branch)) {
            prop_assert_eq!(branched.branch(), Some(branch.as_str()));
            prop_assert_eq!(branched.version_guid(), None);
            let versioned = branched.for_version(Some(version)).expect("a branch and a version");
            prop_assert_eq!(versioned.branch(), Some(branch.as_str()));
            prop_assert_eq!(versioned.version_agnostic(), Ok(branched));
            let alone = AnyKey::from(ContextKey::from(versioned)).course_agnostic();
            if !course.is_deprecated() {
                let expected = AnyKey::from(ContextKey::from(CourseKey::from_version(version)));
                prop_assert_eq!(alone, Ok(expected));
            }
        }
    }

    #[test]
    fn mapped_blocks_keep_what_they_are(block in block(), course in new_course()) {
        let context = ContextKey::from(course);
        if let Ok(mapped) = block.map_into_course(&context) {
            prop_assert_eq!(mapped.context_key(), context);
            prop_assert_eq!((mapped.block_type(), mapped.block_id()), (block.block_type(), block.block_id()));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*|(block-v1|aside-usage-v[12]|bundle-olx|ccx-v1|i4x):[a-z0-9:+@$/~%\n²-]*") {
        let _ = text.parse::<ContextKey>();
        let _ = text.parse::<UsageKey>();
        let _ = text.parse::<DefinitionKey>();
        let _ = text.parse::<AssetKey>();
        let _ = text.parse::<CollectionKey>();
        let _ = text.parse::<ContainerKey>();
        prop_assert!(text.parse::<BlockTypeKey>().is_ok());
    }

    #[test]
    fn equality_order_and_hash_agree(left in usage(), right in usage()) {
        let mut map = HashMap::new();
        map.insert(left.clone(), 1);
        map.insert(right.clone(), 2);
        let set: BTreeSet<_> = [left.clone(), right.clone()].into();
        prop_assert_eq!(map.len(), set.len());
        prop_assert_eq!(left == right, left.cmp(&right).is_eq());
        prop_assert_eq!(left.cmp(&right), right.cmp(&left).reverse());
    }

    #[test]
    fn plain_keys_have_neither_branch_nor_version(key in usage()) {
        match Plain::new(&key) {
            Ok(plain) => {
                prop_assert!(plain.is_plain());
                prop_assert_eq!(&key.plain(), &*plain);
                prop_assert_eq!(plain.block_id(), key.block_id());
                prop_assert_eq!(plain.context_key().org().to_owned(), key.context_key().org().to_owned());
                prop_assert_eq!(plain.context_key(), key.context_key().plain());
            }
            // What is named by nothing but its version cannot be plain.
            Err(KeyError::Incomplete { .. }) => prop_assert!(key.context_key().org().is_empty()),
            // The first way of writing asides cannot hold every key that loses its branch.
            Err(error) => {
                let is_aside = matches!(error, KeyError::InvalidValue { .. }) && key.as_aside().is_some();
                prop_assert!(is_aside, "{}", error);
            }
        }
    }

    #[test]
    fn clean_text_stays_clean(text in ".{0,20}") {
        for function in [clean, clean_keeping_underscores, clean_for_url_name, clean_for_html, clean_asset_name] {
            let once = function(&text);
            prop_assert_eq!(function(&once), once.clone());
        }
        let name = clean_asset_name(&text);
        prop_assert_eq!(name.chars().count(), text.chars().count());
        if !name.is_empty() {
            let course = CourseKey::new("o", "c", "r").expect("the parts fit");
            prop_assert!(course.make_asset_key("asset", &name).is_ok());
        }
    }
}

#[test]
fn old_and_new_form_are_different_keys() {
    let old: ContextKey = "o/c/r".parse().expect("an old course key");
    let new: ContextKey = "course-v1:o+c+r".parse().expect("a course key");
    assert_ne!(old, new);
    let branched = old.for_branch(Some("draft")).expect("a branch");
    assert_eq!(old.to_string(), branched.to_string());
    assert_ne!(old, branched);
}

#[test]
fn a_key_without_text_is_shown_and_not_stored() {
    let usage: UsageKey = "i4x://o/c/problem/p".parse().expect("an old usage key");
    let context = usage.context_key();
    assert_eq!(context.to_string(), "o/c/");
    assert!(matches!(context.to_text(), Err(KeyError::Unwritable { field: "run", .. })));
    assert!(serde_json::to_string(&context).is_err());
    assert_eq!(serde_json::to_string(&usage).expect("the usage has a text"), r#""i4x://o/c/problem/p""#);
}

#[test]
fn a_type_of_key_reads_only_its_own() {
    assert!("lib:o:s".parse::<CourseKey>().is_err());
    assert!("ccx-v1:o+c+r+ccx@1".parse::<CourseKey>().is_err());
    assert!("course-v1:o+c+r".parse::<LibraryKey>().is_err());
    assert!("o/c/r".parse::<LibraryKey>().is_err());
    assert!("asset-v1:o+c+r+type@asset+block@x".parse::<UsageKey>().is_err());
}

#[test]
fn blocks_are_mapped_between_contexts() {
    let usage: UsageKey = "i4x://o/c/html/a%20b".parse().expect("an old usage key");
    let course: ContextKey = "course-v1:O+C+R".parse().expect("a course key");
    assert!(matches!(usage.map_into_course(&course), Err(KeyError::InvalidField { field: "block_id", .. })));
    let usage: UsageKey = "i4x://o/c/html/ab".parse().expect("an old usage key");
    let mapped = usage.map_into_course(&course).expect("the id fits");
    assert_eq!(mapped.to_string(), "block-v1:O+C+R+type@html+block@ab");
    let library: UsageKey = "lb:o:s:html:x".parse().expect("a usage key of a library");
    assert!(matches!(library.map_into_course(&course), Err(KeyError::InvalidValue { .. })));
    assert_eq!(library.for_branch(None), Ok(library.clone()));
}

#[test]
fn deeply_nested_asides_are_refused_without_exhausting_the_stack() {
    for namespace in ["aside-usage-v1:", "aside-usage-v2:", "aside-def-v1:", "aside-def-v2:"] {
        let text = namespace.repeat(100_000);
        assert!(text.parse::<UsageKey>().is_err());
        assert!(text.parse::<DefinitionKey>().is_err());
    }
}

#[test]
fn words_are_those_of_python() {
    for (c, word) in
        [('²', true), ('½', true), ('Ⅰ', true), ('\u{301}', false), ('\u{203f}', false), ('_', true)]
    {
        assert_eq!(is_word(c), word, "{c:?}");
    }
}

/// Paths of a programme: `path-v1:org/name`, and their steps `step-v1:org/name#type#id`.
#[derive(Debug)]
struct PathNamespace(KeyFamily);

impl KeyNamespace for PathNamespace {
    fn namespace(&self) -> &str {
        if self.0 == KeyFamily::Context { "path-v1" } else { "step-v1" }
    }

    fn family(&self) -> KeyFamily {
        self.0
    }

    fn parse(&self, rest: &str) -> Result<Vec<(SmolStr, Scalar)>, KeyError> {
        let names: &[&str] = if self.0 == KeyFamily::Context {
            &["org", "name"]
        } else {
            &["org", "name", "block_type", "block_id"]
        };
        let parts: Vec<_> = rest.split(['/', '#']).collect();
        if parts.len() != names.len() || parts.contains(&"") {
            return Err(KeyError::InvalidKey { class: "PathKey", text: rest.to_owned() });
        }
        Ok(names.iter().zip(parts).map(|(name, part)| ((*name).into(), part.into())).collect())
    }

    fn write(&self, fields: &[(SmolStr, Scalar)]) -> String {
        let parts: Vec<_> = fields.iter().map(|(_, value)| value.to_string()).collect();
        let (path, step) = parts.split_at(2);
        std::iter::once(path.join("/")).chain(step.iter().cloned()).collect::<Vec<_>>().join("#")
    }

    fn context_key(&self, fields: &[(SmolStr, Scalar)]) -> Result<ContextKey, KeyError> {
        PluginKey::new(Arc::new(PathNamespace(KeyFamily::Context)), fields[..2].to_vec())
            .map(ContextKey::Plugin)
    }
}

#[test]
fn a_plugin_brings_its_own_keys() {
    let registry = KeyRegistry::new()
        .with(Arc::new(PathNamespace(KeyFamily::Context)))
        .with(Arc::new(PathNamespace(KeyFamily::Usage)));
    let context = registry.context_key("path-v1:acme/rust").expect("a key of the plugin");
    assert_eq!((context.org(), context.is_course(), context.branch()), ("acme", false, None));
    assert_eq!(context.to_string(), "path-v1:acme/rust");
    let step = registry.usage_key("step-v1:acme/rust#html#intro").expect("a key of the plugin");
    assert_eq!((step.block_type(), step.block_id()), ("html", "intro"));
    assert_eq!(step.context_key(), context);
    // Keys of plugins stand within other keys.
    let aside = AsideUsageKey::new(AsideVersion::V2, step.clone(), "tags").expect("an aside");
    assert_eq!(registry.usage_key(&aside.to_string()), Ok(aside.into()));
    // Without the plugin there is no such key, and a namespace counts in its family only.
    assert!("path-v1:acme/rust".parse::<ContextKey>().is_err());
    assert!(registry.usage_key("path-v1:acme/rust").is_err());
    assert!(registry.context_key("path-v1:acme").is_err());
    // The built-in namespaces stay what they are.
    assert_eq!(registry.context_key("lib:o:s"), "lib:o:s".parse());
}

/// Keys go from hand to hand: a copy shares the parts, and the values in a table are small.
#[test]
fn keys_are_cheap_to_clone() {
    use std::mem::size_of;

    assert!(size_of::<UsageKey>() <= 32, "{}", size_of::<UsageKey>());
    assert!(size_of::<ContextKey>() <= 32, "{}", size_of::<ContextKey>());
    assert!(size_of::<AnyKey>() <= 48, "{}", size_of::<AnyKey>());
    let usage: UsageKey =
        "block-v1:Organisation+Course+Run+type@problem+block@0123456789abcdef0123456789abcdef"
            .parse()
            .expect("a usage key");
    let copy = usage.clone();
    assert!(std::ptr::eq(usage.block_id(), copy.block_id()));
}

/// No length of a text makes reading take more than its length in time and in memory.
#[test]
fn long_texts_are_read_or_refused() {
    let long = "a".repeat(1_000_000);
    for text in [
        format!("block-v1:{long}+{long}+{long}+type@{long}+block@{long}"),
        format!("course-v1:{}", "a+".repeat(1_000_000)),
        format!("block-v1:{}", "branch@".repeat(200_000)),
        format!("i4x://{long}/{long}/{long}/{long}@{long}"),
        format!("aside-usage-v2:lb$:o$:s$:t$:u{}::{long}", "$$".repeat(500_000)),
        format!("bundle-olx:{long}:{long}:{long}:{long}"),
    ] {
        if let Ok(key) = text.parse::<UsageKey>() {
            assert_eq!(key.to_string(), text);
        }
        let _ = (text.parse::<ContextKey>(), text.parse::<DefinitionKey>(), text.parse::<AssetKey>());
    }
}

#[test]
fn courses_that_were_read_before_change_nothing() {
    let course = "course-v1:OrgX+CS101+2024";
    let block = "block-v1:OrgX+CS101+2024+type@html+block@intro";
    // A text that goes on with a block is read as a course, but is not the course of another key.
    let both = "course-v1:OrgX+CS101+2024+block@b";
    let wrong = [
        "block-v1:OrgX+CS101+2024+block@b+type@html+block@c",
        "block-v1:OrgX+CS101+2024+type@a+type@html+block@c",
        "block-v1:OrgX+CS101+2024+type@html+block@",
        "block-v1:OrgX+CS101+2024+type@+block@c",
        "block-v1:OrgX+CS101+2024+type@html+branch@b+block@c",
        "block-v1:OrgX+CS101+2024+type@html+block@c+block@d",
        "block-v1:OrgX+CS101+2024+type@ht%ml+block@c",
        "block-v1:OrgX+CS101+2024+type@html+block@c%20d",
        "block-v1:OrgX+CS101+2024+type@html+block@c\n",
        "block-v1:OrgX+CS101+2024+type@html",
    ];
    for _ in 0..3 {
        let read: CourseKey = course.parse().unwrap();
        assert_eq!(both.parse::<CourseKey>().unwrap(), read);
        let usage: UsageKey = block.parse().unwrap();
        assert_eq!(usage.context_key(), read.clone().into());
        assert_eq!(usage.to_string(), block);
        let asset: AssetKey = "asset-v1:OrgX+CS101+2024+type@asset+block@a%20b.png".parse().unwrap();
        assert_eq!((asset.path(), asset.context_key()), ("a%20b.png", read.into()));
        for text in wrong {
            assert!(text.parse::<UsageKey>().is_err(), "{text}");
        }
    }
}

#[test]
fn equal_keys_hash_alike_however_they_were_made() {
    let hash = |key: &UsageKey| {
        let mut hasher = std::hash::DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish()
    };
    let version: ObjectId = "519665f6223ebd6980884f2b".parse().unwrap();
    for n in 0..200 {
        let course = CourseKey::new("OrgX", &format!("C{n}"), "2024").unwrap();
        for course in [
            course.clone(),
            course.for_branch(Some("b")).unwrap(),
            course.for_version(Some(version)).unwrap(),
        ] {
            let made = course.make_usage_key("html", "intro").unwrap();
            let read: UsageKey = made.to_string().parse().unwrap();
            assert_eq!(made, read);
            assert_eq!(hash(&made), hash(&read));
            let other = course.make_usage_key("html", "other").unwrap();
            assert_ne!(hash(&made), hash(&other));
        }
    }
}

#[test]
fn a_text_that_was_read_as_one_kind_of_key_is_not_taken_for_another() {
    let read = |kind: KeyKind, text: &str| KeyRegistry::BUILTIN.parse(kind, text);
    let (context, usage) = (KeyKind::Family(KeyFamily::Context), KeyKind::Family(KeyFamily::Usage));
    // Twice, so that everything is remembered when it is asked for again.
    for _ in 0..2 {
        read(usage, "i4x://edX/DemoX/problem/p1").unwrap();
        assert!(read(context, "edX/DemoX").is_err());
        let course = read(context, "edX/DemoX/").unwrap();
        let of_block = match read(usage, "i4x://edX/DemoX/problem/p1").unwrap() {
            AnyKey::Usage(usage) => AnyKey::Context(usage.context_key()),
            other => panic!("{other}"),
        };
        assert_ne!(course, of_block);
        read(context, "edX/DemoX/2010").unwrap();
        assert!(read(context, "course-v1:edX/DemoX/2010").is_err());
        let course = read(context, "course-v1:version@519665f6223ebd6980884f2b").unwrap();
        let library = read(context, "library-v1:version@519665f6223ebd6980884f2b").unwrap();
        assert_eq!(course.to_string(), "course-v1:version@519665f6223ebd6980884f2b");
        assert_eq!(library.to_string(), "library-v1:version@519665f6223ebd6980884f2b");
        assert!(read(context, "library-v1:UniX+Lib").is_ok());
        assert!(read(context, "course-v1:UniX+Lib").is_err());
        assert!(read(usage, "block-v1:UniX+Lib+type@html+block@a").is_err());
        assert!(read(usage, "lib-block-v1:UniX+Lib+type@html+block@a").is_ok());
        assert!(read(usage, "lib-block-v1:UniX+Lib+block@a").is_err());
        assert!(read(context, "lib:UniX:lib").is_ok());
        assert!(read(usage, "lb:UniX:lib:html").is_err());
        assert!(read(usage, "lb:UniX:lib:html:a:b").is_err());
        assert_eq!(read(usage, "lb:UniX:lib:html:a").unwrap().to_string(), "lb:UniX:lib:html:a");
    }
}

#[test]
fn the_bounds_between_type_and_id_are_part_of_a_key() {
    let course: ContextKey = "course-v1:OrgX+CS101+2024".parse().unwrap();
    let hash = |key: &UsageKey| {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(key, &mut hasher);
        std::hash::Hasher::finish(&hasher)
    };
    // Short ones lie in the key itself, one behind the other; long ones do not.
    let (long, longer) = ("x".repeat(50), "x".repeat(300));
    let parts = [
        ("a", "bc"),
        ("ab", "c"),
        ("", "abc"),
        ("abc", &long),
        ("abcdefg", &long),
        ("abcdef", &long),
        ("a", &longer),
    ];
    let keys: Vec<UsageKey> =
        parts.iter().map(|(kind, id)| course.make_usage_key(kind, id).unwrap()).collect();
    for (one, (kind, id)) in keys.iter().zip(&parts) {
        assert_eq!((one.block_type(), one.block_id()), (*kind, *id));
        for (other, other_parts) in keys.iter().zip(&parts) {
            assert_eq!(one == other, (kind, id) == (&other_parts.0, &other_parts.1));
            assert_eq!(hash(one) == hash(other), one == other);
            assert_eq!(one.cmp(other), (kind, id).cmp(&(&other_parts.0, &other_parts.1)));
        }
    }
}
