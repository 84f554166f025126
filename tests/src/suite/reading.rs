//! What is read is what was written.

use serde_json::json;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{AsideData, Base, BlockData, Branch, Edit, EditOp, Extent, Runtime, RuntimeError};

use crate::fixture::{
    asset, block, commit, context, draft_course, edit, html, map, other_context, published_course, root,
    snapshot, usage,
};

/// Contexts are listed in key order, whichever came first.
pub fn contexts_are_listed_in_key_order(runtime: &dyn Runtime) {
    assert_eq!(runtime.contexts().expect("an empty store lists nothing"), vec![]);
    let other = other_context();
    let other_root = other.make_usage_key("course", "course").expect("a usage key");
    commit(
        runtime,
        Edit::new(other.clone(), Base::New { root: other_root.clone() })
            .put(other_root, BlockData::default()),
    );
    draft_course(runtime);
    assert_eq!(runtime.contexts().expect("contexts"), vec![context(), other]);
}

/// Each kind of thing that is missing has its own error.
pub fn unknown_things_are_not_found(runtime: &dyn Runtime) {
    assert!(
        matches!(runtime.context(&context()), Err(RuntimeError::NoSuchContext { key }) if key == context())
    );
    assert!(matches!(runtime.block(&root(), Branch::Draft), Err(RuntimeError::NoSuchContext { .. })));
    draft_course(runtime);
    let missing = usage("html", "nowhere");
    assert!(matches!(
        runtime.block(&missing, Branch::Draft),
        Err(RuntimeError::NoSuchUsage { key, branch: Branch::Draft }) if key == missing
    ));
    assert!(matches!(runtime.parents(&missing, Branch::Draft), Err(RuntimeError::NoSuchUsage { .. })));
    assert!(matches!(
        runtime.block(&root(), Branch::Published),
        Err(RuntimeError::NoSuchBranch { branch: Branch::Published, .. })
    ));
    assert!(matches!(runtime.asset(&asset("x.txt"), Branch::Draft), Err(RuntimeError::NoSuchAsset { .. })));
    assert!(matches!(
        runtime.read_asset(&asset("x.txt"), Branch::Draft),
        Err(RuntimeError::NoSuchAsset { .. })
    ));
    let definition = "def-v1:0123456789abcdef01234567+type@html".parse().expect("a definition key");
    assert!(matches!(runtime.definition(&definition), Err(RuntimeError::NoSuchDefinition { .. })));
}

/// Content, settings and children come back equal, in their places.
pub fn a_block_comes_back_as_written(runtime: &dyn Runtime) {
    draft_course(runtime);
    let problem = runtime.block(&usage("problem", "p1"), Branch::Draft).expect("the problem");
    assert_eq!(problem.usage, usage("problem", "p1"));
    assert_eq!(problem.data.content["data"], json!("<problem><p>How deep?</p></problem>"));
    assert_eq!(problem.data.settings["weight"], json!(1.5));
    assert_eq!(problem.data.settings["max_attempts"], json!(2));
    assert_eq!(problem.definition.block_type(), "problem");
    let sequential = runtime.block(&usage("sequential", "s"), Branch::Draft).expect("the sequential");
    assert_eq!(sequential.data.children, vec![usage("vertical", "u1"), usage("vertical", "u2")]);
}

/// A null, an empty text and an unset field are three different things.
pub fn null_empty_and_unset_are_kept_apart(runtime: &dyn Runtime) {
    draft_course(runtime);
    let at = usage("vertical", "u1");
    let data = block(json!({ "display_name": null, "format": "", "due": null }), &[]);
    commit(runtime, edit().put(at.clone(), data.clone()));
    let read = runtime.block(&at, Branch::Draft).expect("the unit");
    assert_eq!(*read.data, data);
    assert!(read.data.settings.contains_key("due"));
    assert!(!read.data.settings.contains_key("start"));
}

