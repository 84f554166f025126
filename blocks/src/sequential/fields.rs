//! Field groups that the containers of a course share (blocks reference, section 9.1).

use xblock_core::block::FieldGroup;

/// The fields of everything that holds a sequence of blocks.
#[derive(FieldGroup)]
#[field(position: Option<Integer>, scope = user_state, help = "Where the learner was last, counted from 1.")]
#[field(due: Option<Date>, scope = settings, display_name = "Due Date", help = "When the work is due.")]
#[field(relative_weeks_due: Option<Integer>, scope = settings, display_name = "Number of Relative Weeks Due By",
    help = "How many weeks after a learner's start the work is due.")]
#[field(hide_after_due: Boolean = false, scope = settings, display_name = "Hide sequence content After Due Date",
    help = "Whether learners no longer see the content once the due date has passed.")]
#[field(is_entrance_exam: Boolean = false, scope = settings, display_name = "Is Entrance Exam",
    help = "Whether this holds the course's entrance exam.")]
#[derive(Debug, Clone, Copy)]
pub struct SequenceFields;

/// The fields of what can be a timed or proctored exam.
#[derive(FieldGroup)]
#[field(is_time_limited: Boolean = false, scope = settings, display_name = "Is Time Limited",
    help = "Whether learners have a limited time from their start.")]
#[field(default_time_limit_minutes: Option<Integer> = null, scope = settings, display_name = "Time Limit in Minutes",
    help = "How many minutes learners have.")]
#[field(is_proctored_enabled: Boolean = false, scope = settings, display_name = "Is Proctoring Enabled",
    help = "Whether this is a proctored exam.")]
#[field(exam_review_rules: String = "", scope = settings, display_name = "Software Secure Review Rules",
    help = "What the proctors are told to watch for.")]
#[field(is_practice_exam: Boolean = false, scope = settings, display_name = "Is Practice Exam",
    help = "Whether the exam is for practice.")]
#[field(is_onboarding_exam: Boolean = false, scope = settings, display_name = "Is Onboarding Exam",
    help = "Whether the exam checks a learner's set-up for proctoring.")]
#[derive(Debug, Clone, Copy)]
pub struct ProctoringFields;
