//! What is kept of code that was run, under which key, and what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use serde_json::{Value as Json, json};
use xblock_core::clock::FixedClock;
use xblock_core::keys::{ContextKey, CourseKey};
use xblock_core::services::{
    CacheService, CachedSandbox, Globals, MemoryCache, SandboxError, SandboxJob, SandboxLimits,
    SandboxResource, SandboxService,
};

/// Counts runs, and answers by what the code says.
#[derive(Default)]
struct Counting(AtomicUsize);

impl SandboxService for Counting {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        true
    }

    fn python_lib_zip(&self, _: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        Ok(Some(b"PK".to_vec()))
    }

    fn limits(&self, _: &ContextKey) -> SandboxLimits {
        SandboxLimits { processes: 7, ..SandboxLimits::default() }
    }

    fn run(&self, job: &SandboxJob, _: &ContextKey) -> Result<Globals, SandboxError> {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        match job.code.as_str() {
            "raise" => Err(SandboxError::Code {
                message: format!("run {count}"),
                last_line: Some("E".into()),
                line: Some(1),
            }),
            "loop" => Err(SandboxError::LimitExceeded { resource: SandboxResource::Cpu }),
            "away" => Err(SandboxError::Engine { message: format!("run {count}") }),
            "cageless" => Err(SandboxError::NoCage { reason: format!("run {count}") }),
            "refuse" => Err(SandboxError::Forbidden),
            "large" => Ok(globals(json!({"a": "x".repeat(300 << 10), "count": count}))),
            _ => Ok(globals(json!({"count": count, "big": {"__int__": "100000000000000000000"}}))),
        }
    }
}

fn globals(value: Json) -> Globals {
    value.as_object().expect("an object").clone()
}

fn course() -> ContextKey {
    "course-v1:Org+C1+R1".parse::<CourseKey>().expect("a course").into()
}

fn cached() -> (Arc<Counting>, Arc<MemoryCache>, CachedSandbox) {
    let engine = Arc::new(Counting::default());
    let now = DateTime::from_timestamp(1_930_000_000, 0).expect("a moment");
    let cache = Arc::new(MemoryCache::new(Arc::new(FixedClock(now)), 100));
    let sandbox = CachedSandbox::new(engine.clone(), cache.clone());
    (engine, cache, sandbox)
}

fn job(code: &str) -> SandboxJob {
    SandboxJob { code: code.into(), random_seed: Some(1), may_be_kept: true, ..SandboxJob::default() }
}

#[test]
fn keys_are_the_recorded_ones() {
    let text = include_str!("../../../../tests/vectors/capa/seeds_and_keys.json");
    let recorded: Json = serde_json::from_str(text).expect("recorded keys");
    let cases = recorded["cache_keys"].as_array().expect("a list");
    assert!(cases.len() >= 5);
    for case in cases {
        let job = SandboxJob {
            code: case["code"].as_str().expect("code").into(),
            globals: globals(case["globals"].clone()),
            random_seed: case["random_seed"].as_i64(),
            ..SandboxJob::default()
        };
        assert_eq!(job.cache_key(), case["key"].as_str().expect("a key"));
    }
}

#[test]
fn keys_differ_where_the_outcome_may() {
    let with = |change: fn(&mut SandboxJob)| {
        let mut job = job("a = 1");
        change(&mut job);
        job.cache_key()
    };
    let keys = [
        with(|_| ()),
        with(|job| job.code.push(' ')),
        with(|job| job.random_seed = None),
        with(|job| job.random_seed = Some(-1)),
        with(|job| job.unsafely = true),
        with(|job| job.python_path.push("python_lib.zip".into())),
        with(|job| job.extra_files.push(("python_lib.zip".into(), b"a".to_vec()))),
        with(|job| job.extra_files.push(("python_lib.zip".into(), b"b".to_vec()))),
        with(|job| job.extra_files.push(("python_lib.zi".into(), b"pa".to_vec()))),
        with(|job| job.globals = globals(json!({"a": 1}))),
        with(|job| job.globals = globals(json!({"a": 1.0}))),
        with(|job| job.globals = globals(json!({"a": "1"}))),
        with(|job| job.globals = globals(json!({"a": true}))),
        with(|job| job.globals = globals(json!({"a": {"__int__": "100000000000000000000"}}))),
        with(|job| job.globals = globals(json!({"a": [1]}))),
        with(|job| job.globals = globals(json!({"a": {"b": 1, "c": 2}}))),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "{place}: {key}");
    }
    let turned = with(|job| job.globals = globals(json!({"a": {"c": 2, "b": 1}})));
    assert_eq!(keys.last(), Some(&turned));
    assert_eq!(with(|job| job.slug = Some("a problem".into())), keys[0]);
}

#[test]
fn what_code_came_to_is_kept() {
    let (engine, _, sandbox) = cached();
    for code in ["a = 1", "raise", "loop"] {
        let before = engine.0.load(Ordering::Relaxed);
        let first = sandbox.run(&job(code), &course());
        assert_eq!(sandbox.run(&job(code), &course()), first);
        assert_eq!(engine.0.load(Ordering::Relaxed), before + 1, "{code}");
    }
    let other = SandboxJob { random_seed: Some(2), ..job("a = 1") };
    assert_ne!(sandbox.run(&other, &course()), sandbox.run(&job("a = 1"), &course()));
}

#[test]
fn what_says_nothing_of_the_code_is_not_kept() {
    let (engine, _, sandbox) = cached();
    for code in ["away", "cageless", "refuse", "large"] {
        let before = engine.0.load(Ordering::Relaxed);
        assert_eq!(
            sandbox.run(&job(code), &course()).is_ok(),
            sandbox.run(&job(code), &course()).is_ok(),
            "{code}"
        );
        assert_eq!(engine.0.load(Ordering::Relaxed), before + 2, "{code}");
    }
    let called = SandboxJob { may_be_kept: false, ..job("a = 1") };
    assert_ne!(sandbox.run(&called, &course()), sandbox.run(&called, &course()));
}

#[test]
fn what_is_no_outcome_is_run_anew() {
    let (_, cache, sandbox) = cached();
    for nonsense in [json!(null), json!([1]), json!({"globals": 3}), json!({"error": {"code": {}}})] {
        cache.set(&job("a = 1").cache_key(), nonsense, None);
        assert!(sandbox.run(&job("a = 1"), &course()).is_ok());
    }
}

#[test]
fn all_else_is_the_engines() {
    let (_, _, sandbox) = cached();
    assert!(sandbox.can_run_unsafely(&course()));
    assert_eq!(sandbox.python_lib_zip(&course()), Ok(Some(b"PK".to_vec())));
    assert_eq!(sandbox.limits(&course()).processes, 7);
}
