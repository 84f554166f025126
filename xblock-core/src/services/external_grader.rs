//! Service `external_grader`: graders that answer at once (capa reference, section 3.12). The platform's problems post to
//! them by themselves; here the host does, as problems do no input or output.

use super::{Service, ServiceError};

/// Posts forms to graders.
pub trait ExternalGraderService: Send + Sync {
    /// Posts a form and returns the body of the reply. Hosts bound the time this takes; the platform waits ten seconds.
    ///
    /// # Errors
    /// [`ServiceError::Failed`] where no reply came.
    fn post(&self, url: &str, form: &[(&str, String)]) -> Result<String, ServiceError>;
}

impl Service for dyn ExternalGraderService {
    const NAME: &'static str = "external_grader";
}
