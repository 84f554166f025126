//! A block on a bench: its fields, its children and a learner, all in memory, for an author's own tests.

mod stand_in;

use std::sync::Arc;

use serde_json::Map;
use xblock_core::block::{
    BlockClass, BlockContext, BlockError, BlockType, Event, Grade, HandlerRequest, Registry, User, XBlock,
};
use xblock_core::clock::FixedClock;
use xblock_core::fields::{Json, MemoryStore, Scope, StateKey};
use xblock_core::fragment::Fragment;
use xblock_core::host::{Handled, Host, Rescored};
use xblock_core::keys::{ContextKey, UsageKey, clean_asset_name};
use xblock_core::runtime::{AssetData, Base, BlockData, Branch, Edit, EditOp, MemoryRuntime, Runtime};
use xblock_core::services::{Service, ServiceSet};

pub use stand_in::StandIn;

/// The course in which the bench stands.
const CONTEXT: &str = "course-v1:Bench+KIT+2031";
/// Who works at the bench unless somebody else is named.
const LEARNER: &str = "learner";

/// A block under test, in a unit of a course in memory.
///
/// Rendering and handling go through the same [`Host`] that serves learners, so what holds here holds there. Blocks of
/// types that the registry does not know show their `data` as HTML, so that children need no class of their own.
///
/// The methods are for tests: they panic, and say why, where a real host would return an error.
///
/// ```
/// use serde_json::json;
/// use xblock_testkit::{StandIn, Workbench};
///
/// let bench = Workbench::of(StandIn::CLASS).field("data", "<p>Ebb</p>");
/// assert!(bench.html("student_view").contains("<p>Ebb</p>"));
/// ```
#[derive(Clone)]
pub struct Workbench {
    registry: Registry,
    usage: UsageKey,
    data: BlockData,
    children: Vec<(UsageKey, BlockData)>,
    files: Vec<(String, Vec<u8>)>,
    user: Option<User>,
    state: Arc<MemoryStore>,
    services: ServiceSet,
}

/// A handler's answer, read as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub json: Json,
    /// What the block published, in order.
    pub events: Vec<Event>,
}

impl Answer {
    /// Returns the last grade the block published.
    #[must_use]
    pub fn grade(&self) -> Option<&Grade> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Grade(grade) => Some(grade),
            _ => None,
        })
    }
}

impl Workbench {
    /// Puts a block of one class on a bench of its own.
    ///
    /// # Panics
    /// Where the class claims one name twice.
    #[must_use]
    pub fn of(class: &'static BlockClass) -> Self {
        Self::new(registry_of(class), class.block_type)
    }

    /// Puts a block of a registered type on a bench.
    ///
    /// # Panics
    /// Where the type is no name a key can have.
    #[must_use]
    pub fn new(registry: Registry, block_type: &str) -> Self {
        let context: ContextKey = CONTEXT.parse().expect("the key of the bench is one");
        Self {
            registry,
            usage: make_usage(&context, block_type, "block"),
            data: BlockData::default(),
            children: Vec::new(),
            files: Vec::new(),
            user: Some(User { id: LEARNER.into(), is_staff: false }),
            state: Arc::default(),
            services: ServiceSet::default(),
        }
    }

    /// Gives the block another id, as for a second block of the type on one page.
    ///
    /// # Panics
    /// Where the id is none a key can have.
    #[must_use]
    pub fn at(mut self, id: &str) -> Self {
        self.usage = make_usage(&self.usage.context_key(), self.usage.block_type(), id);
        self
    }

