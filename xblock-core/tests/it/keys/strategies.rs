//! Keys of every class, as property tests draw them.

use proptest::prelude::*;
use xblock_core::keys::{
    AnyKey, AsideDefinitionKey, AsideUsageKey, AsideVersion, AssetKey, BlockTypeKey, BundleDefinitionKey,
    BundleState, CcxKey, CollectionKey, ContainerKey, ContextKey, CourseKey, DefinitionKey, LibraryKey,
    LibraryKeyV2, ObjectId, SplitDefinitionKey, UsageKey,
};

pub(super) const ID: &str =
    r"[a-zäßéКурс實行²½Ⅰ٣_]{1,6}|[a-zA-Z0-9_\-~.:]{1,12}|branch|type|version|block|None";
pub(super) const ID_PERCENT: &str = r"[a-zA-Z0-9_\-~.:%]{1,12}";
pub(super) const OLD: &str = r"[a-zA-Z0-9_.%\-]{1,8}";
pub(super) const ASCII_SLUG: &str = r"[a-zA-Z0-9_\-.]{1,10}\n?";
pub(super) const SLUG: &str = r"[a-zA-Z0-9_\-.éß²½實]{1,10}\n?";

pub(super) fn object_id() -> impl Strategy<Value = ObjectId> {
    any::<[u8; 12]>().prop_map(ObjectId)
}

pub(super) fn course() -> impl Strategy<Value = CourseKey> {
    let new = (ID, ID, ID, proptest::option::of(ID), proptest::option::of(object_id())).prop_map(
        |(org, course, run, branch, version)| {
            let key = CourseKey::new(&org, &course, &run).expect("the parts fit");
            let key = key.for_branch(branch.as_deref()).expect("the branch fits");
            key.for_version(version).expect("something is left")
        },
    );
    let old = (OLD, OLD, r"[a-zA-Z0-9_.%\-]{0,8}").prop_map(|(org, course, run)| {
        CourseKey::new_deprecated(&org, &course, Some(&run)).expect("the parts fit")
    });
    prop_oneof![3 => new, 1 => old, 1 => object_id().prop_map(CourseKey::from_version)]
}

pub(super) fn new_course() -> impl Strategy<Value = CourseKey> {
    course().prop_filter("of the new form", |key| !key.is_deprecated())
}

pub(super) fn library() -> impl Strategy<Value = LibraryKey> {
    (ID, ID, proptest::option::of(ID), proptest::option::of(object_id())).prop_map(
        |(org, library, branch, version)| {
            let key = LibraryKey::new(&org, &library).expect("the parts fit");
            let key = key.for_branch(branch.as_deref()).expect("the branch fits");
            key.for_version(version).expect("something is left")
        },
    )
}

pub(super) fn library_v2() -> impl Strategy<Value = LibraryKeyV2> {
    (ASCII_SLUG, SLUG).prop_map(|(org, slug)| LibraryKeyV2::new(&org, &slug).expect("the parts fit"))
}

pub(super) fn ccx() -> impl Strategy<Value = CcxKey> {
    (new_course(), "[0-9]{1,4}")
        .prop_map(|(course, ccx)| CcxKey::from_course(&course, &ccx).expect("the course fits"))
}

pub(super) fn context() -> impl Strategy<Value = ContextKey> {
    prop_oneof![
        course().prop_map(ContextKey::from),
        library().prop_map(ContextKey::from),
        library_v2().prop_map(ContextKey::from),
        ccx().prop_map(ContextKey::from),
    ]
}

pub(super) fn block() -> impl Strategy<Value = UsageKey> {
    let of_course =
        (prop_oneof![new_course().prop_map(ContextKey::from), library().prop_map(ContextKey::from)], ID, ID)
            .prop_map(|(context, block_type, id)| {
                context.make_usage_key(&block_type, &id).expect("the parts fit")
            });
    let of_ccx = (ccx(), ID, ID)
        .prop_map(|(ccx, block_type, id)| ccx.make_usage_key(&block_type, &id).expect("the parts fit"));
    let of_library = (library_v2(), ASCII_SLUG, SLUG).prop_map(|(library, block_type, id)| {
        library.make_usage_key(&block_type, &id).expect("the parts fit")
    });
    // A key of the old form hides its run, so that only one without a run comes back.
    let old = (OLD, OLD, r"[^/]{1,8}", ID_PERCENT, proptest::option::of(ID_PERCENT)).prop_map(
        |(org, course, block_type, id, branch)| {
            let course = CourseKey::new_deprecated(&org, &course, None).expect("the parts fit");
            let course = course.for_branch(branch.as_deref()).expect("the branch fits");
            course.make_usage_key(&block_type, &id).expect("the parts fit")
        },
    );
    // The old namespace of five parts has no constructor but its text.
    let location = proptest::collection::vec(ID, 5)
        .prop_map(|parts| format!("location:{}", parts.join("+")).parse::<UsageKey>().expect("five parts"));
    prop_oneof![3 => of_course, 1 => of_ccx, 1 => of_library, 1 => old, 1 => location]
}

