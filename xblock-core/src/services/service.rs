//! What a service is, and the set of services a host offers.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::block::User;
use crate::keys::UsageKey;

/// Something a host offers to blocks under a name (xblock reference, section 10).
///
/// It is implemented for the *type by which blocks ask*, most often a trait object, so that a service is asked for by
/// type while declarations and Python know its name:
///
/// ```
/// use std::sync::Arc;
/// use xblock_core::services::{Service, ServiceSet};
///
/// /// Tells what the weather is like.
/// pub trait WeatherService: Send + Sync {
///     /// Returns the temperature in degrees.
///     fn temperature(&self) -> f64;
/// }
///
/// impl Service for dyn WeatherService {
///     const NAME: &'static str = "weather";
/// }
///
/// struct AlwaysMild;
///
/// impl WeatherService for AlwaysMild {
///     fn temperature(&self) -> f64 {
///         18.0
///     }
/// }
///
/// let services = ServiceSet::default().with::<dyn WeatherService>(Arc::new(AlwaysMild));
/// assert_eq!(services.names().collect::<Vec<_>>(), ["weather"]);
/// ```
pub trait Service: Send + Sync + 'static {
    /// The name under which blocks declare it.
    const NAME: &'static str;
}

/// A service whose type only the one who asks knows.
#[derive(Clone)]
pub struct AnyService {
    name: &'static str,
    service: Arc<dyn Any + Send + Sync>,
}

impl AnyService {
    /// Hides the type of a service.
    #[must_use]
    pub fn new<S: Service + ?Sized>(service: Arc<S>) -> Self {
        Self { name: S::NAME, service: Arc::new(service) }
    }

    /// Returns the service's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the service where it is one of this type.
    #[must_use]
    pub fn get<S: Service + ?Sized>(&self) -> Option<Arc<S>> {
        self.service.downcast_ref::<Arc<S>>().cloned()
    }
}

impl fmt::Debug for AnyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyService").field(&self.name).finish()
    }
}

/// For which block, and before whom, a service is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ServiceRequest<'r> {
    /// The block, or the aside.
    pub usage: &'r UsageKey,
    /// The user the block works for.
    pub user: Option<&'r User>,
}

type Factory = dyn Fn(&ServiceRequest<'_>) -> Option<AnyService> + Send + Sync;

#[derive(Clone)]
enum Entry {
    Shared(AnyService),
    PerBlock(Arc<Factory>),
}

/// The services a host offers, each under its name.
#[derive(Clone, Default)]
pub struct ServiceSet {
    entries: Arc<BTreeMap<&'static str, Entry>>,
}

impl ServiceSet {
    /// Offers a service to every block, in place of one that was offered under its name.
    #[must_use]
    pub fn with<S: Service + ?Sized>(self, service: Arc<S>) -> Self {
        self.with_entry(S::NAME, Entry::Shared(AnyService::new(service)))
    }

    /// Offers a service that is made for each block that asks, as the platform calls services that are callable; where
    /// the function returns none, the block is told that there is no such service.
    #[must_use]
    pub fn with_factory<S: Service + ?Sized>(
        self,
        make: impl Fn(&ServiceRequest<'_>) -> Option<Arc<S>> + Send + Sync + 'static,
    ) -> Self {
        let make = move |request: &ServiceRequest<'_>| make(request).map(AnyService::new);
        self.with_entry(S::NAME, Entry::PerBlock(Arc::new(make)))
    }

    fn with_entry(mut self, name: &'static str, entry: Entry) -> Self {
        Arc::make_mut(&mut self.entries).insert(name, entry);
        self
    }

    /// Finds a service by its name.
    #[must_use]
    pub fn find(&self, name: &str, request: &ServiceRequest<'_>) -> Option<AnyService> {
        match self.entries.get(name)? {
            Entry::Shared(service) => Some(service.clone()),
            Entry::PerBlock(make) => make(request),
        }
    }

    /// Lists the names under which something is offered.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.keys().copied()
    }
}

impl fmt::Debug for ServiceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Which services the blocks of a class ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeclaredServices {
    /// Without these the blocks do not work.
    pub needs: &'static [&'static str],
    /// Without these the blocks do less.
    pub wants: &'static [&'static str],
}

impl DeclaredServices {
    /// No services.
    pub const NONE: Self = Self { needs: &[], wants: &[] };

    /// Returns how much a service is asked for.
    #[must_use]
    pub fn demand(&self, service: &str) -> Demand {
        if self.needs.contains(&service) {
            Demand::Needed
        } else if self.wants.contains(&service) {
            Demand::Wanted
        } else {
            Demand::Undeclared
        }
    }
}

/// How much a class asks for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// It did not say that it uses the service, so it does not get it.
    Undeclared,
    /// It uses the service where there is one.
    Wanted,
    /// It does not work without the service.
    Needed,
}

/// Why a block does not get a service (XBlock's `NoSuchServiceError`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The block's class did not declare it.
    #[error("{block_type}: service {service} was not requested: declare it with needs(..) or wants(..)")]
    NotDeclared {
        /// The block's type.
        block_type: String,
        /// The service's name.
        service: &'static str,
    },
    /// The class needs it and the host has none.
    #[error("{block_type}: service {service} is not available")]
    NotAvailable {
        /// The block's type.
        block_type: String,
        /// The service's name.
        service: &'static str,
    },
    /// The host offers another thing under the name.
    #[error("{block_type}: service {service} is of another type than {expected}")]
    OtherType {
        /// The block's type.
        block_type: String,
        /// The service's name.
        service: &'static str,
        /// The Rust type that was asked for.
        expected: &'static str,
    },
    /// The service could not do what it was asked for.
    #[error("service {service}: {message}")]
    Failed {
        /// The service's name.
        service: &'static str,
        /// What went wrong.
        message: String,
    },
}
