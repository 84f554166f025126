//! Asides of a block: their fields put together, shown behind the block's views, asked through their own usage.

use std::sync::Arc;

use crate::block::{AsideClass, BlockError, User, XBlock, XBlockAside};
use crate::fields::{
    ASIDE_FAMILY, BlockFields, Conversion, FieldData, FieldSpec, Json, KvsError, KvsFieldData, ScopeIds,
    SplitFieldData,
};
use crate::fragment::Fragment;
use crate::keys::{AsideDefinitionKey, AsideUsageKey, AsideVersion, KeyError, UsageKey};
use crate::runtime::{BlockData, BlockRecord};

use super::Host;
use super::context::HostContext;
use super::wrap::{placeholder, wrap_aside};

/// An aside of a block with its fields.
pub(super) struct LoadedAside {
    pub(super) usage: UsageKey,
    pub(super) aside: Box<dyn XBlockAside>,
}

/// Puts an aside of a block together.
pub(super) fn load(
    host: &Host,
    record: &BlockRecord,
    class: &'static AsideClass,
    user: Option<&User>,
) -> Result<LoadedAside, KeyError> {
    // The platform makes keys of the second way of writing only (xblock reference, section 9).
    let usage = AsideUsageKey::new(AsideVersion::V2, record.usage.clone(), class.aside_type)?;
    let definition = AsideDefinitionKey::new(AsideVersion::V2, record.definition.clone(), class.aside_type)?;
    let mut ids = ScopeIds::new(class.aside_type, definition.to_string(), usage.to_string());
    if let Some(user) = user {
        ids = ids.with_user(user.id.clone());
    }
    let authored = Arc::new(AuthoredAside { data: record.data.clone(), aside_type: class.aside_type });
    let learner = Arc::new(KvsFieldData::new(host.learner_state.clone()).with_family(ASIDE_FAMILY));
    let data = Arc::new(SplitFieldData::authored_and_learner(authored, learner));
    let fields = BlockFields::new([class.fields], data, ids)
        .with_conversion(Conversion::on(host.clock.now().date_naive()));
    Ok(LoadedAside { usage: UsageKey::Aside(usage), aside: (class.create)(fields) })
}

/// Renders the asides of a block behind one of its rendered views, each in its own element. An aside that fails says so
/// in its place; the block stands all the same.
pub(super) fn render(
    context: &HostContext<'_>,
    block: &dyn XBlock,
    view: &str,
    mut fragment: Fragment,
) -> Fragment {
    for class in context.host().registry.aside_types() {
        let rendered = match load(context.host(), context.record(), class, context.user_of()) {
            Ok(LoadedAside { usage, aside }) => {
                let of_aside = context.of_aside(usage.clone(), class);
                if !aside.should_apply_to_block(block, &of_aside) {
                    continue;
                }
                let rendered = of_aside.check_services().and_then(|()| aside.view(view, block, &of_aside));
                match rendered {
                    Ok(None) => continue,
                    Ok(Some(shown)) => wrap_aside(shown, &usage, &context.record().usage, view),
                    Err(error) => placeholder(&usage, &error.to_string()),
                }
            }
            Err(error) => placeholder(&context.record().usage, &error.to_string()),
        };
        fragment.add_content(&rendered.content);
        fragment.add_resources_of(&rendered);
    }
    fragment
}

/// Finds the class of the aside a key names.
pub(super) fn class_of(host: &Host, key: &AsideUsageKey) -> Result<&'static AsideClass, BlockError> {
    let no_such = || BlockError::NoSuchAside { aside_type: key.aside_type().to_owned() };
    host.registry.aside_type(key.aside_type()).ok_or_else(no_such)
}

/// What authors wrote of an aside, for reading. It is kept with the block.
struct AuthoredAside {
    data: Arc<BlockData>,
    aside_type: &'static str,
}

impl AuthoredAside {
    fn read_only(field: &FieldSpec) -> KvsError {
        KvsError::InvalidScope { field: field.name.to_owned(), scope: field.scope }
    }
}

impl FieldData for AuthoredAside {
    fn get(&self, field: &FieldSpec, _: &ScopeIds) -> Result<Option<Json>, KvsError> {
        let aside = self.data.asides.iter().find(|aside| &*aside.aside_type == self.aside_type);
        Ok(aside.and_then(|aside| aside.fields.get(field.name)).cloned())
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], _: &ScopeIds) -> Result<(), KvsError> {
        match values.first() {
            Some((field, _)) => Err(Self::read_only(field)),
            None => Ok(()),
        }
    }

    fn delete(&self, field: &FieldSpec, _: &ScopeIds) -> Result<(), KvsError> {
        Err(Self::read_only(field))
    }

    fn default(&self, _: &FieldSpec, _: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(None)
    }
}
