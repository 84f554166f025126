//! Requests that are none of a handler's, or nearly.

use serde_json::{Map, json};
use xblock_core::block::HandlerRequest;
use xblock_core::fields::Json;

/// Bodies that no handler asked for.
pub(super) fn garbage() -> Vec<(String, Vec<u8>)> {
    let mut noise = Vec::new();
    // A fixed sequence, so that a failure repeats itself (Knuth's MMIX generator).
    let mut seed: u64 = 42;
    for _ in 0..300 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise.extend_from_slice(&(seed >> 56).to_be_bytes()[7..]);
    }
    let mut bodies: Vec<(String, Vec<u8>)> =
        ["", "{", "null", "[]", "\"text\"", "1", "true", "[{}]", "{\"a\":1}x", "NaN"]
            .iter()
            .map(|text| (format!("body {text:?}"), text.as_bytes().to_vec()))
            .collect();
    bodies.push(("random bytes".into(), noise));
    bodies.push(("bytes that are no UTF-8".into(), b"{\"a\": \"\xff\xfe\"}".to_vec()));
    bodies.push(("10,000 nested lists".into(), "[".repeat(10_000).into_bytes()));
    bodies
        .push(("a text of a million letters".into(), format!("\"{}\"", "x".repeat(1_000_000)).into_bytes()));
    bodies
}

/// Tells whether a body is JSON at all.
pub(super) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<Json>(body).is_ok()
}

/// The JSON object of a request, none where it posts something else.
pub(super) fn object(request: &HandlerRequest) -> Option<Map<String, Json>> {
    let is_json = request.method == "POST" && request.content_type.starts_with("application/json");
    is_json.then(|| serde_json::from_slice(&request.body).ok()).flatten()
}

/// Requests that differ from a good one in one member: left out, of another type, out of bounds.
pub(super) fn near_misses(request: &HandlerRequest) -> Vec<(String, HandlerRequest)> {
    let Some(good) = object(request) else { return Vec::new() };
    let wrong = [
        json!(null),
        json!([]),
        json!({"a": {}}),
        json!("text"),
        json!(""),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(0.5),
        json!(9_223_372_036_854_775_807_i64),
        json!("x".repeat(100_000)),
    ];
    let with = |name: String, members: Map<String, Json>| {
        let request =
            HandlerRequest { body: Json::Object(members).to_string().into_bytes(), ..request.clone() };
        (name, request)
    };
    let mut requests = vec![with("an empty object".into(), Map::new())];
    for name in good.keys() {
        let mut without = good.clone();
        without.remove(name);
        requests.push(with(format!("no {name:?}"), without));
        for value in &wrong {
            let mut members = good.clone();
            members.insert(name.clone(), value.clone());
            let short: String = value.to_string().chars().take(20).collect();
            requests.push(with(format!("{name:?} {short}"), members));
        }
    }
    let mut more = good;
    more.insert("nobody_asked_for_this".into(), json!([1]));
    requests.push(with("a member too many".into(), more));
    requests
}
