//! `problem`: answers that go to the queue of an external grader.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value as Json, json};
use xblock_core::block::{HandlerRequest, User};
use xblock_core::clock::FixedClock;
use xblock_core::fields::{KeyValueStore, KvsError, MemoryStore, StateKey};
use xblock_core::host::{Handled, Host};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Base, BlockData, Branch, Edit, MemoryRuntime, Runtime as _};
use xblock_core::services::{MemoryXQueue, ServiceError, ServiceSet, XQueueService, XQueueSubmission};

use crate::context::{json as body, post};

const PROGRAM: &str = r#"<problem><coderesponse queuename="q"><textbox/>
<codeparam><grader_payload>{"tests": 3}</grader_payload></codeparam></coderesponse></problem>"#;

fn usage() -> UsageKey {
    "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a usage key")
}

fn learner() -> User {
    User { id: "42".into(), is_staff: false }
}

/// A host of one problem, with a queue and a store of learner state.
fn host(xml: &str, queue: Arc<dyn XQueueService>, state: Arc<dyn KeyValueStore>) -> Host {
    let clock = Arc::new(FixedClock(DateTime::from_timestamp(1_780_000_000, 0).expect("a moment")));
    let runtime = MemoryRuntime::new(clock.clone());
    let problem =
        BlockData { content: [("data".into(), json!(xml))].into_iter().collect(), ..BlockData::default() };
    let edit = Edit::new(usage().context_key(), Base::New { root: usage() }).put(usage(), problem);
    runtime.commit(edit).expect("it is saved");
    let registry = blocks::registry().expect("no type is declared twice");
    Host {
        learner_state: state,
        services: ServiceSet::default().with::<dyn XQueueService>(queue),
        ..Host::new(Arc::new(runtime), Branch::Draft, registry, clock)
    }
}

fn submit(host: &Host, answer: &str) -> Handled {
    let request: HandlerRequest = post("problem_check", &format!("input_q_2_1={answer}"));
    host.handle(&usage(), "xmodule_handler", &request, Some(&learner())).expect("it is answered")
}

/// What the learner's state says of the answer.
fn stored(host: &Host, name: &str) -> Json {
    let loaded = host.load(&usage(), Some(&learner())).expect("it is there");
    loaded.block.fields().json(name).expect("it can be read")
}

/// Learner state whose first two writes meet: neither is done before both were asked for.
struct Meeting {
    store: MemoryStore,
    door: Barrier,
    left: Mutex<u8>,
}

impl Meeting {
    fn of_two() -> Self {
        Self { store: MemoryStore::new(), door: Barrier::new(2), left: Mutex::new(2) }
    }

    fn meet(&self) {
        let comes = {
            let mut left = self.left.lock().expect("nobody panics");
            let comes = *left > 0;
            *left = left.saturating_sub(1);
            comes
        };
        if comes {
            self.door.wait();
        }
    }
}

impl KeyValueStore for Meeting {
    fn get(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        self.store.get(key)
    }

    fn set_many(&self, values: &[(StateKey, Json)]) -> Result<(), KvsError> {
        self.store.set_many(values)
    }

    fn set_many_if_unchanged(
        &self,
        read: &[(StateKey, Option<Json>)],
        values: &[(StateKey, Json)],
    ) -> Result<(), KvsError> {
        self.meet();
        self.store.set_many_if_unchanged(read, values)
    }

    fn delete(&self, key: &StateKey) -> Result<(), KvsError> {
        self.store.delete(key)
    }

