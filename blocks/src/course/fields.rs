//! The fields of a course (blocks reference, section 9.4), advanced settings included.

use xblock_core::block::FieldGroup;

/// The settings of a whole course.
#[derive(FieldGroup)]
#[field(advanced_modules: List, scope = settings, display_name = "Advanced Module List",
    help = "The block types beyond the usual ones that authors may add.")]
#[field(advertised_start: Option<String>, scope = settings, display_name = "Course Advertised Start",
    help = "What to show as the start of the course instead of its date.")]
#[field(allow_anonymous: Boolean = true, scope = settings, display_name = "Allow Anonymous Discussion Posts",
    help = "Whether learners can post without showing their name to anybody.")]
#[field(allow_anonymous_to_peers: Boolean = false, scope = settings,
    display_name = "Allow Anonymous Discussion Posts to Peers",
    help = "Whether learners can post without showing their name to other learners.")]
#[field(allow_proctoring_opt_out: Boolean = false, scope = settings, display_name = "Allow Opting Out of Proctored Exams",
    help = "Whether learners can take proctored exams without proctoring.")]
#[field(allow_public_wiki_access: Boolean = false, scope = settings, display_name = "Allow Public Wiki Access",
    help = "Whether people who are not enrolled can see the wiki.")]
#[field(allow_unsupported_xblocks: Boolean = false, scope = settings, display_name = "Add Unsupported Problems and Tools",
    help = "Whether authors may add blocks the platform does not support.")]
#[field(announcement: Option<Date>, scope = settings, display_name = "Course Announcement Date",
    help = "When the course is announced.")]
#[field(banner_image: String = "images_course_image.jpg", scope = settings, display_name = "Course Banner Image",
    help = "The file of the banner image.")]
#[field(catalog_visibility: String = "both", scope = settings, display_name = "Course Visibility In Catalog",
    values = {"Both": "both", "About": "about", "None": "none"},
    help = "Where the course is listed: in the catalogue and on its about page, only there, or nowhere.")]
#[field(ccx_connector: String = "", scope = settings, display_name = "CCX Connector URL",
    help = "Where coaches apply for a custom course.")]
#[field(cert_html_view_enabled: Boolean = true, scope = settings, display_name = "Certificate Web/HTML View Enabled",
    help = "Whether certificates are shown as web pages.")]
#[field(cert_html_view_overrides: Dict, scope = settings, display_name = "Certificate Web/HTML View Overrides",
    help = "What to show on certificates instead of the platform's texts.")]
#[field(cert_name_long: String = "", scope = settings, display_name = "Certificate Name (Long)",
    help = "What certificates are called in full.")]
#[field(cert_name_short: String = "", scope = settings, display_name = "Certificate Name (Short)",
    help = "What certificates are called in short.")]
#[field(certificate_available_date: Option<Date>, scope = content, display_name = "Certificate Available Date",
    help = "When learners get their certificates.")]
#[field(certificates: Dict, scope = settings, display_name = "Certificate Configuration",
    help = "The certificates of the course and who signs them.")]
#[field(certificates_display_behavior: String = "end", scope = settings, display_name = "Certificates Display Behavior",
    help = "When certificates are shown to learners.")]
#[field(certificates_show_before_end: Boolean = false, scope = settings,
    display_name = "Certificates Downloadable Before End",
    help = "Whether learners can download certificates before the course ends.", deprecated)]
#[field(cohort_config: Dict, scope = settings, display_name = "Cohort Configuration",
    help = "How learners are divided into cohorts.")]
#[field(cosmetic_display_price: Integer = 0, scope = settings, display_name = "Cosmetic Course Display Price",
    help = "The price to show, whatever is charged.")]
#[field(course_edit_method: String = "Studio", scope = settings, display_name = "Course Editor",
    help = "How the course is edited.", deprecated)]
#[field(course_image: String = "images_course_image.jpg", scope = settings, display_name = "Course About Page Image",
    help = "The file of the course image.")]
#[field(course_survey_name: Option<String> = null, scope = settings, display_name = "Pre-Course Survey Name",
    help = "The survey learners take before the course.")]
#[field(course_survey_required: Boolean = false, scope = settings, display_name = "Pre-Course Survey Required",
    help = "Whether learners must take the survey before they see the course.")]
#[field(course_visibility: String = "private", scope = settings, display_name = "Course Visibility For Unenrolled Learners",
    values = {"private": "private", "public_outline": "public_outline", "public": "public"},
    help = "What people who are not enrolled can see: nothing, the outline, or everything public.")]
#[field(course_wide_css: List, scope = settings, display_name = "Course-wide Custom CSS",
    help = "Style sheets to load on every page of the course.")]
#[field(course_wide_js: List, scope = settings, display_name = "Course-wide Custom JS",
    help = "Scripts to load on every page of the course.")]
