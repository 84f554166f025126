//! Service `user`: who the learner is (XBlock's `UserService` and `XBlockUser`; blocks reference, section 12.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::block::User;
use crate::fields::Json;
use crate::keys::ContextKey;

use super::Service;

/// A user as blocks see one. Everything in it is personal data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct XBlockUser {
    /// Whether it is the user the block works for.
    pub is_current_user: bool,
    /// Mail addresses.
    pub emails: Vec<String>,
    /// The whole name.
    pub full_name: Option<String>,
    /// The name to show to others.
    pub display_name: Option<String>,
    /// Attributes a platform may add, by names such as [`UserAttribute`] lists.
    pub opt_attrs: BTreeMap<String, Json>,
}

impl XBlockUser {
    /// Returns an attribute the platform added.
    #[must_use]
    pub fn attribute(&self, attribute: UserAttribute) -> Option<&Json> {
        self.opt_attrs.get(attribute.name()).filter(|value| !value.is_null())
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with_attribute(mut self, attribute: UserAttribute, value: impl Into<Json>) -> Self {
        self.opt_attrs.insert(attribute.name().to_owned(), value.into());
        self
    }

    /// Tells whether the user is logged in; where nobody says so, the user is not.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.attribute(UserAttribute::IsAuthenticated).and_then(Json::as_bool).unwrap_or_default()
    }

    /// Returns the role in the course: `student`, `staff` or `instructor`.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.attribute(UserAttribute::UserRole).and_then(Json::as_str)
    }
}

/// The attributes edx-platform adds to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserAttribute {
    /// Whether the user is logged in.
    IsAuthenticated,
    /// The number of the account.
    UserId,
    /// The name of the account.
    Username,
    /// Whether the user is staff of the course.
    IsStaff,
    /// Whether the user is staff of the whole platform.
    IsGlobalStaff,
    /// Whether the user tests the course before others.
    IsBetaTester,
    /// The role in the course.
    UserRole,
    /// The id that says nothing of the person, another one in each course.
    AnonymousUserId,
    /// The id that says nothing of the person, the same in all courses.
    DeprecatedAnonymousUserId,
    /// The country the request came from.
    RequestCountryCode,
}

impl UserAttribute {
    /// Returns the attribute's name in `opt_attrs`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IsAuthenticated => "edx-platform.is_authenticated",
            Self::UserId => "edx-platform.user_id",
            Self::Username => "edx-platform.username",
            Self::IsStaff => "edx-platform.user_is_staff",
            Self::IsGlobalStaff => "edx-platform.user_is_global_staff",
            Self::IsBetaTester => "edx-platform.user_is_beta_tester",
            Self::UserRole => "edx-platform.user_role",
            Self::AnonymousUserId => "edx-platform.anonymous_user_id",
            Self::DeprecatedAnonymousUserId => "edx-platform.deprecated_anonymous_user_id",
            Self::RequestCountryCode => "edx-platform.request_country_code",
        }
    }
}

/// Tells who the learner is.
pub trait UserService: Send + Sync {
    /// Returns the user the block works for; nobody in particular where nobody is logged in.
    fn current_user(&self) -> XBlockUser;

    /// Returns the id that says nothing of the person, for whoever may know it: course staff.
    ///
    /// A host that keeps no such ids returns none, as does one that finds no user of the name.
    fn anonymous_user_id(&self, username: &str, context: &ContextKey) -> Option<String> {
        let _ = (username, context);
        None
    }

    /// Finds a user by the id that says nothing of the person; a host that keeps no such ids finds nobody.
    fn user_by_anonymous_id(&self, id: &str) -> Option<XBlockUser> {
        let _ = id;
        None
    }
}

impl Service for dyn UserService {
    const NAME: &'static str = "user";
}

/// The user service of a host that knows of its user what [`User`] says, and no more.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentUser(XBlockUser);

impl CurrentUser {
    /// Tells of a user, or that nobody is logged in.
    #[must_use]
    pub fn new(user: Option<&User>) -> Self {
        let mut current = XBlockUser { is_current_user: true, ..XBlockUser::default() }
            .with_attribute(UserAttribute::IsAuthenticated, user.is_some());
        if let Some(user) = user {
            // The platform's ids are numbers; a host may have others.
            let id = user.id.parse::<i64>().map_or_else(|_| Json::from(&*user.id), Json::from);
            current = current
                .with_attribute(UserAttribute::UserId, id)
                .with_attribute(UserAttribute::IsStaff, user.is_staff)
                .with_attribute(UserAttribute::UserRole, if user.is_staff { "staff" } else { "student" });
        }
        Self(current)
    }

    /// Tells of a user all that a host knows.
    #[must_use]
    pub const fn of(user: XBlockUser) -> Self {
        Self(user)
    }
}

impl UserService for CurrentUser {
    fn current_user(&self) -> XBlockUser {
        self.0.clone()
    }
}

/// Makes the service for a user in the form a host offers it in.
pub(crate) fn current_user(user: Option<&User>) -> Arc<dyn UserService> {
    Arc::new(CurrentUser::new(user))
}
