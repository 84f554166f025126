//! A problem with one learner's work: what the block, the command and the wheel put together, show and grade.

use chrono::SecondsFormat;
use serde_json::{Map, Value as Json, json};

use super::correct_map::CorrectMap;
use super::error::{GradeError, LoadError};
use super::grading::Files;
use super::loncapa::{LoncapaProblem, Verdicts};
use super::number;
use super::options::ProblemOptions;
use super::policy::{Score, by_method};
use super::render::{self, Shown};
use super::report::{self, ReportRow};
use super::responses::Answers;
use super::services::ProblemServices;
use super::state::State;
use super::submission;

/// A problem with one learner's work on it.
///
/// It is put together from XML, which runs its script where the services offer a sandbox, and from the learner's state.
/// Grading changes that state; nothing is stored until the caller stores [`state`](Self::state).
///
/// ```
/// use blocks::problem::{Problem, ProblemOptions};
///
/// let xml = r#"<problem>
///     <stringresponse answer="tides"><label>What rises and falls?</label><textline/></stringresponse>
/// </problem>"#;
/// let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a usage key");
/// let mut problem = Problem::load(xml, ProblemOptions::new(usage))?;
/// let answers = [("q_2_1".to_owned(), "tides".into())].into_iter().collect();
/// let outcome = problem.grade(&answers)?;
/// assert_eq!(outcome.correct_map["q_2_1"]["correctness"], "correct");
/// assert_eq!((problem.score().earned(), problem.max_score()), (1.0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Problem {
    pub(super) engine: LoncapaProblem,
    pub(super) state: State,
    grading_method: String,
    services: ProblemServices,
}

/// What came of grading a submission.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The verdict on each answer, in the stored form (capa reference, section 6.1).
    pub correct_map: Map<String, Json>,
    /// What a grader says of the whole, as HTML.
    pub overall_message: String,
    /// The score these verdicts give, whichever attempt counts.
    pub score: Score,
    /// The data of an event `edx.problem.hint.feedback_displayed` for each hint shown.
    pub hint_events: Vec<Json>,
}

impl Outcome {
    /// Returns `correct` where every answer is right, in part at least, else `incorrect`.
    #[must_use]
    pub fn success(&self) -> &'static str {
        let is_right =
            |entry: &Json| matches!(entry["correctness"].as_str(), Some("correct" | "partially-correct"));
        if self.correct_map.values().all(is_right) { "correct" } else { "incorrect" }
    }
}

/// One input of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProblemInput {
    /// The id under which it is answered.
    pub id: String,
    /// Its element: `textline`, `choicegroup` ...
    pub tag: String,
    /// The element of its question: `stringresponse` ...
    pub response_tag: String,
    /// Its label, as HTML.
    pub label: String,
}

impl Problem {
    /// Puts a problem together.
    ///
    /// # Errors
    /// [`LoadError`] where the XML, the script or a question cannot be used.
    pub fn load(xml: &str, options: ProblemOptions<'_>) -> Result<Self, LoadError> {
        let state = options.state.map_or_else(|| Ok(State::default()), State::from_json);
        let state = state.map_err(|error| LoadError::Rule(error.to_string()))?;
        Self::with_state(xml, state, &options)
    }

    /// Puts a problem together with a state that was read.
    pub(super) fn with_state(
        xml: &str,
        mut state: State,
        options: &ProblemOptions<'_>,
    ) -> Result<Self, LoadError> {
        let seed = *state.seed.get_or_insert(options.seed.unwrap_or(1));
        let engine = LoncapaProblem::load(xml, seed, options)?;
        if state.student_answers.is_empty() {
            state.student_answers = engine.initial_answers();
        }
        for input in engine.responses.iter().flat_map(|response| &response.inputs) {
            state.input_state.entry(input.id.clone()).or_insert_with(|| json!({}));
        }
        let mut problem = Self {
            engine,
            state,
            grading_method: options.grading_method.to_owned(),
            services: options.services.clone(),
        };
        if problem.state.score.is_none() {
            problem.state.score = Some(problem.score_of_map());
        }
        Ok(problem)
    }

