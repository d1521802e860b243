//! Stops a request from reaching a page that nobody has named, where an application holds personal data.
//!
//! A **route map** says what each route of a tenant's application is for: `public`, `auth`, `record`, `export`, `admin`,
//! `privilege`, `destructive` (see [`RouteClass`](rempart_guard::RouteClass)). [`RoutesLayer`] puts the class of a
//! request's route into its extensions, where later controls find it: they guard an export differently than a picture. A
//! tenant that holds personal data must name what it shows: a route that is in no class is refused.
//!
//! # In axum, without the edge
//!
//! ```
//! use axum::{Extension, Router, body::Body, routing::get};
//! use http::{Request, StatusCode};
//! use rempart_guard::{Reporter, RouteClass};
//! use rempart_records::{RoutesLayer, RoutesPolicy, RoutesSettings};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let settings = RoutesSettings {
//!     public: vec!["/".into()],
//!     record: vec!["GET /files/{id}".into()],
//!     ..Default::default()
//! };
//! let policy = RoutesPolicy::new(settings, true).unwrap();
//! let app: Router = Router::new()
//!     .route("/files/{id}", get(async |Extension(class): Extension<RouteClass>| class.to_string()))
//!     .route("/debug", get(async || "every file there is"))
//!     .layer(RoutesLayer::new(policy, Reporter::silent()));
//!
//! let ask = |path: &str| app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
//! let passes = ask("/files/17").await.unwrap();
//! assert_eq!(passes.status(), StatusCode::OK);
//! assert_eq!(axum::body::to_bytes(passes.into_body(), 100).await.unwrap(), "record");
//!
//! let refused = ask("/debug").await.unwrap();
//! assert_eq!(refused.status(), StatusCode::NOT_FOUND, "nobody has named it");
//! # }
//! ```
//!
//! # What it refuses
//!
//! `route_unmapped`, 404: a request whose route is in no class, when [`unmapped`](RoutesSettings::unmapped) is `refuse`.
//! That is the default of a tenant with personal data; without it the default is `pass`, and the map only classifies.
//!
//! Paths are read as every known kind of server reads them ([`RoutePath`](rempart_guard::RoutePath)). Of all classes that
//! one of the readings takes, the **strictest** holds, in the order above: `/admin/..;/` is an `admin` route although
//! Tomcat would show the home page. And *each* reading must have a class, or the request is unmapped:
//! otherwise `/public/..%2fdebug` would pass as a public page.
//!
//! Under `report` nothing is refused, and the class is there all the same.
//!
//! # What it cannot stop
//!
//! - What a named route does besides: an `index.php?action=delete` is one route here. Routes are paths and methods; a class
//!   by parameter or body is not there yet, so name such a route by the strictest thing that it does.
//! - A pattern that is too wide. `public = ["/*"]` names every page that the application has, and those that it has by
//!   mistake. [`RoutesPolicy::gaps`] tells of it.
//!
//! # Behind another proxy
//!
//! The path is that of the request as it comes. A proxy outside that rewrites paths shows this layer the rewritten ones; one
//! between it and the application makes the map speak of other pages than the application sees.
//!
//! # Bounds
//!
//! A tenant with no map whose unmapped routes pass has no such layer in its stack. With one, a request is compared with at
//! most all patterns of the map, segment by segment, and nothing is allocated for a plain path but the extension.

mod changes;
mod guard;
mod policy;
mod refusal;
mod settings;

#[cfg(test)]
mod tests;

pub use guard::{RouteClasses, Routes, RoutesLayer, UnmappedRoutes};
pub use policy::{RoutesPolicy, Unmapped};
pub use refusal::RouteUnmapped;
pub use settings::RoutesSettings;