/// Texts that trouble XML, JSON or databases come back unchanged.
pub fn odd_texts_survive(runtime: &dyn Runtime) {
    draft_course(runtime);
    let texts = [
        "]]> <![CDATA[ & &amp; \" ' <b>",
        " leading and trailing \n",
        "line\r\nbreaks\rof\tall kinds\u{85}\u{2028}",
        "\u{1F30A} \u{0301} \u{FFFD} \u{10FFFD}",
        "null",
        "12",
        "- a: [b",
        "$x.y",
        "",
    ];
    for (n, text) in texts.iter().enumerate() {
        let at = usage("html", &format!("odd{n}"));
        let mut data = html(text);
        data.settings.insert("display_name".into(), json!(text));
        data.settings
            .insert("xml_attributes".into(), json!({ "a.b": text, "$c": [text, null, 1, 1.5, true] }));
        commit(runtime, edit().put(at.clone(), data.clone()));
        let read = runtime.block(&at, Branch::Draft).expect("the block");
        assert_eq!(*read.data, data, "text {text:?}");
    }
}

/// A type nobody registered is a value like any other.
pub fn unknown_types_are_kept(runtime: &dyn Runtime) {
    draft_course(runtime);
    let at = usage("tide_clock", "t-1.x");
    let data = BlockData {
        content: map(
            json!({ "data": "<tide_clock hands=\"2\"><face/></tide_clock>", "speeds": [1, 2.5, null] }),
        ),
        settings: map(json!({ "harbour": "Bergen", "start": "2031-02-01T00:00:00Z", "count": 3 })),
        children: vec![usage("html", "h1")],
        ..BlockData::default()
    };
    commit(runtime, edit().put(at.clone(), data.clone()));
    assert_eq!(*runtime.block(&at, Branch::Draft).expect("the block").data, data);
}

/// Types and ids of any characters and length are kept, as children, as parents and detached, in both branches.
pub fn odd_names_are_kept(runtime: &dyn Runtime) {
    draft_course(runtime);
    let long = "x".repeat(300);
    let longer = format!("{}y", "x".repeat(299));
    let (cjk, greek) = ("\u{6f6e}".repeat(200), "\u{3b1}".repeat(120));
    let dashes = "u--".repeat(60);
    let ids = [
        ":",
        "~",
        "a:b~c",
        ".",
        "..",
        "...",
        ".hidden",
        "u--a",
        "u--wk1-3aintro",
        "a.b-c_d",
        "\u{6d77}",
        "\u{e9}",
        "definition.xml",
        &dashes,
        &long,
        &longer,
        &cjk,
        &greek,
    ];
    let types = [
        "foo:x",
        "a~b",
        ".",
        "..",
        "static",
        "static.thumbnail",
        "context.json",
        "assets.json",
        "u--a",
        "9x",
        "\u{e4}",
        &long,
        &longer,
        &cjk,
    ];
    let make = |block_type: &str, id: &str| context().make_usage_key(block_type, id).ok();
    let mut odd: Vec<_> = ids.iter().filter_map(|id| make("html", id)).collect();
    odd.extend(types.iter().filter_map(|block_type| make(block_type, "x")));
    odd.extend(make(&long, &cjk));
    odd.extend(make("problem", &long));
    assert!(odd.len() > 20, "most of these are keys: {odd:?}");
    let unit = usage("vertical", "u1");
    let (listed, _detached) = odd.split_at(odd.len() - 3);
    let data = |at: &UsageKey| BlockData {
        children: vec![usage("html", "h1")],
        ..block(json!({ "display_name": at.block_id() }), &[])
    };
    let mut put = edit().put(unit.clone(), block(json!({}), listed));
    for at in &odd {
        put = put.put(at.clone(), data(at));
    }
    commit(runtime, put.publish_all());
    // Other words in the draft only, and back again.
    let last = odd.last().expect("there are some").clone();
    commit(runtime, edit().put(last.clone(), html("other")));
    assert_eq!(*runtime.block(&last, Branch::Draft).expect("a block").data, html("other"));
    commit(runtime, edit().with(EditOp::Discard(Extent::All)));
    for branch in Branch::ALL {
        let usages = runtime.usages(&context(), branch).expect("usages");
        assert_eq!(runtime.block(&unit, branch).expect("the unit").data.children, listed);
        for at in &odd {
            assert!(usages.contains(at), "{at} is listed");
            let record = runtime.block(at, branch).unwrap_or_else(|error| panic!("{at}: {error}"));
            assert_eq!((&record.usage, &*record.data), (at, &data(at)));
            let parents = runtime.parents(at, branch).expect("parents");
            assert_eq!(parents.contains(&unit), listed.contains(at), "{at}");
            let text = record.definition.to_string();
            assert_eq!(text.parse().ok().as_ref(), Some(&record.definition), "{text}");
            let definition = runtime.definition(&record.definition).unwrap_or_else(|e| panic!("{at}: {e}"));
            assert_eq!(&*definition.block_type, at.block_type());
        }
        assert_eq!(runtime.parents(&usage("html", "h1"), branch).expect("parents").len(), odd.len());
    }
    let delete = |usage: &UsageKey| EditOp::DeleteBlock { usage: usage.clone() };
    commit(runtime, edit().with(delete(&odd[0])).with(delete(&last)));
    let usages = runtime.usages(&context(), Branch::Draft).expect("usages");
    assert!(!usages.contains(&odd[0]) && !usages.contains(&last) && usages.contains(&odd[1]));
}

