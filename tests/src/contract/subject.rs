//! Which block a contract is about: its samples, its requests, what is excepted and why.

use std::collections::BTreeMap;
use std::fmt;

use xblock_core::block::{BlockClass, BlockType, HandlerRequest, Registry};
use xblock_core::fields::{FieldSpec, Json};

use super::{PROMISES, Promise};
use crate::workbench::{Workbench, registry_of};

/// Something a block promises and does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: a field, a handler, a view of a sample.
    pub place: String,
    /// What is wrong.
    pub wrong: String,
    /// How to mend it.
    pub mend: String,
}

impl Finding {
    pub(super) fn new(place: impl Into<String>, wrong: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { place: place.into(), wrong: wrong.into(), mend: mend.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    to mend it: {}", self.place, self.wrong, self.mend)
    }
}

/// How many findings a failing test tells of.
const SHOWN: usize = 12;

type Prepare = Box<dyn Fn(Workbench) -> Workbench + Send + Sync>;

/// A block of a type, with everything the promises are checked on.
///
/// Without samples the block is checked as it is made, every field at its default.
pub struct Contract {
    registry: Registry,
    block_type: BlockType,
    samples: Vec<(String, Prepare)>,
    pub(super) views: Vec<&'static str>,
    pub(super) requests: Vec<(&'static str, HandlerRequest)>,
    pub(super) html: Vec<&'static str>,
    pub(super) values: BTreeMap<&'static str, Vec<Json>>,
    exceptions: Vec<Exception>,
}

struct Exception {
    promise: &'static str,
    place: &'static str,
}

impl Contract {
    /// Begins the contract of a class, with stand-ins for the blocks around it.
    ///
    /// # Panics
    /// Where the class claims one name twice.
    #[must_use]
    pub fn of(class: &'static BlockClass) -> Self {
        Self::new(registry_of(class), class.block_type)
    }

    /// Begins the contract of a registered type.
    ///
    /// # Panics
    /// Where nobody registered the type.
    #[must_use]
    pub fn new(registry: Registry, block_type: &str) -> Self {
        let block_type = registry.block_type(block_type);
        assert!(block_type.is_known, "block type {} is not registered", block_type.name);
        let mut views = vec!["student_view", "public_view", "author_view", "studio_view"];
        let declared = block_type.class.views.iter().copied();
        views
            .extend(declared.filter(|view| {
                !["student_view", "public_view", "author_view", "studio_view"].contains(view)
            }));
        Self {
            registry,
            block_type,
            samples: vec![("new block".to_owned(), Box::new(|bench| bench))],
            views,
            requests: Vec::new(),
            html: Vec::new(),
            values: BTreeMap::new(),
            exceptions: Vec::new(),
        }
    }

    /// Adds a state to check the block in: fields, children, a learner.
    #[must_use]
    pub fn sample(
        mut self,
        name: &str,
        prepare: impl Fn(Workbench) -> Workbench + Send + Sync + 'static,
    ) -> Self {
        self.samples.push((name.to_owned(), Box::new(prepare)));
        self
    }

    /// Adds a view beside the platform's own four and those the class lists.
    #[must_use]
    pub fn view(mut self, name: &'static str) -> Self {
        self.views.push(name);
        self
    }

    /// Adds a request with JSON that a handler answers. Every handler needs one at least.
    #[must_use]
    pub fn request(self, handler: &'static str, json: Json) -> Self {
        self.raw_request(handler, HandlerRequest::post_json(&json))
    }

    /// Adds a request of any kind that a handler answers.
    #[must_use]
    pub fn raw_request(mut self, handler: &'static str, request: HandlerRequest) -> Self {
        self.requests.push((handler, request));
        self
    }

    /// Says that a field holds HTML that its author may write: its markup is not escaped.
    #[must_use]
    pub fn html(mut self, field: &'static str) -> Self {
        self.html.push(field);
        self
    }

    /// Replaces the values a field is tried with, where its type says too little: XML of a certain kind, names of files.
    #[must_use]
    pub fn values(mut self, field: &'static str, values: impl IntoIterator<Item = Json>) -> Self {
        self.values.insert(field, values.into_iter().collect());
        self
    }

    /// Excepts a place from a promise, for a reason that holds: findings whose place begins so do not count.
    ///
    /// An exception nobody needs any more is a failing test of its own.
    ///
    /// # Panics
    /// Where there is no such promise, or no reason is given.
    #[must_use]
    pub fn except(mut self, promise: &'static str, place: &'static str, reason: &str) -> Self {
        assert!(PROMISES.iter().any(|known| known.name == promise), "there is no promise {promise}");
        assert!(!reason.trim().is_empty(), "an exception from {promise} needs a reason");
        self.exceptions.push(Exception { promise, place });
        self
    }

    /// Checks a promise.
    ///
    /// # Panics
    /// Where it is not kept, saying what is wrong and how to mend it; where there is no such promise.
    pub fn keep(&self, promise: &str) {
        let promise = PROMISES
            .iter()
            .find(|known| known.name == promise)
            .unwrap_or_else(|| panic!("there is no promise {promise}"));
        let findings: Vec<_> = self.findings(promise);
        if findings.is_empty() {
            return;
        }
        let mut list: String =
            findings.iter().take(SHOWN).map(|finding| format!("\n\n  {finding}")).collect();
        if findings.len() > SHOWN {
            list.push_str(&format!("\n\n  and {} more", findings.len() - SHOWN));
        }
        panic!(
            "block type {} breaks its promise `{}`: {}.{list}\n\n",
            self.block_type.name, promise.name, promise.says
        );
    }

    /// Returns what is wrong with a promise and not excepted.
    #[must_use]
    pub fn findings(&self, promise: &Promise) -> Vec<Finding> {
        let mut findings = (promise.check)(self);
        findings
            .retain(|finding| !self.exceptions.iter().any(|exception| exception.covers(promise, finding)));
        findings.dedup();
        findings
    }

    /// Checks that every exception is still needed.
    ///
    /// # Panics
    /// Where one is not.
    pub fn check_exceptions(&self) {
        for promise in PROMISES {
            let exceptions: Vec<_> =
                self.exceptions.iter().filter(|exception| exception.promise == promise.name).collect();
            if exceptions.is_empty() {
                continue;
            }
            let findings = (promise.check)(self);
            for exception in exceptions {
                assert!(
                    findings.iter().any(|finding| exception.covers(promise, finding)),
                    "block type {} keeps `{}` at {:?}: take the exception away",
                    self.block_type.name,
                    promise.name,
                    exception.place,
                );
            }
        }
    }

    /// Returns the type the contract is about.
    #[must_use]
    pub const fn block_type(&self) -> &BlockType {
        &self.block_type
    }

    pub(super) fn own_fields(&self) -> &'static [FieldSpec] {
        self.block_type.class.fields
    }

    /// An empty bench for the block.
    pub(super) fn bench(&self) -> Workbench {
        Workbench::new(self.registry.clone(), &self.block_type.name)
    }

    /// Every sample, each on a bench with learner state of its own.
    pub(super) fn samples(&self) -> Vec<(&str, Workbench)> {
        self.samples.iter().map(|(name, prepare)| (&**name, prepare(self.bench()))).collect()
    }

    /// Every sample that has something in it, or the new block where there is none.
    pub(super) fn told_samples(&self) -> Vec<(&str, Workbench)> {
        let mut samples = self.samples();
        if samples.len() > 1 {
            samples.remove(0);
        }
        samples
    }
}

impl Exception {
    fn covers(&self, promise: &Promise, finding: &Finding) -> bool {
        self.promise == promise.name && finding.place.starts_with(self.place)
    }
}
