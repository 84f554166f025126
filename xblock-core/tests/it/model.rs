//! The block model at work in a host: services, asides, mixins, scores, completion, views nobody wrote.

mod asides;
mod mixins;
mod sandbox_cache;
mod scores;
mod services;
mod world;