/// Asides and the defaults taken from a library come back.
pub fn asides_and_defaults_survive(runtime: &dyn Runtime) {
    draft_course(runtime);
    let at = usage("html", "h1");
    let mut data = html("x");
    data.defaults = map(json!({ "display_name": "From the library", "weight": 2.0 }));
    data.asides = vec![
        AsideData { aside_type: "note".into(), fields: map(json!({ "text": "see <here>" })) },
        AsideData { aside_type: "thumbs".into(), fields: map(json!({ "up": 3 })) },
    ];
    commit(runtime, edit().put(at.clone(), data.clone()));
    assert_eq!(*runtime.block(&at, Branch::Draft).expect("the block").data, data);
}

/// A block that is nobody's child is listed and read.
pub fn detached_blocks_are_listed(runtime: &dyn Runtime) {
    draft_course(runtime);
    let about = usage("about", "overview");
    commit(runtime, edit().put(about.clone(), html("<h1>Tides</h1>")));
    assert!(runtime.usages(&context(), Branch::Draft).expect("usages").contains(&about));
    assert_eq!(runtime.parents(&about, Branch::Draft).expect("parents"), vec![]);
}

/// A child that does not exist stays in its parent's list.
pub fn dangling_children_are_kept(runtime: &dyn Runtime) {
    draft_course(runtime);
    let ghost = usage("html", "ghost");
    commit(runtime, edit().put(usage("vertical", "u1"), block(json!({}), std::slice::from_ref(&ghost))));
    let unit = runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("the unit");
    assert_eq!(unit.data.children, vec![ghost.clone()]);
    assert!(matches!(runtime.block(&ghost, Branch::Draft), Err(RuntimeError::NoSuchUsage { .. })));
}

/// The definition a record names holds the block's content.
pub fn definitions_can_be_looked_up(runtime: &dyn Runtime) {
    published_course(runtime);
    for branch in Branch::ALL {
        let record = runtime.block(&usage("html", "h1"), branch).expect("the block");
        let definition = runtime.definition(&record.definition).expect("its definition");
        assert_eq!(&*definition.block_type, "html");
        assert_eq!(definition.content, record.data.content);
    }
}

/// Reading everything changes neither versions, nor history, nor the feed.
pub fn reads_never_write(runtime: &dyn Runtime) {
    published_course(runtime);
    let before = (
        runtime.context(&context()).expect("the context"),
        runtime.history(&context(), Branch::Published).expect("the history"),
        runtime.changes(Default::default(), 100).expect("the feed"),
    );
    for branch in Branch::ALL {
        snapshot(runtime, &context(), branch);
        for usage in runtime.usages(&context(), branch).expect("usages") {
            runtime.parents(&usage, branch).expect("parents");
        }
    }
    let after = (
        runtime.context(&context()).expect("the context"),
        runtime.history(&context(), Branch::Published).expect("the history"),
        runtime.changes(Default::default(), 100).expect("the feed"),
    );
    assert_eq!(before, after);
}