    /// Counts the points of a problem; its script does not run.
    ///
    /// # Errors
    /// [`LoadError`] where the XML cannot be used or a question breaks the rules of its kind.
    pub fn max_score_of(xml: &str, options: &ProblemOptions<'_>) -> Result<i64, LoadError> {
        LoncapaProblem::max_score_of(xml, options)
    }

    /// Grades a submission and counts it as an attempt: answers by input id, each a text, a list or an object.
    ///
    /// # Errors
    /// [`GradeError`]; then the answers are kept, but nothing is graded and the attempt does not count.
    pub fn grade(&mut self, answers: &Answers) -> Result<Outcome, GradeError> {
        self.state.student_answers_history.push(json!(answers));
        let verdicts = self.attempt(answers, &Files::new())?;
        let (usage, words) = (self.engine.usage().to_string(), self.services.words());
        Ok(Outcome {
            correct_map: match self.state.correct_map.to_json() {
                Json::Object(entries) => entries,
                _ => Map::new(),
            },
            overall_message: self.state.correct_map.overall_message.clone(),
            score: self.score_of_map(),
            hint_events: verdicts
                .feedback
                .iter()
                .map(|(response, tag, feedback)| feedback.event(&usage, response, tag, &words))
                .collect(),
        })
    }

    /// Grades answers that stand in the history already.
    pub(super) fn attempt(&mut self, answers: &Answers, files: &Files) -> Result<Verdicts, GradeError> {
        // Answers are kept whatever grading says of them.
        self.state.student_answers.clone_from(answers);
        self.state.has_saved_answers = false;
        let (attempt, old_map) = (self.state.attempts + 1, &self.state.correct_map);
        match self.engine.grade(answers, attempt, old_map, files) {
            Ok(verdicts) => {
                self.count(&verdicts);
                Ok(verdicts)
            }
            Err(error) => {
                self.set_score(Some(self.score_of_map()));
                Err(error)
            }
        }
    }

    fn count(&mut self, verdicts: &Verdicts) {
        self.state.correct_map.clone_from(&verdicts.map);
        self.state.correct_map_history.push(self.state.correct_map.to_json());
        self.state.done = true;
        self.state.attempts += 1;
        self.state.last_submission_time = json!(self.services.now.to_rfc3339_opts(SecondsFormat::Secs, true));
        self.state.score_history.push(self.score_of_map());
        let counted = by_method(&self.grading_method, &self.state.score_history, self.engine.max_score());
        self.set_score(counted);
    }

    /// Keeps a score; one of the same points stays as it is stored, be its numbers whole or floats.
    fn set_score(&mut self, score: Option<Score>) {
        let points = |score: &Option<Score>| score.as_ref().map(|score| (score.earned(), score.possible()));
        if points(&score) != points(&self.state.score) {
            self.state.score = score;
        }
    }

    /// Keeps answers without grading them.
    pub fn save(&mut self, answers: &Answers) {
        self.state.student_answers.clone_from(answers);
        self.state.has_saved_answers = true;
        self.set_score(Some(self.score_of_map()));
    }

    /// Makes answers of the fields of a form: `input_ID`, `input_ID[]` for lists, `input_ID{}` for JSON.
    ///
    /// # Errors
    /// What is wrong, in the platform's words.
    pub fn read_form(fields: &[(String, String)]) -> Result<Answers, String> {
        submission::answers(fields)
    }

    /// Returns the learner's score.
    #[must_use]
    pub fn score(&self) -> Score {
        self.state.score.clone().unwrap_or_else(|| self.score_of_map())
    }

    /// Returns the score that the verdicts at hand give, whichever attempt counts.
    pub(super) fn score_of_map(&self) -> Score {
        self.score_of(&self.state.correct_map)
    }

    /// Returns the score that verdicts give.
    pub(super) fn score_of(&self, map: &CorrectMap) -> Score {
        let is_whole =
            map.entries().all(|(_, entry)| entry.npoints.as_ref().is_none_or(|points| points.is_i64()));
        let points = map.points();
        #[expect(clippy::cast_possible_truncation, reason = "the sum of whole points is whole")]
        let earned = if is_whole { json!(points as i64) } else { number::write(points) };
        Score { earned, possible: json!(self.engine.max_score()) }
    }