    /// Sets a field: what authors write in the course, what learners have in the present user's state, at once.
    ///
    /// # Panics
    /// Where the type has no such field, or learner state cannot hold the value.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Json>) -> Self {
        let value = value.into();
        let block_type = self.block_type();
        let spec = block_type.field(name);
        let spec = spec.unwrap_or_else(|| panic!("{} has no field {name}", block_type.name));
        match spec.scope {
            Scope::Content => {
                self.data.content.insert(name.into(), value);
            }
            Scope::Settings => {
                self.data.settings.insert(name.into(), value);
            }
            _ => {
                let block = self.load();
                let set = block.fields().set_json(name, &value).and_then(|()| block.fields().save());
                set.unwrap_or_else(|error| panic!("{name} cannot be {value}: {error}"));
            }
        }
        self
    }

    /// Adds a child with authored fields. A type the registry does not know shows its `data` as HTML.
    ///
    /// # Panics
    /// Where the fields are no JSON object, or type and id make no key.
    #[must_use]
    pub fn child(mut self, block_type: &str, id: &str, fields: Json) -> Self {
        let Json::Object(fields) = fields else { panic!("the fields of child {id} are no JSON object") };
        let usage = make_usage(&self.usage.context_key(), block_type, id);
        let data = authored(&self.registry.block_type(block_type), fields);
        self.data.children.push(usage.clone());
        self.children.push((usage, data));
        self
    }

    /// Adds a child that does not exist, as a bad import leaves one.
    ///
    /// # Panics
    /// Where type and id make no key.
    #[must_use]
    pub fn missing_child(mut self, block_type: &str, id: &str) -> Self {
        self.data.children.push(make_usage(&self.usage.context_key(), block_type, id));
        self
    }

    /// Adds a static file of the course, by its path below `static/`.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), content.into()));
        self
    }

    /// Offers a service, in the place of one that every host has or beside it.
    #[must_use]
    pub fn service<S: Service + ?Sized>(mut self, service: Arc<S>) -> Self {
        self.services = self.services.with(service);
        self
    }

    /// Lets a learner work at the bench. Each has state of their own.
    #[must_use]
    pub fn learner(mut self, id: &str) -> Self {
        self.user = Some(User { id: id.into(), is_staff: false });
        self
    }

    /// Lets a member of the course staff work at the bench.
    #[must_use]
    pub fn staff(mut self, id: &str) -> Self {
        self.user = Some(User { id: id.into(), is_staff: true });
        self
    }

    /// Lets nobody work at the bench: what a visitor sees who is not logged in.
    #[must_use]
    pub fn nobody(mut self) -> Self {
        self.user = None;
        self
    }

    /// Gives the bench learner state of its own, which begins as a copy: clones share theirs until this.
    ///
    /// # Panics
    /// Never: a store in memory takes what another one held.
    #[must_use]
    pub fn apart(mut self) -> Self {
        let state = MemoryStore::new();
        xblock_core::fields::KeyValueStore::set_many(&state, &self.state.snapshot())
            .expect("a store in memory takes what another one held");
        self.state = Arc::new(state);
        self
    }

    /// Returns the block's usage.
    #[must_use]
    pub fn usage(&self) -> &UsageKey {
        &self.usage
    }

    /// Returns who works at the bench.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// Returns the block types there are.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the type of the block.
    #[must_use]
    pub fn block_type(&self) -> BlockType {
        self.registry.block_type(self.usage.block_type())
    }

    /// Returns what authors wrote of the block.
    #[must_use]
    pub fn data(&self) -> &BlockData {
        &self.data
    }

    /// Returns the children that exist, with what authors wrote of them.
    pub fn children(&self) -> impl Iterator<Item = (&UsageKey, &BlockData)> {
        self.children.iter().map(|(usage, data)| (usage, data))
    }

    /// Replaces what authors wrote of the block, children included.
    #[must_use]
    pub fn with_data(mut self, data: BlockData) -> Self {
        self.data = data;
        self
    }

    /// Returns everything learners did, in the order of its keys.
    #[must_use]
    pub fn state(&self) -> Vec<(StateKey, Json)> {
        self.state.snapshot()
    }

    /// Puts a host around the block: a course with a unit that holds it.
    ///
    /// # Panics
    /// Where the block and its children make no course.
    #[must_use]
    pub fn host(&self) -> Host {
        let clock = Arc::new(FixedClock(
            chrono::DateTime::from_timestamp(1_930_000_000, 0).expect("the moment is one"),
        ));
        let runtime = MemoryRuntime::new(clock.clone());
        let context = self.usage.context_key();
        let (root, unit) =
            (make_usage(&context, "course", "course"), make_usage(&context, "vertical", "unit"));
        let parent = |child: &UsageKey| BlockData { children: vec![child.clone()], ..BlockData::default() };
        let is_root = self.usage.block_type() == "course";
        let top = if is_root { self.usage.clone() } else { root.clone() };
        let mut edit = Edit::new(context.clone(), Base::New { root: top });
        if !is_root {
            edit = edit.put(root, parent(&unit)).put(unit, parent(&self.usage));
        }
        edit = edit.put(self.usage.clone(), self.data.clone());
        for (usage, data) in &self.children {
            edit = edit.put(usage.clone(), data.clone());
        }
        for (path, content) in &self.files {
            let key = context.make_asset_key(&clean_asset_name(path));
            edit = edit.with(EditOp::PutAsset {
                key: key.unwrap_or_else(|error| panic!("{path} is no name of a file: {error}")),
                data: AssetData { display_name: path.clone(), ..AssetData::default() },
                content: Arc::new(content.clone()),
            });
        }
        runtime
            .commit(edit.publish_all())
            .unwrap_or_else(|error| panic!("the course cannot be made: {error}"));
        Host {
            learner_state: self.state.clone(),
            services: self.services.clone(),
            ..Host::new(Arc::new(runtime), Branch::Published, self.registry.clone(), clock)
        }
    }

    /// Loads the block for the present user.
    ///
    /// # Panics
    /// Where it cannot be read.
    #[must_use]
    pub fn load(&self) -> Box<dyn XBlock> {
        let loaded = self.host().load(&self.usage, self.user.as_ref());
        loaded.unwrap_or_else(|error| panic!("{} cannot be read: {error}", self.usage)).block
    }

    /// Renders a view as a host does.
    ///
    /// # Errors
    /// The host's own.
    pub fn render(&self, view: &str) -> Result<Fragment, BlockError> {
        self.host().render(&self.usage, view, self.user.as_ref())
    }

    /// Renders a view that must succeed and returns its HTML.
    ///
    /// # Panics
    /// Where it fails.
    #[must_use]
    pub fn html(&self, view: &str) -> String {
        self.render(view).unwrap_or_else(|error| panic!("{view} of {}: {error}", self.usage)).content
    }

    /// Hands a request to a handler as a host does: what the handler set is saved.
    ///
    /// # Errors
    /// The host's own; a bad request is an answer.
    pub fn handle(&self, handler: &str, request: &HandlerRequest) -> Result<Handled, BlockError> {
        self.host().handle(&self.usage, handler, request, self.user.as_ref())
    }

    /// Posts JSON to a handler.
    ///
    /// # Panics
    /// Where the handler fails; a bad request is an answer.
    #[must_use]
    pub fn post(&self, handler: &str, json: Json) -> Answer {
        let handled = self.handle(handler, &HandlerRequest::post_json(&json));
        let handled = handled.unwrap_or_else(|error| panic!("{handler} of {}: {error}", self.usage));
        Answer {
            status: handled.response.status,
            json: serde_json::from_slice(&handled.response.body).unwrap_or_default(),
            events: handled.events,
        }
    }

    /// Looks at the block in its surroundings: what it computes and publishes, saving nothing.
    ///
    /// # Errors
    /// The host's own.
    pub fn look<T>(
        &self,
        look: impl FnOnce(&dyn XBlock, &dyn BlockContext) -> T,
    ) -> Result<(T, Vec<Event>), BlockError> {
        self.host().look(&self.usage, self.user.as_ref(), look)
    }

    /// Returns the most points the block gives, none where it is not scored.
    ///
    /// # Errors
    /// The block's own.
    pub fn max_score(&self) -> Result<Option<f64>, BlockError> {
        self.look(|block, context| block.max_score(context))?.0
    }

    /// Computes the learner's score again, as a host does.
    ///
    /// # Errors
    /// The host's own; where nobody works at the bench, [`BlockError::BadRequest`].
    pub fn rescore(&self) -> Result<Rescored, BlockError> {
        let nobody = || BlockError::BadRequest { status: 403, message: "nobody works at the bench".into() };
        self.host().rescore(&self.usage, self.user.as_ref().ok_or_else(nobody)?, false)
    }

    /// Returns what a field holds for the present user, in its stored form.
    ///
    /// # Panics
    /// Where it cannot be read.
    #[must_use]
    pub fn value(&self, name: &str) -> Json {
        self.load().fields().json(name).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// Makes a registry of one class, with [`StandIn`] for every other type.
///
/// # Panics
/// Where the class claims one name twice.
#[must_use]
pub fn registry_of(class: &'static BlockClass) -> Registry {
    Registry::builder(StandIn::CLASS).class(class).build().expect("a class claims no name twice")
}

fn make_usage(context: &ContextKey, block_type: &str, id: &str) -> UsageKey {
    context.make_usage_key(block_type, id).unwrap_or_else(|error| panic!("{block_type}/{id}: {error}"))
}

/// Sorts values by their scope; what no field knows is a setting.
fn authored(block_type: &BlockType, fields: Map<String, Json>) -> BlockData {
    let mut data = BlockData::default();
    for (name, value) in fields {
        let is_content = block_type.field(&name).is_some_and(|spec| spec.scope == Scope::Content);
        let map = if is_content { &mut data.content } else { &mut data.settings };
        map.insert(name.into(), value);
    }
    data
}
