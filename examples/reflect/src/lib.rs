//! `reflect`: a question to think about, answered with stars and a note.

use minijinja::{Environment, Value, context};
use serde::Deserialize;
use serde_json::json;
use xblock_core::block::{BlockContext, BlockError, Scorable, XBlock};
use xblock_core::fields::{BlockFields, Json, Score};
use xblock_core::fragment::Fragment;
use xblock_core::services::I18nService;

/// The longest note a learner can write, in bytes.
const LONGEST_NOTE: usize = 10_000;

/// A question to think about, below whatever its children show.
#[derive(XBlock)]
#[xblock(
    type = "reflect",
    icon = "problem",
    has_children,
    scorable,
    needs(dyn I18nService),
    views(student_view, public_view = student_view),
    json_handlers(answer, show_others),
    max_score = points,
)]
#[field(display_name: Option<String> = "Reflection", scope = settings, display_name = "Name", help = "Its name.")]
#[field(question: String = "What will you remember?", scope = content, display_name = "Question",
    help = "What learners are asked.")]
#[field(max_stars: Integer = 5, scope = settings, min = 2, max = 10, display_name = "Stars", help = "How many there are.")]
#[field(stars: Option<Integer>, scope = user_state, help = "How many stars the learner gave.")]
#[field(note: String = "", scope = user_state, help = "What the learner wrote.")]
#[field(earned: Option<Float>, scope = user_state, help = "The learner's score, from 0 to 1.")]
#[field(others_shown: Boolean = true, scope = preferences, help = "Whether the learner sees what others gave.")]
#[field(votes: Integer = 0, scope = user_state_summary, help = "How many learners gave stars.")]
#[field(total: Integer = 0, scope = user_state_summary, help = "How many stars they gave together.")]
pub struct ReflectBlock {
    fields: BlockFields,
}

impl ReflectBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let (i18n, given) = (context.need::<dyn I18nService>()?, self.stars()?);
        let (mut fragment, mut children) = (Fragment::default(), String::new());
        for child in context.children() {
            let rendered = context.render_child(&child.usage, "student_view");
            fragment.add_resources_of(&rendered);
            children.push_str(&rendered.content);
        }
        let star = |n: i64| {
            let label = i18n.ngettext("{} star", "{} stars", n.unsigned_abs()).replace("{}", &n.to_string());
            context! { n, label, checked => given == Some(n) }
        };
        let values = context! {
            name => self.display_name()?.as_deref(),
            question => &*self.question()?,
            stars => (1..=self.most()?).map(star).collect::<Vec<_>>(),
            note => &*self.note()?,
            others_shown => self.others_shown()?,
            average => self.average()?,
            is_open => context.user().is_some(),
            children => Value::from_safe_string(children),
            say => Value::from_function(move |text: String| i18n.gettext(&text).into_owned()),
        };
        // Values are escaped, since the template's name ends in `.html`.
        let html = Environment::new().render_named_str("reflect.html", include_str!("reflect.html"), values);
        fragment.content = html.map_err(|error| refuse(500, &error.to_string(), context))?;
        fragment.add_css(include_str!("reflect.css"));
        fragment.add_javascript(include_str!("reflect.js"));
        fragment.initialize_js("ReflectBlock", None);
        Ok(fragment)
    }

    fn answer(&self, Answer { stars, note }: Answer, context: &dyn BlockContext) -> Result<Json, BlockError> {
        context.user().ok_or_else(|| refuse(403, "Log in to answer.", context))?;
        if !(1..=self.most()?).contains(&stars) || note.len() > LONGEST_NOTE {
            return Err(refuse(400, "There are not so many stars, or the note is too long.", context));
        }
        let before = self.stars()?;
        self.set_votes(self.votes()? + i64::from(before.is_none()))?;
        self.set_total(self.total()? + stars - before.unwrap_or(0))?;
        self.set_stars(stars)?;
        self.set_note(note.trim())?;
        let score = self.calculate_score(context)?;
        self.publish_grade(&score, None, context);
        self.set_score(score)?;
        Ok(json!({ "average": self.average()? }))
    }

    fn show_others(&self, others: Others, context: &dyn BlockContext) -> Result<Json, BlockError> {
        context.user().ok_or_else(|| refuse(403, "Log in first.", context))?;
        self.set_others_shown(others.shown)?;
        Ok(json!({ "average": self.average()? }))
    }

    fn points(&self, _: &dyn BlockContext) -> Result<f64, BlockError> {
        Ok(1.0)
    }

    /// How many stars there are: a course may say anything, and a page stays short.
    fn most(&self) -> Result<i64, BlockError> {
        Ok(self.max_stars()?.clamp(2, 10))
    }

    /// The average as it is shown, where the learner wants to see it and there is one.
    fn average(&self) -> Result<Option<String>, BlockError> {
        let (votes, total) = (self.votes()?, self.total()?);
        Ok((votes > 0 && self.others_shown()?).then(|| format!("{:.1}", total as f64 / votes as f64)))
    }
}

/// What the page sends when a learner answers.
#[derive(Deserialize)]
struct Answer {
    stars: i64,
    #[serde(default)]
    note: String,
}

/// What the page sends when a learner shows or hides what others gave.
#[derive(Deserialize)]
struct Others {
    shown: bool,
}

fn refuse(status: u16, message: &str, context: &dyn BlockContext) -> BlockError {
    let i18n = context.need::<dyn I18nService>();
    let message = i18n.map_or_else(|_| message.to_owned(), |i18n| i18n.gettext(message).into_owned());
    BlockError::BadRequest { status, message }
}

impl Scorable for ReflectBlock {
    fn has_submitted_answer(&self, _: &dyn BlockContext) -> Result<bool, BlockError> {
        Ok(self.stars()?.is_some())
    }

    fn score(&self, _: &dyn BlockContext) -> Result<Option<Score>, BlockError> {
        Ok(self.earned()?.map(|earned| Score::new(earned, 1.0)))
    }

    fn set_score(&self, score: Score) -> Result<(), BlockError> {
        Ok(self.set_earned(score.earned())?)
    }

    /// Half for the stars, half for a note: it is thinking that counts.
    fn calculate_score(&self, _: &dyn BlockContext) -> Result<Score, BlockError> {
        let parts = [self.stars()?.is_some(), !self.note()?.is_empty()];
        Ok(Score::new(parts.map(|part| if part { 0.5 } else { 0.0 }).iter().sum(), 1.0))
    }
}
