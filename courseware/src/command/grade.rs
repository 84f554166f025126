//! `courseware grade`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blocks::problem::{Problem, ProblemOptions, ProblemServices};
use chrono::Utc;
use clap::Args;
use courseware::PackageError;
use serde_json::{Value, json};
use xblock_core::keys::UsageKey;

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Grades answers to a problem in a file and prints the correct map as JSON. A wrong answer is no error.
///
/// Scripts run in a cage.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The problem's XML.
    problem: PathBuf,
    /// An answer, by the id of its input or the end of it: p_2_1=choice_2 or 2_1=choice_2. An id given several times is a
    /// list of choices, ID[]=VALUE is a list of one, ID{}=JSON any JSON. What the author's code grades is sent empty where
    /// no answer is given, as a page does.
    #[arg(long = "answer", value_name = "ID=VALUE")]
    answers: Vec<String>,
    /// The number the variant comes from, where the state holds none.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    seed: i64,
    /// What ids begin with; by default the problem's url_name, else the name of its file.
    #[arg(long, value_name = "ID")]
    problem_id: Option<String>,
    /// A JSON file with the learner's state, as it is stored.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The modules that scripts may import.
    #[arg(long, value_name = "PYTHON_LIB.ZIP")]
    library: Option<PathBuf>,
    /// Where the files are that the problem includes.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Print besides the correct map the score, the state, the right answers, the names of the script and the HTML.
    #[arg(long)]
    full: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let xml = String::from_utf8_lossy(&read(&arguments.problem)?).into_owned();
    let state = arguments.state.as_deref().map(|path| -> Result<Value, CommandError> {
        serde_json::from_slice(&read(path)?)
            .map_err(|source| CommandError::NoJson { path: path.to_owned(), source })
    });
    let state = state.transpose()?;
    let library = arguments.library.as_deref().map(read).transpose()?.map(Arc::from);
    let files = |path: &str| {
        let folder = arguments.files.as_deref()?;
        // Includes name files below the folder.
        let is_below =
            Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        is_below.then(|| std::fs::read(folder.join(path)).ok()).flatten()
    };
    let mut options = ProblemOptions::new(usage(arguments, &xml)?);
    options.seed = Some(arguments.seed);
    options.state = state.as_ref();
    options.files = Some(&files);
    options.services = ProblemServices {
        sandbox: Some(surroundings.sandbox()),
        python_lib: library,
        now: Utc::now(),
        is_author_mode: true,
        ..ProblemServices::default()
    };
    let mut problem = Problem::load(&xml, options)
        .map_err(|error| CommandError::ProblemLoad { path: arguments.problem.clone(), error })?;
    let answers = Problem::read_form(&fields(&arguments.answers, &problem)?)
        .map_err(|reason| CommandError::BadAnswers { reason })?;
    let outcome = problem.grade(&answers).map_err(CommandError::Grade)?;
    if arguments.full {
        console.document(&json!({
            "correct_map": outcome.correct_map,
            "overall_message": outcome.overall_message,
            "score": { "earned": outcome.score.earned(), "possible": problem.max_score() },
            "correct_answers": problem.correct_answers(),
            "context": problem.context(),
            "html": problem.html(),
            "state": problem.state(),
        }))?;
    } else {
        console.document(&outcome.correct_map)?;
    }
    Ok(Exit::Done)
}

/// Reads a file that was named.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::NotFound => PackageError::NotFound { path }.into(),
            _ => PackageError::Io { action: "read", path, source }.into(),
        }
    })
}

/// Names the problem, which stands in no course.
fn usage(arguments: &Arguments, xml: &str) -> Result<UsageKey, CommandError> {
    let of_file = || arguments.problem.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let id = arguments.problem_id.clone().or_else(|| url_name(xml)).or_else(of_file).unwrap_or_default();
    format!("block-v1:course+of+nobody+type@problem+block@{id}")
        .parse()
        .map_err(|source| CommandError::BadProblemId { id, source })
}

fn url_name(xml: &str) -> Option<String> {
    use xblock_core::olx::{Document, ParseOptions};

    let document = Document::parse("problem.xml".into(), xml.as_bytes(), &ParseOptions::default()).ok()?;
    document.root.get("url_name").filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Makes the fields of a form of the answers, as a page would send them.
fn fields(texts: &[String], problem: &Problem) -> Result<Vec<(String, String)>, CommandError> {
    let mut pairs = Vec::new();
    for text in texts {
        match text.split_once('=') {
            Some((id, value)) if !id.is_empty() => pairs.push((id, value)),
            _ => return Err(CommandError::BadAnswer { text: text.clone() }),
        }
    }
    let inputs = problem.inputs();
    let fields = pairs.iter().map(|(id, value)| {
        let id = id.strip_prefix("input_").unwrap_or(id);
        let bare = id.trim_end_matches("[]").trim_end_matches("{}");
        let is_meant = |full: &str| full == bare || full.ends_with(&format!("_{bare}"));
        let Some(input) = inputs.iter().find(|input| is_meant(&input.id)) else {
            let known = inputs.iter().map(|input| input.id.clone()).collect::<Vec<_>>().join(", ");
            return Err(CommandError::NoSuchInput { id: bare.to_owned(), known });
        };
        let form = &id[bare.len()..];
        let is_list =
            input.tag == "checkboxgroup" || pairs.iter().filter(|(other, _)| other == &id).count() > 1;
        let form = if form.is_empty() && is_list { "[]" } else { form };
        Ok((format!("input_{}{form}", input.id), (*value).to_owned()))
    });
    let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
    for input in
        inputs.iter().filter(|input| ["customresponse", "symbolicresponse"].contains(&&*input.response_tag))
    {
        let field = format!("input_{}", input.id);
        if !fields.iter().any(|(name, _)| name.trim_end_matches("[]").trim_end_matches("{}") == field) {
            fields.push((field, String::new()));
        }
    }
    Ok(fields)
}
