//! Code run by a codejail service: what is sent, what its answers mean, and how long anything may take.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cage::{RemoteError, RemoteOptions, RemoteSandbox};
use serde_json::{Value as Json, json};
use xblock_core::clock::{Clock, FixedClock};
use xblock_core::keys::{ContextKey, CourseKey};
use xblock_core::runtime::{Branch, MemoryRuntime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxService};

use crate::running::skip;

/// A service that answers each connection with what a test says, and keeps what it was sent.
struct Service {
    host: String,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Service {
    /// Answers connections in order; a text without status is the body of a good answer.
    fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let host = format!("http://{}", listener.local_addr().expect("a bound socket"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
                kept.lock().expect("no panic").push(request(&mut stream));
                let _ = stream.write_all(&answer);
                // Whoever hangs up with something unread says so more rudely than by hanging up.
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
        });
        Self { host, requests }
    }

    fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock().expect("no panic");
        requests.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }
}

fn request(stream: &mut impl Read) -> Vec<u8> {
    let (mut got, mut part) = (Vec::new(), [0; 1 << 16]);
    loop {
        let head = got.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = head {
            let head = String::from_utf8_lossy(&got[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").parse().expect("a number");
            if got.len() >= end + 4 + length {
                return got;
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return got,
            Ok(count) => got.extend_from_slice(&part[..count]),
        }
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn course() -> ContextKey {
    "course-v1:Org+C1+R1".parse::<CourseKey>().expect("a course").into()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock(Default::default()))
}

fn sandbox(host: &str) -> RemoteSandbox {
    let options = RemoteOptions {
        host: host.into(),
        read_time: Duration::from_millis(700),
        headers: vec![("X-Gateway".into(), "letmein".into())],
        ..RemoteOptions::default()
    };
    RemoteSandbox::new(options, Arc::new(MemoryRuntime::new(clock())), Branch::Published).expect("an address")
}

fn job(code: &str) -> SandboxJob {
    SandboxJob { code: code.into(), random_seed: Some(1), ..SandboxJob::default() }
}

fn globals(value: Json) -> Globals {
    value.as_object().expect("an object").clone()
}

#[test]
fn a_form_is_sent_as_the_platform_sends_it() {
    let service =
        Service::start(vec![answer("200 OK", r#"{"globals_dict": {"a": 2, "big": 100000000000000000000}}"#)]);
    let job = SandboxJob {
        globals: globals(json!({"a": 1, "big": {"__int__": "100000000000000000000"}, "é": "ü\n"})),
        python_path: vec!["python_lib.zip".into()],
        extra_files: vec![("python_lib.zip".into(), b"PK\r\n\x00\xff".to_vec())],
        slug: Some("a problem".into()),
        ..job("a += 1\n")
    };
    let got = sandbox(&service.host).run(&job, &course());
    assert_eq!(got, Ok(globals(json!({"a": 2, "big": {"__int__": "100000000000000000000"}}))));
    let sent = &service.requests()[0];
    assert!(sent.starts_with("POST /api/v0/code-exec HTTP/1.1\r\n"), "{sent}");
    assert!(sent.to_lowercase().contains("\r\nx-gateway: letmein\r\n"), "{sent}");
    assert!(sent.to_lowercase().contains("\r\ncontent-type: multipart/form-data; boundary="), "{sent}");
    assert!(
        sent.contains("name=\"python_lib.zip\"; filename=\"python_lib.zip\"\r\n\r\nPK\r\n\x00\u{fffd}\r\n--"),
        "{sent}"
    );
    assert!(sent.contains(r#""big":100000000000000000000,"#), "{sent}");
    let (_, payload) = sent.split_once("name=\"payload\"\r\n\r\n").expect("a payload");
    let payload: Json = serde_json::from_str(payload.split("\r\n").next().expect("a line")).expect("JSON");
    let code = payload["code"].as_str().expect("code");
    assert!(code.contains("Random(1)") && code.ends_with("\na += 1\n"), "{code}");
    assert_eq!(code.lines().count(), 2);
    assert_eq!(
        [
            &payload["python_path"],
            &payload["limit_overrides_context"],
            &payload["slug"],
            &payload["unsafely"]
        ],
        [&json!(["python_lib.zip"]), &json!("course-v1:Org+C1+R1"), &json!("a problem"), &json!(false)]
    );
}

#[test]
fn what_the_service_answers_is_what_the_platform_makes_of_it() {
    let unavailable = "Codejail API Service is unavailable. Please try again in a few minutes.";
    let status = "Codejail API Service invalid response.";
    let nonsense = "Invalid JSON response received from codejail api service.";
    for (sent, message) in [
        (answer("400 Bad Request", r#"{"error": "Payload JSON did not match"}"#), status),
        (answer("500 Server Error", "<html>"), status),
        (answer("301 Moved", ""), nonsense),
        (answer("200 OK", "<html>"), nonsense),
        (answer("200 OK", "{}"), nonsense),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec(), unavailable),
        (b"no web at all\r\n\r\n".to_vec(), unavailable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(), unavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}".to_vec(), unavailable),
        (b"HTTP/1.1 200 OK\r\n".repeat(10_000), unavailable),
        ([b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &b"x".repeat(1 << 20)].concat(), unavailable),
        (answer("200 OK", &"[".repeat(1 << 20)), nonsense),
        (answer("200 OK", &" ".repeat(17 << 20)), unavailable),
        (Vec::new(), unavailable),
    ] {
        let service = Service::start(vec![sent.clone()]);
        let got = sandbox(&service.host).run(&job("a = 1"), &course());
        let what = String::from_utf8_lossy(&sent);
        assert_eq!(got, Err(SandboxError::Engine { message: message.into() }), "{what}");
        assert_eq!(service.requests().len(), 1, "code is sent once: {what}");
    }
}

#[test]
fn what_is_sent_runs_and_has_what_scripts_have() {
    let Some(cage) = crate::running::cage() else { return };
    let service = Service::start(vec![answer("200 OK", r#"{"globals_dict": {}}"#)]);
    let code = "import random as r\na = [random.randint(1, 6) for _ in range(4)]\nb = math.floor(2.5)\nc = r is random\n\
                d = chemcalc.render_to_html('H2O')\ne = list(xrange(2))\n";
    let job = SandboxJob { random_seed: Some(0), ..job(code) };
    sandbox(&service.host).run(&job, &course()).expect("an answer");
    let sent = service.requests().remove(0);
    let (_, payload) = sent.split_once("name=\"payload\"\r\n\r\n").expect("a payload");
    let payload: Json = serde_json::from_str(payload.split("\r\n").next().expect("a line")).expect("JSON");
    let run = cage::Run { code: payload["code"].as_str().expect("code"), ..cage::Run::default() };
    let outcome = cage.run(&run, &cage::RunLimits::default()).expect("the cage works");
    let cage::Outcome::Done { globals } = outcome else { panic!("{outcome:?}") };
    // Recorded from Python: seed 0 gives 6, 5, 3, 2.
    assert_eq!(
        [&globals["a"], &globals["b"], &globals["c"], &globals["e"]],
        [&json!([6, 5, 3, 2]), &json!(2), &json!(true), &json!([0, 1])]
    );
    assert_eq!(globals["d"], json!("<span class=\"math\">H<sub>2</sub>O</span>"));
}

#[test]
fn a_connection_is_used_once() {
    // Does not say that it closes the connection, and does.
    let body = r#"{"globals_dict": {"a": 1}}"#;
    let kept = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    let service = Service::start(vec![kept; 3]);
    let sandbox = sandbox(&service.host);
    for _ in 0..3 {
        assert_eq!(sandbox.run(&job("a = 1"), &course()), Ok(globals(json!({"a": 1}))));
    }
}

#[test]
fn a_service_that_hangs_up_on_what_is_sent_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    let host = format!("http://{}", listener.local_addr().expect("a bound socket"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut first = [0; 10];
            let _ = stream.and_then(|mut stream| stream.read(&mut first));
        }
    });
    let library = ("python_lib.zip".to_owned(), vec![7; 32 << 20]);
    let job = SandboxJob { extra_files: vec![library], ..job("a = 1") };
    let unavailable = "Codejail API Service is unavailable. Please try again in a few minutes.";
    assert_eq!(
        sandbox(&host).run(&job, &course()),
        Err(SandboxError::Engine { message: unavailable.into() })
    );
}

/// A service asked by https, whose certificate vouches for itself.
fn encrypted(name: &str, answers: usize) -> (String, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            });
    let config = Arc::new(config.expect("a service"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    let port = listener.local_addr().expect("a bound socket").port();
    std::thread::spawn(move || {
        for _ in 0..answers {
            let Ok((stream, _)) = listener.accept() else { return };
            stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
            let connection = rustls::ServerConnection::new(config.clone()).expect("a service");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let got = request(&mut stream);
            if got.ends_with(b"--\r\n") {
                let _ = stream.write_all(&answer("200 OK", r#"{"globals_dict": {"a": 2}}"#));
            }
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (format!("https://127.0.0.1:{port}"), made.cert.pem().into_bytes())
}

#[test]
fn a_service_is_asked_by_https_where_somebody_vouches_for_it() {
    let ask = |host: &str, authorities: Option<&[u8]>| {
        let options = RemoteOptions {
            host: host.into(),
            authorities: authorities.map(<[u8]>::to_vec),
            connect_time: Duration::from_secs(10),
            read_time: Duration::from_secs(10),
            ..RemoteOptions::default()
        };
        let store = Arc::new(MemoryRuntime::new(clock()));
        RemoteSandbox::new(options, store, Branch::Published)
            .expect("an address")
            .run(&job("a = 2"), &course())
    };
    let unavailable = Err(SandboxError::Engine {
        message: "Codejail API Service is unavailable. Please try again in a few minutes.".into(),
    });
    let (host, own) = encrypted("127.0.0.1", 3);
    assert_eq!(ask(&host, Some(&own)), Ok(globals(json!({"a": 2}))));
    // Nobody this system knows, and nobody the operator names, vouches for it.
    if rustls_native_certs::load_native_certs().certs.is_empty() {
        skip("this system trusts no authority at all");
    } else {
        assert_eq!(ask(&host, None), unavailable);
    }
    let (elsewhere, other) = encrypted("codejail.example", 1);
    assert_eq!(ask(&host, Some(&other)), unavailable);
    // Its certificate is for another name.
    assert_eq!(ask(&elsewhere, Some(&other)), unavailable);
    // It speaks no TLS at all.
    let plain = Service::start(vec![answer("200 OK", "{}")]);
    assert_eq!(ask(&plain.host.replace("http:", "https:"), Some(&own)), unavailable);
}

#[test]
fn a_service_that_is_away_or_slow_is_said_to_be_in_time() {
    let unavailable = SandboxError::Engine {
        message: "Codejail API Service is unavailable. Please try again in a few minutes.".into(),
    };
    // Nobody listens.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a bound socket");
    let start = Instant::now();
    assert_eq!(sandbox(&format!("http://{port}")).run(&job("a"), &course()), Err(unavailable.clone()));
    // Accepts and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = format!("http://{}", silent.local_addr().expect("a bound socket"));
    assert_eq!(sandbox(&host).run(&job("a"), &course()), Err(unavailable.clone()));
    // Says the beginning line by line, without end.
    let slow = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = format!("http://{}", slow.local_addr().expect("a bound socket"));
    std::thread::spawn(move || {
        let (mut stream, _) = slow.accept().expect("a connection");
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"X: y\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(sandbox(&host).run(&job("a"), &course()), Err(unavailable.clone()));
    // Says it letter by letter.
    let slow = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = format!("http://{}", slow.local_addr().expect("a bound socket"));
    std::thread::spawn(move || {
        let (mut stream, _) = slow.accept().expect("a connection");
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(sandbox(&host).run(&job("a"), &course()), Err(unavailable));
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let new = |host: &str| {
        let options = RemoteOptions { host: host.into(), ..RemoteOptions::default() };
        RemoteSandbox::new(options, Arc::new(MemoryRuntime::new(clock())), Branch::Published).map(drop)
    };
    for host in [
        "",
        "codejail:8550",
        "http://",
        "https://",
        "http://a b",
        "http://a/path",
        "ftp://a",
        "https://u:p@a",
    ] {
        assert!(matches!(new(host), Err(RemoteError::Address { .. })), "{host}");
    }
    assert_eq!(new("http://codejail:8550/"), Ok(()));
    for authorities in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let authorities = Some(authorities.to_vec());
        let host = "https://codejail.example".to_owned();
        let options = RemoteOptions { host, authorities, ..RemoteOptions::default() };
        let made = RemoteSandbox::new(options, Arc::new(MemoryRuntime::new(clock())), Branch::Published);
        assert!(matches!(made, Err(RemoteError::Authorities { .. })));
    }
    let sandbox = sandbox("http://127.0.0.1:1");
    let unsafely = SandboxJob { unsafely: true, ..job("a") };
    assert_eq!(sandbox.run(&unsafely, &course()), Err(SandboxError::Forbidden));
    assert!(!sandbox.can_run_unsafely(&course()));
}

/// A real service, where there is one: `CODEJAIL_SERVICE` holds its address.
#[test]
fn a_real_service_runs_code() {
    let Some(host) = std::env::var("CODEJAIL_SERVICE").ok() else {
        return skip("no codejail service is at hand: CODEJAIL_SERVICE is not set");
    };
    let options = RemoteOptions { host, read_time: Duration::from_secs(30), ..RemoteOptions::default() };
    let sandbox = RemoteSandbox::new(options, Arc::new(MemoryRuntime::new(clock())), Branch::Published)
        .expect("an address");
    let code = "import random\na = [random.randint(1, 6) for _ in range(4)]\nbig = 10 ** 30\nx = y + 1\nimport helper\nz = helper.two\nq = math.floor(2.5)";
    let job = SandboxJob {
        globals: globals(json!({"y": 41})),
        random_seed: Some(0),
        python_path: vec!["python_lib.zip".into()],
        extra_files: vec![("python_lib.zip".into(), zip("helper.py", b"two = 2\n"))],
        ..job(code)
    };
    let got = sandbox.run(&job, &course()).expect("it runs");
    assert_eq!(
        [&got["a"], &got["x"], &got["z"], &got["big"], &got["q"]],
        [
            &json!([6, 5, 3, 2]),
            &json!(42),
            &json!(2),
            &json!({"__int__": "1000000000000000000000000000000"}),
            &json!(2)
        ]
    );
    let raised = sandbox.run(&self::job("a = 1\nb = a / 0\n"), &course());
    let Err(SandboxError::Code { last_line, line, message }) = raised else {
        panic!("it raised: {raised:?}")
    };
    assert_eq!(
        (last_line.as_deref(), line),
        (Some("ZeroDivisionError: division by zero"), Some(2)),
        "{message}"
    );
}

/// A zip archive of one file, stored.
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut table = [0_u32; 256];
    for (place, entry) in (0_u32..).zip(&mut table) {
        *entry = (0..8)
            .fold(place, |value, _| if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 });
    }
    let sum = !content
        .iter()
        .fold(!0_u32, |sum, byte| table[usize::from(sum.to_le_bytes()[0] ^ byte)] ^ (sum >> 8));
    let (length, name_length) =
        (u32::try_from(content.len()).expect("small"), u16::try_from(name.len()).expect("small"));
    let common = [
        &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58][..],
        &sum.to_le_bytes(),
        &length.to_le_bytes(),
        &length.to_le_bytes(),
        &name_length.to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    let local = [&b"PK\x03\x04"[..], &common, name.as_bytes(), content].concat();
    let central = [&b"PK\x01\x02\x14\x00"[..], &common, &[0; 14][..], name.as_bytes()].concat();
    let size = u32::try_from(central.len()).expect("small").to_le_bytes();
    let start = u32::try_from(local.len()).expect("small").to_le_bytes();
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size, &start, &[0, 0]].concat()
}