#[field(create_zendesk_tickets: Boolean = true, scope = settings, display_name = "Create Zendesk Tickets For Suspicious Proctored Exam Attempts",
    help = "Whether suspicious exam attempts are reported to the support desk.")]
#[field(css_class: String = "", scope = settings, display_name = "CSS Class for Course Reruns",
    help = "A style class shared by the runs of a course.")]
#[field(disable_progress_graph: Boolean = false, scope = settings, display_name = "Disable Progress Graph",
    help = "Whether the progress page has no graph.")]
#[field(discussion_blackouts: List, scope = settings, display_name = "Discussion Blackout Dates",
    help = "Pairs of dates between which learners cannot post.")]
#[field(discussion_link: Option<String>, scope = settings, display_name = "Discussion Forum External Link",
    help = "The forum to open instead of the platform's.")]
#[field(discussion_topics: Dict, scope = settings, display_name = "Discussion Topic Mapping",
    help = "Topics for the whole course, by name.")]
#[field(discussions_settings: Dict = {"enable_in_context": true, "enable_graded_units": false, "unit_level_visibility": true},
    scope = settings, display_name = "Discussions Plugin Settings",
    help = "Where discussions are offered in the course.")]
#[field(display_coursenumber: String = "", scope = settings, display_name = "Course Number Display String",
    help = "The course number to show instead of the one in the key.")]
#[field(display_name: Option<String> = "Empty", scope = settings, display_name = "Course Display Name",
    help = "The name of the course.")]
#[field(display_organization: Option<String>, scope = settings, display_name = "Course Organization Display String",
    help = "The organisation to show instead of the one in the key.")]
#[field(due_date_display_format: Option<String> = null, scope = settings, display_name = "Due Date Display Format",
    help = "How due dates are written.")]
#[field(enable_ccx: Boolean = false, scope = settings, display_name = "Enable CCX",
    help = "Whether coaches can make custom versions of the course.")]
#[field(enable_proctored_exams: Boolean = false, scope = settings, display_name = "Enable Proctored Exams",
    help = "Whether the course has proctored exams.")]
#[field(enable_subsection_gating: Boolean = false, scope = settings, display_name = "Enable Subsection Prerequisites",
    help = "Whether subsections can depend on others.")]
#[field(enable_timed_exams: Boolean = false, scope = settings, display_name = "Enable Timed Exams",
    help = "Whether the course has timed exams.")]
#[field(end: Option<Date>, scope = settings, display_name = "Course End Date", help = "When the course ends.")]
#[field(end_of_course_survey_url: Option<String>, scope = settings, display_name = "Course Survey URL",
    help = "The survey at the end of the course.")]
#[field(enrollment_domain: Option<String>, scope = settings, display_name = "External Login Domain",
    help = "The login service learners must use to enrol.")]
#[field(enrollment_end: Option<Date>, scope = settings, display_name = "Enrollment End Date",
    help = "When enrolment ends.")]
#[field(enrollment_start: Option<Date> = null, scope = settings, display_name = "Enrollment Start Date",
    help = "When enrolment begins.")]
#[field(entrance_exam_enabled: Boolean = false, scope = settings, display_name = "Entrance Exam Enabled",
    help = "Whether the course has an entrance exam.")]
#[field(entrance_exam_id: Option<String> = null, scope = settings, display_name = "Entrance Exam ID",
    help = "The chapter that holds the entrance exam.")]
#[field(entrance_exam_minimum_score_pct: Float = 65.0, scope = settings, display_name = "Entrance Exam Minimum Score (%)",
    help = "The score the entrance exam asks for, in percent.")]
#[field(force_on_flexible_peer_openassessments: Boolean = false, scope = settings,
    display_name = "Force Flexible Grading for Peer ORAs",
    help = "Whether all peer assessments are graded flexibly.")]
#[field(grading_policy: Dict = {
    "GRADER": [
        {"type": "Homework", "short_label": "HW", "min_count": 12, "drop_count": 2, "weight": 0.15},
        {"type": "Lab", "min_count": 12, "drop_count": 2, "weight": 0.15},
        {"type": "Midterm Exam", "short_label": "Midterm", "min_count": 1, "drop_count": 0, "weight": 0.3},
        {"type": "Final Exam", "short_label": "Final", "min_count": 1, "drop_count": 0, "weight": 0.4}
    ],
    "GRADE_CUTOFFS": {"Pass": 0.5}
}, scope = content, help = "The assignment types with their weights, and the grades.")]
#[field(hide_progress_tab: Boolean, scope = settings, display_name = "Hide Progress Tab",
    help = "Whether learners have no progress page.", deprecated)]
