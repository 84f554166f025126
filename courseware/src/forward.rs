//! What a runtime around other runtimes hands on to them unchanged, written once.

/// Writes the methods of [`Runtime`](xblock_core::runtime::Runtime) it is given the names of: `to FIELD` calls the
/// runtime in that field, `by METHOD` the one which that method finds for the context of the call. The types of arguments
/// and answers are those the caller imports.
///
/// Let the impl deny `clippy::missing_trait_methods`: a default in place of the runtime within would be wrong silently.
macro_rules! forward {
    (to $field:ident: $($name:ident),+ $(,)?) => { $(forward! { @$name [$field] })+ };
    (by $method:ident: $($name:ident),+ $(,)?) => { $(forward! { @$name {$method} })+ };

    (@contexts $to:tt) => { forward! { @method $to contexts() -> Vec<ContextKey>; } };
    (@damaged_contexts $to:tt) => { forward! { @method $to damaged_contexts() -> Vec<RuntimeError>; } };
    (@context $to:tt) => { forward! { @method $to context(key: &ContextKey) -> ContextRecord; of key } };
    (@usages $to:tt) => {
        forward! { @method $to usages(context: &ContextKey, branch: Branch) -> Vec<UsageKey>; of context }
    };
    (@unlisted $to:tt) => {
        forward! { @method $to unlisted(context: &ContextKey, branch: Branch) -> Vec<Unlisted>; of context }
    };
    (@block $to:tt) => {
        forward! { @method $to block(usage: &UsageKey, branch: Branch) -> BlockRecord;
            of &usage.context_key() }
    };
    (@parents $to:tt) => {
        forward! { @method $to parents(usage: &UsageKey, branch: Branch) -> Vec<UsageKey>;
            of &usage.context_key() }
    };
    (@definition $to:tt) => { forward! { @method $to definition(key: &DefinitionKey) -> DefinitionRecord; } };
    (@assets $to:tt) => {
        forward! { @method $to assets(context: &ContextKey, branch: Branch) -> Vec<AssetRecord>; of context }
    };
    (@asset_metadata $to:tt) => {
        forward! { @method $to asset_metadata(context: &ContextKey, branch: Branch)
            -> AssetMetadataRecords; of context }
    };
    (@asset $to:tt) => {
        forward! { @method $to asset(key: &AssetKey, branch: Branch) -> AssetRecord; of &key.context_key() }
    };
    (@read_asset $to:tt) => {
        forward! { @method $to read_asset(key: &AssetKey, branch: Branch) -> Vec<u8>; of &key.context_key() }
    };
    (@open_asset $to:tt) => {
        forward! { @method $to open_asset(key: &AssetKey, branch: Branch) -> Box<dyn AssetReader>;
            of &key.context_key() }
    };
    (@block_assets $to:tt) => {
        forward! { @method $to block_assets(usage: &UsageKey, branch: Branch) -> Vec<BlockAsset>;
            of &usage.context_key() }
    };
    (@read_block_asset $to:tt) => {
        forward! { @method $to read_block_asset(usage: &UsageKey, name: &str, branch: Branch) -> Vec<u8>;
            of &usage.context_key() }
    };
    (@open_block_asset $to:tt) => {
        forward! { @method $to open_block_asset(usage: &UsageKey, name: &str, branch: Branch) -> Box<dyn AssetReader>;
            of &usage.context_key() }
    };
    (@history $to:tt) => {
        forward! { @method $to history(context: &ContextKey, branch: Branch) -> Vec<VersionRecord>;
            of context }
    };
    (@version $to:tt) => {
        forward! { @method $to version(context: &ContextKey, version: &VersionId) -> VersionContent;
            of context }
    };
    (@changes $to:tt) => { forward! { @method $to changes(after: Cursor, limit: usize) -> Vec<Change>; } };
    (@is_feed_behind $to:tt) => { forward! { @method $to is_feed_behind() -> bool; } };
    (@commit $to:tt) => { forward! { @method $to commit(edit: Edit) -> Commit; of &edit.context } };
    (@origin $to:tt) => {
        forward! { @method $to origin(context: &ContextKey) -> Option<Origin>; of context }
    };
    (@keep_origin $to:tt) => {
        forward! { @method $to keep_origin(context: &ContextKey, origin: Option<&Origin>) -> (); of context }
    };

    (@method [$field:ident] $name:ident($($argument:ident: $type:ty),*) -> $returns:ty; $(of $context:expr)?) => {
        fn $name(&self, $($argument: $type),*) -> Result<$returns, RuntimeError> {
            self.$field.$name($($argument),*)
        }
    };
    (@method {$method:ident} $name:ident($($argument:ident: $type:ty),*) -> $returns:ty; of $context:expr) => {
        fn $name(&self, $($argument: $type),*) -> Result<$returns, RuntimeError> {
            self.$method($context)?.$name($($argument),*)
        }
    };
}
pub(crate) use forward;