    fn default(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        self.store.default(key)
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "two requests at once need two threads")]
fn one_click_that_comes_twice_is_sent_once() {
    let queue = Arc::new(MemoryXQueue::default());
    let host = host(PROGRAM, queue.clone(), Arc::new(Meeting::of_two()));
    let answers: Vec<Handled> = thread::scope(|scope| {
        let clicks = [scope.spawn(|| submit(&host, "print")), scope.spawn(|| submit(&host, "print"))];
        clicks.map(|click| click.join().expect("it is answered")).into_iter().collect()
    });
    let sent = queue.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(stored(&host, "attempts"), 1);
    assert_eq!(stored(&host, "correct_map")["q_2_1"]["queuestate"]["key"], *sent[0].key);
    let mut said: Vec<String> = answers
        .iter()
        .map(|answer| body(&answer.response.body)["success"].as_str().unwrap_or_default().into())
        .collect();
    said.sort();
    assert_eq!(said, ["You must wait at least 5 seconds between submissions.", "incorrect"]);
}

/// A queue that notes whether the learner's state knew of an answer when it came.
struct Witness {
    state: Arc<MemoryStore>,
    known: Mutex<Vec<bool>>,
    refuses: bool,
}

impl XQueueService for Witness {
    fn callback_url(&self, _: &UsageKey, dispatch: &str) -> String {
        format!("/callback/{dispatch}")
    }

    fn default_queue_name(&self) -> String {
        "q".into()
    }

    fn wait_between_requests(&self) -> Duration {
        Duration::ZERO
    }

    fn send(&self, submission: XQueueSubmission) -> Result<String, ServiceError> {
        let reader = host(PROGRAM, Arc::new(MemoryXQueue::default()), self.state.clone());
        let key = stored(&reader, "correct_map")["q_2_1"]["queuestate"]["key"].clone();
        self.known.lock().expect("nobody panics").push(key == *submission.key);
        match self.refuses {
            true => Err(ServiceError::Failed { service: "xqueue", message: "closed".into() }),
            false => Ok("7".into()),
        }
    }
}

#[test]
fn an_answer_is_sent_when_its_state_is_kept() {
    for refuses in [false, true] {
        let state = Arc::new(MemoryStore::new());
        let queue = Arc::new(Witness { state: state.clone(), known: Mutex::default(), refuses });
        let host = host(PROGRAM, queue.clone(), state);
        let answered = submit(&host, "print");
        assert_eq!(*queue.known.lock().expect("nobody panics"), [true]);

        let entry = stored(&host, "correct_map")["q_2_1"].clone();
        let undelivered =
            "Unable to deliver your submission to grader (Reason: closed). Please try again later.";
        let (message, correctness) =
            if refuses { (undelivered, Json::Null) } else { ("7", json!("incomplete")) };
        assert_eq!((&entry["msg"], &entry["correctness"]), (&json!(message), &correctness));
        assert_eq!(entry["queuestate"].is_null(), refuses);
        assert_eq!(stored(&host, "correct_map_history"), json!([{ "q_2_1": entry }]));

        let response = body(&answered.response.body);
        assert_eq!(
            (&response["success"], &response["progress_changed"]),
            (&json!("incorrect"), &json!(true))
        );
        let events: Vec<_> = answered.events.iter().map(|event| event.event_type()).collect();
        assert_eq!(events, ["grade", "problem_check"]);
        assert_eq!(answered.events[1].data()["correct_map"]["q_2_1"], entry);
        assert_eq!(answered.events[1].data()["state"]["done"], false);
    }
}

#[test]
fn a_plot_is_sent_when_its_state_is_kept() {
    let xml = "<problem><coderesponse><matlabinput/><codeparam/></coderesponse></problem>";
    let queue = Arc::new(MemoryXQueue::default());
    let host = host(xml, queue.clone(), Arc::new(MemoryStore::new()));
    let request = post("input_ajax", "input_id=q_2_1&dispatch=plot&submission=plot(x)");
    let answered =
        host.handle(&usage(), "xmodule_handler", &request, Some(&learner())).expect("it is answered");
    let response = body(&answered.response.body);
    assert_eq!((&response["success"], &response["message"]), (&json!(true), &json!("0")));
    assert_eq!(stored(&host, "input_state")["q_2_1"]["queuekey"], *queue.sent()[0].key);
}