#[field(highlights_enabled_for_messaging: Boolean = false, scope = settings, display_name = "Highlights Enabled for Messaging",
    help = "Whether the highlights of a week are sent to learners.")]
#[field(html_textbooks: List, scope = settings, display_name = "HTML Textbooks",
    help = "Textbooks made of web pages, with their chapters.")]
#[field(instructor_info: Dict = {"instructors": []}, scope = settings, display_name = "Course Instructor",
    help = "Who teaches the course.")]
#[field(invitation_only: Boolean = false, scope = settings, display_name = "Invitation Only",
    help = "Whether only invited learners can enrol.")]
#[field(is_new: Boolean, scope = settings, display_name = "Course Is New",
    help = "Whether the course is shown as new.")]
#[field(issue_badges: Boolean = true, scope = settings, display_name = "Issue Open Badges",
    help = "Whether learners get badges.")]
#[field(language: Option<String> = null, scope = settings, display_name = "Course Language",
    help = "The language of the course.")]
#[field(learning_info: List = [], scope = settings, display_name = "Course Learning Information",
    help = "What learners will learn.")]
#[field(license: Option<String> = null, scope = content, display_name = "License",
    help = "The licence of the course's content.")]
#[field(lti_passports: List, scope = settings, display_name = "LTI Passports",
    help = "The keys and secrets of external tools, each as id:key:secret.")]
#[field(max_student_enrollments_allowed: Option<Integer>, scope = settings, display_name = "Course Maximum Student Enrollment",
    help = "How many learners can enrol.")]
#[field(minimum_grade_credit: Float = 0.8, scope = settings, display_name = "Minimum Grade for Credit",
    help = "The grade needed for credit, from 0 to 1.")]
#[field(mobile_available: Boolean = false, scope = settings, display_name = "Mobile Course Available",
    help = "Whether the course is offered in the mobile applications.")]
#[field(no_grade: Boolean = false, scope = settings, display_name = "Course Not Graded",
    help = "Whether the course is not graded.")]
#[field(other_course_settings: Dict = {}, scope = settings, display_name = "Other Course Settings",
    help = "Settings for whatever else needs some.")]
#[field(pdf_textbooks: List, scope = settings, display_name = "PDF Textbooks",
    help = "Textbooks made of PDF files, with their chapters.")]
#[field(pre_requisite_courses: List, scope = settings, display_name = "Pre-Requisite Courses",
    help = "The courses to be passed before this one.")]
#[field(proctoring_escalation_email: Option<String> = null, scope = settings,
    display_name = "Proctortrack Exam Escalation Contact",
    help = "Whom to tell when something goes wrong in a proctored exam.")]
#[field(proctoring_provider: Option<String> = null, scope = settings, display_name = "Proctoring Provider",
    help = "The service that proctors exams.")]
#[field(remote_gradebook: Dict, scope = settings, display_name = "Remote Gradebook",
    help = "The gradebook elsewhere that grades go to.")]
#[field(self_paced: Boolean = false, scope = settings, display_name = "Self Paced",
    help = "Whether learners set their own pace.")]
#[field(show_calculator: Boolean = false, scope = settings, display_name = "Show Calculator",
    help = "Whether learners have a calculator.")]
#[field(show_timezone: Boolean = true, scope = settings, display_name = "Show Timezone",
    help = "Whether dates are shown with their time zone.", deprecated)]
#[field(social_sharing_url: Option<String> = null, scope = settings, display_name = "Social Media Sharing URL",
    help = "The address that is shared in social media.")]
#[field(start: Option<Date> = "2030-01-01T00:00:00Z", scope = settings, display_name = "Course Start Date",
    help = "When the course starts.")]
#[field(tabs: CourseTabList = [], scope = settings, display_name = "Pages",
    help = "The pages of the course.")]
#[field(teams_configuration: Dict = {}, scope = settings, display_name = "Teams Configuration",
    help = "How learners form teams.")]
#[field(textbooks: TextbookList = [], scope = content, display_name = "Textbooks",
    help = "Textbooks made of page images: title and address.")]
#[field(video_sharing_options: String = "per-video", scope = settings, display_name = "Video Sharing Options",
    values = {"Per Video": "per-video", "All On": "all-on", "All Off": "all-off"},
    help = "Whether videos can be shared in social media.")]
#[field(video_thumbnail_image: String = "images_course_image.jpg", scope = settings,
    display_name = "Course Video Thumbnail Image",
    help = "The file of the image shown before the course's video.")]
#[field(video_upload_pipeline: Dict, scope = settings, display_name = "Video Upload Credentials",
    help = "How videos are uploaded.")]
#[field(wiki_slug: Option<String>, scope = content, help = "The wiki page the course begins at.")]
#[derive(Debug, Clone, Copy)]
pub struct CourseFields;
