//! Learners answer problems, each for themselves.

use tempfile::tempdir;

use crate::command::{block, courseware, import_tides, stores};

#[test]
fn two_learners_are_kept_apart() {
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        import_tides(store);
        let problem = block("problem", "how_many_tides");
        let input = "input_how_many_tides_2_1";
        let submit = |user, choice: &str| {
            let answer = format!("{input}={choice}");
            courseware(["submit", &problem, "--store", store, "--user", user, &answer, "--json"])
                .exits(0)
                .json()
        };
        let right = submit("ann", "choice_2");
        assert_eq!(right["success"], "correct", "{store}: {right}");
        assert_eq!(right["grade"]["value"], 1.0, "{store}: {right}");
        let wrong = submit("bob", "choice_1");
        assert_eq!(wrong["success"], "incorrect", "{store}: {wrong}");
        assert_eq!(wrong["grade"]["value"], 0.0, "{store}: {wrong}");

        let seen = |user| courseware(["render", &problem, "--store", store, "--user", user]).exits(0).out;
        let (ann, bob, eve) = (seen("ann"), seen("bob"), seen("eve"));
        assert_ne!(ann, bob, "{store}");
        assert_ne!(ann, eve, "{store}");
        assert_eq!(seen("ann"), ann, "{store}: looking changes nothing");

        let text =
            courseware(["submit", &problem, "--store", store, "--user", "bob", &format!("{input}=choice_2")]);
        assert_eq!(text.exits(0).out, "correct\ngrade 1 of 1\n", "{store}");
        assert_eq!(seen("ann"), ann, "{store}: another's answer changes nothing");

        let elsewhere = directory.path().join("other.sqlite3").display().to_string();
        let fresh =
            courseware(["render", &problem, "--store", store, "--user", "ann", "--state", &elsewhere]);
        assert_eq!(fresh.exits(0).out, eve.replace("eve", "ann"), "{store}: another file has other state");
        // What learners did survives that the course is imported and published again.
        import_tides(store);
        assert_eq!(seen("ann"), ann, "{store}");
    }
}

#[test]
fn an_answer_that_cannot_be_graded_says_why_and_costs_no_attempt() {
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        import_tides(store);
        let problem = block("problem", "range_of_the_flood");
        for answer in ["input_range_of_the_flood_2_1=(((", "nonsense=4.6"] {
            let ran = courseware(["submit", &problem, "--store", store, "--user", "ann", answer, "--json"])
                .exits(1);
            let outcome = ran.json();
            assert_eq!(outcome["grade"], serde_json::Value::Null, "{store}: {outcome}");
            assert!(outcome["success"].as_str().is_some_and(|why| why.len() > 10), "{store}: {outcome}");
        }
        let after = courseware(["render", &problem, "--store", store, "--user", "ann"]).exits(0).out;
        assert!(after.contains("data-attempts-used=\"0\""), "{store}: {after}");
        let html =
            courseware(["submit", &block("html", "two_bulges"), "--store", store, "--user", "ann", "a=b"]);
        assert!(html.exits(3).err.contains("problem_check"));
    }
}

/// Eight processes answer at once as one learner: every answer counts, and the last of three attempts is the last.
#[test]
fn of_answers_at_once_none_is_forgotten() {
    let directory = tempdir().unwrap();
    let [store, _] = stores(directory.path());
    let course = directory.path().join("course");
    let files = [
        ("course.xml", "<course url_name=\"R\" org=\"O\" course=\"C\"/>"),
        (
            "course/R.xml",
            "<course><chapter url_name=\"c\"><sequential url_name=\"s\"><vertical url_name=\"v\">\
             <problem url_name=\"p\" max_attempts=\"3\"><stringresponse answer=\"ebb\"><textline label=\"Q\"/>\
             </stringresponse></problem></vertical></sequential></chapter></course>",
        ),
    ];
    for (path, text) in files {
        let path = course.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    courseware(["import", course.to_str().unwrap(), "--store", &store]).exits(0);
    let problem = "block-v1:O+C+R+type@problem+block@p";
    let graded = std::thread::scope(|scope| {
        let answers: Vec<_> = (0..8)
            .map(|n| {
                let (store, answer) = (&store, format!("input_p_2_1=wrong {n}"));
                scope.spawn(move || {
                    let ran =
                        courseware(["submit", problem, "--store", store, "--user", "u", &answer, "--json"]);
                    ran.json()["success"] == "incorrect"
                })
            })
            .collect();
        answers.into_iter().map(|answer| answer.join().unwrap()).filter(|graded| *graded).count()
    });
    assert_eq!(graded, 3);
}