    /// Returns the points all questions together are worth.
    #[must_use]
    pub fn max_score(&self) -> i64 {
        self.engine.max_score()
    }

    /// Returns the right answers by input id, and the solutions by theirs, as they are shown to learners: texts of HTML,
    /// or lists of choices.
    #[must_use]
    pub fn question_answers(&self) -> Map<String, Json> {
        self.engine.question_answers()
    }

    /// Returns the right answers by input id.
    #[must_use]
    pub fn correct_answers(&self) -> Map<String, Json> {
        let responses = self.engine.responses.iter();
        responses.flat_map(|response| response.correct_answers().iter().cloned()).collect()
    }

    /// Renders the questions with the learner's answers and what grading said of them.
    #[must_use]
    pub fn html(&self) -> String {
        self.html_with(true, self.services.is_author_mode)
    }

    /// Renders the questions; verdicts stand there only where they may be shown, and why something does not work only for
    /// those who may read it.
    pub(super) fn html_with(&self, correctness_available: bool, tells_causes: bool) -> String {
        let state = &self.state;
        let shown = Shown {
            answers: &state.student_answers,
            map: &state.correct_map,
            has_saved_answers: state.has_saved_answers,
            correctness_available,
            done: state.done,
            input_state: &state.input_state,
            now: self.services.now,
            tells_causes,
        };
        render::html(&self.engine, shown)
    }

    /// Returns the learner's state in its stored form.
    #[must_use]
    pub fn state(&self) -> Json {
        self.state.to_json()
    }

    /// Returns the names of the problem with their values, as its script left them. Integers beyond 64 bits are
    /// `{"__int__": "digits"}`.
    #[must_use]
    pub fn context(&self) -> Map<String, Json> {
        self.engine.context.to_globals()
    }

    /// Returns the hints learners can ask for, as HTML.
    #[must_use]
    pub fn demand_hints(&self) -> Vec<String> {
        let mut substitute = self.engine.context.substitution();
        let hints = self.engine.demand_hints().into_iter();
        hints.map(|hint| substitute(&hint).unwrap_or(hint)).collect()
    }

    /// Lists the inputs in the order of the questions.
    #[must_use]
    pub fn inputs(&self) -> Vec<ProblemInput> {
        let inputs = self.engine.responses.iter().flat_map(|response| {
            response.inputs.iter().map(|input| ProblemInput {
                id: input.id.clone(),
                tag: input.tag.clone(),
                response_tag: response.tag.clone(),
                label: input.label.label.clone(),
            })
        });
        inputs.collect()
    }

    /// Returns how answers were rearranged, by input id: `[kind, names as they are shown]`.
    #[must_use]
    pub fn permutation(&self) -> Map<String, Json> {
        let permutations = self.engine.permutations.iter();
        permutations
            .map(|(id, permutation)| (id.clone(), json!([permutation.kind, permutation.names])))
            .collect()
    }

    /// Describes answers for the event log, with what grading said of them; the variant is the seed, or empty where
    /// there is one variant only. Nothing is said where an answer names a choice there is not.
    #[must_use]
    pub fn submission_metadata(&self, answers: &Answers, variant: &Json) -> Json {
        submission::metadata(self, answers, variant)
    }

    /// Returns the number the variant comes from.
    #[must_use]
    pub fn seed(&self) -> i64 {
        self.state.seed.unwrap_or(1)
    }

    /// Returns what the host offers.
    pub(super) fn services(&self) -> &ProblemServices {
        &self.services
    }

    /// Puts answers into words, those of the learner or any others (capa reference, section 7.11).
    #[must_use]
    pub fn report(&self, answers: &Answers) -> Vec<ReportRow> {
        report::rows(&self.engine, answers)
    }

    /// Says what grading needs that the services do not offer, once for each reason, as sentences without a full stop:
    /// for authors and course staff.
    #[must_use]
    pub fn needs(&self) -> Vec<String> {
        self.engine.needs()
    }
}