pub(super) fn usage() -> impl Strategy<Value = UsageKey> {
    prop_oneof![block(), aside()]
}

/// Asides of blocks and of asides.
pub(super) fn aside() -> impl Strategy<Value = UsageKey> {
    block().prop_recursive(3, 4, 1, |inner| {
        (inner, any::<bool>(), r"[a-z:$\n ]{0,8}").prop_map(|(inner, first, aside_type)| {
            let version = if first { AsideVersion::V1 } else { AsideVersion::V2 };
            match AsideUsageKey::new(version, inner.clone(), &aside_type) {
                Ok(key) => key.into(),
                // What the first way of writing cannot hold, the second can.
                Err(_) => AsideUsageKey::new(AsideVersion::V2, inner, &aside_type)
                    .expect("the second way of writing holds everything")
                    .into(),
            }
        })
    })
}

pub(super) fn asset() -> impl Strategy<Value = AssetKey> {
    let new = (new_course(), ID, ID_PERCENT)
        .prop_map(|(course, kind, path)| course.make_asset_key(&kind, &path).expect("the parts fit"));
    let old = (OLD, OLD, r"[^/]{1,8}", ID_PERCENT).prop_map(|(org, course, kind, path)| {
        let course = CourseKey::new_deprecated(&org, &course, None).expect("the parts fit");
        course.make_asset_key(&kind, &path).expect("the parts fit")
    });
    prop_oneof![new, old]
}

pub(super) fn definition() -> impl Strategy<Value = DefinitionKey> {
    let split = (ID, object_id()).prop_map(|(kind, id)| SplitDefinitionKey::new(&kind, id).into());
    let state = prop_oneof![any::<u64>().prop_map(Ok), r"[a-z \n\-½]{1,8}".prop_map(Err)];
    let bundle = (any::<[u8; 16]>(), state, ASCII_SLUG, r"[a-z./\-é]{1,20}\n?").prop_map(
        |(uuid, state, kind, path)| {
            let state = match &state {
                Ok(version) => BundleState::Version(*version),
                Err(draft) => BundleState::Draft(draft),
            };
            BundleDefinitionKey::new(uuid::Uuid::from_bytes(uuid), &state, &kind, &path)
                .expect("the parts fit")
                .into()
        },
    );
    let plain: BoxedStrategy<DefinitionKey> = prop_oneof![split, bundle].boxed();
    let aside = plain.clone().prop_recursive(2, 4, 1, |inner: BoxedStrategy<DefinitionKey>| {
        (inner, any::<bool>(), r"[a-z:$]{0,6}").prop_map(|(inner, first, aside_type)| {
            let version = if first { AsideVersion::V1 } else { AsideVersion::V2 };
            match AsideDefinitionKey::new(version, inner.clone(), &aside_type) {
                Ok(key) => key.into(),
                Err(_) => AsideDefinitionKey::new(AsideVersion::V2, inner, &aside_type)
                    .expect("the second way of writing holds everything")
                    .into(),
            }
        })
    });
    prop_oneof![plain, aside]
}

/// A key of every class that Python registers, as any family reads it.
pub(super) fn any_key() -> impl Strategy<Value = AnyKey> {
    prop_oneof![
        context().prop_map(AnyKey::from),
        usage().prop_map(AnyKey::from),
        definition().prop_map(AnyKey::from),
        asset().prop_map(AnyKey::from),
        (r"[a-z._1]{0,8}", r"[a-z:]{0,8}").prop_map(|(family, kind)| AnyKey::from(
            BlockTypeKey::new(&family, &kind).expect("the family has no colon")
        )),
        (library_v2(), SLUG)
            .prop_map(|(library, id)| AnyKey::from(CollectionKey::new(library, &id).expect("the id fits"))),
        (library_v2(), ASCII_SLUG, SLUG).prop_map(|(library, kind, id)| AnyKey::from(
            ContainerKey::new(library, &kind, &id).expect("the parts fit")
        )),
    ]
}
